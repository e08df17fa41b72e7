//! Finding what to warn of. Rules: docs/protocol.md#W50, #W51

use tally_chain::fees::effective_price;
use tally_chain::transaction::{LIFETIME, MAX_AHEAD};
use tally_chain::{Address, Amount, U256, UnixSecs};

use super::{Bond, Local, NodeView, Warning};
use crate::payment::Review;
use crate::public_accounts::is_public;

/// Digits of an address.
const DIGITS: usize = 40;
/// Equal digits at each end from which two addresses look alike. Rule: docs/protocol.md#W50
const ALIKE_EACH_END: usize = 3;
/// Equal digits at both ends together from which they do. Rule: docs/protocol.md#W50
const ALIKE_TOGETHER: usize = 8;
/// Differing digits up to which one is a misspelling of the other. Rule: docs/protocol.md#W50
const MISSPELT: usize = 4;
/// A balance is nearly all spent when less than one part in this is left. Rule: docs/protocol.md#W51
const NEARLY_ALL: u64 = 20;
/// A fee is high from this many percent of the value on. Rule: docs/protocol.md#W51
const HIGH_PERCENT: u64 = 10;
/// A fee is high from 0.01 coins on, in base units, regardless of the value: at the built-in chains' least base fee that is more
/// than a hundred times what the dearest envelope (16 keys of RSA-4096) costs in gas. Rule: docs/protocol.md#W51
const HIGH_FEE: Amount = Amount(U256::from_limbs([10_000_000_000_000_000, 0, 0, 0]));
/// A price is high from this many times the normal one on. Rule: docs/protocol.md#W51
const HIGH_TIMES: u128 = 4;

/// What needs no node.
pub(super) fn of_wallet(review: &Review, local: &Local<'_>) -> Vec<Warning> {
    let mut found = Vec::new();
    match review.to {
        Some(to) => of_recipient(to, local, &mut found),
        None => found.push(Warning::NewContract {
            code_bytes: review.code_bytes(),
        }),
    }
    if let Some(percent) = percent(review.max_fee, review.value).filter(|percent| *percent >= HIGH_PERCENT) {
        found.push(Warning::FeeOfValue { percent });
    }
    if review.max_fee >= HIGH_FEE {
        let max_fee = review.max_fee;
        found.push(Warning::FeeHigh { max_fee });
    }
    found.extend(of_time(review.timestamp, local.now));
    found
}

/// What is made now bears the present time, and T7 allows for clocks that differ by `MAX_AHEAD`.
fn of_time(timestamp: UnixSecs, now: UnixSecs) -> Option<Warning> {
    if timestamp > now.saturating_add(MAX_AHEAD) {
        return Some(Warning::DatedAhead { timestamp, now });
    }
    (now > timestamp.saturating_add(LIFETIME)).then_some(Warning::TooOld { timestamp, now })
}

fn of_recipient(to: Address, local: &Local<'_>, found: &mut Vec<Warning>) {
    if is_own(to, local.known) {
        found.push(Warning::OwnAccount);
    }
    if is_public(to) {
        let playground = local.playground;
        found.push(Warning::PublicAccount { playground });
    }
    if is_trusted(to, local.known) {
        return;
    }
    found.extend(look_alike(to, local.known));
    if local.typed.is_some_and(|typed| lacks_checksum(typed, to)) {
        found.push(Warning::NoChecksum);
    }
}

/// What a node's answers add to what was found without it.
pub(super) fn of_node(review: &Review, local: &Local<'_>, node: &NodeView<'_>, before: &[Warning]) -> Vec<Warning> {
    let mut found = Vec::new();
    if let Some(to) = review.to {
        of_history(to, local, node, before, &mut found);
    }
    of_price(review, node, &mut found);
    of_balance(review, node.balance, &mut found);
    found
}

fn of_history(to: Address, local: &Local<'_>, node: &NodeView<'_>, before: &[Warning], found: &mut Vec<Warning>) {
    if node.public && !is_public(to) {
        let playground = local.playground;
        found.push(Warning::PublicAccount { playground });
    }
    if node.contract {
        found.push(Warning::Contract);
    }
    if is_trusted(to, local.known) {
        return;
    }
    // What the wallet found stays; of the history only what it does not know yet is news.
    let found_already = before
        .iter()
        .any(|warning| matches!(warning, Warning::LookAlike { .. }));
    if !found_already {
        found.extend(look_alike(to, node.history));
    }
    if !is_trusted(to, node.history) {
        found.push(Warning::FirstTime);
    }
}

fn is_own(to: Address, known: &[(Address, Bond)]) -> bool {
    known.contains(&(to, Bond::Own))
}

/// Known by more than having been seen: poisoning makes an address seen.
fn is_trusted(to: Address, known: &[(Address, Bond)]) -> bool {
    known.iter().any(|(known, bond)| *known == to && *bond < Bond::Seen)
}

/// The known address that `to` looks most like; of equals the one that is closest to the user.
fn look_alike(to: Address, known: &[(Address, Bond)]) -> Option<Warning> {
    let alike = known
        .iter()
        .filter(|(known, _)| *known != to)
        .filter_map(|(known, bond)| {
            let (start, end, differing) = likeness(&to, known);
            let alike = alike_at_the_ends(start, end) || differing <= MISSPELT;
            alike.then_some((DIGITS - start - end, *bond, *known, start, end))
        });
    alike.min().map(|(_, bond, known, start, end)| Warning::LookAlike {
        known,
        bond,
        start,
        end,
    })
}

pub(super) fn alike_at_the_ends(start: usize, end: usize) -> bool {
    start >= ALIKE_EACH_END && end >= ALIKE_EACH_END || start + end >= ALIKE_TOGETHER
}

/// Equal digits at the start, at the end, and how many differ in all.
fn likeness(a: &Address, b: &Address) -> (usize, usize, usize) {
    let digits = |address: &Address| -> Vec<u8> { address.iter().flat_map(|byte| [byte >> 4, byte & 15]).collect() };
    let (a, b) = (digits(a), digits(b));
    let equal = |(a, b): &(&u8, &u8)| a == b;
    let start = a.iter().zip(&b).take_while(equal).count();
    let end = a.iter().rev().zip(b.iter().rev()).take_while(equal).count();
    let differing = a.iter().zip(&b).filter(|pair| !equal(pair)).count();
    (start, end, differing)
}

/// Written in one case, where the checksum needs another. Rule: docs/protocol.md#A1
fn lacks_checksum(typed: &str, to: Address) -> bool {
    let (typed, to) = (typed.trim(), to.to_string());
    let digits = |text: &str| text.strip_prefix("0x").or(text.strip_prefix("0X")).map(str::to_owned);
    let (Some(typed), Some(to)) = (digits(typed), digits(&to)) else {
        return false;
    };
    typed != to && typed.eq_ignore_ascii_case(&to)
}

fn of_price(review: &Review, node: &NodeView<'_>, found: &mut Vec<Warning>) {
    let fees = &node.fees;
    let most = saturated(review.max_fee_per_gas);
    let tip = saturated(review.max_priority_fee_per_gas);
    // What is paid if the next block takes it; below the base fee none does, and nothing is paid too much.
    let price = effective_price(most, tip, fees.base_fee).unwrap_or(0);
    let times = price / fees.base_fee.saturating_add(fees.normal).max(1);
    if times >= HIGH_TIMES {
        found.push(Warning::FeeOfNow { times });
    }
}

fn of_balance(review: &Review, balance: Amount, found: &mut Vec<Warning>) {
    let Some(left) = balance.checked_sub(review.max_total) else {
        return; // That is an error, not a warning.
    };
    let nearly = left.0 < balance.0 / U256::from(NEARLY_ALL);
    if !review.value.is_zero() && nearly && !balance.is_zero() {
        found.push(Warning::WholeBalance { left });
    }
}

/// `part` in percent of `whole`, rounded down; none of nothing.
fn percent(part: Amount, whole: Amount) -> Option<u64> {
    let share = part.checked_mul(100)?.0.checked_div(whole.0)?;
    Some(share.saturating_to())
}

fn saturated(amount: Amount) -> u128 {
    amount.0.saturating_to()
}
