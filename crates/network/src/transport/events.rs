//! What the parts of the transport send each other: tasks to the thread that owns the session, that thread to the swarm.

use ipnet::IpNet;
use libp2p::Multiaddr;

use super::link::{Received, Way};
use crate::session::PeerName;
use crate::session::offence::Offence;
use crate::session::peers::range::Origin;

/// What the tasks tell the thread.
pub(super) enum Heard {
    Connected {
        name: PeerName,
        outbound: bool,
        origin: Origin,
        link: u64,
        way: Way,
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
    Gone {
        name: PeerName,
        link: u64,
    },
    /// The operator has named a peer that is connected, or does so no more.
    Placed {
        name: PeerName,
        origin: Origin,
    },
    /// What the operator asks, and whom to tell that it is done: what it did.
    Asked(Asked, tokio::sync::oneshot::Sender<bool>),
    News,
    Stop,
}

/// What the operator may ask.
pub(super) enum Asked {
    Ban { name: PeerName, secs: u64, reason: String },
    Unban { name: PeerName },
    BanRange { range: IpNet, secs: u64, reason: String },
    UnbanRange { range: IpNet },
    End { name: PeerName, reason: String },
}

/// What the wires are told to do.
pub(super) enum Order {
    Call(Multiaddr),
    Forget(PeerName),
    Close(PeerName),
    /// A peer has said hello as a node of this chain.
    Greeted(PeerName),
}
