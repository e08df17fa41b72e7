//! Portable receipts, and who names the block that they are trusted by.

use tally_chain::{
    PortableReceipt,
    consensus::WorkSealError,
    portable::{BlockRole, Claim, HeaderWithManifest, Parts, ReceiptError, Refuted},
};

use super::*;
use crate::verify::{RECEIPT_CHECKS, check_receipt};

/// The sample's payment as a file that leads to its own block, and the id of that.
fn portable() -> (PortableReceipt, BlockId) {
    let (_, evidence, _) = sample();
    let (block, transaction_path) = evidence.inclusion.expect("the sample is in a block");
    let (receipt, receipt_path) = evidence.outcome.expect("the sample was executed");
    let id = header(&block).unwrap().id();
    let own = HeaderWithManifest {
        header: block.header,
        manifest: block.manifest,
    };
    let receipt = PortableReceipt::new(Parts {
        chain: rules().identity,
        envelope: evidence.envelope,
        block: own.clone(),
        transaction_path,
        receipt: Receipt::decode(&receipt).unwrap(),
        receipt_path,
        tip: own,
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
    assert!(trust.claimed.is_some());
    assert_eq!(trust.outcome, None);
    assert!(
        others
            .iter()
            .all(|line| line.outcome == Some(Ok(())) && line.claimed.is_none())
    );

    // What is false is false, no matter who named the block.
    let other = BlockId([9; 32].into());
    for of_node in [false, true] {
        let (lines, proven) = check_receipt(&receipt, other, of_node);
        assert!(proven.is_none());
        let why = format!("it leads to the block {id}, not to the one that is trusted, {other}");
        assert_eq!(outcomes(lines).last(), Some(&Some(Err(why))));
    }
}

/// A receipt uses the same function as a node to find whether a block is sealed.
#[test]
fn a_receipt_whose_block_is_not_sealed_does_not_hold() {
    let (receipt, _) = portable();
    let mut header = Header::decode(receipt.block.header.as_ref().try_into().unwrap());
    let target = Target::from_bits(header.bits).unwrap();
    while target.is_met_by(&header.id()) {
        header.nonce += 1;
    }
    let (id, bits) = (header.id(), header.bits);
    let source = WorkSealError::NotEnoughWork { id, bits };
    let unsealed: Bytes = header.encode().into();
    let refuted = |change: fn(&mut PortableReceipt, Bytes)| {
        let mut receipt = receipt.clone();
        change(&mut receipt, unsealed.clone());
        receipt.check(None, id, &ReferenceVerifier).unwrap_err()
    };
    let expected = |claim, role| Refuted {
        claim,
        error: ReceiptError::Seal {
            role,
            source: source.clone().into(),
        },
    };
    let own = refuted(|receipt, header| receipt.block.header = header);
    assert_eq!(own, expected(Claim::Block, BlockRole::Own));
    let tip = refuted(|receipt, header| receipt.tip.header = header);
    assert_eq!(tip, expected(Claim::History, BlockRole::Tip));
    assert_eq!(
        own.to_string(),
        format!("the transaction's block: block id {id} is above the target of bits {bits:#010x}")
    );
}
