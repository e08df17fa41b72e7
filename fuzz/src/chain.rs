//! Consensus bytes: what decodes has one encoding, and proofs agree with a plain recomputation.

use tally_chain::codec::ListReader;
use tally_chain::history::{self, HistoryError, HistoryProof};
use tally_chain::merkle::{self, InclusionProof};
use tally_chain::multisig::Policy;
use tally_chain::state_tree::Account;
use tally_chain::{
    Amount, B256, ChainSpec, Header, Manifest, PortableReceipt, RawBlock, RawTransaction, Receipt, ReferenceVerifier,
    UnixSecs, address, genesis,
};

use crate::target::Target;
use crate::wallet::samples;

pub const TARGETS: &[Target] = &[
    Target {
        name: "rlp",
        run: rlp,
        seeds: || vec![manifest_seed(), samples::envelope()],
    },
    Target {
        name: "transaction",
        run: transaction,
        seeds: || vec![samples::envelope(), samples::shared_envelope()],
    },
    Target {
        name: "header",
        run: header,
        seeds: || vec![genesis_block().header.encode().to_vec()],
    },
    Target {
        name: "manifest",
        run: manifest,
        seeds: || vec![manifest_seed()],
    },
    Target {
        name: "block",
        run: block,
        seeds: || vec![genesis_block().encode(), samples::block()],
    },
    Target {
        name: "receipt",
        run: receipt,
        seeds: receipt_seeds,
    },
    Target {
        name: "policy",
        run: policy,
        seeds: || vec![samples::policy()],
    },
    Target {
        name: "account",
        run: account,
        seeds: || vec![Account::default().encode()],
    },
    Target {
        name: "inclusion",
        run: inclusion,
        seeds: || vec![vec![7; 40], vec![3, 9, 200, 1, 0]],
    },
    Target {
        name: "history",
        run: history_range,
        seeds: || vec![vec![7; 40], vec![3, 9, 200, 1, 0]],
    },
    Target {
        name: "portable",
        run: portable,
        seeds: || vec![samples::portable()],
    },
    Target {
        name: "spec",
        run: spec,
        seeds: spec_seeds,
    },
    Target {
        name: "amount",
        run: amount,
        seeds: || ["1", "0.5", "1.000000000000000001", "0x00"].map(Vec::from).to_vec(),
    },
];

fn genesis_block() -> RawBlock {
    genesis::block(&samples::spec())
}

fn manifest_seed() -> Vec<u8> {
    genesis_block().manifest.encode()
}

fn receipt_seeds() -> Vec<Vec<u8>> {
    let receipt = Receipt {
        transaction: tally_chain::TxId(B256::repeat_byte(1)),
        success: true,
        gas_used: 3_800,
        contract: None,
        logs: vec![tally_chain::Log {
            address: tally_chain::Address::ZERO,
            topics: vec![B256::ZERO],
            data: b"data".to_vec().into(),
        }],
    };
    vec![receipt.encode()]
}

fn spec_seeds() -> Vec<Vec<u8>> {
    vec![samples::spec().to_toml().into_bytes()]
}

/// Every item of a list, by every way of reading, without panic.
fn rlp(data: &[u8]) {
    let Some((how, data)) = data.split_first() else { return };
    let Ok(mut items) = ListReader::open("fuzz", data) else {
        return;
    };
    while !items.is_empty() {
        let before = items.remaining();
        let read = match how % 6 {
            0 => items.u64("fuzz").map(drop),
            1 => items.u256("fuzz").map(drop),
            2 => items.bytes("fuzz", 64).map(drop),
            3 => items.b256("fuzz").map(drop),
            4 => items.list("fuzz").map(drop),
            _ => items.raw_item("fuzz").map(drop),
        };
        if read.is_err() {
            return;
        }
        assert!(items.remaining() < before, "reading goes on");
    }
    assert_eq!(items.end(), Ok(()));
}

fn transaction(data: &[u8]) {
    let Ok(raw) = RawTransaction::decode(data.to_vec()) else {
        return;
    };
    assert_eq!(&raw.envelope()[..], data);
    let encoded = match raw.transaction() {
        tally_chain::transaction::Transaction::Tally(tally) => tally.encode(),
        tally_chain::transaction::Transaction::Ethereum(ethereum) => ethereum.encode(),
    };
    assert_eq!(encoded, data, "one encoding");
    let chain = genesis::identity(&samples::spec());
    if let Ok(checked) = raw.check(&chain, &tally_chain::ReferenceVerifier) {
        assert!(!checked.sender().is_zero());
    }
}

fn header(data: &[u8]) {
    let Ok(bytes) = <[u8; 80]>::try_from(data) else { return };
    let header = Header::decode(&bytes);
    assert_eq!(header.encode(), bytes);
    let spec = samples::spec();
    let now = tally_chain::UnixSecs(u64::from(header.time));
    if tally_chain::header_chain::check_alone(&header, &spec, now).is_ok() {
        let target = tally_chain::pow::Target::from_bits(header.bits).expect("checked bits are a target");
        assert!(target.is_met_by(&header.id()));
    }
}

fn manifest(data: &[u8]) {
    if let Ok(manifest) = Manifest::decode(data) {
        assert_eq!(manifest.encode(), data);
    }
}

fn block(data: &[u8]) {
    if let Ok(block) = RawBlock::decode(data, 1 << 20) {
        assert_eq!(block.encode(), data);
    }
}

fn receipt(data: &[u8]) {
    if let Ok(receipt) = Receipt::decode(data) {
        assert_eq!(receipt.encode(), data);
    }
}

fn policy(data: &[u8]) {
    if let Ok(policy) = Policy::decode(data) {
        assert_eq!(policy.encode(), data);
        assert!((1..=policy.keys().len()).contains(&policy.threshold()));
    }
}

fn account(data: &[u8]) {
    if let Ok(account) = Account::decode(data) {
        assert_eq!(account.encode(), data);
    }
}

fn digest(data: &[u8]) -> B256 {
    tally_chain::hash::sha256(&[data])
}

/// Bytes as small numbers: a count, an index, and what to damage.
fn numbers(data: &[u8]) -> [u64; 4] {
    let at = |index: usize| data.get(index).copied().map_or(0, u64::from);
    [at(0) + 1, at(1), at(2), at(3)]
}

/// A true proof holds; any damage to it is found, and so is another leaf.
fn inclusion(data: &[u8]) {
    let [count, index, place, bits] = numbers(data);
    let leaves: Vec<B256> = (0..count).map(|n| merkle::leaf_hash(&n.to_be_bytes())).collect();
    let root = merkle::root(&leaves);
    let index = index % count;
    let proof = merkle::prove(&leaves, index as usize).expect("the index is below the count");
    assert_eq!(merkle::verify(&proof, leaves[index as usize], root), Ok(()));
    let mut damaged = proof.clone();
    match (bits % 4, damaged.path.len()) {
        (0, len) if len > 0 => damaged.path[place as usize % len].0[bits as usize % 32] ^= 1,
        (1, _) => damaged.index = (index + 1 + place) % (count + 3),
        (2, _) => damaged.count = count + 1 + place,
        _ => damaged.path.push(digest(data)),
    }
    if damaged != proof {
        let other = merkle::verify(&damaged, leaves[index as usize], root);
        assert!(
            other.is_err() || same_sides(&damaged, &proof),
            "{damaged:?} passes for {proof:?}"
        );
    }
    let _ = merkle::verify(&arbitrary(data), digest(data), root).expect_err("a made-up proof leads elsewhere");
}

/// Another count may have the same shape up to the leaf: then the proof proves the same.
fn same_sides(damaged: &InclusionProof, proof: &InclusionProof) -> bool {
    damaged.path == proof.path && damaged.index == proof.index && damaged.count != proof.count
}

fn arbitrary(data: &[u8]) -> InclusionProof {
    let word = |at: usize| {
        data.get(at..at + 8)
            .map_or(0, |bytes| u64::from_be_bytes(bytes.try_into().expect("eight bytes")))
    };
    InclusionProof {
        index: word(0),
        count: word(8),
        path: data.get(16..).unwrap_or_default().chunks(32).map(digest).collect(),
    }
}

/// A true history proof holds; a damaged one does not.
fn history_range(data: &[u8]) {
    let [count, number, place, bits] = numbers(data);
    let mut nodes = std::collections::BTreeMap::new();
    let mut peaks = history::History::default();
    let leaf = |n: u64| history::Node {
        hash: digest(&n.to_be_bytes()),
        weight: tally_chain::U256::from(n + 1),
        min_time: n as u32,
        max_time: n as u32,
    };
    for n in 0..count {
        nodes.extend(peaks.push(leaf(n)));
    }
    let number = number % count;
    let reader = |position: u64| nodes.get(&position).cloned();
    let proof = history::prove(count, number, &reader).expect("all nodes are there");
    assert_eq!(history::verify(&proof, leaf(number), peaks.root()), Ok(()));
    let mut damaged = proof.clone();
    match (bits % 5, damaged.nodes.len()) {
        (0, len) if len > 0 => damaged.nodes[place as usize % len].hash.0[bits as usize % 32] ^= 1,
        (1, len) if len > 0 => damaged.nodes[place as usize % len].weight += tally_chain::U256::from(1),
        (2, len) if len > 0 => damaged.nodes[place as usize % len].max_time ^= 1,
        (3, _) => damaged.number = (number + 1 + place) % (count + 2),
        _ => damaged.blocks = count + 1 + place,
    }
    if damaged != proof {
        let _ = history::verify(&damaged, leaf(number), peaks.root()).expect_err("damage is found");
    }
    let made_up = HistoryProof {
        blocks: arbitrary(data).count,
        number: arbitrary(data).index,
        nodes: vec![],
    };
    let verdict = history::verify(&made_up, leaf(number), B256::ZERO);
    let HistoryProof { blocks, number, .. } = made_up;
    match verdict {
        Err(HistoryError::NotAnAncestor { .. }) => assert!(number >= blocks),
        // Of one block nothing else is needed to prove it.
        Err(HistoryError::WrongRoot { .. }) => assert_eq!((number, blocks), (0, 1)),
        Err(HistoryError::Malformed) => assert!(number < blocks && blocks > 1),
        other => panic!("{made_up:?}: {other:?}"),
    }
}

fn portable(data: &[u8]) {
    let Ok(receipt) = PortableReceipt::read(data) else {
        return;
    };
    let again = PortableReceipt::read(receipt.write().as_bytes()).expect("what was written is read");
    assert_eq!(again.write(), receipt.write());
    let _ = receipt.tip_id();
    // Whatever spec and proof are in it: an answer, and no panic.
    let _ = receipt.check_from_genesis(receipt.genesis, UnixSecs(u64::from(u32::MAX)), &ReferenceVerifier);
    if let Some(chain) = receipt.chain_proof() {
        let _ = chain.verify(receipt.genesis, UnixSecs(u64::from(u32::MAX)));
    }
}

fn spec(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(spec) = ChainSpec::from_toml(text) else { return };
    let again = ChainSpec::from_toml(&spec.to_toml()).expect("what was written is read");
    assert_eq!(again.hash(), spec.hash());
    let block = genesis::block(&spec);
    assert_eq!(block.id(), genesis::identity(&spec).genesis);
}

fn amount(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(amount) = Amount::from_coins(text) {
        assert_eq!(Amount::from_coins(&amount.to_coins()), Ok(amount));
    }
    if let Ok(amount) = Amount::from_base_units(text) {
        assert_eq!(amount.0.to_string(), text);
    }
    if let Ok(parsed) = address::parse(text) {
        assert_eq!(address::parse(&parsed.to_string()), Ok(parsed));
    }
}
