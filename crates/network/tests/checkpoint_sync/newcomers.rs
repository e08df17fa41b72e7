//! What newcomers take from honest peers, and what they are afterwards.

use tally_chain::{Address, B256, Height};
use tally_ledger::StateView as _;
use tally_network::wire::Message;
use tally_node::{CheckpointConfig, ImportError, Node};

use crate::support::{address_of, balance, blocks, call, mine, mine_now, open_at, submit};
use crate::town::{HONEST, RULES, Town, base, name};

#[test]
fn a_newcomer_takes_the_state_of_a_checkpoint_and_goes_on_like_everybody() {
    let mut town = Town::with_chain();
    let new = town.newcomer();
    assert!(town.node(new).awaits_checkpoint());
    town.connect(new, 0);
    let (old, node) = (town.node(0).clone(), town.node(new).clone());
    assert_eq!((base(&node), node.tip().record.height()), (280, Height(300)));
    assert!(!node.awaits_checkpoint());
    for account in [
        HONEST,
        address_of(0),
        Address::repeat_byte(0x50),
        Address::repeat_byte(0x77),
    ] {
        assert_eq!(balance(&node, &account), balance(&old, &account));
    }
    let contract = address_of(0).create(6);
    let slot = |node: &Node, slot: u8| {
        node.tip()
            .snapshot
            .storage(&contract, &B256::with_last_byte(slot))
            .unwrap()
    };
    assert_eq!(slot(&node, 7), B256::with_last_byte(9));

    // A contract reads a block id long before the checkpoint: both execute it the same way. Each of the two mines.
    let reading = call(&old, 0, 8, Some(contract), &[]);
    submit(&old, reading);
    town.pass(10);
    mine(&node, &town.clock, Address::repeat_byte(2));
    town.pass(10);
    assert_eq!(old.tip().record.id, node.tip().record.id);
    let requested = old.tip().snapshot.id_at(Height(101)).unwrap().unwrap();
    assert_eq!((slot(&node, 0), slot(&old, 0)), (requested.0, requested.0));
    mine(&old, &town.clock, HONEST);
    town.pass(10);

    // It opens again as it was.
    let tip = node.tip().record.id;
    drop(node);
    town.stop(new);
    town.start(new, CheckpointConfig { begin: true, ..RULES });
    assert_eq!((base(town.node(new)), town.node(new).tip().record.id), (280, tip));
    drop(old);
    town.agree();
}

#[test]
fn what_came_before_a_stop_is_not_fetched_again() {
    let mut town = Town::with_chain();
    let new = town.newcomer();
    town.left = Some(2);
    town.connect(new, 0);
    let requested = town.parts_requested.remove(&0).unwrap();
    assert_eq!(town.node(new).tip().record.height(), Height(0), "not all parts came");
    // The node ends, and begins again.
    town.stop(new);
    town.left = None;
    let now = town.now;
    town.network(0).disconnected(&name(new), now);
    town.network(0).outputs().for_each(drop); // what was still on its way is lost
    town.start(new, CheckpointConfig { begin: true, ..RULES });
    town.connect(new, 0);
    assert_eq!(base(town.node(new)), 280);
    let again = town.parts_requested.remove(&0).unwrap();
    assert!(
        !again.contains(&requested[0]) && !again.contains(&requested[1]),
        "{requested:?} {again:?}"
    );
    town.agree();
}

#[test]
fn one_that_began_so_hands_its_state_on_but_gets_no_request_for_what_it_lacks() {
    let mut town = Town::with_chain();
    let second = town.newcomer();
    town.connect(second, 0);
    // A peer without all headers is no source, but parts come from every peer that has them.
    let (third, fourth) = (town.newcomer(), town.add(RULES));
    town.connect(third, second);
    assert!(town.node(third).awaits_checkpoint());
    town.parts_requested.clear();
    town.connect(third, 0);
    assert_eq!(base(town.node(third)), 280);
    assert!(town.parts_requested.contains_key(&0) && town.parts_requested.contains_key(&second));
    town.connect(fourth, second);
    town.pass(100);
    assert_eq!(
        town.node(fourth).tip().record.height(),
        Height(0),
        "no node here has block 1"
    );
    assert_eq!((town.bans(fourth), town.bans(second)), (vec![], vec![]));
    town.connect(fourth, 0);
    town.pass(15_000);
    assert_eq!(
        (base(town.node(fourth)), town.node(fourth).tip().record.height()),
        (0, Height(300))
    );
    town.agree();
}

#[test]
fn nothing_leads_back_behind_what_a_node_began_with() {
    let mut town = Town::with_chain();
    let new = town.newcomer();
    town.connect(new, 0);
    let node = town.node(new).clone();
    let old = town.node(0).clone();
    // A branch that leaves the chain below the checkpoint, by a node that has only so much of it.
    let dir = tempfile::tempdir().unwrap();
    let other = open_at(dir.path(), &town.clock, 200, RULES).unwrap();
    for bytes in &blocks(&old)[..279] {
        other.import_block(bytes).unwrap();
    }
    mine_now(&other, Address::repeat_byte(9));
    let bytes = other
        .tip()
        .snapshot
        .block_bytes(&other.tip().record.id)
        .unwrap()
        .unwrap();
    let error = node.import_block(&bytes).unwrap_err();
    assert!(matches!(error, ImportError::TooDeep { depth: 21, max: 20 }), "{error}");
    // The one with all blocks keeps it aside.
    assert!(old.import_block(&bytes).is_ok());
}

#[test]
fn a_short_chain_is_simply_fetched() {
    let mut town = Town::new();
    let first = town.add(RULES);
    (0..25).for_each(|_| drop(mine(&town.node(first).clone(), &town.clock.clone(), HONEST)));
    let new = town.newcomer();
    town.connect(new, first);
    assert_eq!(
        (base(town.node(new)), town.node(new).tip().record.height()),
        (0, Height(25))
    );
    town.agree();
}

#[test]
fn without_a_peer_that_has_a_checkpoint_a_newcomer_waits() {
    let mut town = Town::with_chain();
    town.tampers.insert(
        0,
        Box::new(|message| {
            if let Message::Checkpoint(offer) = message {
                *offer = None;
            }
            true
        }),
    );
    let new = town.newcomer();
    town.connect(new, 0);
    town.pass(60_000);
    assert_eq!(
        (town.node(new).tip().record.height(), town.bans(new)),
        (Height(0), vec![])
    );
    let other = town.add(RULES);
    town.connect(other, 0);
    town.connect(new, other);
    assert_eq!(base(town.node(new)), 280);
    town.agree();
}
