//! Blocks, and what they are worth.

use super::*;

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
        "The manifest's root is shown as {root}, but the bytes contain {}",
        manifest.root()
    );
    let expected = vec![Some(Ok(())), Some(Ok(())), failed(&why), failed(&why)];
    assert_eq!(outcomes(check_block(&BlockVerdict::OnChain, &page, &block)), expected);
}

#[test]
fn every_field_of_header_and_manifest_is_compared() {
    let (_, evidence, page) = sample();
    let (block, _) = evidence.inclusion.expect("the sample is in a block");
    let figures = |change: fn(&mut BlockPage)| {
        let mut page = page.clone();
        change(&mut page);
        outcomes(check_block(&BlockVerdict::OnChain, &page, &block))[3].clone()
    };
    assert_eq!(figures(|_| {}), Some(Ok(())));
    let why = "The bits value is shown as 0x1d00ffff, but the bytes contain 0x2000ffff";
    assert_eq!(figures(|page| page.header.bits = "0x1d00ffff".to_owned()), failed(why));
    let why = "The version is shown as 2, but the bytes contain 1";
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
            "{what} is shown as {}, but the bytes contain {}",
            shown(&changed),
            shown(&page)
        );
        assert_eq!(figures(change), failed(&why));
    }
}

#[test]
fn a_header_of_another_length_does_not_hold() {
    let (_, evidence, page) = sample();
    let (mut block, _) = evidence.inclusion.expect("the sample is in a block");
    block.header = Bytes::from_static(&[0; 79]);
    let short = failed("the header has 79 bytes, not 80");
    assert_eq!(
        outcomes(check_block(&BlockVerdict::OnChain, &page, &block)),
        vec![short; 4]
    );
}

/// Whether the light client has no verified chain, or found the block beside it: nothing that stands in it is verified.
#[test]
fn what_stands_in_a_block_that_is_not_on_the_verified_chain_is_not_verified() {
    let (page, mut evidence, block) = sample();
    let (rules, (from, _)) = (rules(), parties());
    let (inclusion, _) = evidence.inclusion.clone().expect("the sample is in a block");
    let why = "a reason".to_owned();
    let (unknown, refuted) = (BlockVerdict::Unknown(why.clone()), BlockVerdict::Refuted(why.clone()));
    let claimed = |lines: &[CheckLine]| lines.iter().map(|line| line.claimed.clone()).collect::<Vec<_>>();
    let row =
        |verdict: &BlockVerdict, evidence: &TransactionEvidence| check_row(&rules, verdict, &from, &page.row, evidence);

    let lines = check_block(&unknown, &block, &inclusion);
    assert_eq!(claimed(&lines), vec![None, Some(why.clone()), None, None]);
    assert_eq!(outcomes(lines), vec![None; 4]);
    let lines = check_transaction(&rules, &unknown, &page, &evidence);
    assert_eq!(claimed(&lines), vec![None, None, None, Some(why.clone()), None]);
    let signed = [Some(Ok(())), Some(Ok(()))];
    assert_eq!(outcomes(lines), [&signed[..], &vec![None; 3]].concat());
    assert_eq!(row(&unknown, &evidence), Ok(Proof::ButBlock(why.clone())));

    let lines = outcomes(check_block(&refuted, &block, &inclusion));
    assert_eq!(lines, vec![None, failed(&why), None, None]);
    let lines = outcomes(check_transaction(&rules, &refuted, &page, &evidence));
    assert_eq!(lines, [&signed[..], &[None, failed(&why), None]].concat());
    assert_eq!(row(&refuted, &evidence), Err(why));

    // What does not hold is shown as such, whatever the block is.
    let (_, other, _) = sample_of(Some(Address::repeat_byte(0x11)), false);
    evidence.outcome = other.outcome;
    for verdict in [&unknown, &refuted] {
        let lines = outcomes(check_transaction(&rules, verdict, &page, &evidence));
        let Some(Err(why)) = &lines[4] else { panic!("{lines:?}") };
        assert!(why.starts_with("the path leads to root "), "{why}");
    }
    let why = row(&unknown, &evidence).expect_err("another block's outcome");
    assert!(why.starts_with("the path leads to root "), "{why}");
}
