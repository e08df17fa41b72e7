use serde::{Deserialize, Serialize};

use super::Scheme;

/// Most rows that one page of a table may request.
pub const MAX_ROWS: u32 = 100;

/// One page of a longer list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing<T> {
    pub items: Vec<T>,
    /// From 1.
    pub page: u32,
    pub rows: u32,
    /// How many there are in all, where that is known.
    pub total: Option<u64>,
    /// Whether a next page exists.
    pub more: bool,
    /// Where sorting or filtering looked only at the newest entries, which: `1,000 blocks`.
    pub window: Option<String>,
}

impl<T> Listing<T> {
    /// Pages in all, at least one, where the total is known.
    pub fn pages(&self) -> Option<u64> {
        self.total
            .map(|total| total.div_ceil(u64::from(self.rows.max(1))).max(1))
    }
}

/// What the blocks table can be sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BlockSort {
    #[default]
    Height,
    Interval,
    Transactions,
    Gas,
    Bytes,
    Burned,
}

impl BlockSort {
    /// All of them, with the word in the URL and the column's title.
    pub const ALL: [(Self, &'static str, &'static str); 6] = [
        (Self::Height, "height", "Height"),
        (Self::Interval, "interval", "Interval"),
        (Self::Transactions, "transactions", "Transactions"),
        (Self::Gas, "gas", "Gas used"),
        (Self::Bytes, "bytes", "Size"),
        (Self::Burned, "burned", "Burned"),
    ];

    /// The word in the URL.
    pub fn word(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    /// Reads the word in the URL; anything unknown is the default.
    pub fn from_word(word: &str) -> Self {
        Self::ALL
            .iter()
            .find(|entry| entry.1 == word)
            .map_or(Self::default(), |entry| entry.0)
    }
}

/// The state of the blocks table, as its URL holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockQuery {
    pub sort: BlockSort,
    pub ascending: bool,
    /// Only blocks with at least one transaction.
    pub filled: bool,
    /// Only blocks of this producer.
    pub producer: Option<String>,
    pub page: u32,
    pub rows: u32,
}

/// Which transactions to list by where they stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StatusFilter {
    #[default]
    Any,
    Pending,
    Succeeded,
    Failed,
}

/// The state of the transactions table, as its URL holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransactionQuery {
    pub status: StatusFilter,
    pub scheme: Option<Scheme>,
    pub page: u32,
    pub rows: u32,
}
