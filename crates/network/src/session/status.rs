//! What a session shows of itself.

use tally_chain::Height;
use tally_node::Node;

use super::peer::PeerStatus;
use super::state::{Counters, Session};
use super::sync::attempt::SyncStatus;

impl Session {
    /// The session's clock: the last moment that the driver named, milliseconds.
    pub fn now(&self) -> u64 {
        self.now
    }

    /// What was counted since the start.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The node that the session is of.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// All peers, by name.
    pub fn peers(&self) -> impl Iterator<Item = PeerStatus> + '_ {
        let clock = self.node.now();
        self.peers.iter().map(move |(name, peer)| PeerStatus {
            name: name.clone(),
            outbound: peer.outbound,
            connected_secs: self.now.saturating_sub(peer.connected) / 1_000,
            height: peer.claim.map(|claim| claim.height),
            agent: peer.agent.clone(),
            latency_ms: peer.latency,
            clock_offset_secs: peer.clock_offset,
            score: peer.score.at(self.now),
            ahead_secs: peer.ahead.and_then(|ahead| ahead.at.0.checked_sub(clock.0)),
            traffic: peer.traffic,
        })
    }

    /// How far the running synchronisation is, once headers have shown that there is more than our chain.
    pub fn sync_status(&self) -> Option<SyncStatus> {
        let checkpoint = self.checkpoint_sync.as_ref().map(|sync| sync.status(self.now));
        let walking = || self.walks.first().map(|walk| walk.status(self.now));
        // Of several the one that came furthest. Headers with less total work than our chain cost nothing, and are no reason to
        // report that this node is behind.
        let ours = self.weight();
        let ripe = || self.syncs.iter().filter(|sync| sync.is_ripe(ours));
        let sync = || ripe().max_by_key(|sync| (sync.imported, sync.shown()));
        checkpoint
            .or_else(walking)
            .or_else(|| sync().map(|sync| sync.status(self.now)))
    }

    /// The greatest height that a peer claims, or ours if that is higher.
    pub fn best_height(&self) -> Height {
        let ours = self.node.tip().record.height();
        let theirs = self
            .peers
            .values()
            .filter_map(|peer| peer.claim)
            .map(|claim| claim.height)
            .max();
        theirs.map_or(ours, |theirs| theirs.max(ours))
    }
}
