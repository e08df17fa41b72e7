//! What to know before signing. Rules: docs/protocol.md#W50, #W51
//!
//! One list for every path that signs: a payment, a replacement, a proposal, an anchor, test coins, with a node or without.
//! Pure: computed from the decoded bytes, from what the wallet knows, and from what the node answered. What the wallet finds
//! by itself stands in the list whatever the node does: a node that does not answer, or claims that an address was paid
//! before, takes nothing away. Nothing here forbids a payment.

mod find;
#[cfg(test)]
mod tests;

use std::fmt;

use tally_chain::transaction::{LIFETIME, MAX_AHEAD};
use tally_chain::{Address, Amount, UnixSecs};

use crate::fees::FeeSuggestions;
use crate::payment::Review;

use find::{alike_at_the_ends, of_node, of_wallet};

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

/// What the wallet knows without a node.
#[derive(Debug, Clone, Copy)]
pub struct Local<'a> {
    /// Its accounts, its address book and the receivers in its own journal of payments; one may stand here more than once.
    pub known: &'a [(Address, Bond)],
    /// Whether the chain's coins are worth nothing.
    pub playground: bool,
    /// The recipient as it was typed or pasted, where it was.
    pub typed: Option<&'a str>,
    /// By the clock of this machine.
    pub now: UnixSecs,
}

/// What a node answered. It can add warnings, and takes none away.
#[derive(Debug, Clone, Copy)]
pub struct NodeView<'a> {
    /// Whom the wallet's accounts met in the chain's history, as this node reports it.
    pub history: &'a [(Address, Bond)],
    /// Of the sender, beyond what its waiting transactions may cost.
    pub balance: Amount,
    /// What the node suggests to pay.
    pub fees: FeeSuggestions,
    /// Whether code stands at the recipient.
    pub contract: bool,
    /// Whether the chain spec calls the recipient PUBLIC.
    pub public: bool,
}

/// How grave a warning is.
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
    /// The bytes create a contract: there is no receiver.
    NewContract {
        /// Length of the init code.
        code_bytes: usize,
    },
    /// The recipient looks like another address that is known, and is not it.
    LookAlike {
        /// The address that the recipient resembles.
        known: Address,
        /// Where that address is known from.
        bond: Bond,
        /// Equal digits at the start and at the end.
        start: usize,
        /// Equal digits at the end.
        end: usize,
    },
    /// Everyone has the recipient's key: on a playground that is the game.
    PublicAccount {
        /// Whether the chain is a playground, where such accounts are meant to be used.
        playground: bool,
    },
    /// The recipient is a contract, not a person's account.
    Contract,
    /// The fee may become so large a part of the value, in percent, rounded down.
    FeeOfValue {
        /// The highest fee in percent of the value.
        percent: u64,
    },
    /// The fee may become this much, regardless of the value.
    FeeHigh {
        /// The highest fee, in base units.
        max_fee: Amount,
    },
    /// The price of gas is so many times the normal one, rounded down.
    FeeOfNow {
        /// The price as a multiple of the normal one.
        times: u128,
    },
    /// The time in the bytes is that of another day, which others may have chosen: they can keep what is signed.
    DatedAhead {
        /// The time in the bytes.
        timestamp: UnixSecs,
        /// The time by the clock of this machine.
        now: UnixSecs,
    },
    /// The node did not answer, so its part of the list is missing.
    NodeMissing {
        /// Why there is no answer.
        why: String,
    },
    /// All or nearly all is spent; this much stays at least.
    WholeBalance {
        /// In base units.
        left: Amount,
    },
    /// Typed without the upper and lower case that would show a slip of the finger.
    NoChecksum,
    /// No account of this wallet has paid it before.
    FirstTime,
    /// The time in the bytes is so long ago that no block takes them any more.
    TooOld {
        /// The time in the bytes.
        timestamp: UnixSecs,
        /// The time by the clock of this machine.
        now: UnixSecs,
    },
    /// The coins stay in this wallet.
    OwnAccount,
}

impl Warning {
    /// How grave it is. Rule: docs/protocol.md#W51
    pub fn weight(&self) -> Weight {
        match self {
            Self::NewContract { .. }
            | Self::LookAlike { .. }
            | Self::PublicAccount { playground: false }
            | Self::Contract
            | Self::FeeOfValue { .. }
            | Self::FeeHigh { .. }
            | Self::FeeOfNow { .. }
            | Self::DatedAhead { .. }
            | Self::NodeMissing { .. } => Weight::Stop,
            Self::PublicAccount { playground: true }
            | Self::WholeBalance { .. }
            | Self::NoChecksum
            | Self::FirstTime => Weight::Caution,
            Self::TooOld { .. } | Self::OwnAccount => Weight::Note,
        }
    }

    /// Its name in flags and JSON; stays the same for ever.
    pub fn name(&self) -> &'static str {
        match self {
            Self::NewContract { .. } => "new-contract",
            Self::LookAlike { .. } => "look-alike",
            Self::PublicAccount { .. } => "public-account",
            Self::Contract => "contract",
            Self::FeeOfValue { .. } => "fee-of-value",
            Self::FeeHigh { .. } => "fee-high",
            Self::FeeOfNow { .. } => "fee-of-now",
            Self::DatedAhead { .. } => "dated-ahead",
            Self::NodeMissing { .. } => "node-missing",
            Self::WholeBalance { .. } => "whole-balance",
            Self::NoChecksum => "no-checksum",
            Self::FirstTime => "first-time",
            Self::TooOld { .. } => "too-old",
            Self::OwnAccount => "own-account",
        }
    }

    /// What it is, in a few words.
    pub fn title(&self) -> &'static str {
        match self {
            Self::NewContract { .. } => "This creates a contract and pays no one",
            Self::LookAlike { .. } => "This address looks like one you know, but is another",
            Self::PublicAccount { .. } => "Everyone has the key of this account",
            Self::Contract => "The recipient is a contract",
            Self::FeeOfValue { .. } => "The fee is high for this amount",
            Self::FeeHigh { .. } => "The fee is high",
            Self::FeeOfNow { .. } => "The fee is far above what is normal now",
            Self::DatedAhead { .. } => "This is dated ahead",
            Self::NodeMissing { .. } => "The recipient and the fee could not be checked with a node",
            Self::WholeBalance { .. } => "This spends nearly all of the account",
            Self::NoChecksum => "The address has no checksum",
            Self::FirstTime => "You have not paid this address before",
            Self::TooOld { .. } => "This is too old for a block",
            Self::OwnAccount => "This is an account of your own",
        }
    }
}

impl fmt::Display for Warning {
    /// Why it matters and what to do, as one text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NewContract { code_bytes } => write!(
                f,
                "There is no recipient: {code_bytes} bytes of program are run once and make a new contract, which keeps the \
                 amount. Sign it only if you mean to create a contract and trust its author."
            ),
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
                if alike_at_the_ends(*start, *end) {
                    write!(
                        f,
                        "Its first {start} and last {end} digits are those of {what}, {known}. Scammers make such addresses \
                         and pay you a little, so that you copy theirs. Compare every digit with a source you trust."
                    )
                } else {
                    write!(
                        f,
                        "It differs from {what}, {known}, in only a few digits. Compare every digit with a source you trust."
                    )
                }
            }
            Self::PublicAccount { .. } => f.write_str(
                "It belongs to a phrase that is printed in the documentation. Anyone can take what it receives.",
            ),
            Self::Contract => f.write_str(
                "A payment runs its program with the memo as its input; the program may reject it, keep the coins for ever \
                 or do more than pay. Pay it only if its author documents that it takes payments.",
            ),
            Self::FeeOfValue { percent } => write!(
                f,
                "The fee may be up to {percent} % of the amount. Choose a lower fee, or send a larger amount at once."
            ),
            Self::FeeHigh { max_fee } => write!(
                f,
                "It may be up to {} coins, far more than a payment usually costs. Choose a lower fee; if the node suggested \
                 this one, compare with another node.",
                max_fee.to_coins()
            ),
            Self::FeeOfNow { times } => write!(
                f,
                "Each unit of gas costs {times} times the normal price. Choose a lower fee, unless it has to be in the next block."
            ),
            Self::DatedAhead { timestamp, now } => write!(
                f,
                "No block includes it before about {}, and it stays valid until {}: anyone who has it with all signatures can send it \
                 until then, unless another payment of its nonce comes first. This machine's clock shows {}; if that is wrong, \
                 correct it first.",
                UnixSecs(timestamp.0.saturating_sub(MAX_AHEAD)).utc(),
                timestamp.saturating_add(LIFETIME).utc(),
                now.utc()
            ),
            Self::NodeMissing { why } => write!(
                f,
                "No node has shown whether you paid this address before, whether a contract stands there, and what fee is \
                 normal now ({why}). Compare every digit with a source you trust."
            ),
            Self::WholeBalance { left } => write!(
                f,
                "At least {} coins stay on it, which may not be enough for another payment's fee.",
                left.to_coins()
            ),
            Self::NoChecksum => f.write_str(
                "It is written in one case only, so a mistyped digit cannot be detected. Compare it with a source you trust.",
            ),
            Self::FirstTime => {
                f.write_str("A payment cannot be undone. Compare the address with a source you trust.")
            }
            Self::TooOld { timestamp, now } => write!(
                f,
                "No block includes it after {}. This machine's clock shows {}; it may be wrong.",
                timestamp.saturating_add(LIFETIME).utc(),
                now.utc()
            ),
            Self::OwnAccount => f.write_str("The coins stay yours; you pay only the fee."),
        }
    }
}

/// Everything to know before these bytes are signed, in its two parts. Rules: docs/protocol.md#W50, #W51
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warnings {
    /// What the wallet found by itself.
    pub local: Vec<Warning>,
    /// What a node's answers add, or why there are none.
    pub node: Result<Vec<Warning>, String>,
}

impl Warnings {
    /// The list for these bytes; `node` is the reason where the node did not answer, or not completely.
    pub fn of(review: &Review, local: &Local<'_>, node: Result<NodeView<'_>, String>) -> Self {
        let found = of_wallet(review, local);
        Self {
            node: node.map(|node| of_node(review, local, &node, &found)),
            local: found,
        }
    }

    /// All of them, the gravest first; a missing node is one of them, and needs confirmation as well.
    pub fn all(&self) -> Vec<Warning> {
        let mut all = self.local.clone();
        match &self.node {
            Ok(found) => all.extend(found.iter().cloned()),
            Err(why) => all.push(Warning::NodeMissing { why: why.clone() }),
        }
        all.sort_by_key(|warning| std::cmp::Reverse(warning.weight()));
        all
    }

    /// Those that each need an explicit confirmation.
    pub fn stops(&self) -> Vec<Warning> {
        let mut stops = self.all();
        stops.retain(|warning| warning.weight() == Weight::Stop);
        stops
    }
}
