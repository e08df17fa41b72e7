//! How soon a payment is to be in a block.

use clap::ValueEnum;
use tally_wallet::FeeLevel;

/// Fee levels on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Level {
    Low,
    Normal,
    High,
}

impl From<Level> for FeeLevel {
    fn from(level: Level) -> Self {
        match level {
            Level::Low => Self::Low,
            Level::Normal => Self::Normal,
            Level::High => Self::High,
        }
    }
}
