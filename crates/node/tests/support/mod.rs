//! A real node on a temporary data directory, a hand-moved clock, and signed payments from public test keys.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "every test binary uses a part of this module, and ends where something is not as it should be"
)]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use k256::ecdsa::SigningKey;
use tally_chain::block::{Ancestors, Parent, encode_block};
use tally_chain::pow::{Search, Target};
use tally_chain::transaction::Payload;
use tally_chain::{Address, Amount, B256, Bytes, ChainSpec, Header, Height, Manifest, TxId, UnixSecs, merkle};
use tally_node::{Checkpoint, CheckpointConfig, Clock, Imported, Node, NodeConfig, StateSnapshot, StoreError, Work};
use tally_testkit::keys::{self, TestKey};

/// A clock that only tests move.
#[derive(Clone)]
pub struct HandClock(Arc<AtomicU64>);

impl HandClock {
    pub fn at(secs: u64) -> Self {
        Self(Arc::new(AtomicU64::new(secs)))
    }

    pub fn advance(&self, secs: u64) {
        self.0.fetch_add(secs, Ordering::SeqCst);
    }

    pub fn set_back(&self, secs: u64) {
        self.0.fetch_sub(secs, Ordering::SeqCst);
    }

    pub fn now(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    pub fn clock(&self) -> Clock {
        let clock = self.clone();
        Arc::new(move || UnixSecs(clock.now()))
    }
}

pub fn spec() -> ChainSpec {
    ChainSpec::built_in("test").unwrap()
}

pub fn clock() -> HandClock {
    HandClock::at(u64::from(spec().genesis_time) + 1_000)
}

pub fn open(dir: &Path, clock: &HandClock) -> Result<Node, StoreError> {
    open_with(dir, clock, 100)
}

pub fn open_with(dir: &Path, clock: &HandClock, max_reorg_depth: u64) -> Result<Node, StoreError> {
    open_at(dir, clock, max_reorg_depth, CheckpointConfig::default())
}

pub fn open_at(
    dir: &Path,
    clock: &HandClock,
    max_reorg_depth: u64,
    checkpoints: CheckpointConfig,
) -> Result<Node, StoreError> {
    let config = NodeConfig {
        max_reorg_depth,
        checkpoints,
        ..NodeConfig::new(dir.to_owned(), spec())
    };
    Node::open(config, clock.clock())
}

/// Mines one block on the node's tip through its own template door.
pub fn mine(node: &Node, clock: &HandClock, producer: Address) -> Imported {
    clock.advance(1);
    mine_now(node, producer)
}

/// [`mine`], at the node's own time.
pub fn mine_now(node: &Node, producer: Address) -> Imported {
    let job = node.template(producer).unwrap();
    let mut header = job.header;
    loop {
        if let Some(nonce) = Search::new(&header, job.target).scan(0, 1 << 20) {
            header.nonce = nonce;
            break;
        }
        header.time += 1;
    }
    let work = Work {
        template: job.id,
        extra_nonce: [0; 8],
        time: header.time,
        nonce: header.nonce,
    };
    node.submit_work(&work).unwrap()
}

/// A sealed block without transactions that links to its ancestors but names a false state.
pub fn forged_block(node: &Node, ancestors: &Ancestors, clock: &HandClock) -> (Vec<u8>, Parent) {
    clock.advance(1);
    let spec = node.spec();
    let manifest = Manifest {
        number: ancestors.parent.manifest.number.next(),
        producer: Address::repeat_byte(9),
        state_root: B256::ZERO,
        transactions_root: merkle::root(&[]),
        receipts_root: merkle::root(&[]),
        history_root: ancestors.history.root(),
        gas_limit: spec.limits.gas_limit,
        gas_used: 0,
        base_fee: ancestors.next_base_fee(spec),
        extra: Bytes::new(),
        seal: Bytes::new(),
    };
    let bits = spec.engine().next_seal(ancestors).bits;
    let mut header = Header {
        version: 1,
        parent: ancestors.parent.id,
        manifest_root: manifest.root(),
        time: clock.now() as u32,
        bits,
        nonce: 0,
    };
    header.nonce = Search::new(&header, Target::from_bits(bits).unwrap())
        .scan(0, 1 << 24)
        .unwrap();
    let bytes = encode_block(&header, &manifest, std::iter::empty());
    (
        bytes,
        Parent {
            id: header.id(),
            header,
            manifest,
        },
    )
}

/// The encoded blocks of the active chain above genesis, lowest first.
pub fn blocks(node: &Node) -> Vec<Bytes> {
    let tip = node.tip();
    tip.snapshot
        .records_from(tally_chain::Height(1))
        .map(|record| tip.snapshot.block_bytes(&record.unwrap().id).unwrap().unwrap())
        .collect()
}

/// The key of a PUBLIC account.
pub fn key(index: usize) -> SigningKey {
    TestKey::public(index).signing_key().clone()
}

pub fn address_of(index: usize) -> Address {
    TestKey::public(index).address()
}

pub fn payment(node: &Node, from: usize, nonce: u64, to: Address, base_units: u64) -> Bytes {
    signed(
        node,
        from,
        keys::payment(&node.identity(), nonce, node.now(), to, base_units),
    )
}

pub fn payment_at(
    node: &Node,
    from: usize,
    nonce: u64,
    to: Address,
    value: Amount,
    timestamp: UnixSecs,
    max_fee: u128,
) -> Bytes {
    let payload = Payload {
        max_fee,
        value,
        ..keys::payment(&node.identity(), nonce, timestamp, to, 0)
    };
    signed(node, from, payload)
}

/// Envelopes of a block with data worth a megabyte.
pub const ENVELOPES: u64 = 10;
/// Bytes of data in each.
pub const DATA: usize = 105_000;

/// Puts data worth a megabyte into the pool, for the next block; `first` is the payer's next nonce.
pub fn fill(node: &Node, first: u64) {
    for nonce in first..first + ENVELOPES {
        let payload = Payload {
            max_fee: 100_000_000_000,
            gas_limit: 2_000_000,
            data: Bytes::from(vec![0; DATA]),
            ..keys::payment(&node.identity(), nonce, node.now(), Address::repeat_byte(7), 0)
        };
        submit(node, signed(node, 0, payload));
    }
}

/// The making of a contract (`to` is none) or a call of one, at the node's time.
pub fn call(node: &Node, from: usize, nonce: u64, to: Option<Address>, data: &[u8]) -> Bytes {
    let payload = Payload {
        gas_limit: 300_000,
        to,
        data: Bytes::copy_from_slice(data),
        ..keys::payment(&node.identity(), nonce, node.now(), Address::ZERO, 0)
    };
    signed(node, from, payload)
}

/// The envelope of a payload, signed by one of the test keys.
pub fn signed(node: &Node, from: usize, payload: Payload) -> Bytes {
    TestKey::public(from).envelope(&node.identity(), payload)
}

pub fn submit(node: &Node, envelope: Bytes) -> TxId {
    node.submit(envelope).unwrap().id
}

pub fn balance(node: &Node, address: &Address) -> Amount {
    node.account(&node.tip(), address).unwrap().balance
}

/// Everything that must hold on any node at any time.
pub fn assert_sound(node: &Node) {
    let tip = node.tip();
    let snapshot = &tip.snapshot;
    let mut leaves = snapshot.state_leaves().unwrap();
    leaves.sort_unstable();
    assert_eq!(
        tally_chain::state_tree::root_of(&leaves),
        tip.record.manifest.state_root,
        "state root = full rebuild"
    );
    assert_eq!(
        tip.tree.root(),
        tip.record.manifest.state_root,
        "tree in RAM = tip's root"
    );
    assert_eq!(
        snapshot.total_balance().unwrap(),
        tip.record.supply,
        "supply = sum of balances"
    );
    let base = snapshot.base().unwrap();
    let mut supply = match base {
        tally_chain::Height::GENESIS => node.spec().allocated().unwrap(),
        base => snapshot.known(&snapshot.id_at(base).unwrap().unwrap()).unwrap().supply,
    };
    for record in snapshot.records_from(base.next()) {
        let record = record.unwrap();
        supply = supply.checked_add(node.spec().subsidy(record.height())).unwrap();
        supply = supply.checked_sub(record.burned).unwrap();
        assert_eq!(record.supply, supply, "supply after block {}", record.height());
    }
    assert!(Target::from_bits(tip.record.header.bits).is_ok());
}

/// An audit of the store in a node's folder finds no fault.
pub fn audit_folder(dir: &Path, now: u64) {
    let report = tally_node::audit::audit(&dir.join("store"), &spec(), UnixSecs(now), |_, _| {}).unwrap();
    assert!(report.faults.is_empty(), "{}: {:?}", dir.display(), report.faults);
}

/// The state of its tip, for a node that begins there.
pub fn state_of(node: &Node) -> StateSnapshot {
    let tip = node.tip();
    let height = tip.record.height();
    let blocks = tip.snapshot.records_from(Height(1)).map(|record| {
        let record = record.unwrap();
        (record.header, record.manifest, record.weight)
    });
    StateSnapshot {
        checkpoint: Checkpoint {
            block: tip.record.id,
            height,
            roots: Vec::new(),
        },
        blocks: blocks.collect(),
        history: tip.snapshot.history(height.0 + 1).unwrap(),
        state: tip.snapshot.whole_state().unwrap(),
    }
}
