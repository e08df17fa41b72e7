//! What this tab checks itself, on the pages of a block and of a transaction.

mod checks;
mod panel;
mod receipt;
pub(crate) mod rules;

#[cfg(feature = "ssr")]
pub use checks::{log_views, policy_view, signed_with};
pub use checks::{BLOCK_CHECKS, CheckLine, Proof, TRANSACTION_CHECKS, check_block, check_row, check_transaction};
pub use panel::{CheckPanel, Checks};
pub use rules::{ChainRules, of_chain};
pub use receipt::{RECEIPT_CHECKS, check_receipt};
