//! Portable receipts, and on whose word their block is trusted.

use tally_chain::{
    PortableReceipt,
    portable::{Parts, Seal},
};

use super::*;
use crate::verify::{RECEIPT_CHECKS, check_receipt};

/// The sample's payment as a file that leads to its own block, and the id of that.
fn portable() -> (PortableReceipt, BlockId) {
    let (_, evidence, _) = sample();
    let (block, transaction_path) = evidence.inclusion.expect("the sample is in a block");
    let (receipt, receipt_path) = evidence.outcome.expect("the sample was executed");
    let id = header(&block).unwrap().id();
    let seal = Seal {
        header: block.header,
        manifest: block.manifest,
    };
    let receipt = PortableReceipt::new(Parts {
        chain: rules().identity,
        envelope: evidence.envelope,
        block: seal.clone(),
        transaction_path,
        receipt: Receipt::decode(&receipt).unwrap(),
        receipt_path,
        tip: seal,
        history: None,
    });
    (receipt, id)
}

#[test]
fn a_block_that_the_node_names_is_trusted_on_its_word() {
    let (receipt, id) = portable();
    let (lines, proven) = check_receipt(&receipt, id, false);
    assert!(proven.is_some());
    assert_eq!(outcomes(lines), vec![Some(Ok(())); RECEIPT_CHECKS.len()]);

    let (lines, proven) = check_receipt(&receipt, id, true);
    assert!(proven.is_some());
    let (trust, others) = lines.split_last().expect("the last claim is the trust");
    assert!(trust.told.is_some());
    assert_eq!(trust.outcome, None);
    assert!(
        others
            .iter()
            .all(|line| line.outcome == Some(Ok(())) && line.told.is_none())
    );

    // What is false is false whoever named the block.
    let other = BlockId([9; 32].into());
    for of_node in [false, true] {
        let (lines, proven) = check_receipt(&receipt, other, of_node);
        assert!(proven.is_none());
        let why = format!("it leads to the block {id}, not to the one that is trusted, {other}");
        assert_eq!(outcomes(lines).last(), Some(&Some(Err(why))));
    }
}
