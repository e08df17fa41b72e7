//! Whose chain is looked at next: inbound peers, however many, do not take all places. Rules:
//! docs/protocol.md#N6, #Q5

use std::cmp::Reverse;

use tally_chain::Weight;

use crate::session::name::PeerName;
use crate::session::peer::Peer;
use crate::session::state::Session;

impl Session {
    /// Whether a connected peer was dialled by this node.
    pub(crate) fn is_outbound(&self, name: &PeerName) -> bool {
        self.peers.get(name).is_some_and(|peer| peer.outbound)
    }

    /// Whether all that run are of inbound peers, and an outbound one is able.
    pub(crate) fn wants_outbound(&self, running: &[PeerName], able: impl Fn(&Peer) -> bool) -> bool {
        let none = !running.is_empty() && !running.iter().any(|name| self.is_outbound(name));
        none && self.peers.values().any(|peer| peer.outbound && able(peer))
    }

    /// Whom to try next beside `running`, of those that are able: first those that failed least, then outbound
    /// ones, then those that claim most. One of several is an outbound peer, and the last of `max` is the one
    /// that has proven most.
    pub(crate) fn choose_source(
        &self,
        running: &[PeerName],
        max: usize,
        able: impl Fn(&Peer) -> bool,
    ) -> Option<(PeerName, Weight)> {
        let (now, clock) = (self.now, self.node.now());
        let may = |peer: &Peer| peer.may_follow(now, clock) && able(peer);
        let wants_outbound = self.wants_outbound(running, may);
        let last = running.len() + 1 >= max;
        let candidates = self
            .peers
            .iter()
            .filter(|(name, peer)| may(peer) && !running.contains(name) && (peer.outbound || !wants_outbound));
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
