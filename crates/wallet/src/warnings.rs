//! What a careful person would be told before signing. Rules: docs/protocol.md#W50, #W51
//!
//! Pure: computed from the decoded bytes and from what the wallet knows. Nothing here forbids a payment.

use std::fmt;

use tally_chain::fees::effective_price;
use tally_chain::{Address, Amount, U256};

use crate::fees::FeeSuggestions;
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
/// A price is high from this many times the normal one on. Rule: docs/protocol.md#W51
const HIGH_TIMES: u128 = 4;

/// How the wallet came to know an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bond {
    /// An account of this wallet.
    Own,
    /// Kept in the address book.
    Contact,
    /// This wallet paid it before.
    Paid,
    /// It only appeared beside this wallet's accounts: so does a poisoner's.
    Seen,
}

/// What the wallet knows besides the bytes.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// Addresses it knows; one may stand here more than once.
    pub known: &'a [(Address, Bond)],
    /// Of the sender.
    pub balance: Amount,
    pub fees: FeeSuggestions,
    /// Whether code stands at the recipient.
    pub contract: bool,
    /// Whether the chain spec calls the recipient PUBLIC.
    pub public: bool,
    /// Whether the chain's coins are worth nothing.
    pub playground: bool,
    /// The recipient as it was typed or pasted, where it was.
    pub typed: Option<&'a str>,
}

/// How much a warning asks of the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Good to know.
    Note,
    /// Look again.
    Caution,
    /// Signed only after an explicit yes to it.
    Stop,
}

/// One thing to know before signing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// The recipient looks like another address that is known, and is not it.
    LookAlike {
        known: Address,
        bond: Bond,
        /// Equal digits at the start and at the end.
        start: usize,
        end: usize,
    },
    /// Everyone has the recipient's key: on a playground that is the game.
    PublicAccount { playground: bool },
    /// The recipient is a contract, not a person's account.
    Contract,
    /// The fee may become so large a part of the value, in percent, rounded down.
    FeeOfValue { percent: u64 },
    /// The price of gas is so many times the normal one, rounded down.
    FeeOfNow { times: u128 },
    /// All or nearly all is spent; this much stays at least.
    WholeBalance { left: Amount },
    /// Typed without the upper and lower case that would show a slip of the finger.
    NoChecksum,
    /// Nobody of this wallet has paid it before.
    FirstTime,
    /// The coins stay in this wallet.
    OwnAccount,
}

impl Warning {
    pub fn weight(&self) -> Weight {
        match self {
            Self::PublicAccount { playground: true } => Weight::Caution,
            Self::LookAlike { .. } | Self::PublicAccount { .. } | Self::Contract | Self::FeeOfNow { .. } => {
                Weight::Stop
            }
            Self::FeeOfValue { percent } if *percent >= 100 => Weight::Stop,
            Self::FeeOfValue { .. } | Self::WholeBalance { .. } | Self::NoChecksum | Self::FirstTime => Weight::Caution,
            Self::OwnAccount => Weight::Note,
        }
    }

    /// What it is, in a few words.
    pub fn title(&self) -> &'static str {
        match self {
            Self::LookAlike { .. } => "This address looks like one you know, but is another",
            Self::PublicAccount { .. } => "Everyone has the key of this account",
            Self::Contract => "The recipient is a contract",
            Self::FeeOfValue { .. } => "The fee is high for this amount",
            Self::FeeOfNow { .. } => "The fee is far above what is normal now",
            Self::WholeBalance { .. } => "This spends nearly all of the account",
            Self::NoChecksum => "The address carries no checksum",
            Self::FirstTime => "You have not paid this address before",
            Self::OwnAccount => "This is an account of your own",
        }
    }
}

impl fmt::Display for Warning {
    /// Why it matters and what to do, as one text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LookAlike {
                known,
                bond,
                start,
                end,
            } => {
                let what = match bond {
                    Bond::Own => "your own account",
                    Bond::Contact => "your contact",
                    Bond::Paid => "an address you paid before",
                    Bond::Seen => "an address in your history",
                };
                if *start >= ALIKE_EACH_END && *end >= ALIKE_EACH_END || start + end >= ALIKE_TOGETHER {
                    write!(
                        f,
                        "Its first {start} and last {end} digits are those of {what}, {known}. Swindlers make such addresses \
                         and pay you a little, so that you copy theirs. Compare every digit with a source you trust."
                    )
                } else {
                    write!(
                        f,
                        "It differs in a few digits only from {what}, {known}. Compare every digit with a source you trust."
                    )
                }
            }
            Self::PublicAccount { .. } => f.write_str(
                "It belongs to a phrase that is printed in the documentation. Whatever it receives, anyone can take.",
            ),
            Self::Contract => f.write_str(
                "A payment runs its program, which may refuse it or keep the coins for ever. Pay it only if its \
                 maker says so.",
            ),
            Self::FeeOfValue { percent } => write!(
                f,
                "The fee may become {percent} % of the amount. Choose a lower fee, or send more at once."
            ),
            Self::FeeOfNow { times } => write!(
                f,
                "Each unit of gas costs {times} times the normal price. It is in a hurry, or a slip."
            ),
            Self::WholeBalance { left } => write!(
                f,
                "At least {} coins stay on it, which may not be enough for another payment's fee.",
                left.to_coins()
            ),
            Self::NoChecksum => f.write_str(
                "Written in one case only, it does not show a mistyped digit. Compare it with a source you trust.",
            ),
            Self::FirstTime => {
                f.write_str("A payment cannot be called back. Compare the address with a source you trust.")
            }
            Self::OwnAccount => f.write_str("The coins stay yours; only the fee is spent."),
        }
    }
}

/// What to say before these bytes are signed, the gravest first. Rules: docs/protocol.md#W50, #W51
pub fn warnings(review: &Review, context: &Context<'_>) -> Vec<Warning> {
    let mut found = Vec::new();
    if let Some(to) = review.to {
        of_recipient(to, context, &mut found);
    }
    of_fee(review, context, &mut found);
    of_balance(review, context, &mut found);
    found.sort_by_key(|warning| std::cmp::Reverse(warning.weight()));
    found
}

fn of_recipient(to: Address, context: &Context<'_>, found: &mut Vec<Warning>) {
    let bonds = || context.known.iter().filter(|(known, _)| *known == to);
    let own = bonds().any(|(_, bond)| *bond == Bond::Own);
    // An address that was merely seen is not trusted: poisoning makes it seen.
    let trusted = bonds().any(|(_, bond)| *bond < Bond::Seen);
    if own {
        found.push(Warning::OwnAccount);
    }
    if context.public || is_public(to) {
        let playground = context.playground;
        found.push(Warning::PublicAccount { playground });
    }
    if context.contract {
        found.push(Warning::Contract);
    }
    if trusted {
        return;
    }
    found.extend(look_alike(to, context.known));
    found.push(Warning::FirstTime);
    if context.typed.is_some_and(|typed| lacks_checksum(typed, to)) {
        found.push(Warning::NoChecksum);
    }
}

/// The known address that `to` looks most like; of equals the one that is closest to the user.
fn look_alike(to: Address, known: &[(Address, Bond)]) -> Option<Warning> {
    let alike = known
        .iter()
        .filter(|(known, _)| *known != to)
        .filter_map(|(known, bond)| {
            let (start, end, differing) = likeness(&to, known);
            let ends = start >= ALIKE_EACH_END && end >= ALIKE_EACH_END || start + end >= ALIKE_TOGETHER;
            (ends || differing <= MISSPELT).then_some((DIGITS - start - end, *bond, *known, start, end))
        });
    alike.min().map(|(_, bond, known, start, end)| Warning::LookAlike {
        known,
        bond,
        start,
        end,
    })
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

/// Written in one case, where the checksum asks for another. Rule: docs/protocol.md#A1
fn lacks_checksum(typed: &str, to: Address) -> bool {
    let (typed, to) = (typed.trim(), to.to_string());
    typed != to && typed.eq_ignore_ascii_case(&to)
}

fn of_fee(review: &Review, context: &Context<'_>, found: &mut Vec<Warning>) {
    if let Some(percent) = percent(review.max_fee, review.value).filter(|percent| *percent >= HIGH_PERCENT) {
        found.push(Warning::FeeOfValue { percent });
    }
    let fees = &context.fees;
    let (most, tip) = (
        saturated(review.max_fee_per_gas),
        saturated(review.max_priority_fee_per_gas),
    );
    // What is paid if the next block takes it; below the base fee none does, and nothing is paid too much.
    let price = effective_price(most, tip, fees.base_fee).unwrap_or(0);
    let times = price / fees.base_fee.saturating_add(fees.normal).max(1);
    if times >= HIGH_TIMES {
        found.push(Warning::FeeOfNow { times });
    }
}

fn of_balance(review: &Review, context: &Context<'_>, found: &mut Vec<Warning>) {
    let Some(left) = context.balance.checked_sub(review.max_total) else {
        return; // That is an error, not a warning.
    };
    let nearly = left.0 < context.balance.0 / U256::from(NEARLY_ALL);
    if !review.value.is_zero() && nearly && !context.balance.is_zero() {
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

#[cfg(test)]
mod tests;
