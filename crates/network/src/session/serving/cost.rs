//! What answers cost this node: bytes read from its store. A short request may cost much, so that their number is no limit.
//! Each host has an allowance that comes back with time; a request beyond it waits, without points: a fast peer that
//! synchronises is no offender. Rule: docs/protocol.md#N8

use std::collections::BTreeMap;

use crate::session::budget::Budget;
use crate::session::name::PeerName;
use crate::session::peers::range::Host;
use crate::wire::limits::{COST_A_SECOND, COST_AT_ONCE};

/// Who pays for an answer: a host for all its peers, or the peer itself where no limits by address apply to it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Payer {
    Host(Host),
    Peer(PeerName),
}

/// Allowances that are not full; going and coming again fills none.
#[derive(Debug, Default)]
pub(crate) struct Costs(BTreeMap<Payer, Budget>);

impl Costs {
    /// Whether it has used up its allowance.
    pub(crate) fn has_used_up(&self, payer: &Payer, now: u64) -> bool {
        self.0.get(payer).is_some_and(|allowance| !allowance.has(1, now))
    }

    /// An answer has cost so many bytes read from the store.
    pub(crate) fn charge(&mut self, payer: Payer, bytes: u64, now: u64) {
        let full = || Budget::new(COST_A_SECOND, COST_AT_ONCE, now);
        self.0.entry(payer).or_insert_with(full).charge(bytes, now);
    }

    /// Lets go of allowances that are full again.
    pub(crate) fn forgive(&mut self, now: u64) {
        self.0.retain(|_, allowance| !allowance.is_whole(now));
    }
}
