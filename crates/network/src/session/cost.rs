//! What answers cost this node: bytes read from its store. A short question may cost much, so that their number is no limit.
//! Each host has an allowance that comes back with time; a question beyond it waits, without points: a fast peer that
//! synchronises is no offender. Rule: docs/protocol.md#N8

use std::collections::BTreeMap;

use super::budget::Budget;
use super::{Network, PeerName};
use crate::session::peers::range::Host;
use crate::wire::limits::{COST_A_SECOND, COST_AT_ONCE};

/// Who pays for an answer: a host for all its peers, or the peer itself where no limits by address apply to it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Payer {
    Host(Host),
    Peer(PeerName),
}

/// Allowances that are not full; going and coming again fills none.
#[derive(Debug, Default)]
pub(super) struct Costs(BTreeMap<Payer, Budget>);

impl Network {
    fn payer(&self, name: &PeerName) -> Payer {
        let host = self.peers.get(name).and_then(|peer| peer.origin.host());
        host.map_or_else(|| Payer::Peer(name.clone()), Payer::Host)
    }

    /// Whether a peer's questions have to wait because its host has used up its allowance.
    pub(super) fn has_used_up(&self, name: &PeerName) -> bool {
        let allowance = self.costs.0.get(&self.payer(name));
        allowance.is_some_and(|allowance| !allowance.has(1, self.now))
    }

    /// An answer to a peer has cost so many bytes read from the store.
    pub(super) fn charge(&mut self, name: &PeerName, bytes: u64) {
        let (payer, now) = (self.payer(name), self.now);
        let full = || Budget::new(COST_A_SECOND, COST_AT_ONCE, now);
        self.costs.0.entry(payer).or_insert_with(full).charge(bytes, now);
    }

    /// Lets go of allowances that are full again.
    pub(super) fn forgive_costs(&mut self) {
        let now = self.now;
        self.costs.0.retain(|_, allowance| !allowance.is_whole(now));
    }
}
