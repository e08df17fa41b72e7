//! ASERT against the same rule in unbounded arithmetic, and what must hold whatever the numbers are. Rule:
//! docs/protocol.md#D1

use alloy_primitives::{U256, Uint};
use proptest::prelude::*;
use tally_chain::asert::next_target;
use tally_chain::pow::Target;

type Wide = Uint<4096, 64>;

/// aserti3-2d as its specification writes it, in integers that cannot overflow for shifts within +-3,500.
fn naive(anchor: Target, limit: Target, spacing: u32, half_life: u32, time_diff: i64, height_diff: u64) -> Target {
    let ideal = i128::from(spacing) * (i128::from(height_diff) + 1);
    let exponent = (i128::from(time_diff) - ideal) * 65_536 / i128::from(half_life);
    let (shifts, fraction) = (exponent.div_euclid(65_536), exponent.rem_euclid(65_536) as u64);
    let x = Wide::from(fraction);
    let term = |factor: u64, power: usize| (0..power).fold(Wide::from(factor), |product, _| product * x);
    let cubic = term(195_766_423_245_049, 1) + term(971_821_376, 2) + term(5_127, 3) + (Wide::from(1) << 47);
    let factor = Wide::from(65_536) + (cubic >> 48);
    let product = Wide::from(anchor.0) * factor;
    let target = if shifts > 3_500 {
        return limit;
    } else if shifts < -3_500 {
        Wide::ZERO
    } else if shifts >= 16 {
        product << (shifts as usize - 16)
    } else {
        product >> ((16 - shifts) as usize)
    };
    let target = target.clamp(Wide::from(1), Wide::from(limit.0));
    let target = Target(target.to::<U256>());
    if target == limit {
        limit
    } else {
        Target::from_bits(target.to_bits()).unwrap()
    }
}

/// Targets that `bits` can express, up to 255 bits.
fn target() -> impl Strategy<Value = Target> {
    (1u32..0x80_0000, 0usize..232).prop_map(|(word, shift)| {
        let rounded = Target(U256::from(word) << shift);
        Target::from_bits(rounded.to_bits()).unwrap()
    })
}

prop_compose! {
    fn case()(
        a in target(), b in target(), spacing in 1u32..=86_400, half_life in 1u32..=31_536_000,
        height_diff in prop_oneof![0u64..100, 0u64..10_000_000], late in prop_oneof![-100i64..100, -2_000_000_000i64..2_000_000_000],
    ) -> (Target, Target, u32, u32, i64, u64) {
        let time_diff = spacing as i64 * (height_diff as i64 + 1) + late;
        (a.min(b), a.max(b), spacing, half_life, time_diff, height_diff)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_096))]

    #[test]
    fn agrees_with_unbounded_arithmetic((anchor, limit, spacing, half_life, time_diff, height_diff) in case()) {
        prop_assert_eq!(
            next_target(anchor, limit, spacing, half_life, time_diff, height_diff),
            naive(anchor, limit, spacing, half_life, time_diff, height_diff)
        );
    }

    #[test]
    fn later_is_never_harder_and_higher_is_never_easier(
        (anchor, limit, spacing, half_life, time_diff, height_diff) in case(), more in 1i64..100_000,
    ) {
        let next = |time_diff, height_diff| next_target(anchor, limit, spacing, half_life, time_diff, height_diff);
        let here = next(time_diff, height_diff);
        prop_assert!(here.0 >= U256::from(1) && here <= limit);
        prop_assert!(next(time_diff + more, height_diff) >= here);
        prop_assert!(next(time_diff, height_diff + more as u64) <= here);
        // Time and height together: a chain in step with its spacing keeps its target.
        let in_step = spacing as i64 * (height_diff as i64 + 1);
        prop_assert_eq!(next(in_step, height_diff), anchor);
    }

    #[test]
    fn halves_and_doubles_by_half_lives((anchor, limit, spacing, half_life, _, height_diff) in case(), count in 1i64..20) {
        let in_step = spacing as i64 * (height_diff as i64 + 1);
        let next = |late: i64| next_target(anchor, limit, spacing, half_life, in_step + late * half_life as i64, height_diff);
        // The compact form keeps whole bytes, so some low bits may go.
        let rounded = |wide: Wide| Target::from_bits(Target(wide.to::<U256>()).to_bits()).unwrap();
        let doubled = Wide::from(anchor.0) << (count as usize);
        prop_assert_eq!(next(count), rounded(doubled.min(Wide::from(limit.0))));
        let halved = Wide::from(anchor.0) >> (count as usize);
        prop_assert_eq!(next(-count), rounded(halved.max(Wide::from(1))));
    }

    /// The cubic is within 0.02 % of the power of two it stands for.
    #[test]
    fn approximates_the_exponential(late in -1_000_000i64..1_000_000, half_life in 100_000u32..1_000_000) {
        let anchor = Target::from_bits(0x1800_ffff).unwrap();
        let limit = Target::from_bits(0x2000_ffff).unwrap();
        let found = next_target(anchor, limit, 10, half_life, 10 + late, 0);
        let ratio = f64::from(found.0) / f64::from(anchor.0);
        let exact = (late as f64 / f64::from(half_life)).exp2();
        prop_assert!((ratio / exact - 1.0).abs() < 2e-4, "{ratio} for {exact}");
    }
}

/// With this anchor the 17 bits of each factor stand in the result: all 65,536 of them.
#[test]
fn every_fraction_of_a_half_life() {
    let (anchor, limit) = (
        Target::from_bits(0x1b01_0000).unwrap(),
        Target::from_bits(0x207f_ffff).unwrap(),
    );
    for late in 0..65_536 {
        let next = next_target(anchor, limit, 10, 65_536, 10 + late, 0);
        assert_eq!(next, naive(anchor, limit, 10, 65_536, 10 + late, 0), "{late} of 65,536");
        let factor = (next.0 >> 192usize).to::<u64>();
        assert!((65_536..=131_072).contains(&factor) && next.0 == U256::from(factor) << 192);
    }
}

#[test]
fn extreme_arguments_are_clamped_not_wrapped() {
    let bits = |bits| Target::from_bits(bits).unwrap();
    let (limit, one) = (bits(0x207f_ffff), Target(U256::from(1)));
    for anchor in [one, bits(0x1d00_ffff), limit] {
        for half_life in [1, 2_880, u32::MAX] {
            let next = |time, height| next_target(anchor, limit, u32::MAX, half_life, time, height);
            assert_eq!(next(i64::MIN, u64::MAX), one);
            assert_eq!(next_target(anchor, limit, 1, 1, i64::MAX, 0), limit);
            assert_eq!(next_target(anchor, limit, 1, 1, i64::MIN, 0), one);
            assert_eq!(next(0, u64::MAX), one);
        }
    }
}
