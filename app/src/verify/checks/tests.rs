use tally_chain::{
    Amount, B256, BlockId, Bytes, CheckedTransaction, Height, Receipt, ReferenceVerifier, UnixSecs, genesis, merkle,
    transaction::Payload,
};
use tally_wallet::{Phrase, SigningKey, payment};

use super::*;
use crate::model::{
    BaseUnits, BlockRef, BlockRow, HeaderView, Listing, ManifestView, Scheme, Status, TransactionEvidence,
    TransactionKind, TransactionPage, TransactionRow,
};
use crate::verify::ChainRules;
use crate::verify::rules::tests::{EASIEST, NOW, local, mined};

/// An account that has nothing to do with the sample.
const OTHERS: &str = "0x52908400098527886E0F7030069857D2E4169EE7";
/// Gas that the sample's payment used.
const GAS: u64 = 5_000;

fn rules() -> ChainRules {
    local().1
}

fn key() -> SigningKey {
    let seed = Phrase::parse("test test test test test test test test test test test junk")
        .unwrap()
        .seed("");
    SigningKey::Secp256k1(seed.secp256k1(1).unwrap())
}

/// The sender of the sample, and whom it pays.
fn parties() -> (String, String) {
    let to = Address::repeat_byte(0x11).to_checksum(None);
    (key().address().to_checksum(None), to)
}

/// A signed payment that succeeded, a block of two that holds it, and the pages that show both.
fn sample() -> (TransactionPage, TransactionEvidence, BlockPage) {
    sample_of(Some(Address::repeat_byte(0x11)), true)
}

fn sample_of(to: Option<Address>, success: bool) -> (TransactionPage, TransactionEvidence, BlockPage) {
    let key = key();
    let payload = Payload {
        chain_id: local().0.chain_id,
        nonce: 7,
        timestamp: UnixSecs(1_795_424_712),
        max_priority_fee: 1,
        max_fee: 2,
        gas_limit: 200_000,
        to,
        value: Amount(tally_chain::U256::from(5)),
        data: Bytes::from_static(b"rent"),
    };
    let checked = signed(&key, payload);
    let receipt = Receipt {
        transaction: checked.id(),
        success,
        gas_used: GAS,
        contract: (to.is_none() && success).then(|| checked.sender().create(7)),
        logs: Vec::new(),
    };
    let leaves = [merkle::leaf_hash(b"another"), merkle::leaf_hash(checked.envelope())];
    let receipts = [merkle::leaf_hash(b"another"), merkle::leaf_hash(&receipt.encode())];
    let manifest = Manifest {
        number: Height(12),
        producer: Address::repeat_byte(0x22),
        state_root: [3; 32].into(),
        transactions_root: merkle::root(&leaves),
        receipts_root: merkle::root(&receipts),
        history_root: [5; 32].into(),
        gas_limit: 100,
        gas_used: 50,
        base_fee: 1,
        extra: Bytes::new(),
        seal: Bytes::new(),
    };
    let header = mined(Header {
        version: 1,
        parent: BlockId([6; 32].into()),
        manifest_root: manifest.root(),
        time: NOW as u32,
        bits: EASIEST,
        nonce: 0,
    });
    let block = BlockEvidence {
        header: Bytes::copy_from_slice(&header.encode()),
        manifest: manifest.encode().into(),
    };
    let evidence = TransactionEvidence {
        envelope: checked.envelope().clone(),
        inclusion: Some((block, merkle::prove(&leaves, 1).unwrap())),
        outcome: Some((receipt.encode().into(), merkle::prove(&receipts, 1).unwrap())),
    };
    let page = transaction_page(&checked, &header, &receipt);
    (page, evidence, block_page(&header, &manifest))
}

fn signed(key: &SigningKey, payload: Payload) -> CheckedTransaction {
    let identity = rules().identity;
    let bytes = payload.encode();
    let signed = payment::sign(&identity, key.address(), key, &bytes, &mut tally_wallet::system_rng()).unwrap();
    let raw = tally_chain::RawTransaction::decode(signed.envelope).unwrap();
    raw.check(&identity, &ReferenceVerifier).unwrap()
}

fn transaction_page(checked: &CheckedTransaction, header: &Header, receipt: &Receipt) -> TransactionPage {
    let to = checked.view().to.or(receipt.contract);
    let kind = match checked.view().to {
        Some(_) => TransactionKind::Payment,
        None => TransactionKind::Creation,
    };
    let status = if receipt.success {
        Status::Succeeded
    } else {
        Status::Failed
    };
    let (authenticator, public_key, signature) = transaction::signed_with(checked.transaction());
    TransactionPage {
        row: TransactionRow {
            id: checked.id().to_string(),
            status,
            scheme: Scheme::Ecc,
            kind,
            from: checked.sender().to_checksum(None),
            to: to.map(|to| to.to_checksum(None)),
            value: BaseUnits::new(5),
            fee: BaseUnits::new(2 * GAS),
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
        made: Some(1_795_424_712),
        type_byte: "0x54".to_owned(),
        bytes: checked.envelope().len() as u64,
        gas_limit: 200_000,
        gas_used: Some(GAS),
        max_fee: BaseUnits::new(2),
        max_priority_fee: BaseUnits::new(1),
        gas_price: Some(BaseUnits::new(2)),
        burned: Some(BaseUnits::new(GAS)),
        data: "0x72656e74".to_owned(),
        // As the node does it: data of a contract is no memo.
        memo: (kind == TransactionKind::Payment).then(|| "rent".to_owned()),
        authenticator,
        public_key,
        policy: None,
        signature,
        logs: Vec::new(),
        provable: true,
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
            bits: format!("{:#010x}", header.bits),
            target: format!("{:064x}", Target::from_bits(header.bits).unwrap().0),
            nonce: header.nonce,
        },
        manifest: ManifestView {
            state_root: manifest.state_root.to_string(),
            transactions_root: manifest.transactions_root.to_string(),
            receipts_root: manifest.receipts_root.to_string(),
            history_root: manifest.history_root.to_string(),
            base_fee: BaseUnits::new(1),
            extra: manifest.extra.to_string(),
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

/// The verdicts on a transaction's page.
fn verdicts(page: &TransactionPage, evidence: &TransactionEvidence) -> Vec<Option<Result<(), String>>> {
    outcomes(check_transaction(&rules(), &BlockVerdict::OnChain, page, evidence))
}

fn failed(why: &str) -> Option<Result<(), String>> {
    Some(Err(why.to_owned()))
}

#[test]
fn an_honest_node_is_verified_throughout() {
    for (to, success) in [
        (Some(Address::repeat_byte(0x11)), true),
        (Some(Address::repeat_byte(0x11)), false),
        (None, true),
        (None, false),
    ] {
        let (page, evidence, block) = sample_of(to, success);
        assert_eq!(verdicts(&page, &evidence), vec![Some(Ok(())); 5], "{to:?} {success}");
        let (from, _) = parties();
        let whole = Ok(Proof::Whole);
        assert_eq!(
            check_row(&rules(), &BlockVerdict::OnChain, &from, &page.row, &evidence),
            whole,
            "{to:?} {success}"
        );
        let inclusion = evidence.inclusion.expect("the sample is in a block");
        let lines = check_block(&BlockVerdict::OnChain, &block, &inclusion.0);
        assert_eq!(outcomes(lines), vec![Some(Ok(())); 4]);
    }
}

#[test]
fn a_waiting_transaction_has_no_path_to_check() {
    let (mut page, mut evidence, _) = sample();
    (evidence.inclusion, evidence.outcome) = (None, None);
    (page.row.status, page.row.block) = (Status::Pending, None);
    page.row.fee = BaseUnits::new(400_000);
    let expected = vec![Some(Ok(())), Some(Ok(())), None, None, None];
    assert_eq!(verdicts(&page, &evidence), expected);
    page.row.fee = BaseUnits::new(1);
    let why = "The highest fee is shown as 1, but the bytes contain 400000";
    assert_eq!(verdicts(&page, &evidence)[1], failed(why));
}

#[test]
fn what_is_shown_as_executed_is_shown_with_its_block() {
    let (mut page, evidence, _) = sample();
    page.row.block = None;
    page.row.time = 1;
    let why = "its outcome is shown, but not the block that holds it";
    assert_eq!(verdicts(&page, &evidence)[3], failed(why));
    let (from, _) = parties();
    assert_eq!(
        check_row(&rules(), &BlockVerdict::OnChain, &from, &page.row, &evidence),
        Err(why.to_owned())
    );
    // Read before the block came: it is about to be read again.
    page.row.status = Status::Pending;
    assert_eq!(verdicts(&page, &evidence)[3], Some(Ok(())));
}

#[test]
fn what_is_shown_must_be_what_was_signed() {
    let shown = |change: fn(&mut TransactionPage)| {
        let (mut page, evidence, _) = sample();
        change(&mut page);
        verdicts(&page, &evidence)[1].clone()
    };
    let why = "The value is shown as 6, but the bytes contain 5";
    assert_eq!(shown(|page| page.row.value = BaseUnits::new(6)), failed(why));
    let why = "the memo shown is not the text in the bytes";
    assert_eq!(shown(|page| page.memo = Some("gift".to_owned())), failed(why));
    let why = "no memo is shown, but the bytes carry one";
    assert_eq!(shown(|page| page.memo = None), failed(why));
    // A contract is called with data, which is no memo.
    let call = |page: &mut TransactionPage, memo: Option<&str>| {
        page.row.kind = TransactionKind::Call;
        page.memo = memo.map(str::to_owned);
    };
    let (mut page, evidence, _) = sample();
    call(&mut page, None);
    assert_eq!(verdicts(&page, &evidence)[1], Some(Ok(())));
    call(&mut page, Some("rent"));
    let why = "the memo shown is not the text in the bytes";
    assert_eq!(verdicts(&page, &evidence)[1], failed(why));
    // Nor is the program of a new contract one.
    let (mut page, evidence, _) = sample_of(None, true);
    page.memo = Some("rent".to_owned());
    assert_eq!(verdicts(&page, &evidence)[1], failed(why));
    let why = "The kind of the signature is shown as RSA, but the bytes contain ECC";
    assert_eq!(shown(|page| page.row.scheme = Scheme::Rsa), failed(why));
    let why = format!(
        "The receiver is shown as {OTHERS}, but the bytes contain {}",
        parties().1
    );
    assert_eq!(shown(|page| page.row.to = Some(OTHERS.to_owned())), failed(&why));
    let why = format!("The receiver is shown as none, but the bytes contain {}", parties().1);
    assert_eq!(shown(|page| page.row.to = None), failed(&why));
    let why = "The gas limit is shown as 1, but the bytes contain 200000";
    assert_eq!(shown(|page| page.gas_limit = 1), failed(why));
    let why = "the time at which it was made is not the one in the bytes";
    assert_eq!(shown(|page| page.made = None), failed(why));
    let why = "the key or the signature shown is not the one in the bytes";
    assert_eq!(shown(|page| page.signature = "0x00".to_owned()), failed(why));
}

#[test]
fn the_receiver_of_a_creation_follows_from_sender_and_nonce() {
    let (mut page, evidence, _) = sample_of(None, true);
    let contract = key().address().create(7);
    assert_eq!(page.row.to, Some(contract.to_checksum(None)));
    page.row.to = Some(OTHERS.to_owned());
    let why = format!("The receiver is shown as {OTHERS}, but the bytes contain {contract}");
    assert_eq!(verdicts(&page, &evidence)[1], failed(&why));
    // No address beside it is its receiver.
    let row = TransactionRow {
        to: Some(contract.to_checksum(None)),
        ..page.row
    };
    let why = Err(format!("it is neither from nor to {OTHERS}"));
    assert_eq!(
        check_row(&rules(), &BlockVerdict::OnChain, OTHERS, &row, &evidence),
        why
    );
}

#[test]
fn the_outcome_is_that_of_the_receipt() {
    let shown = |change: fn(&mut TransactionPage)| {
        let (mut page, evidence, _) = sample_of(Some(Address::repeat_byte(0x11)), false);
        change(&mut page);
        let (from, _) = parties();
        let row = check_row(&rules(), &BlockVerdict::OnChain, &from, &page.row, &evidence);
        (verdicts(&page, &evidence)[4].clone(), row.err())
    };
    let both = |why: &str| (failed(why), Some(why.to_owned()));
    let why = "The status is shown as succeeded, but the bytes contain failed";
    assert_eq!(shown(|page| page.row.status = Status::Succeeded), both(why));
    let why = "The fee is shown as 1, but the bytes contain 10000";
    assert_eq!(shown(|page| page.row.fee = BaseUnits::new(1)), both(why));
    let why = "The gas used is shown as 1, but the bytes contain 5000";
    assert_eq!(shown(|page| page.gas_used = Some(1)), (failed(why), None));
    let why = "The part that was burned is shown as nothing, but the bytes contain 5000";
    assert_eq!(shown(|page| page.burned = None), (failed(why), None));
    let why = "the events shown are not those in the receipt";
    let log = |page: &mut TransactionPage| {
        page.logs.push(crate::model::LogView {
            address: OTHERS.to_owned(),
            topics: Vec::new(),
            data: String::new(),
        })
    };
    assert_eq!(shown(log), (failed(why), None));
}

#[test]
fn a_receipt_of_another_transaction_proves_nothing() {
    let (page, mut evidence, _) = sample();
    let (_, other, _) = sample_of(Some(Address::repeat_byte(0x11)), false);
    // Another receipt under its own root, but not under this block's.
    let (bytes, path) = other.outcome.expect("the sample was executed");
    let root = merkle::verify(&path, merkle::leaf_hash(&bytes), manifest_of(&evidence).receipts_root).unwrap_err();
    evidence.outcome = Some((bytes, path));
    assert_eq!(verdicts(&page, &evidence)[4], failed(&root.to_string()));
    // Without one the outcome is marked as told by the node.
    evidence.outcome = None;
    assert_eq!(verdicts(&page, &evidence)[4], None);
    let (from, _) = parties();
    let row = check_row(&rules(), &BlockVerdict::OnChain, &from, &page.row, &evidence);
    assert_eq!(row, Ok(Proof::ButOutcome));
}

fn manifest_of(evidence: &TransactionEvidence) -> Manifest {
    let (block, _) = evidence.inclusion.as_ref().expect("the sample is in a block");
    Manifest::decode(&block.manifest).unwrap()
}

#[test]
fn a_signature_for_another_chain_does_not_hold() {
    let (page, evidence, _) = sample();
    let mut other = rules();
    other.identity.genesis = BlockId(B256::repeat_byte(0xbb));
    let lines = outcomes(check_transaction(&other, &BlockVerdict::OnChain, &page, &evidence));
    assert_eq!(lines[0], failed("signature does not verify"));
    assert_ne!(
        other.identity,
        genesis::identity(&tally_chain::ChainSpec::built_in("local").unwrap())
    );
}

#[test]
fn a_path_of_another_transaction_does_not_hold() {
    let (page, mut evidence, _) = sample();
    let root = manifest_of(&evidence).transactions_root;
    let (_, proof) = evidence.inclusion.as_mut().expect("the sample is in a block");
    proof.index = 0;
    let lines = verdicts(&page, &evidence);
    let Some(Err(why)) = &lines[2] else {
        panic!("the path holds: {lines:?}")
    };
    assert!(why.ends_with(&format!("not to {root}")), "{why}");
    assert_eq!(lines[3], Some(Ok(())));
    assert_eq!(
        lines[4],
        failed("The receipt's place is shown as 1, but the bytes contain 0")
    );
}

#[test]
fn the_time_of_a_line_is_that_of_its_block() {
    let (mut page, evidence, _) = sample();
    page.row.time += 1;
    let why = format!("The time is shown as {}, but the bytes contain {NOW}", NOW + 1);
    assert_eq!(verdicts(&page, &evidence)[3], failed(&why));
}

#[test]
fn a_line_of_a_list_is_checked_as_a_whole() {
    let (page, evidence, _) = sample();
    let (from, to) = parties();
    let check = |own: &str, row: &TransactionRow, evidence: &TransactionEvidence| {
        check_row(&rules(), &BlockVerdict::OnChain, own, row, evidence)
    };
    assert_eq!(check(&from, &page.row, &evidence), Ok(Proof::Whole));
    assert_eq!(check(&to, &page.row, &evidence), Ok(Proof::Whole));
    // Another's payment in this account's history.
    let why = format!("it is neither from nor to {OTHERS}");
    assert_eq!(check(OTHERS, &page.row, &evidence), Err(why));
    let shown = |change: &dyn Fn(&mut TransactionRow)| {
        let mut row = page.row.clone();
        change(&mut row);
        check(&to, &row, &evidence)
    };
    let why = "The value is shown as 6, but the bytes contain 5".to_owned();
    assert_eq!(shown(&|row| row.value = BaseUnits::new(6)), Err(why));
    // The direction: shown as from the account itself.
    let why = format!("The sender is shown as {to}, but the bytes contain {from}");
    assert_eq!(shown(&|row| row.from = to.clone()), Err(why));
    let why = format!("The receiver is shown as {OTHERS}, but the bytes contain {to}");
    assert_eq!(shown(&|row| row.to = Some(OTHERS.to_owned())), Err(why));
    let why = "a contract creation is shown as a payment, or a payment as a creation".to_owned();
    assert_eq!(shown(&|row| row.kind = TransactionKind::Creation), Err(why));
    let waiting = TransactionEvidence {
        inclusion: None,
        ..evidence.clone()
    };
    let why = "the node sent no path to its block".to_owned();
    assert_eq!(check(&to, &page.row, &waiting), Err(why));
}

mod block;
mod receipt;
