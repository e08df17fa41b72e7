//! A node whose disk is full fetches nothing that it could not keep, and goes on once there is room. Rule: docs/protocol.md#N6

use std::cell::Cell;
use std::rc::Rc;

use tally_chain::Address;
use tally_network::wire::Message;
use tally_node::{CheckpointConfig, StoreError};

use crate::checkpoints::{NEWCOMER, RULES, chain, copy, stands};
use crate::support::{self, payment};
use crate::world::{Fate, World};

/// Lets a node find its disk full, or not any more. Its own looks at the disk have ended.
fn set_full(world: &World, at: usize, full: bool) {
    let node = world.node(at);
    match node.require_room(if full { u64::MAX } else { 0 }) {
        Ok(()) => assert!(!full),
        Err(StoreError::NoRoom { .. }) => assert!(full),
        Err(error) => panic!("{error}"),
    }
    assert_eq!(node.cannot_store().is_some(), full);
}

/// Counts a member's requests.
fn count_requests(world: &mut World, at: usize) -> Rc<Cell<usize>> {
    let requested = Rc::new(Cell::new(0));
    let counter = requested.clone();
    world.tamper(at, move |_, message| {
        let is_request = matches!(
            message,
            Message::GetHeaders { .. }
                | Message::GetBlocks(_)
                | Message::GetTransactions(_)
                | Message::GetBlockTransactions { .. }
                | Message::GetCheckpoint
                | Message::GetManifests(_)
                | Message::GetPart { .. }
        );
        counter.set(counter.get() + usize::from(is_request));
        Fate::Sent
    });
    requested
}

/// With and without a checkpoint to begin with: what is requested while the disk is full, and what comes of it afterwards.
fn waits_for_room(seed: u64, begin: bool) {
    let rules = CheckpointConfig {
        every: 20,
        depth: 10,
        part_leaves: 2,
        begin: false,
        trusted: None,
    };
    let mut world = World::new(seed);
    let honest = world.add_at(0, rules);
    world.mine_many(honest, 60);
    let new = world.add_at(0, CheckpointConfig { begin, ..rules });
    // The thread that looks every second whether there is room.
    world.node(new).close().unwrap();
    set_full(&world, new, true);
    let requested = count_requests(&mut world, new);
    world.connect(new, honest);
    world.run(30_000);
    // News is no reason either.
    let envelope = payment(&world.node(honest).clone(), 0, 0, Address::repeat_byte(7), 5);
    support::submit(&world.node(honest).clone(), envelope);
    world.mine(honest);
    world.run(30_000);
    assert_eq!((requested.get(), world.height(new)), (0, 0));
    set_full(&world, new, false);
    world.until(10_000, "the tip", |world| world.tip(new) == world.tip(honest));
    assert!(requested.get() > 0);
    world.honest(&[honest, new]);
}

#[test]
fn nothing_is_fetched_while_the_disk_is_full() {
    waits_for_room(71, false);
}

#[test]
fn no_state_is_fetched_while_the_disk_is_full() {
    waits_for_room(72, true);
}

/// What was waited for is room: a source whose state was begun to be taken is still the one, however long that took.
#[test]
fn a_disk_that_is_full_for_long_costs_no_source_its_place() {
    let mut world = World::new(73);
    let first = chain(&mut world, RULES, 40);
    let second = copy(&mut world, first, RULES);
    for source in [first, second] {
        world.tamper(source, |_, message| match message {
            Message::Manifests(_) => Fate::Late(15_000),
            _ => Fate::Sent,
        });
    }
    let new = world.add_at(0, NEWCOMER);
    // The thread that looks every second whether there is room.
    world.node(new).close().unwrap();
    let requested = Rc::new(Cell::new(0));
    let counter = requested.clone();
    world.tamper(new, move |_, message| {
        counter.set(counter.get() + usize::from(matches!(message, Message::GetCheckpoint)));
        Fate::Sent
    });
    world.connect(new, first);
    world.connect(new, second);
    // The work of its chain is checked by then, and its manifests are on their way.
    world.run(3_000);
    assert_eq!(requested.get(), 1);
    set_full(&world, new, true);
    world.run(400_000);
    set_full(&world, new, false);
    world.until(20_000, "the tip", |world| stands(world, new, first));
    assert_eq!(requested.get(), 1, "another source was looked for");
    world.honest(&[first, second, new]);
}
