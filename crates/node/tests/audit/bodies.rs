//! The blocks themselves: each is checked again by every rule, with the clock apart.

use tally_chain::{B256, BlockError, Bytes, Height, Manifest, RawBlock, TransactionError, UnixSecs, merkle};
use tally_node::ExecutionError;
use tally_node::audit::{Ahead, StoreFault, audit};

use crate::fixture::{seal, sound};
use crate::support::spec;

#[test]
fn a_changed_body_is_found_by_the_rule_that_it_breaks() {
    let sound = sound();
    let height = Height(3);
    let key = sound.id(3);
    assert_eq!(
        sound.after(|rows| rows.remove("bodies", key.as_bytes())),
        [StoreFault::NoBody { height }]
    );
    assert_eq!(
        sound.after(|rows| rows.remove("chain", 3u64.to_be_bytes())),
        [StoreFault::NoId { height }]
    );

    // One bit of a signature: the root over the envelopes shows it.
    let block = sound.block(3);
    let mut envelope = block.transactions[0].envelope().to_vec();
    *envelope.last_mut().unwrap() ^= 1;
    let expected = merkle::root(&[merkle::leaf_hash(&envelope)]);
    let found = block.manifest.transactions_root;
    let body = tally_chain::block::encode_block(&block.header, &block.manifest, [Bytes::from(envelope.clone())].iter());
    let source = BlockError::WrongTransactionsRoot { found, expected };
    assert_eq!(
        sound.after(|rows| rows.put("bodies", key.as_bytes(), &body)),
        [StoreFault::Block { height, source }]
    );

    // The same with the root made to fit: the signature itself is checked again.
    let manifest = Manifest {
        transactions_root: expected,
        ..block.manifest.clone()
    };
    let transactions = vec![tally_chain::RawTransaction::decode(envelope).unwrap()];
    let (_, body) = seal(RawBlock {
        header: block.header,
        manifest,
        transactions,
    });
    let source = BlockError::Transaction {
        index: 0,
        source: TransactionError::BadSignature,
    };
    assert_eq!(
        sound.after(|rows| rows.put("bodies", key.as_bytes(), &body)),
        [StoreFault::Block { height, source }]
    );

    // A valid block, but not the one of the index.
    let mut other = sound.block(3);
    other.manifest.extra = Bytes::from_static(b"another");
    let (id, body) = seal(other);
    assert_eq!(
        sound.after(|rows| rows.put("bodies", key.as_bytes(), &body)),
        [StoreFault::WrongId {
            height,
            found: id,
            expected: key
        }]
    );

    // The block of another height.
    let body = &sound.blocks[3].1;
    let source = BlockError::WrongParent {
        found: key,
        expected: sound.id(2),
    };
    assert_eq!(
        sound.after(|rows| rows.put("bodies", key.as_bytes(), body)),
        [StoreFault::Block { height, source }]
    );
}

#[test]
fn a_rewritten_tip_that_gives_itself_money_does_not_execute() {
    let sound = sound();
    let mut block = sound.block(4);
    let expected = block.manifest.state_root;
    block.manifest.state_root = B256::repeat_byte(0xee);
    let record_from = sound.id(4);
    let manifest = block.manifest.encode();
    let (id, body) = seal(block);
    let faults = sound.after(|rows| {
        // Record, body, chain and tip: everything that a forger would rewrite.
        let mut record = rows.get("headers", record_from.as_bytes());
        record.truncate(record.len() - manifest.len());
        record[..80].copy_from_slice(&RawBlock::decode(&body, u64::MAX).unwrap().header.encode());
        record.extend(&manifest);
        rows.put("headers", id.as_bytes(), record);
        rows.put("bodies", id.as_bytes(), &body);
        rows.put("chain", 4u64.to_be_bytes(), id.as_bytes());
        rows.put("meta", "tip", id.as_bytes());
    });
    let source = ExecutionError::WrongStateRoot {
        found: B256::repeat_byte(0xee),
        expected,
    };
    assert_eq!(
        faults,
        [StoreFault::Execution {
            height: Height(4),
            source
        }]
    );
}

#[test]
fn another_genesis_is_found() {
    let sound = sound();
    let genesis = tally_chain::genesis::block(&spec()).id();
    let height = Height::GENESIS;
    assert_eq!(
        sound.after(|rows| rows.put("bodies", genesis.as_bytes(), &sound.blocks[0].1)),
        [StoreFault::Record {
            height,
            field: "body",
            found: "other bytes".to_owned(),
            expected: "genesis of the spec".to_owned()
        }]
    );
    assert_eq!(
        sound.after(|rows| rows.remove("bodies", genesis.as_bytes())),
        [StoreFault::NoBody { height }]
    );
}

#[test]
fn a_clock_that_was_set_back_is_no_fault_of_the_store() {
    let sound = sound();
    let first = RawBlock::decode(&sound.blocks[0].1, u64::MAX).unwrap().header.time;
    let last = RawBlock::decode(&sound.blocks[3].1, u64::MAX).unwrap().header.time;
    let behind = UnixSecs(u64::from(first) - 3_600);
    let report = audit(&sound.dir.path().join("store"), &spec(), behind, |_, _| {}).unwrap();
    assert_eq!(report.faults, []);
    let secs = u64::from(last) - behind.0;
    assert_eq!(report.ahead, Some(Ahead { blocks: 4, secs }));
    let report = audit(&sound.dir.path().join("store"), &spec(), sound.now, |_, _| {}).unwrap();
    assert_eq!((report.faults, report.ahead), (vec![], None));
}
