//! ASERT difficulty: integer arithmetic of aserti3-2d. Rule: docs/protocol.md#D1
//!
//! The algorithm and its constants are those that Bitcoin Cash published for its November 2020 upgrade; here the anchor is
//! block 1, so that a chain spec may be older than the first block made with it.

use alloy_primitives::U256;

use crate::pow::Target;

/// Bits of the fixed-point fraction.
const RADIX_BITS: u32 = 16;

/// Target of the block after one whose time is `time_diff` seconds after the anchor's parent and whose number is
/// `height_diff` above the anchor's. `spacing` and `half_life` are in seconds.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "each value is bounded where it is cast; the comments give the bounds"
)]
pub fn next_target(
    anchor: Target,
    limit: Target,
    spacing: u32,
    half_life: u32,
    time_diff: i64,
    height_diff: u64,
) -> Target {
    let ideal = i128::from(spacing) * (i128::from(height_diff) + 1);
    let exponent = ((i128::from(time_diff) - ideal) << RADIX_BITS) / i128::from(half_life.max(1));
    let shifts = exponent >> RADIX_BITS;
    // `>>` rounds down for negative exponents too, so that this is in 0 .. 2^16.
    let fraction = (exponent - (shifts << RADIX_BITS)) as u64;
    debug_assert!(fraction < 1 << RADIX_BITS);
    // 2^16 * 2^(fraction / 2^16), by the cubic 1 + 0.695502049 x + 0.2262698 x^2 + 0.0782318 x^3.
    let x = u128::from(fraction);
    let cubic = 195_766_423_245_049 * x + 971_821_376 * x * x + 5_127 * x * x * x + (1 << 47);
    // x < 2^16, so that cubic < 2^64 and factor < 2^17.
    let factor = 65_536 + (cubic >> 48) as u64;

    // target * factor * 2^(shifts - 16), saturating: below 1 is 1, above the limit is the limit.
    let bit_len = anchor.0.bit_len() as i128 + 17;
    let shift = shifts - i128::from(RADIX_BITS);
    if bit_len + shift > 274 {
        return limit;
    }
    if bit_len + shift <= 0 {
        return Target(U256::ONE);
    }
    // `bit_len` is 273 at most and `bit_len + shift` is within 1..=274 here: U512 holds what is shifted, and by fewer bits than it has.
    let wide = alloy_primitives::U512::from(anchor.0) * alloy_primitives::U512::from(factor);
    let wide = if shift >= 0 {
        wide << (shift as usize)
    } else {
        wide >> (shift.unsigned_abs() as usize)
    };
    if wide > alloy_primitives::U512::from(limit.0) {
        return limit;
    }
    let target = wide.to::<U256>();
    let target = if target.is_zero() { U256::ONE } else { target };
    // The compact form of the header holds only 23 bits of it.
    Target::from_bits(Target(target).to_bits()).unwrap_or(Target(U256::ONE))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: u32 = 0x1d00_ffff;
    const HALF_LIFE: u32 = 172_800;

    fn next(anchor: u32, time_diff: i64, height_diff: u64) -> u32 {
        let target = |bits| Target::from_bits(bits).unwrap();
        next_target(target(anchor), target(LIMIT), 600, HALF_LIFE, time_diff, height_diff).to_bits()
    }

    #[test]
    fn steady_blocks_keep_the_target() {
        for height in 0..2_000u64 {
            assert_eq!(next(0x1c00_ffff, 600 * (height as i64 + 1), height), 0x1c00_ffff);
        }
    }

    #[test]
    fn one_half_life_late_doubles_and_early_halves() {
        assert_eq!(next(0x1c00_8000, 600 + i64::from(HALF_LIFE), 0), 0x1c01_0000);
        assert_eq!(next(0x1c01_0000, 600 - i64::from(HALF_LIFE), 0), 0x1c00_8000);
    }

    #[test]
    fn extremes_are_clamped() {
        assert_eq!(next(LIMIT, i64::MAX / 2, 0), LIMIT);
        assert_eq!(next(0x1c00_ffff, i64::MIN / 2, u64::MAX / 1_000), 0x0101_0000);
        assert_eq!(next(LIMIT, 600, 0), LIMIT);
    }
}
