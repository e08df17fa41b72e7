//! The fastest nonce search that this machine has.

use tally_chain::Header;
use tally_chain::pow::{Search, Target};

#[cfg(target_arch = "x86_64")]
use super::sha_ni::ShaNiSearch;

/// A header prepared for the search; all kinds find the same nonce.
pub(super) enum Scan {
    Portable(Search),
    #[cfg(target_arch = "x86_64")]
    ShaNi(ShaNiSearch),
}

impl Scan {
    pub fn new(header: &Header, target: Target) -> Self {
        // Without optimisation the compiler does not keep intrinsics in registers, and the portable search is faster.
        #[cfg(target_arch = "x86_64")]
        if !cfg!(debug_assertions)
            && let Some(search) = ShaNiSearch::new(header, target)
        {
            return Self::ShaNi(search);
        }
        Self::Portable(Search::new(header, target))
    }

    /// Tries `count` nonces from `first` on and returns the first that seals the header.
    pub fn scan(&mut self, first: u32, count: u32) -> Option<u32> {
        match self {
            Self::Portable(search) => search.scan(first, count),
            #[cfg(target_arch = "x86_64")]
            Self::ShaNi(search) => search.scan(first, count),
        }
    }
}
