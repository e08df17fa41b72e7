//! Transactions and sealed blocks of the built-in chain `test`, made without execution.

use tally_chain::block::{Ancestors, Parent};
use tally_chain::history::{History, Node};
use tally_chain::pow::{Search, Target};
use tally_chain::transaction::{ChainIdentity, EthereumKind, EthereumTransaction, Payload};
use tally_chain::{
    Address, Amount, B256, BlockError, Bytes, ChainSpec, CheckedBlock, CheckedTransaction, Header, Height, LinkedBlock,
    Manifest, RawBlock, RawTransaction, ReferenceVerifier, TransactionError, U256, UnixSecs, genesis, merkle,
};

use super::keys::{RSA_2048, SECP256K1, raw};

pub const GWEI: u128 = 1_000_000_000;
/// Time of the blocks that tests make, unless they set another.
pub const TIME: u32 = 1_793_491_210;
/// The importing node's clock.
pub const NOW: UnixSecs = UnixSecs(TIME as u64);
pub const RECEIVER: Address = Address::repeat_byte(0x11);

pub fn spec() -> ChainSpec {
    ChainSpec::built_in("test").unwrap()
}

pub fn identity() -> ChainIdentity {
    genesis::identity(&spec())
}

/// A payment that is right in every way.
pub fn payment() -> Payload {
    Payload {
        chain_id: identity().chain_id,
        nonce: 0,
        timestamp: UnixSecs(TIME.into()),
        max_priority_fee: GWEI,
        max_fee: 2 * GWEI,
        gas_limit: 50_000,
        to: Some(RECEIVER),
        value: Amount(U256::from(1_500_000_000_000_000_000u64)),
        data: Bytes::from_static(b"memo"),
    }
}

/// An Ethereum payment that is right in every way but unsigned.
pub fn ethereum_payment(kind: EthereumKind) -> EthereumTransaction {
    let dynamic = kind == EthereumKind::DynamicFee;
    EthereumTransaction {
        kind,
        chain_id: identity().chain_id,
        nonce: 3,
        max_priority_fee: if dynamic { GWEI } else { 2 * GWEI },
        max_fee: 2 * GWEI,
        gas_limit: 30_000,
        to: Some(RECEIVER),
        value: Amount(U256::from(7)),
        data: Bytes::from_static(b"call"),
        access_list: match kind {
            EthereumKind::Legacy => Vec::new(),
            _ => vec![(RECEIVER, vec![B256::repeat_byte(1), B256::ZERO])],
        },
        y_odd: false,
        signature: [0; 64],
    }
}

/// Four valid transactions: both authenticators of type 0x54, and an Ethereum transaction of two kinds.
pub fn transactions() -> Vec<RawTransaction> {
    let chain = identity();
    let ethereum = |kind| SECP256K1.sign_ethereum(ethereum_payment(kind)).encode();
    vec![
        raw(RSA_2048.sign(payment(), &chain, 1).encode()),
        raw(SECP256K1.sign(payment(), &chain).encode()),
        raw(ethereum(EthereumKind::DynamicFee)),
        raw(ethereum(EthereumKind::Legacy)),
    ]
}

/// Checks transactions one by one, in the form that `RawBlock::check` takes.
pub fn check_transactions(list: Vec<RawTransaction>) -> Result<Vec<CheckedTransaction>, (usize, TransactionError)> {
    let chain = identity();
    list.into_iter()
        .enumerate()
        .map(|(index, tx)| tx.check(&chain, &ReferenceVerifier).map_err(|source| (index, source)))
        .collect()
}

pub fn check(block: RawBlock) -> Result<CheckedBlock, BlockError> {
    check_at(block, NOW)
}

pub fn check_at(block: RawBlock, now: UnixSecs) -> Result<CheckedBlock, BlockError> {
    block.check(&spec(), now, check_transactions)
}

/// Decodes, checks and links.
pub fn link(block: RawBlock, ancestors: &Ancestors) -> Result<LinkedBlock, BlockError> {
    check(block).expect("right by itself").link(ancestors, &spec())
}

/// What block 1 sees.
pub fn after_genesis() -> Ancestors {
    let block = genesis::block(&spec());
    let mut history = History::default();
    history.push(Node::leaf(
        block.id(),
        &block.header,
        spec().engine().weight(&block.header),
    ));
    Ancestors {
        parent: Parent {
            id: block.id(),
            header: block.header,
            manifest: block.manifest,
        },
        recent_times: vec![block.header.time],
        anchor_time: None,
        history,
    }
}

/// The next block, sealed, with these transactions; roots that only execution gives are made up.
pub fn next_block(ancestors: &Ancestors, time: u32, transactions: Vec<RawTransaction>) -> RawBlock {
    let spec = spec();
    let leaves: Vec<_> = transactions.iter().map(|tx| merkle::leaf_hash(tx.envelope())).collect();
    let manifest = Manifest {
        number: ancestors.parent.manifest.number.next(),
        producer: Address::repeat_byte(0xaa),
        state_root: B256::repeat_byte(0xbb),
        transactions_root: merkle::root(&leaves),
        receipts_root: B256::repeat_byte(0xcc),
        history_root: ancestors.history.root(),
        gas_limit: spec.limits.gas_limit,
        gas_used: 21_000 * transactions.len() as u64,
        base_fee: ancestors.next_base_fee(&spec),
        extra: Bytes::from_static(b"extra nonce"),
        seal: Bytes::new(),
    };
    let header = Header {
        version: 1,
        parent: ancestors.parent.id,
        manifest_root: manifest.root(),
        time,
        bits: spec.engine().next_seal(ancestors).bits,
        nonce: 0,
    };
    let mut block = RawBlock {
        header,
        manifest,
        transactions,
    };
    seal(&mut block);
    block
}

/// Block 1 with the four transactions, sealed.
pub fn block_one() -> RawBlock {
    next_block(&after_genesis(), TIME, transactions())
}

/// Block 1 with a change that the manifest root and the seal then cover.
pub fn block_with(change: impl FnOnce(&mut RawBlock)) -> RawBlock {
    let mut block = block_one();
    change(&mut block);
    block.header.manifest_root = block.manifest.root();
    seal(&mut block);
    block
}

/// Block 1 with these transactions instead.
pub fn block_of(transactions: Vec<RawTransaction>) -> RawBlock {
    next_block(&after_genesis(), TIME, transactions)
}

/// Finds the nonce.
pub fn seal(block: &mut RawBlock) {
    if let Ok(target) = Target::from_bits(block.header.bits) {
        block.header.nonce = Search::new(&block.header, target)
            .scan(0, u32::MAX)
            .expect("the target of this chain is met by every second hash");
    }
}

/// A chain of linked blocks above genesis, `spacing` seconds apart, and what the next block sees.
pub fn chain_of(count: u32, spacing: u32) -> (Vec<LinkedBlock>, Ancestors) {
    let (mut ancestors, mut blocks) = (after_genesis(), Vec::new());
    for number in 1..=count {
        let time = ancestors.parent.header.time + if number == 1 { 10 } else { spacing };
        let block = next_block(&ancestors, time, Vec::new());
        let linked = check_at(block, UnixSecs(time.into()))
            .unwrap()
            .link(&ancestors, &spec())
            .unwrap();
        assert_eq!(linked.height(), Height(number.into()));
        ancestors = ancestors.then(linked.as_parent(), &spec().engine());
        blocks.push(linked);
    }
    (blocks, ancestors)
}
