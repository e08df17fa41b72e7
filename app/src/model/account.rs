use serde::{Deserialize, Serialize};

use super::{BaseUnits, TransactionRow};

/// What is known of an account's key. An address alone does not show it; a signature does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccountKind {
    /// It has not signed anything yet.
    Unknown,
    /// It has signed, but nothing among its newest transactions.
    Unread,
    Rsa,
    Ecc,
    /// Of several keys. Rule: docs/protocol.md#A7
    Shared,
    Contract,
}

impl AccountKind {
    /// One line: what it is and how we know.
    pub fn label(self) -> &'static str {
        match self {
            Self::Unknown => "Has not signed yet, so its key is not known",
            Self::Unread => "Has signed, but not lately: its key is not looked for further back",
            Self::Rsa => "RSA account",
            Self::Ecc => "ECC account (secp256k1)",
            Self::Shared => "Shared account of several keys",
            Self::Contract => "Contract",
        }
    }
}

/// Everything the account page shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountView {
    /// Checksummed address.
    pub address: String,
    pub kind: AccountKind,
    pub balance: BaseUnits,
    pub nonce: u64,
    /// Transactions of this sender that wait in this node's pool.
    pub pending: u32,
    /// A name from the chain spec, such as a public test account.
    pub label: Option<String>,
    /// Height at which this was read.
    pub height: u64,
    pub history: HistoryView,
}

/// What the producer of a block received, as a line of its history. It is only what the node reports: no commitment of a block has it.
/// Rules: docs/protocol.md#I1, #X4
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RewardRow {
    /// Of the block.
    pub height: u64,
    /// Id of the block.
    pub block: String,
    /// Of the block, Unix seconds.
    pub time: u64,
    /// Subsidy and fees together.
    pub value: BaseUnits,
}

/// A line of an account's history. The two have no field in common that could be taken for the other's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum HistoryLine {
    Transaction(TransactionRow),
    Reward(RewardRow),
}

/// A part of an account's history, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryView {
    /// What waits stands before all others, in the first part.
    pub items: Vec<HistoryLine>,
    /// Cursor of the part with older lines, if there are any.
    pub next: Option<String>,
    /// Why there is no such part.
    pub lost: Option<LostPlace>,
}

/// Why a history does not go on where it was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LostPlace {
    /// The cursor is none, or one of another list.
    Unknown,
    /// The newest block that was shown has left the chain.
    Replaced { height: u64 },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_travel_as_what_they_are() {
        let reward = HistoryLine::Reward(RewardRow {
            height: 12,
            block: "ab".to_owned(),
            time: 7,
            value: BaseUnits::new(5),
        });
        let payment = HistoryLine::Transaction(TransactionRow::waiting("0x01"));
        let history = HistoryView {
            items: vec![reward, payment],
            next: Some("00".to_owned()),
            lost: Some(LostPlace::Replaced { height: 9 }),
        };
        let text = serde_json::to_string(&history).unwrap();
        assert_eq!(serde_json::from_str::<HistoryView>(&text).unwrap(), history);
    }
}
