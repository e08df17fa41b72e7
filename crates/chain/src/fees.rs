//! The base fee. Rule: docs/protocol.md#B7

/// Gas target is the limit divided by this (EIP-1559).
const ELASTICITY: u64 = 2;
/// The base fee changes by at most one part in this (EIP-1559).
const CHANGE_DENOMINATOR: u128 = 8;

/// Base fee of the block after one with these figures, in base units per gas; never below `min`.
pub fn next_base_fee(base_fee: u128, gas_used: u64, gas_limit: u64, min: u128) -> u128 {
    let target = u128::from((gas_limit / ELASTICITY).max(1));
    let used = u128::from(gas_used);
    let change = |distance: u128| mul_div(base_fee, distance, target) / CHANGE_DENOMINATOR;
    let next = if used > target {
        base_fee.saturating_add(change(used - target).max(1))
    } else {
        base_fee - change(target - used).min(base_fee)
    };
    next.max(min)
}

/// `a * b / c` without overflow in between; saturates.
fn mul_div(a: u128, b: u128, c: u128) -> u128 {
    let wide = alloy_primitives::U256::from(a) * alloy_primitives::U256::from(b) / alloy_primitives::U256::from(c);
    wide.saturating_to()
}

/// What a payer pays for a unit of gas, or `None` when `max_fee` is below the base fee. Rule: docs/protocol.md#X3
pub fn effective_price(max_fee: u128, max_priority_fee: u128, base_fee: u128) -> Option<u128> {
    (max_fee >= base_fee).then(|| max_fee.min(base_fee.saturating_add(max_priority_fee)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves_by_at_most_an_eighth_and_stops_at_the_minimum() {
        assert_eq!(next_base_fee(800, 50, 100, 1), 800);
        assert_eq!(next_base_fee(800, 100, 100, 1), 900);
        assert_eq!(next_base_fee(800, 0, 100, 1), 700);
        assert_eq!(next_base_fee(800, 0, 100, 750), 750);
        assert_eq!(next_base_fee(1, 51, 100, 1), 2);
        assert_eq!(next_base_fee(u128::MAX, 100, 100, 1), u128::MAX);
        assert_eq!(effective_price(10, 3, 5), Some(8));
        assert_eq!(effective_price(6, 3, 5), Some(6));
        assert_eq!(effective_price(4, 3, 5), None);
    }
}
