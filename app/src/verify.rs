//! What this tab checks itself, on the pages of a block and of a transaction.

mod checks;
mod panel;
pub mod proofs;
mod receipt;
pub(crate) mod rules;

pub use checks::{BLOCK_CHECKS, CheckLine, Proof, TRANSACTION_CHECKS, block_subject, check_block, transaction_subject};
#[cfg(feature = "ssr")]
pub use checks::{log_views, policy_view, scheme, signed_with};
pub use panel::{CheckPanel, Checks};
pub use receipt::{RECEIPT_CHECKS, RECEIPT_CHECKS_FROM_GENESIS, check_receipt, check_receipt_from_genesis};
pub use rules::{ChainRules, of_chain};
