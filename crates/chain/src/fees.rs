//! The base fee, and the least gas of a transaction. Rules: docs/protocol.md#B7, #X2

use crate::transaction::{CheckedTransaction, ENVELOPE_BASE_GAS};

/// Gas target is the limit divided by this (EIP-1559).
const ELASTICITY: u64 = 2;
/// The base fee changes by at most one part in this (EIP-1559).
const CHANGE_DENOMINATOR: u128 = 8;

/// Base fee of the block after one with these figures, in base units per gas; never below `min`.
pub fn next_base_fee(base_fee: u128, gas_used: u64, gas_limit: u64, min: u128) -> u128 {
    // Never zero, since it is divided by.
    let target = u128::from((gas_limit / ELASTICITY).max(1));
    let used = u128::from(gas_used);
    let change = |distance: u128| mul_div(base_fee, distance, target) / CHANGE_DENOMINATOR;
    let next = if used > target {
        // At least one unit: an eighth of a small fee rounds to nothing, and it would never rise (EIP-1559).
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

/// A transaction that takes the place of a waiting one pays at least this many percent more, in both fees.
/// Rule: docs/protocol.md#W52
pub const REPLACEMENT_PERCENT: u128 = 10;

/// The least fee per gas that takes the place of `fee`: rounded up, and at least one unit more. Saturates.
/// Rule: docs/protocol.md#W52
pub fn replacement_fee(fee: u128) -> u128 {
    let raise = (fee / 100).saturating_mul(REPLACEMENT_PERCENT) + (fee % 100 * REPLACEMENT_PERCENT).div_ceil(100);
    fee.saturating_add(raise.max(1))
}

/// What the EVM charges for any transaction, before data.
const EVM_BASE_GAS: u64 = 21_000;

/// Least `gas_limit` of a `0x54` transaction: what it pays before its first instruction, or the floor of EIP-7623 if that is
/// more. `authenticator_gas` is [`Authenticator::gas`](crate::transaction::Authenticator::gas). Rule: docs/protocol.md#X2
pub fn min_gas(data: &[u8], creates: bool, envelope_len: usize, authenticator_gas: u64) -> u64 {
    let base = ENVELOPE_BASE_GAS + envelope_len as u64 + authenticator_gas;
    evm_gas(base, data, creates, 0, 0).least()
}

/// What a transaction pays before its first instruction, in gas. Rules: docs/protocol.md#X2, #X7
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UpfrontGas {
    /// Base, call data, creation and access list.
    pub initial: u64,
    /// The least that is paid in all for its call data (EIP-7623).
    pub floor: u64,
}

impl UpfrontGas {
    /// Least `gas_limit`.
    pub fn least(self) -> u64 {
        self.initial.max(self.floor)
    }
}

/// Least `gas_limit` of a transaction of either family. Rule: docs/protocol.md#X2
pub fn intrinsic_gas(tx: &CheckedTransaction) -> u64 {
    upfront_gas(tx).least()
}

/// What a transaction of either family pays before its first instruction, and its floor. Rules: docs/protocol.md#X2, #X7
pub fn upfront_gas(tx: &CheckedTransaction) -> UpfrontGas {
    let view = tx.view();
    let slots = view.access_list.iter().map(|(_, slots)| slots.len() as u64).sum();
    evm_gas(
        tx.envelope_gas().unwrap_or(EVM_BASE_GAS),
        view.data,
        view.to.is_none(),
        view.access_list.len() as u64,
        slots,
    )
}

/// The EVM's arithmetic (EIP-2028, 2930, 3860, 7623) over `base`.
fn evm_gas(base: u64, data: &[u8], creates: bool, access_addresses: u64, access_slots: u64) -> UpfrontGas {
    let zeros = data.iter().filter(|byte| **byte == 0).count() as u64;
    let tokens = zeros + 4 * (data.len() as u64 - zeros);
    let creation = match creates {
        true => 32_000 + 2 * (data.len() as u64).div_ceil(32),
        false => 0,
    };
    UpfrontGas {
        initial: base + 4 * tokens + creation + 2_400 * access_addresses + 1_900 * access_slots,
        floor: base + 10 * tokens,
    }
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

    #[test]
    fn a_replacement_pays_a_tenth_more_rounded_up() {
        for (fee, least) in [
            (0, 1),
            (1, 2),
            (9, 10),
            (10, 11),
            (11, 13),
            (1_000, 1_100),
            (1_001, 1_102),
        ] {
            assert_eq!(replacement_fee(fee), least, "{fee}");
        }
        assert_eq!(replacement_fee(u128::MAX - 5), u128::MAX);
    }

    #[test]
    fn least_gas_counts_envelope_signature_and_data() {
        assert_eq!(min_gas(&[], false, 700, 1_000), 3_700);
        // Two tokens at 10 each are more than at 4 each and no execution.
        assert_eq!(min_gas(&[0, 0], false, 702, 1_000), 3_722);
        assert_eq!(min_gas(&[1; 33], true, 733, 1_000), 3_733 + 33 * 16 + 32_000 + 4);
    }
}
