//! What this tab checks itself, on the pages of a block and of a transaction.

mod checks;
mod panel;

pub use checks::{BLOCK_CHECKS, CheckLine, TRANSACTION_CHECKS, check_block, check_row, check_transaction, policy_view};
pub use panel::{CheckPanel, Checks};
