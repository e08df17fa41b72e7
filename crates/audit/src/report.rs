//! What an audit did and found, and its form in JSON.

use serde_json::{Value, json};
use tally_chain::{Amount, B256, BlockId, Height};

use crate::fault::Broken;

/// How much was checked, as light clients name it: every block was executed.
const LEVEL: &str = "executed";

/// Where the money came from and went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// What there was at the beginning: by genesis, or by the state of the checkpoint.
    pub allocated: Amount,
    /// Sum of the subsidies, in base units. Rule: docs/protocol.md#I1
    pub subsidies: Amount,
    /// Sum of the burned base fees, in base units. Rule: docs/protocol.md#I2
    pub burned: Amount,
    /// `allocated + subsidies - burned`. Rule: docs/protocol.md#I2
    pub supply: Amount,
    /// The sum of all balances: the stored ones, or those that execution gave where there is no store.
    pub balances: Amount,
}

/// What an audit did and found; `F` is what it can find wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report<F> {
    /// Id of block 0.
    pub genesis: BlockId,
    /// Id of the last block of the chain.
    pub tip: BlockId,
    /// Height of the tip.
    pub height: Height,
    /// The block whose state the audit began with: genesis, or a checkpoint. The blocks between genesis and it were not there.
    pub base: Height,
    /// Blocks that were decoded, checked, linked and executed again; genesis aside.
    pub blocks: u64,
    /// Transactions of those blocks.
    pub transactions: u64,
    /// Accounts of the state at the tip.
    pub accounts: u64,
    /// Root of the state at the tip. Rule: docs/protocol.md#S3
    pub state_root: B256,
    /// The supply, added up again.
    pub totals: Totals,
    /// Blocks whose time is too far ahead of this machine's clock: no fault of the chain, since the clock may have been
    /// set back. Rule: docs/protocol.md#B4
    pub ahead: Option<Ahead>,
    /// Empty when everything agrees.
    pub faults: Vec<F>,
}

/// Blocks that a node with this clock would not take yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ahead {
    /// How many.
    pub blocks: u64,
    /// Seconds by which the latest of them is ahead of the clock.
    pub secs: u64,
}

impl<F: Broken> Report<F> {
    /// As `tally audit --json` prints it, and as a tab saves it. `chain` is the spec's name, `seconds` what the audit took: a
    /// number of JSON.
    pub fn to_json(&self, chain: &str, seconds: Value) -> Value {
        let totals = &self.totals;
        let first = self.faults.first();
        json!({
            "chain": chain,
            "level": LEVEL,
            "genesis_id": self.genesis.to_string(),
            "tip": self.tip.to_string(),
            "height": self.height.0,
            "base": self.base.0,
            "blocks": self.blocks,
            "transactions": self.transactions,
            "accounts": self.accounts,
            "state_root": self.state_root.to_string(),
            "allocated": totals.allocated.to_string(),
            "subsidies": totals.subsidies.to_string(),
            "burned": totals.burned.to_string(),
            "supply": totals.supply.to_string(),
            "balances": totals.balances.to_string(),
            "ahead_of_clock": self.ahead.map(|ahead| json!({ "blocks": ahead.blocks, "secs": ahead.secs })),
            "first_fault": first.map(|fault| json!({
                "height": fault.height().map(|height| height.0),
                "rule": fault.rule(),
                "what": fault.to_string(),
            })),
            "faults": self.faults.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "seconds": seconds,
        })
    }
}
