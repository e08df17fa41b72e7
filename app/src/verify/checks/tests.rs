use tally_chain::{Amount, Bytes, Height, U256, UnixSecs, transaction::Payload};
use tally_wallet::{Phrase, SigningKey, payment};

use super::*;
use crate::model::{
    BaseUnits, BlockRef, BlockRow, HeaderView, Listing, ManifestView, Scheme, Status, TransactionKind, TransactionRow,
};

/// A target that every second id meets.
const EASY: u32 = 0x207f_ffff;
const GENESIS: &str = "00000000000000000000000000000000000000000000000000000000000000aa";

fn chain() -> ChainInfo {
    ChainInfo {
        chain_id: 8549,
        genesis_id: GENESIS.to_owned(),
        ..ChainInfo::unknown()
    }
}

/// A signed payment, a block of two that holds it, and the pages that show both.
fn sample() -> (TransactionPage, TransactionEvidence, BlockPage) {
    let seed = Phrase::parse("test test test test test test test test test test test junk")
        .unwrap()
        .seed("");
    let key = SigningKey::Secp256k1(seed.secp256k1(1).unwrap());
    let identity = ChainIdentity {
        chain_id: 8549,
        genesis: GENESIS.parse().unwrap(),
    };
    let payload = Payload {
        chain_id: 8549,
        nonce: 7,
        timestamp: UnixSecs(1_795_424_712),
        max_priority_fee: 1,
        max_fee: 2,
        gas_limit: 30_000,
        to: Some(Address::repeat_byte(0x11)),
        value: Amount(U256::from(5)),
        data: Bytes::from_static(b"rent"),
    };
    let signed = payment::sign(
        &identity,
        key.address(),
        &key,
        &payload.encode(),
        &mut tally_wallet::system_rng(),
    )
    .unwrap();
    let leaves = [merkle::leaf_hash(b"another"), merkle::leaf_hash(&signed.envelope)];
    let manifest = Manifest {
        number: Height(12),
        producer: Address::repeat_byte(0x22),
        state_root: [3; 32].into(),
        transactions_root: merkle::root(&leaves),
        receipts_root: [4; 32].into(),
        history_root: [5; 32].into(),
        gas_limit: 100,
        gas_used: 50,
        base_fee: 1,
        extra: Bytes::new(),
        seal: Bytes::new(),
    };
    let mut header = Header {
        version: 1,
        parent: BlockId([6; 32].into()),
        manifest_root: manifest.root(),
        time: 1_795_424_720,
        bits: EASY,
        nonce: 0,
    };
    while check_work(&header).is_err() {
        header.nonce += 1;
    }
    let block = BlockEvidence {
        header: Bytes::copy_from_slice(&header.encode()),
        manifest: manifest.encode().into(),
    };
    let proof = merkle::prove(&leaves, 1).unwrap();
    let evidence = TransactionEvidence {
        envelope: signed.envelope.clone(),
        inclusion: Some((block, proof)),
    };
    let page = transaction_page(&signed, &header);
    (page, evidence, block_page(&header, &manifest))
}

fn transaction_page(signed: &tally_wallet::Signed, header: &Header) -> TransactionPage {
    TransactionPage {
        row: TransactionRow {
            id: signed.id.to_string(),
            status: Status::Succeeded,
            scheme: Scheme::Ecc,
            kind: TransactionKind::Payment,
            from: signed.sender.to_checksum(None),
            to: Some(Address::repeat_byte(0x11).to_checksum(None)),
            value: BaseUnits::new(5),
            fee: BaseUnits::new(1),
            time: header.time.into(),
            block: Some(BlockRef {
                height: 12,
                id: header.id().to_string(),
                time: header.time.into(),
                index: 1,
            }),
        },
        tip: 12,
        nonce: 7,
        made: None,
        type_byte: "0x54".to_owned(),
        bytes: 0,
        gas_limit: 30_000,
        gas_used: None,
        max_fee: BaseUnits::new(2),
        max_priority_fee: BaseUnits::new(1),
        gas_price: None,
        burned: None,
        data: "0x72656e74".to_owned(),
        memo: None,
        authenticator: String::new(),
        public_key: None,
        policy: None,
        signature: String::new(),
        logs: Vec::new(),
    }
}

fn block_page(header: &Header, manifest: &Manifest) -> BlockPage {
    BlockPage {
        row: BlockRow {
            height: 12,
            id: header.id().to_string(),
            time: header.time.into(),
            interval: None,
            transactions: 2,
            gas_used: 50,
            gas_limit: 100,
            bytes: 0,
            producer: manifest.producer.to_checksum(None),
            burned: BaseUnits::default(),
        },
        header: HeaderView {
            version: 1,
            parent: header.parent.to_string(),
            manifest_root: header.manifest_root.to_string(),
            time: header.time,
            bits: String::new(),
            target: String::new(),
            nonce: header.nonce,
        },
        manifest: ManifestView {
            state_root: manifest.state_root.to_string(),
            transactions_root: manifest.transactions_root.to_string(),
            receipts_root: manifest.receipts_root.to_string(),
            history_root: manifest.history_root.to_string(),
            base_fee: BaseUnits::new(1),
            extra: String::new(),
        },
        kept: true,
        canonical: true,
        tip: 12,
        difficulty: 2.0,
        subsidy: BaseUnits::default(),
        tips: None,
        moved: BaseUnits::default(),
        transactions: Listing {
            items: Vec::new(),
            page: 1,
            rows: 20,
            total: None,
            more: false,
            window: None,
        },
    }
}

fn outcomes(lines: Vec<CheckLine>) -> Vec<Option<Result<(), String>>> {
    lines.into_iter().map(|line| line.outcome).collect()
}

#[test]
fn an_honest_node_is_verified_throughout() {
    let (page, evidence, block) = sample();
    assert_eq!(
        outcomes(check_transaction(&chain(), &page, &evidence)),
        vec![Some(Ok(())); 4]
    );
    let inclusion = evidence.inclusion.expect("the sample is in a block");
    assert_eq!(outcomes(check_block(&block, &inclusion.0)), vec![Some(Ok(())); 4]);
}

#[test]
fn a_waiting_transaction_has_no_path_to_check() {
    let (page, mut evidence, _) = sample();
    evidence.inclusion = None;
    assert_eq!(
        outcomes(check_transaction(&chain(), &page, &evidence)),
        vec![Some(Ok(())), Some(Ok(())), None, None]
    );
}

#[test]
fn what_is_shown_must_be_what_was_signed() {
    let (mut page, evidence, _) = sample();
    page.row.value = BaseUnits::new(6);
    let why = "The value is shown as 6, but the bytes say 5".to_owned();
    assert_eq!(
        outcomes(check_transaction(&chain(), &page, &evidence))[1],
        Some(Err(why))
    );
}

#[test]
fn a_signature_for_another_chain_does_not_hold() {
    let (page, evidence, _) = sample();
    let other = ChainInfo {
        genesis_id: GENESIS.replace("aa", "bb"),
        ..chain()
    };
    assert_eq!(
        outcomes(check_transaction(&other, &page, &evidence))[0],
        Some(Err("signature does not verify".to_owned()))
    );
}

#[test]
fn a_path_of_another_transaction_does_not_hold() {
    let (page, mut evidence, _) = sample();
    let (block, proof) = evidence.inclusion.as_mut().expect("the sample is in a block");
    proof.index = 0;
    let root = Manifest::decode(&block.manifest).unwrap().transactions_root;
    let lines = outcomes(check_transaction(&chain(), &page, &evidence));
    let Some(Err(why)) = &lines[2] else {
        panic!("the path holds: {lines:?}")
    };
    assert!(why.ends_with(&format!("not to {root}")), "{why}");
    assert_eq!(lines[3], Some(Ok(())));
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
    let expected = vec![Some(Ok(())), Some(Ok(())), Some(Err(why.clone())), Some(Err(why))];
    assert_eq!(outcomes(check_block(&page, &block)), expected);
}

#[test]
fn a_header_without_work_does_not_hold() {
    let (_, evidence, page) = sample();
    let (mut block, _) = evidence.inclusion.expect("the sample is in a block");
    let mut header = header(&block).unwrap();
    header.bits = 0x1d00_ffff;
    block.header = Bytes::copy_from_slice(&header.encode());
    assert_eq!(
        outcomes(check_block(&page, &block))[1],
        Some(Err("the id is above the target".to_owned()))
    );
    block.header = Bytes::from_static(&[0; 79]);
    let short = Some(Err("the header has 79 bytes, not 80".to_owned()));
    assert_eq!(outcomes(check_block(&page, &block)), vec![short; 4]);
}

#[test]
fn a_line_of_a_list_is_checked_as_a_whole() {
    let (page, evidence, _) = sample();
    assert_eq!(check_row(&chain(), &page.row, &evidence), Ok(()));
    let mut dearer = page.row.clone();
    dearer.value = BaseUnits::new(6);
    let why = "The value is shown as 6, but the bytes say 5".to_owned();
    assert_eq!(check_row(&chain(), &dearer, &evidence), Err(why));
    let waiting = TransactionEvidence {
        inclusion: None,
        ..evidence
    };
    let why = "the node sent no path to its block".to_owned();
    assert_eq!(check_row(&chain(), &page.row, &waiting), Err(why));
}
