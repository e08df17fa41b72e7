//! Whose chain is looked at next: peers that come by themselves, however many, do not take all places. Rules:
//! docs/protocol.md#N6, #Q5

use std::cmp::Reverse;

use tally_chain::Weight;

use super::peer::Peer;
use super::{Network, PeerName};

impl Network {
    /// Whether this node called a peer that is connected.
    pub(super) fn has_called(&self, name: &PeerName) -> bool {
        self.peers.get(name).is_some_and(|peer| peer.outbound)
    }

    /// Whether all that run are of peers that came by themselves, and one that this node called is able.
    pub(super) fn wants_called(&self, running: &[PeerName], able: impl Fn(&Peer) -> bool) -> bool {
        let none = !running.is_empty() && !running.iter().any(|name| self.has_called(name));
        none && self.peers.values().any(|peer| peer.outbound && able(peer))
    }

    /// Whom to try next beside `running`, of those that are able: first those that failed least, then those that this node
    /// called, then those that claim most. One of several is a peer that this node called, and the last of `max` is the one
    /// that has proven most.
    pub(super) fn choose_source(
        &self,
        running: &[PeerName],
        max: usize,
        able: impl Fn(&Peer) -> bool,
    ) -> Option<(PeerName, Weight)> {
        let (now, clock) = (self.now, self.node.now());
        let may = |peer: &Peer| peer.may_follow(now, clock) && able(peer);
        let wants_called = self.wants_called(running, may);
        let last = running.len() + 1 >= max;
        let candidates = self
            .peers
            .iter()
            .filter(|(name, peer)| may(peer) && !running.contains(name) && (peer.outbound || !wants_called));
        let chosen = candidates.min_by_key(|(_, peer)| {
            let proven = last && peer.blocks_sent > 0;
            let since = if last { peer.connected } else { 0 };
            (
                peer.backoff.failures(),
                !proven,
                since,
                !peer.outbound,
                Reverse(peer.weight()),
            )
        });
        chosen.map(|(name, peer)| (name.clone(), peer.weight()))
    }
}
