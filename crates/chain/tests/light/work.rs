//! Proof of work for the independent verifier: D1, H4, H6 and F7 as the rules define them.

use alloy_primitives::{U256, U512};
use tally_chain::ChainSpec;
use tally_chain::spec::ConsensusSpec;

/// D1, H4, H6 in numbers that cannot overflow.
pub struct Work {
    pub spacing: i128,
    pub half_life: i128,
    pub limit: U256,
    initial: U256,
    initial_bits: u32,
}

pub fn target_of(bits: u32) -> U256 {
    let (size, word) = ((bits >> 24) as usize, U256::from(bits & 0x7f_ffff));
    if size <= 3 {
        word >> (8 * (3 - size))
    } else {
        word << (8 * (size - 3))
    }
}

pub fn bits_of(target: U256) -> u32 {
    let mut size = target.bit_len().div_ceil(8);
    let word = |size: usize| {
        if size <= 3 {
            target << (8 * (3 - size))
        } else {
            target >> (8 * (size - 3))
        }
    };
    if word(size).bit(23) {
        size += 1;
    }
    word(size).to::<u32>() | (size as u32) << 24
}

impl Work {
    pub fn of(spec: &ChainSpec) -> Self {
        let ConsensusSpec::Pow(pow) = &spec.consensus;
        Self {
            spacing: pow.spacing.into(),
            half_life: pow.half_life.into(),
            limit: target_of(pow.pow_limit_bits),
            initial: target_of(pow.initial_bits),
            initial_bits: pow.initial_bits,
        }
    }

    pub fn bits(&self, anchor: u32, number: u64, parent_time: u32) -> u32 {
        if number <= 1 {
            return self.initial_bits;
        }
        let late = i128::from(parent_time) - i128::from(anchor) - self.spacing * (i128::from(number) - 2);
        let exponent = late * 65_536 / self.half_life;
        let (shifts, x) = (exponent.div_euclid(65_536), exponent.rem_euclid(65_536) as u128);
        let factor = 65_536 + ((195_766_423_245_049 * x + 971_821_376 * x * x + 5_127 * x * x * x + (1 << 47)) >> 48);
        let product = U512::from(self.initial) * U512::from(factor);
        // The product has between 17 and 273 bits.
        let target = match shifts - 16 {
            shift if shift > 256 => return bits_of(self.limit),
            shift if shift < -273 => U512::ZERO,
            shift if shift >= 0 && product.bit_len() as i128 + shift > 512 => return bits_of(self.limit),
            shift if shift >= 0 => product << shift as usize,
            shift => product >> (-shift) as usize,
        };
        bits_of(target.clamp(U512::from(1), U512::from(self.limit)).to::<U256>())
    }

    fn work_at(&self, anchor: u32, number: u64, parent_time: u32) -> U256 {
        work(self.bits(anchor, number, parent_time))
    }

    /// F7: the least and the most work of blocks `first..first + count`, by the times of their parents.
    pub fn bounds(&self, anchor: u32, first: u64, count: u64, earliest: u32, latest: u32) -> (U256, U256) {
        let piece = ((self.half_life / (4 * self.spacing)) as u64).max(1);
        let (mut least, mut most, mut end) = (U256::ZERO, U256::ZERO, first + count);
        for number in 0..33 {
            let begin = if number == 32 {
                first
            } else {
                first.max(end.saturating_sub(piece))
            };
            if begin < end {
                let count = U256::from(end - begin);
                least += self.work_at(anchor, begin, latest) * count;
                most = most.saturating_add(self.work_at(anchor, end - 1, earliest).saturating_mul(count));
            }
            end = begin;
        }
        (least, most)
    }
}

/// H6
pub fn work(bits: u32) -> U256 {
    let next = U512::from(target_of(bits)) + U512::from(1);
    ((U512::from(1) << 256usize) / next).to::<U256>()
}
