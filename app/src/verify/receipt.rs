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

/// Said of the trusted block's id where the node gave it: a node that makes up a receipt makes up its block as well.
const OF_THE_NODE: &str = "The id is the one that this node gave: compare it with a source of your own.";

/// Checks a receipt against a block that its reader trusts; `of_node` where its id comes from the node that serves the page,
/// so that the trust is the node's word.
pub fn check_receipt(receipt: &PortableReceipt, trusted: BlockId, of_node: bool) -> (Vec<CheckLine>, Option<Proven>) {
    let outcome = receipt.check(None, trusted, &ReferenceVerifier);
    let lines = Claim::ALL.iter().zip(RECEIPT_CHECKS).map(|(claim, titled)| {
        let holds = match &outcome {
            Ok(_) if of_node && *claim == Claim::Trust => {
                return CheckLine {
                    claimed: Some(OF_THE_NODE.to_owned()),
                    ..line(titled, None)
                };
            }
            Ok(_) => Ok(()),
            Err(refuted) if *claim < refuted.claim => Ok(()),
            Err(refuted) if *claim == refuted.claim => Err(refuted.to_string()),
            Err(_) => Err("Not looked at, since the claim above is false.".to_owned()),
        };
        line(titled, Some(holds))
    });
    (lines.collect(), outcome.ok())
}
