//! What others pay: for wallets that choose which fee to offer.

use std::collections::BTreeMap;

use serde::Serialize;

/// Priority fees in base units per gas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct FeeLevels {
    /// More than a tenth of the pending transactions pay.
    pub low: u128,
    /// More than half of the pending transactions pay.
    pub normal: u128,
    /// More than nine tenths of the pending transactions pay.
    pub high: u128,
}

/// Pending transactions whose tip is `from` or more and below the next bucket's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct FeeBucket {
    /// Base units per gas: 0 or a power of two.
    pub from: u128,
    /// How many transactions.
    pub count: usize,
    /// Bytes of their envelopes.
    pub bytes: usize,
    /// Sum of the gas limits.
    pub gas: u64,
}

/// What pays more than a tenth, half and nine tenths of these tips, each at least `least`.
pub(super) fn levels(mut tips: Vec<u128>, least: u128) -> FeeLevels {
    tips.sort_unstable();
    let level = |tenths: usize| {
        let at = tips.get(tips.len() * tenths / 10).copied().unwrap_or(0);
        at.max(least)
    };
    FeeLevels {
        low: level(1),
        normal: level(5),
        high: level(9),
    }
}

/// Tips with the bytes and the gas limit behind each, in ascending buckets that double in width; empty ones are left out.
pub(super) fn buckets(offers: impl Iterator<Item = (u128, usize, u64)>) -> Vec<FeeBucket> {
    let mut buckets: BTreeMap<u128, FeeBucket> = BTreeMap::new();
    for (tip, bytes, gas) in offers {
        let from = tip.checked_ilog2().map_or(0, |log| 1 << log);
        let bucket = buckets.entry(from).or_default();
        bucket.from = from;
        bucket.count += 1;
        bucket.bytes += bytes;
        bucket.gas = bucket.gas.saturating_add(gas);
    }
    buckets.into_values().collect()
}
