use serde::{Deserialize, Serialize};

/// Where a search leads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Destination {
    Block(u64),
    BlockId(String),
    Transaction(String),
    Account(String),
}

impl Destination {
    /// The page's path.
    pub fn path(&self) -> String {
        match self {
            Self::Block(height) => format!("/block/{height}"),
            Self::BlockId(id) => format!("/block/{id}"),
            Self::Transaction(id) => format!("/tx/{id}"),
            Self::Account(address) => format!("/account/{address}"),
        }
    }
}

/// What the node makes of a search.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchAnswer {
    pub query: String,
    pub destination: Option<Destination>,
    /// Where nothing was found, what the text looks like and why it led nowhere.
    pub reason: Option<String>,
}
