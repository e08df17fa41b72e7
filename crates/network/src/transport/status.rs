//! What the network shows of itself.

use serde::Serialize;
use tally_node::ClockReading;

use crate::session::{Ban, Counters, HeavierFork, PeerStatus, RangeBan, Session, SyncStatus};

/// The network as people see it.
#[derive(Debug, Clone, Default, Serialize)]
pub struct NetworkStatus {
    /// Peers that are connected.
    pub peers: Vec<PeerStatus>,
    /// Bans of peers.
    pub bans: Vec<Ban>,
    /// Bans of address ranges.
    pub range_bans: Vec<RangeBan>,
    /// The session's clock, milliseconds: when bans end.
    pub now: u64,
    /// How far a synchronisation is, while there is one.
    pub sync: Option<SyncStatus>,
    /// A chain of more work than ours that this node cannot follow: docs/protocol.md#Q5
    pub heavier_fork: Option<HeavierFork>,
    /// The greatest height that a peer claims, or this node's where that is higher.
    pub best_height: u64,
    /// This machine's clock beside those of its peers, if enough of them are known.
    pub clock: Option<ClockReading>,
    /// What was counted since the start.
    pub counters: Counters,
    /// Bytes of frames to all peers that are still to be written.
    pub unread_bytes: usize,
    /// What discovery has found.
    pub found: Found,
}

impl NetworkStatus {
    pub(super) fn of(session: &Session) -> Self {
        Self {
            peers: session.peers().collect(),
            bans: session.bans().cloned().collect(),
            range_bans: session.range_bans().cloned().collect(),
            now: session.now(),
            sync: session.sync_status(),
            heavier_fork: session.heavier_fork().cloned(),
            best_height: session.best_height().0,
            clock: session.clock(),
            counters: session.counters().clone(),
            unread_bytes: session.unread_bytes(),
            found: Found::default(),
        }
    }
}

/// What is known of nodes that no operator named.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Found {
    /// Addresses that may be dialled.
    pub addresses: u64,
    /// Addresses that others announced and that are not dialled: docs/protocol.md#N10
    pub refused: u64,
    /// Rounds of requests for other nodes.
    pub rounds: u64,
}
