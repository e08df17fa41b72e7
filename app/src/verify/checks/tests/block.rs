//! Blocks, and what they are worth.

use super::*;
use crate::verify::rules::tests::fresh;

#[test]
fn what_is_compared_is_the_subject_and_a_growing_chain_is_none() {
    let (page, _, block) = sample();
    let grown = TransactionPage {
        tip: 13,
        ..page.clone()
    };
    assert_eq!(transaction_subject(&grown), transaction_subject(&page));
    let mut other = page.clone();
    other.row.value = BaseUnits::new(6);
    assert_ne!(transaction_subject(&other), transaction_subject(&page));
    let grown = BlockPage {
        tip: 13,
        canonical: false,
        ..block.clone()
    };
    assert_eq!(block_subject(&grown), block_subject(&block));
    let mut other = block.clone();
    other.manifest.base_fee = BaseUnits::new(2);
    assert_ne!(block_subject(&other), block_subject(&block));
}

#[test]
fn a_block_with_another_manifest_does_not_hold() {
    let (_, evidence, page) = sample();
    let (mut block, _) = evidence.inclusion.expect("the sample is in a block");
    let mut manifest = Manifest::decode(&block.manifest).unwrap();
    let root = manifest.root();
    manifest.gas_used = 51;
    block.manifest = manifest.encode().into();
    let why = format!(
        "The manifest's root is shown as {root}, but the bytes say {}",
        manifest.root()
    );
    let expected = vec![Some(Ok(())), Some(Ok(())), failed(&why), failed(&why)];
    assert_eq!(outcomes(check_block(&rules(), NOW, &page, &block)), expected);
}

#[test]
fn every_field_of_header_and_manifest_is_compared() {
    let (_, evidence, page) = sample();
    let (block, _) = evidence.inclusion.expect("the sample is in a block");
    let figures = |change: fn(&mut BlockPage)| {
        let mut page = page.clone();
        change(&mut page);
        outcomes(check_block(&rules(), NOW, &page, &block))[3].clone()
    };
    assert_eq!(figures(|_| {}), Some(Ok(())));
    let why = "The bits value is shown as 0x1d00ffff, but the bytes say 0x2000ffff";
    assert_eq!(figures(|page| page.header.bits = "0x1d00ffff".to_owned()), failed(why));
    let why = "The version is shown as 2, but the bytes say 1";
    assert_eq!(figures(|page| page.header.version = 2), failed(why));
    type Change = fn(&mut BlockPage);
    type Shown = fn(&BlockPage) -> String;
    let changes: [(&str, Change, Shown); 4] = [
        (
            "The target",
            |page| page.header.target.push('0'),
            |page| page.header.target.clone(),
        ),
        (
            "The manifest root",
            |page| page.header.manifest_root.push('0'),
            |page| page.header.manifest_root.clone(),
        ),
        (
            "The header's time",
            |page| page.header.time += 1,
            |page| page.header.time.to_string(),
        ),
        (
            "The extra field",
            |page| page.manifest.extra.push('0'),
            |page| page.manifest.extra.clone(),
        ),
    ];
    for (what, change, shown) in changes {
        let mut changed = page.clone();
        change(&mut changed);
        let why = format!(
            "{what} is shown as {}, but the bytes say {}",
            shown(&changed),
            shown(&page)
        );
        assert_eq!(figures(change), failed(&why));
    }
}

#[test]
fn a_header_without_work_does_not_hold() {
    let (_, evidence, page) = sample();
    let (mut block, _) = evidence.inclusion.expect("the sample is in a block");
    let mut header = header(&block).unwrap();
    let work = |header: &Header, block: &mut BlockEvidence| {
        block.header = Bytes::copy_from_slice(&header.encode());
        outcomes(check_block(&rules(), NOW, &page, block))[1].clone()
    };
    header.bits = 0x1d00_ffff;
    assert_eq!(work(&header, &mut block), failed("the id is above the target"));
    // Bits that every id meets are none of this chain's, and a block without a parent is not its genesis.
    header.bits = 0x207f_ffff;
    let why = "the work that its bits 0x207fffff require is less than this chain allows at height 12";
    assert_eq!(work(&mined(header), &mut block), failed(why));
    let orphan = Header {
        parent: BlockId::ZERO,
        ..header
    };
    let why = format!("block 0 is not this chain's genesis, {}", rules().identity.genesis);
    assert_eq!(work(&orphan, &mut block), failed(&why));
    block.header = Bytes::from_static(&[0; 79]);
    let short = failed("the header has 79 bytes, not 80");
    assert_eq!(outcomes(check_block(&rules(), NOW, &page, &block)), vec![short; 4]);
}

#[test]
fn what_stands_in_a_block_of_hardly_any_work_is_the_nodes_word() {
    let (page, mut evidence, block) = sample();
    let (_, rules) = fresh();
    let claimed = |lines: &[CheckLine]| lines.iter().map(|line| line.claimed).collect::<Vec<_>>();
    let lines = check_transaction(&rules, NOW, &page, &evidence);
    assert_eq!(claimed(&lines), vec![None, None, Some(LIGHT), Some(LIGHT), Some(LIGHT)]);
    let expected = vec![Some(Ok(())), Some(Ok(())), None, None, None];
    assert_eq!(outcomes(lines), expected);
    let (from, _) = parties();
    let row = |evidence: &TransactionEvidence| check_row(&rules, NOW, &from, &page.row, evidence);
    assert_eq!(row(&evidence), Ok(Proof::ButBlock));
    let (inclusion, _) = evidence.inclusion.clone().expect("the sample is in a block");
    let lines = check_block(&rules, NOW, &block, &inclusion);
    assert_eq!(claimed(&lines), vec![None, Some(LIGHT), None, None]);
    assert_eq!(outcomes(lines), vec![Some(Ok(())), None, Some(Ok(())), Some(Ok(()))]);
    // What does not hold is shown as such, whatever the block is worth.
    let (_, other, _) = sample_of(Some(Address::repeat_byte(0x11)), false);
    evidence.outcome = other.outcome;
    let why = row(&evidence).expect_err("another block's outcome");
    assert!(why.starts_with("the path leads to root "), "{why}");
    assert_eq!(
        outcomes(check_transaction(&rules, NOW, &page, &evidence))[4],
        failed(&why)
    );
}
