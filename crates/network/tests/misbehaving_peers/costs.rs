//! Short requests whose answers cost much: they wait, no peer is banned for them, and honest nodes never come near the limit.
//! Rule: docs/protocol.md#N8

use tally_chain::{Address, BlockId, Height};
use tally_network::wire::Message;
use tally_network::wire::limits::{COST_A_SECOND, COST_AT_ONCE, TRANSACTIONS_DEPTH};

use super::town::Town;
use crate::support::{DATA, ENVELOPES, fill, submit};
use crate::world::World;

/// A town whose last block is large, and a hostile peer in it; the block's id.
fn with_large_block() -> (Town, BlockId) {
    let mut town = Town::new(2);
    fill(town.honest[1].network.node(), 0);
    town.mine_honestly();
    let tip = town.node().tip().record.clone();
    assert!(tip.bytes > ENVELOPES * DATA as u64, "{} bytes", tip.bytes);
    town.connect_hostile_of_equal_weight();
    (town, tip.id)
}

fn request_transaction(town: &mut Town, block: BlockId, index: u32, request: u64) {
    let indexes = vec![index];
    town.answer(request, Message::GetBlockTransactions { block, indexes });
}

/// Answers to such requests that came since the last look: how many envelopes each has.
fn answers(town: &mut Town) -> Vec<usize> {
    let frames: Vec<_> = town.inbox.drain(..).collect();
    let mut answers = Vec::new();
    for frame in frames {
        match frame.message {
            Message::BlockTransactions(items) => answers.push(items.len()),
            Message::Ping => town.answer(frame.request, Message::Pong),
            _ => {}
        }
    }
    answers
}

#[test]
fn one_that_has_large_blocks_read_again_and_again_waits_and_is_not_banned() {
    let (mut town, block) = with_large_block();
    let bytes = town.node().tip().record.bytes;
    let at_once = COST_AT_ONCE / bytes + 1;
    // A place that the block does not have: the answer is short, and all of the block is read for it.
    for request in 1..=at_once + 30 {
        request_transaction(&mut town, block, 9_999, request);
    }
    let first = answers(&mut town);
    assert!(first.len() as u64 <= at_once, "{} answers at once", first.len());
    assert!(first.len() as u64 >= at_once - 2, "{} answers at once", first.len());
    town.pass(1_000);
    let mut later = 0;
    for _ in 0..40 {
        town.pass(0);
        later += answers(&mut town).len() as u64;
    }
    assert_eq!(first.len() as u64 + later, at_once + 30, "what waited is answered");
    assert!(later <= COST_A_SECOND / bytes + 1);
    assert_eq!(town.ended, None);
    town.not_punished();
}

#[test]
fn one_that_requests_far_more_is_let_go_without_points() {
    let (mut town, block) = with_large_block();
    let mut request = 0;
    while town.ended.is_none() {
        request += 1;
        assert!(request < 1_000);
        request_transaction(&mut town, block, 9_999, request);
    }
    town.ended_for("requests more than it reads");
}

#[test]
fn single_transactions_are_given_of_new_blocks_only() {
    let (mut town, block) = with_large_block();
    request_transaction(&mut town, block, 3, 1);
    assert_eq!(answers(&mut town), [1]);
    for _ in 0..TRANSACTIONS_DEPTH {
        town.mine_honestly();
    }
    request_transaction(&mut town, block, 3, 2);
    assert_eq!(answers(&mut town), [1]);
    town.mine_honestly();
    request_transaction(&mut town, block, 3, 3);
    assert_eq!(answers(&mut town), [0]);
    // Places are in order, each once.
    let new = town.node().tip().snapshot.id_at(Height(4)).unwrap().unwrap();
    let indexes = vec![1, 1];
    town.answer(4, Message::GetBlockTransactions { block: new, indexes });
    assert_eq!(answers(&mut town), [0]);
    town.not_punished();
}

/// The sender's chain has gone on by the time it answers: the block is requested as a whole, and no peer is punished.
#[test]
fn a_block_whose_single_transactions_are_not_given_comes_whole() {
    let mut world = World::new(51);
    let (honest, other) = (world.add(), world.add());
    world.mine(honest);
    world.connect(other, honest);
    world.until(10_000, "one tip", |world| world.tip(other) == world.tip(honest));
    // As if it were far ahead.
    world.tamper(honest, |_, message| {
        if let Message::BlockTransactions(items) = message {
            items.clear();
        }
        crate::world::Fate::Sent
    });
    let envelope = crate::support::payment(&world.node(honest).clone(), 0, 0, Address::repeat_byte(7), 5);
    submit(&world.node(honest).clone(), envelope);
    world.mine(honest);
    let took = world.until(10_000, "the block", |world| world.tip(other) == world.tip(honest));
    assert!(took <= 2_000, "{took} ms");
    assert_eq!(world.offences(other, "withheld_block"), 0);
    world.honest(&[honest, other]);
}

/// It waits for nothing but the links: each answer of at most 32 blocks takes a tenth of a second.
#[test]
fn an_honest_synchronisation_is_not_slowed() {
    let mut world = World::new(52);
    let (honest, new) = (world.add(), world.add());
    world.mine_many(honest, 1_000);
    world.connect(new, honest);
    let took = world.until(60_000, "the honest tip", |world| world.tip(new) == world.tip(honest));
    assert!(took <= 10_000, "{took} ms");
    world.honest(&[honest, new]);
}
