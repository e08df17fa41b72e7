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

/// A difficulty of shares: two to this power; 0 is Bitcoin's difficulty 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difficulty(pub i32);

impl Difficulty {
    /// What stock miners can still turn into a target.
    pub const LEAST: Self = Self(-32);
    pub const MOST: Self = Self(64);

    pub fn value(self) -> f64 {
        2_f64.powi(self.0)
    }

    pub fn target(self) -> Target {
        let one = U256::from(0xffff_u64) << 208;
        let shift = self.0.unsigned_abs() as usize;
        Target(match self.0 >= 0 {
            true => one >> shift,
            false if shift <= 32 => one << shift,
            false => U256::MAX,
        })
    }

    /// This, or what is just not harder than a block: a share must not be missed that seals one.
    pub fn within(self, block: Target) -> Self {
        let mut within = self.clamp(Self::LEAST, Self::MOST);
        while within > Self::LEAST && within.target() < block {
            within.0 -= 1;
        }
        within
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn difficulties_are_powers_of_two_and_never_harder_than_a_block() {
        assert_eq!(Difficulty(0).target().to_bits(), 0x1d00_ffff);
        assert_eq!(Difficulty(1).target().0, Difficulty(0).target().0 >> 1);
        assert_eq!(Difficulty(-2).value(), 0.25);
        assert_eq!(Difficulty(-2).target().0, Difficulty(0).target().0 << 2);
        let block = Target::from_bits(0x1c00_ffff).unwrap();
        assert_eq!(Difficulty(40).within(block), Difficulty(8));
        assert_eq!(Difficulty(3).within(block), Difficulty(3));
        let easiest = Target::from_bits(0x207f_ffff).unwrap();
        assert_eq!(Difficulty(3).within(easiest), Difficulty::LEAST);
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
