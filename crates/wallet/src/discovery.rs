//! Finding the accounts of a phrase that were used before. Rule: docs/protocol.md#W15
//!
//! It does no I/O: it names the indexes to look up, and is given which of them were used.

use std::ops::Range;

use tally_chain::KeyKind;
use thiserror::Error;

use crate::hd::MAX_INDEX;
use crate::vault::MAX_ACCOUNTS;

/// Unused accounts in a row after which the search ends, for secp256k1: the gap limit of BIP-44.
pub const SECP256K1_GAP: u32 = 20;
/// The same for RSA-2048, where each account costs a search for primes.
pub const RSA_2048_GAP: u32 = 2;
/// The same for the larger RSA keys, whose searches take longer still.
pub const RSA_LARGE_GAP: u32 = 1;
/// The largest gap that a user may set.
pub const MAX_GAP: u32 = 100;

/// Why a report does not fit the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{found} answers for {requested} accounts")]
pub struct TooManyAnswers {
    /// Answers in the report.
    pub found: usize,
    /// Accounts that were wanted.
    pub requested: usize,
}

/// The search for used accounts of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discovery {
    kind: KeyKind,
    gap: u32,
    next: u32,
    /// Accounts up to here, this one excluded, belong to the wallet: the last of them was used.
    found: u32,
}

impl Discovery {
    /// From the first account on, with the usual gap.
    pub fn new(kind: KeyKind) -> Self {
        let gap = match kind {
            KeyKind::Secp256k1 => SECP256K1_GAP,
            KeyKind::Rsa2048 => RSA_2048_GAP,
            KeyKind::Rsa3072 | KeyKind::Rsa4096 => RSA_LARGE_GAP,
        };
        Self::with_gap(kind, gap)
    }

    /// With another gap, 1 to [`MAX_GAP`].
    pub fn with_gap(kind: KeyKind, gap: u32) -> Self {
        Self {
            kind,
            gap: gap.clamp(1, MAX_GAP),
            next: 0,
            found: 0,
        }
    }

    /// Kind of the accounts that are looked for.
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The indexes to look at next; empty when the search is over.
    pub fn wanted(&self) -> Range<u32> {
        let end = self.found.saturating_add(self.gap);
        self.next..end.min(MAX_INDEX).min(MAX_ACCOUNTS as u32).max(self.next)
    }

    /// Takes the answers for the first of the wanted indexes, in order: whether each was used.
    pub fn report(&mut self, used: &[bool]) -> Result<(), TooManyAnswers> {
        let requested = self.wanted().len();
        if used.len() > requested {
            return Err(TooManyAnswers {
                found: used.len(),
                requested,
            });
        }
        for used in used {
            self.next += 1;
            if *used {
                self.found = self.next;
            }
        }
        Ok(())
    }

    /// Accounts 0 to this one, excluded, are the wallet's: indexes are never skipped. Rule: docs/protocol.md#W7
    pub fn found(&self) -> u32 {
        self.found
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Queries an oracle until the search is over: how many accounts it found, and how many it looked at.
    fn run(mut discovery: Discovery, batch: usize, used: impl Fn(u32) -> bool) -> (u32, u32) {
        let mut looked = 0;
        while !discovery.wanted().is_empty() {
            let answers: Vec<bool> = discovery.wanted().take(batch).map(&used).collect();
            looked += answers.len() as u32;
            discovery.report(&answers).unwrap();
        }
        (discovery.found(), looked)
    }

    #[test]
    fn it_ends_after_the_gap() {
        let secp = || Discovery::new(KeyKind::Secp256k1);
        assert_eq!(run(secp(), 100, |_| false), (0, 20));
        assert_eq!(run(secp(), 7, |index| index == 0), (1, 21));
        assert_eq!(run(secp(), 1, |index| index == 19), (20, 40));
        assert_eq!(run(secp(), 20, |index| index == 20), (0, 20), "beyond the gap");
        assert_eq!(run(Discovery::new(KeyKind::Rsa2048), 1, |index| index == 1), (2, 4));
        assert_eq!(run(Discovery::new(KeyKind::Rsa4096), 1, |_| false), (0, 1));
        let wide = Discovery::with_gap(KeyKind::Rsa2048, 5);
        assert_eq!(run(wide, 1, |index| index == 4), (5, 10));
        assert_eq!(run(Discovery::with_gap(KeyKind::Rsa2048, 0), 1, |_| false).1, 1);
        // A node that reports every account as used cannot make it run for ever.
        assert_eq!(run(secp(), 20, |_| true), (256, 256));
    }

    #[test]
    fn more_answers_than_wanted_accounts_are_rejected() {
        let mut discovery = Discovery::new(KeyKind::Rsa2048);
        let before = discovery.clone();
        let error = TooManyAnswers { found: 3, requested: 2 };
        assert_eq!(discovery.report(&[true; 3]), Err(error));
        assert_eq!(discovery, before);
    }

    proptest! {
        #[test]
        fn it_finds_all_within_the_gap(
            places in proptest::collection::btree_set(0u32..60, 0..12), batch in 1usize..30,
        ) {
            let mut expected = 0;
            for place in &places {
                if *place < expected + SECP256K1_GAP {
                    expected = place + 1;
                }
            }
            let (found, looked) = run(Discovery::new(KeyKind::Secp256k1), batch, |index| places.contains(&index));
            prop_assert_eq!(found, expected);
            prop_assert_eq!(looked, expected + SECP256K1_GAP);
        }
    }
}
