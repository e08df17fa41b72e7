//! A portable receipt, claim by claim.

use tally_api::worker::light::Tip;
use tally_chain::portable::{Claim, LinkedReceipt, Proven, Refuted};
use tally_chain::{BlockId, PortableReceipt, ReferenceVerifier};

use super::checks::{CheckLine, line};
use crate::light::{Light, Unproved};

/// What is checked of a receipt against a block that its reader trusts, in the order of [`Claim::ALL`].
pub const RECEIPT_CHECKS: [(&str, &str); 6] = [
    SIGNATURE,
    BLOCK,
    INCLUSION,
    EXECUTION,
    HISTORY,
    (
        "Trust",
        "That block, or the transaction's own, is the one that you trust.",
    ),
];

/// What is checked of a receipt from a genesis id on, in the order of [`Claim::FROM_GENESIS`].
pub const RECEIPT_CHECKS_FROM_GENESIS: [(&str, &str); 6] = [
    SIGNATURE,
    BLOCK,
    INCLUSION,
    EXECUTION,
    HISTORY,
    (
        "Chain",
        "That block is the tip of a chain whose work leads there from the genesis that you named.",
    ),
];

const SIGNATURE: (&str, &str) = (
    "Signature",
    "The sender's keys signed this very transaction for this very chain.",
);
const BLOCK: (&str, &str) = ("Block", "Header and manifest of its block fit, and the work is there.");
const INCLUSION: (&str, &str) = (
    "Inclusion",
    "The transaction is in the block, by its path to the block's root.",
);
const EXECUTION: (&str, &str) = (
    "Execution",
    "It did what the receipt says, by its path to the block's root.",
);
const HISTORY: (&str, &str) = (
    "History",
    "The block is an ancestor of the one that the receipt leads to.",
);

/// The caveat of the trusted block's id where the node gave it: a node that makes up a receipt makes up its block as well.
const OF_THE_NODE: &str = "The id is the one that this node gave: compare it with a source of your own.";
/// The same of the genesis id.
const GENESIS_OF_THE_NODE: &str =
    "It does, from the genesis id that this page was given: compare that with a source of your own.";

/// Checks a receipt against a block that its reader trusts; `of_node` where its id comes from the node that serves the page,
/// so that the trust rests on the node.
pub fn check_receipt(receipt: &PortableReceipt, trusted: BlockId, of_node: bool) -> (Vec<CheckLine>, Option<Proven>) {
    let outcome = receipt.check(None, trusted, &ReferenceVerifier);
    let caveat = of_node.then_some(OF_THE_NODE);
    (lines(Claim::ALL, RECEIPT_CHECKS, &outcome, caveat), outcome.ok())
}

/// Checks a receipt from a genesis id on, by the proof that it carries; `of_node` where that id comes with the page.
pub async fn check_receipt_from_genesis(
    light: Light,
    receipt: &PortableReceipt,
    genesis: BlockId,
    of_node: bool,
) -> (Vec<CheckLine>, Option<(Proven, Tip)>) {
    let proved = match receipt.chain_proof().map(serde_json::to_string) {
        Some(Ok(chain)) => light.prove(genesis.to_string(), chain).await,
        _ => Err(Unproved::NotHere("it has no proof of its chain".to_owned())),
    };
    settled(receipt.link(Some(genesis), &ReferenceVerifier), proved, of_node)
}

/// What follows from the receipt's parts and the proof of its chain.
pub(super) fn settled(
    linked: Result<LinkedReceipt, Refuted>,
    proved: Result<Tip, Unproved>,
    of_node: bool,
) -> (Vec<CheckLine>, Option<(Proven, Tip)>) {
    let (claims, titles) = (Claim::FROM_GENESIS, RECEIPT_CHECKS_FROM_GENESIS);
    let caveat = of_node.then_some(GENESIS_OF_THE_NODE);
    let linked = match linked {
        Ok(linked) => linked,
        Err(refuted) => return (lines(claims, titles, &Err(refuted), caveat), None),
    };
    let last = |why: Unproved| {
        let mut all: Vec<_> = titles.map(|titled| line(titled, Some(Ok(())))).into();
        let chain = titles[titles.len() - 1];
        all.pop();
        all.push(match why {
            Unproved::False(why) => line(chain, Some(Err(why))),
            Unproved::NotHere(why) => CheckLine {
                claimed: Some(why),
                ..line(chain, None)
            },
        });
        all
    };
    let on_chain = proved.and_then(|tip| match tip.id.parse() {
        Ok(id) => Ok((id, tip)),
        Err(_) => Err(Unproved::NotHere("the light client names no block".to_owned())),
    });
    match on_chain {
        Ok((id, tip)) => {
            let outcome = linked.on_chain(id);
            let lines = lines(claims, titles, &outcome, caveat);
            (lines, outcome.ok().map(|proven| (proven, tip)))
        }
        Err(why) => (last(why), None),
    }
}

/// A line for each claim; `caveat`: why the last one, where it holds, rests on the node.
fn lines(
    claims: [Claim; 6],
    titles: [(&'static str, &'static str); 6],
    outcome: &Result<Proven, Refuted>,
    caveat: Option<&str>,
) -> Vec<CheckLine> {
    let last = claims[claims.len() - 1];
    let lines = claims.iter().zip(titles).map(|(claim, titled)| {
        let holds = match (outcome, caveat) {
            (Ok(_), Some(caveat)) if *claim == last => {
                return CheckLine {
                    claimed: Some(caveat.to_owned()),
                    ..line(titled, None)
                };
            }
            (Ok(_), _) => Ok(()),
            (Err(refuted), _) if *claim < refuted.claim => Ok(()),
            (Err(refuted), _) if *claim == refuted.claim => Err(refuted.to_string()),
            (Err(_), _) => Err("Not looked at, since the claim above is false.".to_owned()),
        };
        line(titled, Some(holds))
    });
    lines.collect()
}
