//! Proof of work: compact targets, work, and the search loop. Rules: docs/protocol.md#H4 to #H6

use alloy_primitives::U256;
use sha2::block_api::compress256;

use crate::hash::BlockId;
use crate::header::Header;
use crate::units::Weight;

/// Why `bits` is not a target. Rule: docs/protocol.md#H4
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant names its fields")]
pub enum BitsError {
    #[error("bits {bits:#010x} is negative")]
    Negative { bits: u32 },
    #[error("bits {bits:#010x} is zero")]
    Zero { bits: u32 },
    #[error("bits {bits:#010x} is above 2^256")]
    Overflow { bits: u32 },
    #[error("bits {bits:#010x} is not canonical, expected {expected:#010x}")]
    NotCanonical { bits: u32, expected: u32 },
}

/// The largest id, as a number, that seals a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target(pub U256);

impl Target {
    /// Decodes Bitcoin's compact form. Rule: docs/protocol.md#H4
    pub fn from_bits(bits: u32) -> Result<Self, BitsError> {
        let (size, word) = (bits >> 24, bits & 0x007f_ffff);
        if word != 0 && bits & 0x0080_0000 != 0 {
            return Err(BitsError::Negative { bits });
        }
        let target = match size {
            0..=3 => U256::from(word >> (8 * (3 - size))),
            _ if word == 0 => U256::ZERO,
            4..=34 => {
                let shift = 8 * (size as usize - 3);
                let target = U256::from(word) << shift;
                if target >> shift != U256::from(word) {
                    return Err(BitsError::Overflow { bits });
                }
                target
            }
            _ => return Err(BitsError::Overflow { bits }),
        };
        if target.is_zero() {
            return Err(BitsError::Zero { bits });
        }
        let target = Self(target);
        // Several words encode the same target; only the one that D1 would give is read, so that equal targets have equal
        // bits.
        match target.to_bits() {
            expected if expected == bits => Ok(target),
            expected => Err(BitsError::NotCanonical { bits, expected }),
        }
    }

    /// The compact form; rounds down to 23 bits of precision.
    #[allow(clippy::cast_possible_truncation, reason = "256 bits are 32 bytes")]
    pub fn to_bits(self) -> u32 {
        let mut size = self.0.bit_len().div_ceil(8) as u32;
        let mut word = if size <= 3 {
            self.0.to::<u32>() << (8 * (3 - size))
        } else {
            (self.0 >> (8 * (size as usize - 3))).to::<u32>()
        };
        // In Bitcoin's form that bit is a sign: a word that has it set loses its lowest byte instead.
        if word & 0x0080_0000 != 0 {
            word >>= 8;
            size += 1;
        }
        word | size << 24
    }

    /// Rule: docs/protocol.md#H6
    pub fn work(self) -> Weight {
        // 2^256 / (target + 1) = (!target / (target + 1)) + 1, which fits 256 bits.
        match self.0.checked_add(U256::ONE) {
            Some(next) => Weight((!self.0 / next).saturating_add(U256::ONE)),
            None => Weight(U256::ONE),
        }
    }

    /// Rule: docs/protocol.md#H5
    pub fn is_met_by(self, id: &BlockId) -> bool {
        U256::from_le_bytes(id.0.0) <= self.0
    }
}

pub(crate) const SHA256_INIT: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

/// A header prepared for the nonce search: the first 64 bytes are hashed once (the midstate).
#[derive(Clone)]
pub struct Search {
    midstate: [u32; 8],
    tail: [u8; 64],
    target: Target,
    top: u64,
}

impl Search {
    /// Hashes the first 64 bytes of the header; its own nonce does not count.
    pub fn new(header: &Header, target: Target) -> Self {
        let bytes = header.encode();
        let mut first = [0; 64];
        first.copy_from_slice(&bytes[..64]);
        let mut midstate = SHA256_INIT;
        compress256(&mut midstate, &[first]);
        let mut tail = [0; 64];
        tail[..16].copy_from_slice(&bytes[64..]);
        tail[16] = 0x80;
        tail[56..].copy_from_slice(&640u64.to_be_bytes());
        Self {
            midstate,
            tail,
            target,
            top: (target.0 >> 192usize).to::<u64>(),
        }
    }

    /// Tries `count` nonces from `first` on and returns the first that seals the header.
    pub fn scan(&mut self, first: u32, count: u32) -> Option<u32> {
        let mut second = [0; 64];
        second[32] = 0x80;
        second[56..].copy_from_slice(&256u64.to_be_bytes());
        for offset in 0..count {
            let nonce = first.wrapping_add(offset);
            self.tail[12..16].copy_from_slice(&nonce.to_le_bytes());
            let mut state = self.midstate;
            compress256(&mut state, &[self.tail]);
            for (chunk, word) in second.chunks_exact_mut(4).zip(state) {
                chunk.copy_from_slice(&word.to_be_bytes());
            }
            let mut hash = SHA256_INIT;
            compress256(&mut hash, &[second]);
            // The id's most significant 64 bits decide in all but one of 2^64 cases.
            let top = u64::from(hash[7].swap_bytes()) << 32 | u64::from(hash[6].swap_bytes());
            if top <= self.top && self.target.is_met_by(&id_of(&hash)) {
                return Some(nonce);
            }
        }
        None
    }
}

fn id_of(words: &[u32; 8]) -> BlockId {
    let mut bytes = [0; 32];
    for (chunk, word) in bytes.chunks_exact_mut(4).zip(words) {
        chunk.copy_from_slice(&word.to_be_bytes());
    }
    BlockId(bytes.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compact_forms() {
        assert_eq!(Target::from_bits(0x1d00_ffff).unwrap().to_bits(), 0x1d00_ffff);
        assert_eq!(
            Target::from_bits(0x1d00_ffff).unwrap().work(),
            Weight(U256::from(0x1_0001_0001u64))
        );
        assert_eq!(
            Target::from_bits(0x0492_3456),
            Err(BitsError::Negative { bits: 0x0492_3456 })
        );
        assert_eq!(Target::from_bits(0x0000_0000), Err(BitsError::Zero { bits: 0 }));
        assert_eq!(
            Target::from_bits(0xff12_3456),
            Err(BitsError::Overflow { bits: 0xff12_3456 })
        );
        assert_eq!(
            Target::from_bits(0x2212_3456),
            Err(BitsError::Overflow { bits: 0x2212_3456 })
        );
        assert_eq!(
            Target::from_bits(0x1e00_00ff),
            Err(BitsError::NotCanonical {
                bits: 0x1e00_00ff,
                expected: 0x1d00_ff00
            })
        );
    }

    #[test]
    fn the_search_finds_a_nonce_whose_id_meets_the_target() {
        let mut header = Header {
            version: 1,
            parent: BlockId::ZERO,
            manifest_root: crate::hash::sha256d(b"manifest"),
            time: 1_700_000_000,
            bits: 0x2000_ffff,
            nonce: 0,
        };
        let target = Target::from_bits(header.bits).unwrap();
        let nonce = Search::new(&header, target)
            .scan(0, 100_000)
            .expect("one in 256 hashes seals");
        for earlier in 0..nonce {
            header.nonce = earlier;
            assert!(!target.is_met_by(&header.id()));
        }
        header.nonce = nonce;
        assert!(target.is_met_by(&header.id()));
    }
}
