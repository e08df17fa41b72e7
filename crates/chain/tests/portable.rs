//! Portable receipts, with and without a proof of their chain: true ones hold, and of others the claim that fails is named.
//! Rules: docs/protocol.md#P1 to #P8

#[path = "portable/world.rs"]
mod portable_world;
mod support;

use std::path::PathBuf;

use portable_world::{NOW, PAID_AT, SHORT, SPEC, World, easy};
use proptest::prelude::*;
use serde_json::{Value, json};
use tally_chain::history::HistoryError;
use tally_chain::light::{ALL_HEADERS_UP_TO, ChainReader as _, Level, LightError};
use tally_chain::portable::{
    BlockRole, ChainProof, Claim, FileError, HeaderWithManifest, MAX_FILE_BYTES, MAX_PROOF_BYTES,
    MAX_PROVED_FILE_BYTES, ProvenFromGenesis, ReceiptError, Refuted, Trusted,
};
use tally_chain::spec::SpecError;
use tally_chain::{B256, BlockId, Bytes, Header, Height, Manifest, PortableReceipt, ReferenceVerifier, UnixSecs};

fn from_genesis(receipt: &PortableReceipt) -> Result<ProvenFromGenesis, Refuted> {
    receipt.check_from_genesis(SHORT.genesis(), NOW, &ReferenceVerifier)
}

/// Why the chain of a receipt does not hold; everything before it does.
fn refuted(receipt: &PortableReceipt) -> ReceiptError {
    let refuted = from_genesis(receipt).unwrap_err();
    assert_eq!(refuted.claim, Claim::Chain, "{refuted}");
    refuted.error
}

fn read(value: &Value) -> Result<PortableReceipt, FileError> {
    PortableReceipt::read(value.to_string().as_bytes())
}

fn value(receipt: &PortableReceipt) -> Value {
    serde_json::from_str(&receipt.write()).unwrap()
}

fn pinned(version: u32) -> PathBuf {
    let name = format!("tests/pinned/portable_{version}.json");
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Both versions of one receipt, byte for byte, and what they show.
#[test]
fn pinned_receipts_hold() {
    let [one, two] = [1, 2].map(|version| std::fs::read(pinned(version)).unwrap());
    let (first, second) = (
        PortableReceipt::read(&one).unwrap(),
        PortableReceipt::read(&two).unwrap(),
    );
    assert_eq!((first.version(), second.version()), (1, 2));
    assert_eq!(
        (first.write().as_bytes(), second.write().as_bytes()),
        (&one[..], &two[..])
    );
    assert_eq!(first, SHORT.receipt_to(20));
    assert_eq!(second, SHORT.proved_to(20));
    assert_eq!(second.clone().without_chain(), first);

    let proven = first
        .check(Some(SHORT.genesis()), SHORT.chain.tip().id(), &ReferenceVerifier)
        .unwrap();
    assert_eq!((proven.trusted, proven.confirmations()), (Trusted::Tip, Some(14)));
    let ProvenFromGenesis { proven, chain } = from_genesis(&second).unwrap();
    assert_eq!((proven.trusted, proven.confirmations()), (Trusted::Genesis, Some(14)));
    assert_eq!((proven.block, proven.height.0), (SHORT.chain.at(PAID_AT).id(), PAID_AT));
    assert_eq!((chain.level, chain.tip), (Level::AllHeaders, SHORT.chain.tip().id()));
    assert_eq!((chain.checked.headers, chain.weight), (20, SHORT.chain.weight()));
    assert_eq!(chain.header.time, SHORT.chain.tip().time);
}

#[test]
#[ignore = "writes the pinned receipts; they change only with the rules"]
fn write_pinned() {
    std::fs::write(pinned(1), SHORT.receipt_to(20).write()).unwrap();
    std::fs::write(pinned(2), SHORT.proved_to(20).write()).unwrap();
}

/// Every level of proof, and the transaction's own block as the tip.
#[test]
fn receipts_hold_from_the_genesis_id_alone() {
    let own = from_genesis(&SHORT.proved_to(PAID_AT)).unwrap();
    assert_eq!(
        (own.proven.confirmations(), own.proven.trusted),
        (Some(1), Trusted::Genesis)
    );

    let long = World::new(&SPEC, ALL_HEADERS_UP_TO + 40);
    let tip = ALL_HEADERS_UP_TO + 40;
    for (height, level) in [(ALL_HEADERS_UP_TO, Level::AllHeaders), (tip, Level::Sampled)] {
        let receipt = long.proved_to(height);
        let file = receipt.write();
        assert!(file.len() < 800_000, "{}", file.len());
        let found = from_genesis(&PortableReceipt::read(file.as_bytes()).unwrap()).unwrap();
        assert_eq!((found.chain.level, found.chain.manifest.number.0), (level, height));
        assert_eq!(found.proven.confirmations(), Some(height - PAID_AT + 1));
    }
    // The same receipt by a block that the reader trusts: the proof is not looked at.
    let receipt = long.proved_to(tip);
    let by_block = receipt.check(None, long.chain.tip().id(), &ReferenceVerifier).unwrap();
    assert_eq!(by_block.trusted, Trusted::Tip);
}

#[test]
fn a_receipt_without_a_proof_shows_nothing_from_genesis() {
    assert_eq!(refuted(&SHORT.receipt_to(20)), ReceiptError::NoProof { version: 1 });
    assert_eq!(
        refuted(&SHORT.receipt_to(20)).to_string(),
        "it has no proof of its chain: version 2 has one, this is version 1"
    );
}

#[test]
fn the_proof_is_of_the_block_that_the_receipt_leads_to() {
    for other in [19, 8, PAID_AT, 1] {
        let receipt = SHORT.receipt_to(20).with_chain(SHORT.proof_of(other));
        let (found, expected) = (SHORT.chain.at(other).id(), SHORT.chain.tip().id());
        assert_eq!(refuted(&receipt), ReceiptError::OtherProof { found, expected });
    }
}

#[test]
fn a_foreign_chain_is_rejected() {
    let foreign = World::new(Box::leak(Box::new(easy("test"))), 20);
    let receipt = foreign.proved_to(20);
    let (found, expected) = (foreign.genesis(), SHORT.genesis());
    // A whole receipt of another chain.
    let error = ReceiptError::OtherChain { found, expected };
    let claim = Claim::Signature;
    assert_eq!(from_genesis(&receipt).unwrap_err(), Refuted { claim, error });
    // Only its proof: spec and proof name their genesis.
    let receipt = SHORT.receipt_to(20).with_chain(foreign.proof_of(20));
    let error = ReceiptError::OtherSpec(LightError::OtherSpec { found, expected });
    assert_eq!(refuted(&receipt), error);
    let proof = ChainProof {
        spec: SPEC.clone(),
        ..foreign.proof_of(20)
    };
    let ReceiptError::Proof(fault) = refuted(&SHORT.receipt_to(20).with_chain(proof)) else {
        panic!("the proof is foreign");
    };
    assert_eq!(
        (fault.rule, *fault.error),
        ("F3", LightError::OtherChain { found, expected })
    );
}

/// A block that a forger put under a true tip: it has work and a consistent transaction, and is no ancestor.
#[test]
fn a_block_that_is_no_ancestor_is_rejected() {
    let mut receipt = value(&SHORT.proved_to(20));
    // The same payment in another block of that height.
    let other = World::spaced(&SPEC, 20, 11);
    let foreign = value(&other.proved_to(20));
    for field in ["block", "transaction_path", "receipt", "receipt_path"] {
        receipt[field] = foreign[field].clone();
    }
    let refuted = from_genesis(&read(&receipt).unwrap()).unwrap_err();
    assert_eq!(refuted.claim, Claim::History, "{refuted}");
    // With the forger's own path and tip, the true proof is that of another block.
    receipt["tip"] = foreign["tip"].clone();
    receipt["history"] = foreign["history"].clone();
    let refuted = from_genesis(&read(&receipt).unwrap()).unwrap_err();
    let (found, expected) = (SHORT.chain.tip().id(), other.chain.tip().id());
    let error = ReceiptError::OtherProof { found, expected };
    let claim = Claim::Chain;
    assert_eq!(refuted, Refuted { claim, error });
}

/// Anyone can write a header that names no parent, at the hardest target: it is no work.
#[test]
fn a_block_without_a_parent_is_rejected() {
    let orphan = |block: &HeaderWithManifest| {
        let header = Header::decode(block.header.as_ref().try_into().unwrap());
        let manifest = Manifest::decode(&block.manifest).unwrap();
        let header = Header {
            parent: BlockId::ZERO,
            bits: 0x0101_0000,
            ..header
        };
        HeaderWithManifest::new(&header, &manifest)
    };
    let refuted = |receipt: PortableReceipt| {
        let trusted = receipt.tip_id().unwrap();
        receipt.check(None, trusted, &ReferenceVerifier).unwrap_err()
    };
    for (claim, role) in [(Claim::Block, BlockRole::Own), (Claim::History, BlockRole::Tip)] {
        let mut receipt = SHORT.receipt_to(20);
        let block = match role {
            BlockRole::Own => &mut receipt.block,
            BlockRole::Tip => &mut receipt.tip,
        };
        *block = orphan(block);
        let error = ReceiptError::NoParent { role };
        assert_eq!(refuted(receipt), Refuted { claim, error });
    }
    // Nor is the true genesis a later block.
    let mut receipt = SHORT.receipt_to(20);
    let manifest = SHORT.chain.manifest(Height::GENESIS).unwrap();
    receipt.tip = HeaderWithManifest::new(&SHORT.chain.at(0), &manifest);
    let role = BlockRole::Tip;
    let error = ReceiptError::NoParent { role };
    let claim = Claim::History;
    assert_eq!(refuted(receipt), Refuted { claim, error });
}

/// Nothing leads from a block to itself.
#[test]
fn a_history_to_the_block_itself_is_empty() {
    let mut receipt = SHORT.proved_to(PAID_AT);
    receipt.history = SHORT.receipt_to(20).history;
    let error = ReceiptError::History(HistoryError::Malformed);
    let claim = Claim::History;
    assert_eq!(from_genesis(&receipt).unwrap_err(), Refuted { claim, error });
}

#[test]
fn a_clock_that_is_behind_rejects_what_comes_later() {
    let early = UnixSecs(u64::from(SPEC.genesis_time));
    let refuted = SHORT
        .proved_to(20)
        .check_from_genesis(SHORT.genesis(), early, &ReferenceVerifier)
        .unwrap_err();
    let ReceiptError::Proof(fault) = refuted.error else {
        panic!("blocks are of the future");
    };
    assert_eq!((refuted.claim, fault.rule), (Claim::Chain, "B4"));
}

#[test]
fn versions_and_fields_belong_together() {
    let (one, two) = (value(&SHORT.receipt_to(20)), value(&SHORT.proved_to(20)));
    let with = |receipt: &Value, field: &str, with: Value| {
        let mut receipt = receipt.clone();
        receipt[field] = with;
        read(&receipt)
    };
    let field = "chain";
    assert_eq!(
        with(&one, "version", json!(2)),
        Err(FileError::Missing { field, version: 2 })
    );
    assert_eq!(
        with(&two, "version", json!(1)),
        Err(FileError::Unexpected { field, version: 1 })
    );
    assert_eq!(
        with(&two, "chain", Value::Null),
        Err(FileError::Missing { field, version: 2 })
    );
    let field = "chain".to_owned();
    assert_eq!(with(&one, "chain", Value::Null), Err(FileError::NotCanonical { field }));
    for version in [0, 3, u64::from(u32::MAX) + 2] {
        let error = FileError::Version { found: version };
        assert_eq!(with(&two, "version", json!(version)), Err(error));
    }
    let message = with(&two, "version", json!(3)).unwrap_err().to_string();
    assert_eq!(message, "the receipt has version 3; versions 1 and 2 are known here");
    let message = with(&one, "version", json!(2)).unwrap_err().to_string();
    assert_eq!(message, "field chain is missing: version 2 of a receipt has it");
    // No version has other fields, at any depth.
    for path in [
        "",
        "/chain",
        "/chain/spec",
        "/chain/spec/consensus",
        "/chain/spec/allocations/0",
    ] {
        let mut receipt = two.clone();
        receipt.pointer_mut(path).unwrap()["more"] = json!(1);
        assert!(matches!(read(&receipt), Err(FileError::Form { .. })), "{path}");
    }
}

/// A value has one spelling (P1); how JSON is written around the values is free.
#[test]
fn the_same_values_are_the_same_receipt() {
    let receipt = SHORT.proved_to(20);
    let text = receipt.write();
    let one_line = value(&receipt).to_string();
    let fields = one_line.strip_prefix(r#"{"block":"#).expect("sorted by name");
    let (block, rest) = fields.split_once(r#","chain":"#).unwrap();
    let moved = format!(r#"{{"chain":{},"block":{block}}}"#, rest.strip_suffix('}').unwrap());
    let escaped = text.replacen("\"0x", "\"\\u0030x", 1);
    assert_ne!(escaped, text);
    for other in [one_line, moved, escaped, format!(" \r\n\t{text}\n")] {
        let read = PortableReceipt::read(other.as_bytes()).unwrap();
        assert_eq!((read.write(), read), (text.clone(), receipt.clone()));
    }
}

#[test]
fn each_value_of_a_receipt_has_one_spelling() {
    let two = value(&SHORT.proved_to(20));
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut receipt = two.clone();
        change(&mut receipt);
        read(&receipt)
    };
    let other_text = |field: &str| {
        let field = field.to_owned();
        Err(FileError::NotCanonical { field })
    };
    let upper = changed(&|receipt| {
        let proof = receipt["chain"]["proof"].as_str().unwrap();
        receipt["chain"]["proof"] = json!(format!("0x{}", proof[2..].to_uppercase()));
    });
    assert_eq!(upper, other_text("chain.proof"));
    let address = changed(&|receipt| {
        let address = receipt["chain"]["spec"]["allocations"][0]["address"].as_str().unwrap();
        receipt["chain"]["spec"]["allocations"][0]["address"] = json!(address.to_lowercase());
    });
    assert_eq!(address, other_text("chain.spec.allocations[0].address"));
    let order = changed(&|receipt| {
        let allocations = receipt["chain"]["spec"]["allocations"].as_array_mut().unwrap();
        allocations.swap(0, 1);
    });
    assert_eq!(order, other_text("chain.spec.allocations[1]"));
    let label = changed(&|receipt| {
        let allocation = &mut receipt["chain"]["spec"]["allocations"][0];
        allocation.as_object_mut().unwrap().remove("label");
    });
    assert_eq!(label, other_text("chain.spec.allocations[0].label"));
}

#[test]
fn lengths_are_limited() {
    let one = SHORT.receipt_to(20).write();
    let two = SHORT.proved_to(20).write();
    let padded = |text: &str, len: usize| format!("{text}{}", " ".repeat(len - text.len()));
    let len = MAX_FILE_BYTES + 1;
    for (text, max) in [(&one, MAX_FILE_BYTES), (&two, MAX_PROVED_FILE_BYTES)] {
        assert!(PortableReceipt::read(padded(text, max).as_bytes()).is_ok());
        let len = max + 1;
        let error = FileError::TooLong { len, max };
        assert_eq!(PortableReceipt::read(padded(text, len).as_bytes()), Err(error));
    }
    assert!(PortableReceipt::read(padded(&two, len).as_bytes()).is_ok());

    let (len, max) = (MAX_PROOF_BYTES + 1, MAX_PROOF_BYTES);
    let long = |len: usize| ChainProof {
        spec: SPEC.clone(),
        proof: Bytes::from(vec![0; len]),
    };
    let error = ReceiptError::ProofTooLong { len, max };
    assert_eq!(
        error.to_string(),
        "chain.proof has 1572865 bytes, at most 1572864 are allowed"
    );
    let receipt = SHORT.receipt_to(20).with_chain(long(len));
    // A file of it is read, so that the error names the proof.
    let receipt = PortableReceipt::read(receipt.write().as_bytes()).unwrap();
    assert_eq!(refuted(&receipt), error);
    let ReceiptError::Proof(fault) = refuted(&SHORT.receipt_to(20).with_chain(long(max))) else {
        panic!("zeros are no proof");
    };
    assert_eq!((fault.rule, *fault.error), ("F3", LightError::NoProof));
}

#[test]
fn a_spec_that_no_chain_has_is_named() {
    let mut proof = SHORT.proof_of(20);
    proof.spec.name = String::new();
    let error = SpecError::TextLength {
        field: "name",
        len: 0,
        max: 64,
    };
    assert_eq!(
        refuted(&SHORT.receipt_to(20).with_chain(proof)),
        ReceiptError::Spec(error)
    );
    // Everything in it is in the genesis id.
    let mut proof = SHORT.proof_of(20);
    proof.spec.allocations[0].label.push('s');
    assert!(matches!(
        refuted(&SHORT.receipt_to(20).with_chain(proof)),
        ReceiptError::OtherSpec(LightError::OtherSpec { .. })
    ));
}

/// Length of what stands before the manifest in a proof, in bytes. Rule: docs/protocol.md#F3
const HEAD: usize = 8 + 1 + 1 + 32 + 32;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// One bit of a proof is changed: it never holds, and what was shown before the chain still is.
    #[test]
    fn damaged_proofs_are_rejected(at: prop::sample::Index, bit in 0_u8..8) {
        let mut proof = SHORT.proof_of(20);
        let mut bytes = proof.proof.to_vec();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        proof.proof = bytes.into();
        let receipt = SHORT.receipt_to(20).with_chain(proof);
        let refuted = from_genesis(&receipt).unwrap_err();
        prop_assert_eq!(refuted.claim, Claim::Chain);
        prop_assert!(matches!(refuted.error, ReceiptError::Proof(_)), "{}", refuted);
    }

    /// A part of a proof, or one with more behind it, is none.
    #[test]
    fn cut_proofs_are_rejected(at: prop::sample::Index, more in prop::collection::vec(any::<u8>(), 1..50)) {
        let whole = SHORT.proof_of(20);
        let cut = whole.proof.slice(..at.index(whole.proof.len()));
        let longer = Bytes::from([&whole.proof[..], &more].concat());
        for proof in [cut, longer] {
            let receipt = SHORT.receipt_to(20).with_chain(ChainProof { proof, ..whole.clone() });
            prop_assert!(matches!(refuted(&receipt), ReceiptError::Proof(_)));
        }
    }

    /// A byte of a file is changed: it is rejected when it is read or when it is checked, unless it means the same.
    #[test]
    fn damaged_files_are_rejected(at: prop::sample::Index, with: u8) {
        let file = SHORT.proved_to(20).write().into_bytes();
        let mut damaged = file.clone();
        let at = at.index(file.len());
        damaged[at] = with;
        if let Ok(receipt) = PortableReceipt::read(&damaged) {
            let same = receipt == SHORT.proved_to(20);
            prop_assert_eq!(from_genesis(&receipt).is_ok(), same);
        }
    }

    /// Whatever genesis, clock and proof are: no panic, and nothing holds but under the true genesis.
    #[test]
    fn any_proof_is_answered(genesis: [u8; 32], now: u64, proof in prop::collection::vec(any::<u8>(), 0..600)) {
        let chain = ChainProof { spec: SPEC.clone(), proof: proof.into() };
        // What is shorter than the head of a proof is read no further, whatever it begins with.
        let expected = match chain.proof.len() {
            HEAD.. => LightError::NoProof,
            _ => LightError::Truncated { missing: "before the manifest of its tip" },
        };
        let receipt = SHORT.receipt_to(20).with_chain(chain);
        let check = |genesis| receipt.check_from_genesis(genesis, UnixSecs(now), &ReferenceVerifier).unwrap_err();
        let (found, foreign) = (SHORT.genesis(), BlockId(B256::from(genesis)));
        let other = ReceiptError::OtherChain { found, expected: foreign };
        prop_assert_eq!(check(foreign), Refuted { claim: Claim::Signature, error: other });
        let refuted = check(found);
        prop_assert_eq!(refuted.claim, Claim::Chain);
        let ReceiptError::Proof(fault) = refuted.error else {
            return Err(TestCaseError::fail("these bytes are no proof"));
        };
        prop_assert_eq!((fault.rule, *fault.error), ("F3", expected));
    }
}
