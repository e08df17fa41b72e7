//! What light clients get of a store: proofs that verify, of the newest blocks, made once; headers of one chain.
#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

mod support;

use std::sync::Arc;

use support::*;
use tally_chain::light::{AllHeaders, Level, TipClaim, Verified, Verifier};
use tally_chain::{Address, Height, UnixSecs};
use tally_node::{HEADERS_AT_ONCE, LightReadError, Node, PROVED_BELOW_TIP, StoreError};
use tempfile::tempdir;

fn verified(node: &Node, clock: &HandClock, proof: &[u8]) -> Verified {
    let genesis = node.identity().genesis;
    let mut verifier = Verifier::new(node.spec().clone(), genesis, UnixSecs(clock.now())).unwrap();
    verifier.push(proof).unwrap();
    verifier.finish().unwrap()
}

#[test]
fn the_proof_of_a_tip_is_made_once_and_verifies() {
    let (dir, clock) = (tempdir().unwrap(), clock());
    let node = open(dir.path(), &clock).unwrap();
    for blocks in 0..3 {
        let tip = node.tip();
        let proof = node.light_proof(&tip, tip.record.id).unwrap();
        assert_eq!((proof.tip, proof.headers.clone()), (tip.record.id, None));
        let found = verified(&node, &clock, &proof.bytes);
        assert_eq!((found.level, found.checked.headers), (Level::AllHeaders, blocks));
        assert_eq!(
            (found.tip, found.header, &found.manifest, found.weight),
            (
                tip.record.id,
                tip.record.header,
                &tip.record.manifest,
                tip.record.weight
            )
        );
        assert_eq!(node.kept_light_proof(tip.record.id), Some(proof.clone()));
        let again = node.light_proof(&tip, tip.record.id).unwrap();
        assert!(Arc::ptr_eq(&proof, &again), "the same bytes are kept");
        let claim = node.tip_claim(&tip);
        assert_eq!((claim.id(), claim.weight), (tip.record.id, tip.record.weight));
        assert_eq!(TipClaim::decode(&claim.encode()), Ok(claim));
        mine(&node, &clock, Address::repeat_byte(1));
    }
    node.close().unwrap();
}

#[test]
fn proofs_are_made_of_the_newest_blocks_of_the_chain() {
    let (dir, other_dir, clock) = (tempdir().unwrap(), tempdir().unwrap(), clock());
    let node = open(dir.path(), &clock).unwrap();
    let other = open(other_dir.path(), &clock).unwrap();
    mine(&other, &clock, Address::repeat_byte(2));
    let branch = blocks(&other).remove(0);
    for _ in 0..=PROVED_BELOW_TIP {
        mine(&node, &clock, Address::repeat_byte(1));
    }
    node.import_block(&branch).unwrap();
    let tip = node.tip();
    let id = |height| tip.snapshot.id_at(Height(height)).unwrap().unwrap();
    let proof = node.light_proof(&tip, id(1)).unwrap();
    assert_eq!(verified(&node, &clock, &proof.bytes).manifest.number, Height(1));
    let refused = node.light_proof(&tip, id(0)).unwrap_err();
    assert!(
        matches!(
            refused,
            LightReadError::TooOld {
                height: Height(0),
                oldest: Height(1),
                ..
            }
        ),
        "{refused}"
    );
    // A block beside the chain is no tip of it.
    let beside = other.tip().record.id;
    let refused = node.light_proof(&node.tip(), beside).unwrap_err();
    assert!(
        matches!(refused, LightReadError::NotInChain { id } if id == beside),
        "{refused}"
    );
    other.close().unwrap();
    node.close().unwrap();
}

#[test]
fn headers_are_those_of_one_chain() {
    let (dir, clock) = (tempdir().unwrap(), clock());
    let node = open(dir.path(), &clock).unwrap();
    let blocks = 40;
    for _ in 0..blocks {
        mine(&node, &clock, Address::repeat_byte(1));
    }
    let tip = node.tip();
    let (end, all) = node.light_range(&tip, None, 1, None).unwrap();
    assert_eq!((end, all), (tip.record.id, 1..=blocks));
    let mut headers = AllHeaders::new(node.spec().clone(), node.identity().genesis, UnixSecs(clock.now())).unwrap();
    // In any pieces they are the same bytes.
    for from in (1..=blocks).step_by(7) {
        let (_, range) = node.light_range(&tip, Some(end), from, Some(7)).unwrap();
        headers.push(&node.light_headers(&tip, end, range).unwrap()).unwrap();
    }
    assert_eq!((headers.id(), headers.height().0), (end, blocks));
    assert_eq!(headers.history_root(), tip.record.manifest.history_root);
    let older = tip.snapshot.id_at(Height(9)).unwrap().unwrap();
    assert_eq!(node.light_range(&tip, Some(older), 3, None).unwrap(), (older, 3..=9));
    assert_eq!(node.light_range(&tip, None, 40, Some(u64::MAX)).unwrap().1, 40..=40);
    for (from, last, end) in [(0, blocks, None), (41, blocks, None), (10, 9, Some(older))] {
        let refused = node.light_range(&tip, end, from, None).unwrap_err();
        let text = format!("headers from block {from} on are requested, expected 1 to {last}");
        assert_eq!(refused.to_string(), text);
    }
    assert!(blocks < HEADERS_AT_ONCE);
    node.close().unwrap();
}

/// Rule: docs/protocol.md#Q4
#[test]
fn a_node_without_the_beginning_proves_nothing() {
    let (source_dir, dir, clock) = (tempdir().unwrap(), tempdir().unwrap(), clock());
    let source = open(source_dir.path(), &clock).unwrap();
    for _ in 0..3 {
        mine(&source, &clock, Address::repeat_byte(1));
    }
    let node = open(dir.path(), &clock).unwrap();
    assert!(node.install_snapshot(&state_of(&source)).unwrap());
    mine(&node, &clock, Address::repeat_byte(1));
    let tip = node.tip();
    let not_kept = |refused: LightReadError, expected: u64| {
        let LightReadError::Store(StoreError::NotKept { height, base }) = refused else {
            panic!("{refused}");
        };
        assert_eq!((height, base), (Height(expected), Height(3)));
    };
    not_kept(node.light_proof(&tip, tip.record.id).unwrap_err(), 1);
    not_kept(node.light_range(&tip, None, 1, None).unwrap_err(), 0);
    let (end, range) = node.light_range(&tip, None, 4, None).unwrap();
    assert_eq!(node.light_headers(&tip, end, range).unwrap().len(), 37);
    source.close().unwrap();
    node.close().unwrap();
}
