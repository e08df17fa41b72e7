//! A portable receipt, claim by claim.

use tally_chain::portable::{Claim, Proven};
use tally_chain::{BlockId, PortableReceipt, ReferenceVerifier};

use super::checks::{CheckLine, line};

/// What is checked of a receipt, in the order of [`Claim::ALL`].
pub const RECEIPT_CHECKS: [(&str, &str); 6] = [
    (
        "Signature",
        "The sender's keys signed this very transaction for this very chain.",
    ),
    ("Block", "Header and manifest of its block fit, and the work is there."),
    (
        "Inclusion",
        "The transaction is in the block, by its path to the block's root.",
    ),
    (
        "Execution",
        "It did what the receipt says, by its path to the block's root.",
    ),
    (
        "History",
        "The block is an ancestor of the one that the receipt leads to.",
    ),
    (
        "Trust",
        "That block, or the transaction's own, is the one that you trust.",
    ),
];

/// Checks a receipt against a block that its reader trusts.
pub fn check_receipt(receipt: &PortableReceipt, trusted: BlockId) -> (Vec<CheckLine>, Option<Proven>) {
    let outcome = receipt.check(None, trusted, &ReferenceVerifier);
    let lines = Claim::ALL.iter().zip(RECEIPT_CHECKS).map(|(claim, titled)| {
        let holds = match &outcome {
            Ok(_) => Ok(()),
            Err(refuted) if *claim < refuted.claim => Ok(()),
            Err(refuted) if *claim == refuted.claim => Err(refuted.to_string()),
            Err(_) => Err("Not looked at, since the claim above is false.".to_owned()),
        };
        line(titled, Some(holds))
    });
    (lines.collect(), outcome.ok())
}
