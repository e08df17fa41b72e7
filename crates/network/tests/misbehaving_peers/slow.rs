//! Slow links are no silence, and bytes that are no answer hold nothing for ever. Rules: docs/protocol.md#N8, #N9

use std::sync::atomic::Ordering::Relaxed;

use tally_chain::hash::sha256;
use tally_chain::{B256, BlockId, TxId};
use tally_network::session::{Arrived, Unread};
use tally_network::wire::Message;
use tally_network::wire::limits::{MAX_IDS, MAX_TRANSACTION_REQUESTS};

use super::town::{HOSTILE, Town, huge};
use crate::support::{ENVELOPES, fill};
use crate::world::{Fate, World, name};

/// One answer with all blocks takes minutes, and pongs wait behind it.
#[test]
fn a_slow_link_is_no_silence() {
    let mut world = World::new(61);
    let (honest, new) = (world.add(), world.add());
    for block in 0..5 {
        fill(&world.node(honest).clone(), block * ENVELOPES);
        world.mine_many(honest, 1);
    }
    world.bandwidth.insert((honest, new), 20_000);
    world.connect(new, honest);
    let took = world.until(600_000, "the honest tip", |world| world.tip(new) == world.tip(honest));
    assert!(took > 200_000, "five megabytes at 20 kB/s: {took} ms");
    assert!(world.is_linked(new, honest));
    assert_eq!(world.members[new].network.counters().unanswered, 0);
    world.honest(&[honest, new]);
}

/// Pings to a peer that reads a long answer slowly wait behind that answer: that they are not answered is not its silence.
#[test]
fn a_peer_that_is_still_reading_an_answer_is_not_silent() {
    let mut world = World::new(62);
    let honest = world.add();
    let reader = world.add_tampering(|_, message| match message {
        Message::Pong | Message::TimedPong(_) => Fate::Dropped,
        _ => Fate::Sent,
    });
    world.connect(reader, honest);
    let unread = Unread::default();
    let network = &mut world.members[honest].network;
    network.count_unread(&name(reader), unread.clone(), Unread::default());
    unread.store(1_000_000, Relaxed);
    world.run(600_000);
    assert!(world.is_linked(reader, honest));
    assert!(world.members[honest].network.counters().unanswered >= 16);
    unread.store(0, Relaxed);
    world.run(600_000);
    assert!(
        !world.is_linked(reader, honest),
        "nothing waits any more, and it is silent"
    );
    world.honest(&[honest]);
}

/// How long a request for headers is waited for, milliseconds, while so many bytes a second come that answer nothing.
fn held(a_second: u64) -> u64 {
    let mut town = Town::new(2);
    town.connect_hostile(BlockId(B256::repeat_byte(0xaa)), 1 << 40, huge());
    let arrived = Arrived::default();
    let network = &mut town.honest[0].network;
    network.count_arrived(&HOSTILE.into(), arrived.clone());
    assert!(matches!(town.next_request().1, Message::GetHeaders { .. }));
    let begun = town.now;
    while town.honest[0].network.counters().unanswered == 0 {
        arrived.fetch_add(a_second, Relaxed);
        town.pass(1_000);
        let pings: Vec<_> = town.inbox.drain(..).collect();
        for frame in pings.into_iter().filter(|frame| frame.message == Message::Ping) {
            town.answer(frame.request, Message::Pong);
        }
    }
    let took = town.now - begun;
    town.not_punished();
    took
}

#[test]
fn bytes_that_answer_nothing_put_off_a_question_for_a_while_at_most() {
    let (fast, slow) = (held(5_000), held(1_000));
    assert!(
        (70_000..=80_000).contains(&fast),
        "as long as 2,000 headers take: {fast} ms"
    );
    assert!(slow <= 22_000, "too little to be an answer under way: {slow} ms");
}

#[test]
fn of_one_peer_few_transactions_are_requested_at_once() {
    let mut town = Town::new(2);
    town.connect_hostile_of_equal_weight();
    town.reads_all();
    for round in 0..10_u8 {
        let id = |number: u32| TxId(sha256(&[&[round], &number.to_be_bytes()]));
        let ids = (0..MAX_IDS as u32).map(id).collect();
        town.send_message(Message::Inventory(ids));
    }
    let mut requests = Vec::new();
    while let Some((request, message)) = town.request_within(0) {
        assert!(matches!(message, Message::GetTransactions(_)), "{message:?}");
        requests.push(request);
    }
    assert_eq!(requests.len(), MAX_TRANSACTION_REQUESTS);
    // Each answer makes room for the next.
    let mut answered = 0;
    while let Some(request) = requests.pop() {
        town.answer(request, Message::Transactions(Vec::new()));
        answered += 1;
        requests.extend(town.request_within(0).map(|(request, _)| request));
    }
    assert_eq!(answered, 10);
    town.not_punished();
}
