//! What of the node may need a token.

use clap::ValueEnum;
use serde::Deserialize;

/// What may be made to need a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protected {
    /// `/metrics`.
    Metrics,
    /// All that the node shows, `/metrics` too.
    Read,
}
