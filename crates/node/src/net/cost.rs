//! What answers cost this node: bytes read from its store. A short question may cost much, so that their number is no limit.
//! Each host has an allowance that comes back with time; a question beyond it waits, without points: a fast peer that
//! synchronises is no offender. Rule: docs/protocol.md#N8

use std::collections::BTreeMap;

use super::limits::{COST_A_SECOND, COST_AT_ONCE};
use super::{Network, PeerName};
use crate::peers::range::Host;

/// Who pays for an answer: a host for all its peers, or the peer itself where no limits by address apply to it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Payer {
    Host(Host),
    Peer(PeerName),
}

/// Bytes that may still be read; below zero after an answer that cost more than was left.
#[derive(Debug, Clone, Copy)]
struct Allowance {
    left: i64,
    since: u64,
}

impl Allowance {
    fn full(now: u64) -> Self {
        let (left, since) = (COST_AT_ONCE, now);
        Self { left, since }
    }

    /// What is left at `now`, in milliseconds.
    fn at(self, now: u64) -> i64 {
        let back = now.saturating_sub(self.since).saturating_mul(COST_A_SECOND) / 1_000;
        let back = i64::try_from(back).unwrap_or(i64::MAX);
        self.left.saturating_add(back).min(COST_AT_ONCE)
    }

    fn charge(&mut self, bytes: u64, now: u64) {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        self.left = self.at(now).saturating_sub(bytes);
        self.since = now;
    }
}

/// Allowances that are not full; going and coming again fills none.
#[derive(Debug, Default)]
pub(super) struct Costs(BTreeMap<Payer, Allowance>);

impl Network {
    fn payer(&self, name: &PeerName) -> Payer {
        let host = self.peers.get(name).and_then(|peer| peer.origin.host());
        host.map_or_else(|| Payer::Peer(name.clone()), Payer::Host)
    }

    /// Whether a peer's questions have to wait because its host has used up its allowance.
    pub(super) fn has_used_up(&self, name: &PeerName) -> bool {
        let allowance = self.costs.0.get(&self.payer(name));
        allowance.is_some_and(|allowance| allowance.at(self.now) <= 0)
    }

    /// An answer to a peer has cost so many bytes read from the store.
    pub(super) fn charge(&mut self, name: &PeerName, bytes: u64) {
        let (payer, now) = (self.payer(name), self.now);
        let allowance = self.costs.0.entry(payer).or_insert_with(|| Allowance::full(now));
        allowance.charge(bytes, now);
    }

    /// Lets go of allowances that are full again.
    pub(super) fn forgive_costs(&mut self) {
        let now = self.now;
        self.costs.0.retain(|_, allowance| allowance.at(now) < COST_AT_ONCE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_allowance_comes_back_with_time_and_never_above_its_limit() {
        let mut allowance = Allowance::full(0);
        allowance.charge(COST_AT_ONCE as u64, 0);
        assert_eq!(allowance.at(0), 0);
        // One answer may cost more than is left: what follows waits for it.
        allowance.charge(2 * COST_A_SECOND, 0);
        assert!(allowance.at(2_000) <= 0 && allowance.at(2_001) > 0);
        assert_eq!(allowance.at(u64::MAX), COST_AT_ONCE);
    }
}
