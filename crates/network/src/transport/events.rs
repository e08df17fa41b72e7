//! What the parts of the transport send each other: tasks to the thread that owns the session, that thread to the swarm.

use ipnet::IpNet;
use libp2p::Multiaddr;

use super::link::{PeerSender, Received};
use crate::session::PeerName;
use crate::session::offence::Offence;
use crate::session::peers::range::Origin;

/// What tasks send the thread that owns the session.
pub(super) enum DriverEvent {
    Connected {
        name: PeerName,
        outbound: bool,
        origin: Origin,
        link: u64,
        sender: PeerSender,
    },
    Frame {
        name: PeerName,
        link: u64,
        frame: Received,
    },
    Broken {
        name: PeerName,
        link: u64,
        offence: Offence,
    },
    /// The substream is closed.
    Disconnected {
        name: PeerName,
        link: u64,
    },
    /// The operator has named a peer that is connected, or does so no more.
    OriginChanged {
        name: PeerName,
        origin: Origin,
    },
    /// A command of the operator, and where its outcome goes once it is done.
    Command(OperatorCommand, tokio::sync::oneshot::Sender<bool>),
    /// The node has news, or there is room for more frames: the session looks at the time.
    Wake,
    Stop,
}

/// What an operator can do with peers.
pub(super) enum OperatorCommand {
    Ban { name: PeerName, secs: u64, reason: String },
    Unban { name: PeerName },
    BanRange { range: IpNet, secs: u64, reason: String },
    UnbanRange { range: IpNet },
    End { name: PeerName, reason: String },
}

/// What the session's thread and the operator send the swarm.
pub(super) enum SwarmCommand {
    /// Dial an address, now and whenever it is not connected.
    Dial(Multiaddr),
    Forget(PeerName),
    Disconnect(PeerName),
    /// A peer has sent hello as a node of this chain.
    Greeted(PeerName),
}
