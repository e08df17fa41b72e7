//! What this tab checks itself, on the pages of a block and of a transaction.

mod checks;
mod panel;
mod receipt;

#[cfg(feature = "ssr")]
pub use checks::policy_view;
pub use checks::{BLOCK_CHECKS, CheckLine, TRANSACTION_CHECKS, check_block, check_row, check_transaction};
pub use panel::{CheckPanel, Checks};
pub use receipt::{RECEIPT_CHECKS, check_receipt};
