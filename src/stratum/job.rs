//! What a job looks like on the wire, byte order included.

use alloy_primitives::hex::encode as hex;
use serde_json::{Value, json};
use tally_chain::U256;
use tally_chain::manifest::EXTRA_NONCE_BYTES;
use tally_chain::pow::Target;
use tally_node::MiningJob;

/// Bytes of the extra nonce that the listener chooses for a connection, and such that the miner chooses.
pub const EXTRA_1: usize = 4;
pub const EXTRA_2: usize = 4;
const _: () = assert!(EXTRA_1 + EXTRA_2 == EXTRA_NONCE_BYTES);

/// Parameters of `mining.notify`. The manifest stands where Bitcoin has its coinbase: its SHA-256d is the third field of the
/// header, and the extra nonce are the eight bytes before its last one, the empty seal. There are no branches.
pub fn notify(id: u64, job: &MiningJob, clean: bool) -> Value {
    let manifest = job.manifest.encode();
    let (first, rest) = manifest.split_at(manifest.len() - EXTRA_NONCE_BYTES - 1);
    json!([
        format!("{id:x}"),
        words_swapped(&job.header.parent.0.0),
        hex(first),
        hex(&rest[EXTRA_NONCE_BYTES..]),
        [],
        format!("{:08x}", job.header.version),
        format!("{:08x}", job.header.bits),
        format!("{:08x}", job.header.time),
        clean,
    ])
}

/// The bytes of a header with those of each four-byte word turned round: miners turn them back.
fn words_swapped(bytes: &[u8; 32]) -> String {
    bytes
        .chunks(4)
        .map(|word| hex(word.iter().rev().copied().collect::<Vec<_>>()))
        .collect()
}

/// How much easier a share is than a block at most, so that a miner whose arithmetic rounds otherwise misses no block.
const ROUNDING: f64 = 1e-4;

/// A difficulty of shares; 1 is Bitcoin's.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Difficulty(f64);

impl Difficulty {
    /// What stock miners can still turn into a target: 2^-32 to 2^64.
    pub const LEAST: Self = Self(1.0 / 4_294_967_296.0);
    #[expect(clippy::lossy_float_literal, reason = "a power of two: nothing is lost")]
    pub const MOST: Self = Self(18_446_744_073_709_551_616.0);

    /// The nearest difficulty that can be sent to miners.
    pub fn new(value: f64) -> Self {
        match value.is_nan() {
            true => Self::LEAST,
            false => Self(value.clamp(Self::LEAST.0, Self::MOST.0)),
        }
    }

    pub fn value(self) -> f64 {
        self.0
    }

    /// What a hash must not exceed. Miners compute it in floating point: what they take for it may differ in the last digits,
    /// so this one is easier by some of them.
    pub fn target(self) -> Target {
        let one: U256 = U256::from(0xffff_u64) << 208_usize;
        // The value is mantissa * 2^exponent, exactly.
        let bits = (self.0 * (1.0 - ROUNDING / 2.0)).to_bits();
        let mantissa = bits & ((1 << 52) - 1) | 1 << 52;
        let exponent = (bits >> 52 & 0x7ff) as i32 - 1_075;
        let quotient = one / U256::from(mantissa);
        let shift = exponent.unsigned_abs() as usize;
        Target(match exponent >= 0 {
            true => quotient >> shift,
            false if shift <= quotient.leading_zeros() => quotient << shift,
            false => U256::MAX,
        })
    }

    /// This, or what is just not harder than a block: a share must not be missed that seals one.
    pub fn within(self, block: Target) -> Self {
        let one = f64::from(0xffff_u32) * 2_f64.powi(208);
        let most = one / f64::from(block.0).max(1.0);
        Self::new(self.0.min(most * (1.0 - ROUNDING)))
    }

    /// Whether another is so far from this that it is sent to miners.
    pub fn is_far_from(self, other: Self) -> bool {
        !(0.75..=1.34).contains(&(self.0 / other.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: U256, expected: U256) -> bool {
        let ratio = f64::from(found) / f64::from(expected);
        (ratio - 1.0).abs() < 2.0 * ROUNDING
    }

    #[test]
    fn difficulties_give_targets_and_never_harder_ones_than_a_block() {
        let one = Target::from_bits(0x1d00_ffff).unwrap().0;
        for (value, expected) in [
            (1.0, one),
            (2.0, one >> 1),
            (0.25, one << 2),
            (3.0, one / U256::from(3)),
            (1e-6, one * U256::from(1_000_000)),
            (1e12, one / U256::from(1_000_000_000_000_u64)),
        ] {
            let found = Difficulty::new(value).target().0;
            assert!(near(found, expected), "{value}");
            assert!(found >= expected, "{value}: never harder than what the miner gets");
        }
        let block = Target::from_bits(0x1c00_ffff).unwrap();
        for wanted in [256.0, 300.0, 1e12] {
            let within = Difficulty::new(wanted).within(block);
            assert!(
                within.target().0 >= block.0 && near(within.target().0, block.0),
                "{wanted}"
            );
        }
        assert_eq!(Difficulty::new(3.0).within(block), Difficulty::new(3.0));
        let easiest = Target::from_bits(0x207f_ffff).unwrap();
        let within = Difficulty::new(3.0).within(easiest);
        assert!(within.target().0 >= easiest.0 && near(within.target().0, easiest.0));
        assert_eq!(Difficulty::new(f64::NAN), Difficulty::LEAST);
        assert_eq!(Difficulty::new(f64::INFINITY), Difficulty::MOST);
        assert!(Difficulty::LEAST.target().0 > one << 31);
    }

    #[test]
    fn words_are_turned_round_one_by_one() {
        let bytes: [u8; 32] = std::array::from_fn(|at| at as u8);
        assert_eq!(
            &words_swapped(&bytes)[..24],
            "030201000706050 40b0a0908".replace(' ', "")
        );
    }
}
