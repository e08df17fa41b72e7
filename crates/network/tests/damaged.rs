//! Blocks beside the chain whose bytes have changed on the disk: they are forgotten and fetched again, no peer is blamed for
//! them, and the node goes on.
#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

mod support;

use std::path::Path;

use support::*;
use tally_chain::{Address, BlockId, Bytes, Height};
use tally_ledger::ChangeSet;
use tally_network::session::{Output, PeerName, Session};
use tally_network::wire::{Claim, CompactBlock, Frame, Hello, Message, PROTOCOL_VERSION};
use tally_node::store::{Commit, Store};
use tally_node::{BlockKey, ImportError, Imported, Node, Status, StoreError};
use tempfile::{TempDir, tempdir};

/// Changes a block in the store of a folder.
type Damage = fn(&Path, BlockId);

/// A node that is closed, on a chain of two blocks, with the second of three blocks of another chain beside it.
struct Story {
    dir: TempDir,
    clock: HandClock,
    /// The node with the other chain.
    other: Node,
    _other_dir: TempDir,
    own: Vec<Bytes>,
    others: Vec<Bytes>,
    /// The block beside the chain.
    aside: BlockId,
}

fn story() -> Story {
    let (dir, other_dir, clock) = (tempdir().unwrap(), tempdir().unwrap(), clock());
    let node = open(dir.path(), &clock).unwrap();
    let other = open(other_dir.path(), &clock).unwrap();
    mine(&node, &clock, Address::repeat_byte(1));
    other.import_block(&blocks(&node)[0]).unwrap();
    mine(&node, &clock, Address::repeat_byte(1));
    for _ in 0..2 {
        mine(&other, &clock, Address::repeat_byte(2));
    }
    let (own, others) = (blocks(&node), blocks(&other));
    let Imported::Side { id: aside, .. } = node.import_block(&others[1]).unwrap() else {
        panic!("it has no more work")
    };
    node.close().unwrap();
    Story {
        dir,
        clock,
        other,
        _other_dir: other_dir,
        own,
        others,
        aside,
    }
}

/// Puts other bytes in the place of a stored block's body.
fn replace_body(dir: &Path, id: BlockId, bytes: &[u8]) {
    let store = Store::open(&dir.join("store"), &spec()).unwrap();
    let record = store.snapshot().known(&id).unwrap();
    let mut commit = Commit::new(&store);
    commit.block(&record, bytes);
    commit.apply().unwrap();
}

/// Puts bytes that are no record in the place of a block's.
fn replace_record(dir: &Path, id: BlockId) {
    let database = fjall::Database::builder(dir.join("store")).open().unwrap();
    let headers = database
        .keyspace("headers", fjall::KeyspaceCreateOptions::default)
        .unwrap();
    headers.insert(&id.as_bytes()[..], &b"damaged"[..]).unwrap();
    database.persist(fjall::PersistMode::SyncAll).unwrap();
}

/// Changes one byte of a block's record.
fn replace_byte(dir: &Path, id: BlockId, at: usize, change: impl FnOnce(u8) -> u8) {
    let database = fjall::Database::builder(dir.join("store")).open().unwrap();
    let headers = database
        .keyspace("headers", fjall::KeyspaceCreateOptions::default)
        .unwrap();
    let mut record = headers.get(&id.as_bytes()[..]).unwrap().unwrap().to_vec();
    record[at] = change(record[at]);
    headers.insert(&id.as_bytes()[..], &record[..]).unwrap();
    database.persist(fjall::PersistMode::SyncAll).unwrap();
}

/// The byte that holds how far it came, to "executed and found wrong".
fn replace_status(dir: &Path, id: BlockId) {
    replace_byte(dir, id, 80, |_| 2);
}

/// A byte of the header's time: by which the block after it is checked.
fn replace_header(dir: &Path, id: BlockId) {
    replace_byte(dir, id, 69, |byte| byte ^ 0x40);
}

/// The last byte of the weight, to one less: the claims of peers look false beside it.
fn replace_weight(dir: &Path, id: BlockId) {
    replace_byte(dir, id, 81 + 31, |byte| byte - 1);
}

/// Puts another manifest in the place of a stored block's.
fn replace_manifest(dir: &Path, id: BlockId) {
    let store = Store::open(&dir.join("store"), &spec()).unwrap();
    let mut record = store.snapshot().known(&id).unwrap();
    record.manifest.base_fee *= 2;
    let mut commit = Commit::new(&store);
    commit.record(&record);
    commit.apply().unwrap();
}

fn assert_unknown_parent(error: &ImportError, expected: BlockId) {
    assert!(
        matches!(error, ImportError::UnknownParent { parent } if *parent == expected),
        "{error}"
    );
}

/// It comes again, and then the other chain is followed.
fn goes_on(node: &Node, story: &Story) {
    assert_eq!(node.snapshot().record(&story.aside).unwrap(), None);
    assert!(matches!(
        node.import_block(&story.others[1]).unwrap(),
        Imported::Side { id, .. } if id == story.aside
    ));
    let record = node.snapshot().known(&story.aside).unwrap();
    assert_eq!(record.status, Status::Linked);
    assert!(matches!(node.import_block(&story.others[2]).unwrap(), Imported::Tip(_)));
    assert!(node.cannot_store().is_none());
    assert_sound(node);
}

#[test]
fn a_body_that_changed_is_forgotten_and_taken_again() {
    let story = story();
    replace_body(story.dir.path(), story.aside, &story.own[1]);
    let node = open(story.dir.path(), &story.clock).unwrap();
    let tip = node.tip().record.id;
    let error = node.import_block(&story.others[2]).unwrap_err();
    assert_unknown_parent(&error, story.aside);
    assert_eq!(node.tip().record.id, tip);
    goes_on(&node, &story);
    node.close().unwrap();
    drop(node);
    audit_folder(story.dir.path(), story.clock.now());
}

/// The block beside the chain changes in the store: the node takes it for unknown, and takes it again.
fn forgotten_and_taken_again(damage: Damage) -> (Story, Node) {
    let story = story();
    damage(story.dir.path(), story.aside);
    let node = open(story.dir.path(), &story.clock).unwrap();
    let error = node.import_block(&story.others[2]).unwrap_err();
    assert_unknown_parent(&error, story.aside);
    goes_on(&node, &story);
    (story, node)
}

#[test]
fn a_body_that_is_no_block_is_forgotten_and_taken_again() {
    forgotten_and_taken_again(|folder, block| replace_body(folder, block, b"damaged"));
}

#[test]
fn a_record_that_changed_is_forgotten_and_taken_again() {
    forgotten_and_taken_again(replace_record);
}

#[test]
fn a_manifest_that_changed_is_forgotten_and_taken_again() {
    forgotten_and_taken_again(replace_manifest);
}

/// No hash of the chain covers it: if it were trusted, the node would never follow the other chain, and would blame all who send it.
#[test]
fn a_status_that_changed_makes_no_block_invalid() {
    let (story, node) = forgotten_and_taken_again(replace_status);
    node.close().unwrap();
    drop(node);
    audit_folder(story.dir.path(), story.clock.now());
}

/// The same of the tip: the node reports what is wrong, and does not reject all that continues it, nor claim another weight
/// than its chain has.
#[test]
fn a_record_of_the_tip_that_changed_is_the_stores_failure() {
    let damages: [(Damage, &str); 4] = [
        (replace_status, "record"),
        (replace_header, "header"),
        (replace_manifest, "manifest"),
        (replace_weight, "weight"),
    ];
    for (damage, part) in damages {
        let story = story();
        let node = open(story.dir.path(), &story.clock).unwrap();
        let tip = node.tip().record.id;
        node.close().unwrap();
        drop(node);
        damage(story.dir.path(), tip);
        let error = open(story.dir.path(), &story.clock).map(drop).unwrap_err();
        assert!(matches!(error, StoreError::Altered { .. }), "{error}");
        assert_eq!(
            error.to_string(),
            format!("store: the {part} of block {tip} is not as it was stored")
        );
    }
}

/// Blocks after a damaged block of the active chain cannot be checked: their senders are not blamed.
#[test]
fn what_changed_in_the_active_chain_is_no_peers_offence() {
    let damages: [Damage; 5] = [
        replace_status,
        replace_record,
        replace_header,
        replace_manifest,
        replace_weight,
    ];
    for damage in damages {
        let story = story();
        let node = open(story.dir.path(), &story.clock).unwrap();
        // So deep that it is not read when the node is opened.
        for _ in 0..12 {
            mine(&node, &story.clock, Address::repeat_byte(1));
        }
        let tip = node.tip().record.id;
        let parent = node.tip().snapshot.id_at(Height(2)).unwrap().unwrap();
        node.close().unwrap();
        drop(node);
        // The peer's block is a child of the damaged one.
        let other_dir = tempdir().unwrap();
        let other = open(other_dir.path(), &story.clock).unwrap();
        for block in &story.own {
            other.import_block(block).unwrap();
        }
        mine(&other, &story.clock, Address::repeat_byte(3));
        damage(story.dir.path(), parent);
        let node = open(story.dir.path(), &story.clock).unwrap();
        let session = session_with(&node, &other, announcement(&other, Height(3)));
        assert!(session.counters().offences.is_empty());
        let error = node.header_tip(&parent).unwrap_err();
        assert!(matches!(error, StoreError::Altered { .. }), "{error}");
        assert_eq!(node.tip().record.id, tip);
    }
}

#[test]
fn what_changed_in_the_active_chain_is_the_stores_failure() {
    let story = story();
    let tip = {
        let node = open(story.dir.path(), &story.clock).unwrap();
        let tip = node.tip().record.id;
        node.close().unwrap();
        tip
    };
    replace_body(story.dir.path(), tip, &story.others[1]);
    let node = open(story.dir.path(), &story.clock).unwrap();
    let error = node.import_block(&story.others[2]).unwrap_err();
    assert!(matches!(error, ImportError::Store(_)), "{error}");
    assert_eq!(node.tip().record.id, tip, "it stays where it is");
    assert!(node.snapshot().record(&tip).unwrap().is_some());
}

/// Undo data that can be read, and leads to another state than that below the tip.
#[test]
fn undo_data_that_changed_is_the_stores_failure_and_no_blocks() {
    let story = story();
    let tip = {
        let store = Store::open(&story.dir.path().join("store"), &spec()).unwrap();
        let snapshot = store.snapshot();
        let record = snapshot.known(&snapshot.tip().unwrap()).unwrap();
        let mut commit = Commit::new(&store);
        commit.active(&record, &[], &[], &ChangeSet::default(), &[]);
        commit.apply().unwrap();
        record.id
    };
    let node = open(story.dir.path(), &story.clock).unwrap();
    let error = node.import_block(&story.others[2]).unwrap_err();
    assert!(
        matches!(error, ImportError::Store(StoreError::Altered { .. })),
        "{error}"
    );
    assert_eq!(node.tip().record.id, tip, "it stays where it is");
    let aside = node.snapshot().known(&story.aside).unwrap();
    assert_eq!(aside.status, Status::Linked, "nothing is known against it");
}

/// A session of the node with a peer that has the other chain and sends `message` as request 7.
fn session_after(node: &Node, story: &Story, message: Message) -> Session {
    session_with(node, &story.other, message)
}

fn session_with(node: &Node, other: &Node, message: Message) -> Session {
    let (mut session, name) = (Session::new(node.clone(), "own"), PeerName::from("peer"));
    let tip = other.tip();
    let hello = Message::Hello(Hello {
        version: PROTOCOL_VERSION,
        genesis: node.identity().genesis,
        claim: Claim {
            tip: tip.record.id,
            height: tip.record.height(),
            weight: tip.record.weight,
        },
        first: Height(1),
        agent: "peer".to_owned(),
    });
    session.connected(name.clone(), false, 1_000);
    for (request, message) in [(0, hello), (7, message)] {
        session.received(&name, &Frame { request, message }.encode(), 1_000);
    }
    session
}

/// What the session sends as the answer to request 7.
fn answer_of(session: &mut Session) -> Option<Message> {
    let limit = spec().limits.block_bytes;
    let frames = session.outputs().map(|output| match output {
        Output::Send { frame, .. } => Frame::decode(&frame, limit).unwrap(),
        Output::Disconnect { reason, .. } => panic!("the conversation ends: {reason}"),
    });
    frames
        .filter(|frame| frame.request == 7)
        .map(|frame| frame.message)
        .last()
}

fn api_knows_nothing(node: &Node, story: &Story) {
    let (tip, key) = (node.tip(), BlockKey::Id(story.aside));
    assert_eq!(node.block_record(&tip, key).unwrap(), None);
    assert!(node.full_block(&tip, key).unwrap().is_none());
}

fn headers_do_not_continue_it(node: &Node, story: &Story) {
    assert!(node.header_tip(&story.aside).unwrap().is_none());
}

fn the_other_blocks_of_a_request_are_sent(node: &Node, story: &Story) {
    let own = node.tip().record.id;
    let mut session = session_after(node, story, Message::GetBlocks(vec![story.aside, own]));
    assert_eq!(
        answer_of(&mut session),
        Some(Message::Blocks(vec![story.own[1].clone()]))
    );
}

fn its_manifest_is_left_out(node: &Node, story: &Story) {
    let tip = node.tip();
    let request = Message::GetManifests(vec![story.aside, tip.record.id]);
    let mut session = session_after(node, story, request);
    let expected = Message::Manifests(vec![tip.record.manifest.clone()]);
    assert_eq!(answer_of(&mut session), Some(expected));
}

fn its_place_in_a_locator_is_passed_over(node: &Node, story: &Story) {
    let genesis = node.identity().genesis;
    let locator = vec![story.aside, genesis];
    let mut session = session_after(node, story, Message::GetHeaders { locator });
    let headers: Vec<_> = node.tip().snapshot.records_from(Height(1)).collect();
    let expected = headers.into_iter().map(|record| record.unwrap().header).collect();
    assert_eq!(answer_of(&mut session), Some(Message::Headers(expected)));
}

fn its_transactions_are_not_there(node: &Node, story: &Story) {
    let request = Message::GetBlockTransactions {
        block: story.aside,
        indexes: vec![0],
    };
    let mut session = session_after(node, story, request);
    assert_eq!(answer_of(&mut session), Some(Message::BlockTransactions(Vec::new())));
}

/// The compact form of a block of this node's active chain, without transactions.
fn announcement(of: &Node, height: Height) -> Message {
    let snapshot = of.snapshot();
    let record = snapshot.known(&snapshot.id_at(height).unwrap().unwrap()).unwrap();
    Message::CompactBlock(Box::new(CompactBlock {
        header: record.header,
        manifest: record.manifest,
        weight: record.weight,
        transactions: Vec::new(),
    }))
}

/// The announcement of a block that is not known, after one that is.
fn its_announcement_is_that_of_a_new_block(node: &Node, story: &Story) {
    let session = session_after(node, story, announcement(&story.other, Height(2)));
    assert!(session.counters().offences.is_empty());
}

/// That of a block after it, which cannot be checked without it.
fn the_announcement_of_its_child_is_no_offence(node: &Node, story: &Story) {
    let session = session_after(node, story, announcement(&story.other, Height(3)));
    assert!(session.counters().offences.is_empty());
}

/// An earlier version marked an invalid block by the status alone: that reads like a byte that has changed.
#[test]
fn a_record_of_an_older_version_or_a_changed_one_beside_the_chain_is_none_to_every_reader() {
    let damages: [Damage; 5] = [
        replace_status,
        replace_record,
        replace_header,
        replace_manifest,
        replace_weight,
    ];
    let readers: [fn(&Node, &Story); 8] = [
        api_knows_nothing,
        headers_do_not_continue_it,
        the_other_blocks_of_a_request_are_sent,
        its_manifest_is_left_out,
        its_place_in_a_locator_is_passed_over,
        its_transactions_are_not_there,
        its_announcement_is_that_of_a_new_block,
        the_announcement_of_its_child_is_no_offence,
    ];
    for damage in damages {
        for reader in readers {
            let story = story();
            damage(story.dir.path(), story.aside);
            let node = open(story.dir.path(), &story.clock).unwrap();
            reader(&node, &story);
            // By the snapshot of the tip, which is older, as well.
            reader(&node, &story);
            goes_on(&node, &story);
        }
    }
}

fn carry(from: &mut Session, name: &PeerName, to: &mut Session, now: u64) {
    let outputs: Vec<_> = from.outputs().collect();
    for output in outputs {
        match output {
            Output::Send { frame, .. } => to.received(name, &frame, now),
            Output::Disconnect { reason, .. } => panic!("the conversation ends: {reason}"),
        }
    }
}

#[test]
fn it_is_requested_from_a_peer_again() {
    let story = story();
    let damages: [fn(&Story); 6] = [
        |story| replace_status(story.dir.path(), story.aside),
        |story| replace_record(story.dir.path(), story.aside),
        |story| replace_header(story.dir.path(), story.aside),
        |story| replace_weight(story.dir.path(), story.aside),
        |story| replace_manifest(story.dir.path(), story.aside),
        |story| replace_body(story.dir.path(), story.aside, &story.own[1]),
    ];
    for damage in damages {
        damage(&story);
        let node = open(story.dir.path(), &story.clock).unwrap();
        let (mut one, mut two) = (
            Session::new(node.clone(), "one"),
            Session::new(story.other.clone(), "two"),
        );
        let (name_of_one, name_of_two) = (PeerName::from("one"), PeerName::from("two"));
        let mut now = 1_000;
        one.connected(name_of_two.clone(), true, now);
        two.connected(name_of_one.clone(), false, now);
        while node.tip().record.id != story.other.tip().record.id {
            assert!(now < 60_000, "the other chain is not followed: {:?}", one.sync_status());
            carry(&mut one, &name_of_one, &mut two, now);
            carry(&mut two, &name_of_two, &mut one, now);
            now += 250;
            one.poll(now);
            two.poll(now);
        }
        assert!(one.counters().offences.is_empty() && two.counters().offences.is_empty());
        assert!(node.cannot_store().is_none());
        assert_sound(&node);
        drop((one, two));
        node.close().unwrap();
        drop(node);
        return_to_own(&story);
    }
}

/// The node starts again on its own chain, the block of the other one beside it.
fn return_to_own(story: &Story) {
    std::fs::remove_dir_all(story.dir.path().join("store")).unwrap();
    let node = open(story.dir.path(), &story.clock).unwrap();
    for block in &story.own {
        node.import_block(block).unwrap();
    }
    assert!(matches!(
        node.import_block(&story.others[1]).unwrap(),
        Imported::Side { .. }
    ));
    node.close().unwrap();
}
