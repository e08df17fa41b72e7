//! Blocks by the names of what they hold: other envelopes of the same payments, senders that hold back. Rules:
//! docs/protocol.md#N4, #N7, #N9

use std::sync::atomic::Ordering::Relaxed;

use secp256k1::{Message as Digest, SecretKey, ecdsa};
use tally_chain::hash::sha256;
use tally_chain::transaction::{Authenticator, TallyTransaction};
use tally_chain::{Address, Amount, Bytes};
use tally_network::wire::Message;
use tally_node::Node;
use tally_testkit::keys;

use crate::support::{address_of, balance, key, payment, payment_at};
use crate::world::{Fate, World};

/// The envelope of a payment; another signature by the same key for each `variant`, and the same id for all.
fn envelope(node: &Node, nonce: u64, variant: u8) -> Bytes {
    let chain = node.identity();
    let payload = keys::payment(&chain, nonce, node.now(), Address::repeat_byte(7), 5);
    let digest = sha256(&[&payload.signed_message(&chain.genesis, &address_of(0))]);
    let secret = SecretKey::from_secret_bytes(key(0).to_bytes().into()).unwrap();
    let signature = ecdsa::sign_with_noncedata(Digest::from_digest(digest.0), &secret, &[variant; 32]);
    let public_key = key(0)
        .verifying_key()
        .to_sec1_point(true)
        .as_bytes()
        .try_into()
        .unwrap();
    let authenticator = Authenticator::Secp256k1 {
        public_key,
        signature: signature.serialize_compact(),
    };
    TallyTransaction { payload, authenticator }.encode().into()
}

/// Half of the network has one envelope of each payment, the other half another: no peer is punished for what the other has.
#[test]
fn two_envelopes_of_one_payment() {
    let mut world = World::new(11);
    let (miner, other) = (world.add(), world.add());
    world.mine(miner);
    let mut nonce = 0;
    // Payments that both have, and such that only the miner has: what the pool had is requested by itself, or the whole block.
    let rounds = [
        (1, 0),
        (1, 0),
        (4, 1),
        (1, 0),
        (2, 4),
        (8, 0),
        (1, 3),
        (1, 0),
        (1, 0),
        (3, 0),
        (1, 1),
        (1, 0),
    ];
    for (count, late) in rounds {
        let mut ids = Vec::new();
        for _ in 0..count {
            // Each gets its own before the other's arrives.
            let (one, two) = (
                envelope(world.node(miner), nonce, 1),
                envelope(world.node(other), nonce, 2),
            );
            assert_ne!(one, two);
            let id = crate::support::submit(&world.node(miner).clone(), one);
            assert_eq!(crate::support::submit(&world.node(other).clone(), two), id);
            ids.push(id);
            nonce += 1;
        }
        if !world.is_linked(other, miner) {
            world.connect(other, miner);
            world.until(10_000, "the first block", |world| world.tip(other) == world.tip(miner));
        }
        if late > 0 {
            world.delays.insert((miner, other), 300);
        }
        for _ in 0..late {
            let late = envelope(world.node(miner), nonce, 1);
            ids.push(world.submit(miner, late));
            nonce += 1;
        }
        world.run(50);
        world.mine(miner);
        let took = world.until(5_000, "the block", |world| world.tip(other) == world.tip(miner));
        assert!(took <= 3_000, "without waiting for a synchronisation: {took} ms");
        world.delays.clear();
        for id in ids {
            let place = world.node(other).tip().snapshot.place(&id).unwrap();
            assert!(place.is_some(), "the payment arrived");
        }
    }
    let counters = world.members[other].network.counters().clone();
    assert_eq!(counters.compact_failed, rounds.len() as u64, "{counters:?}");
    assert!(counters.compact_partly >= 4, "{counters:?}");
    assert_eq!(counters.offences.values().sum::<u64>(), 0, "{counters:?}");
    world.honest(&[miner, other]);
}

/// Passes on a true header with names of nothing, before any other peer, and then sends nothing of it.
fn withholder(world: &mut World) -> usize {
    world.add_tampering(|_, message| {
        match message {
            Message::CompactBlock(block) => block.transactions.iter_mut().for_each(|short| short[0] ^= 0xff),
            Message::BlockTransactions(_) | Message::Blocks(_) | Message::Headers(_) => return Fate::Dropped,
            _ => {}
        }
        Fate::Sent
    })
}

fn beside_withholders(seed: u64, count: usize, dials: bool) -> u64 {
    let mut world = World::new(seed);
    let (honest, victim) = (world.add(), world.add());
    world.mine(honest);
    match dials {
        true => world.connect(victim, honest),
        false => world.connect(honest, victim),
    }
    for _ in 0..count {
        let withholder = withholder(&mut world);
        world.connect(withholder, honest);
        world.connect(withholder, victim);
    }
    world.until(10_000, "one tip", |world| {
        (0..2 + count).all(|at| world.tip(at) == world.tip(honest))
    });
    // The honest way is the long one.
    world.delays.insert((honest, victim), 800);
    let mut worst = 0;
    for nonce in 0..4 {
        let envelope = payment(&world.node(honest).clone(), 0, nonce, Address::repeat_byte(7), 5);
        crate::support::submit(&world.node(honest).clone(), envelope);
        world.mine(honest);
        let took = world.until(30_000, "the block", |world| world.tip(victim) == world.tip(honest));
        worst = worst.max(took);
        world.run(2_000);
    }
    world.honest(&[honest, victim]);
    worst
}

#[test]
fn one_early_withholder_delays_no_block() {
    let worst = beside_withholders(12, 1, false);
    assert!(worst <= 3_000, "{worst} ms");
}

#[test]
fn three_early_withholders_delay_no_block_of_a_peer_that_was_dialled() {
    let worst = beside_withholders(13, 3, true);
    assert!(worst <= 3_000, "{worst} ms");
}

#[test]
fn where_all_places_are_taken_a_synchronisation_brings_the_block() {
    let worst = beside_withholders(14, 4, false);
    assert!(worst <= 15_000, "{worst} ms");
}

/// A wrong answer is no better for coming late.
#[test]
fn a_late_wrong_answer_counts() {
    let mut world = World::new(15);
    let (honest, victim) = (world.add(), world.add());
    let other = payment(world.node(honest), 1, 0, Address::repeat_byte(9), 1);
    let false_one = world.add_tampering(move |_, message| match message {
        Message::BlockTransactions(items) => {
            items.iter_mut().for_each(|item| *item = other.clone());
            Fate::Late(70_000)
        }
        _ => Fate::Sent,
    });
    world.mine(honest);
    for link in [(honest, victim), (honest, false_one), (false_one, victim)] {
        world.connect(link.0, link.1);
    }
    world.until(10_000, "one tip", |world| {
        (0..3).all(|at| world.tip(at) == world.tip(honest))
    });
    world.delays.insert((honest, victim), 800);
    let envelope = payment(&world.node(honest).clone(), 0, 0, Address::repeat_byte(7), 5);
    crate::support::submit(&world.node(honest).clone(), envelope);
    world.mine(honest);
    world.until(5_000, "the block", |world| world.tip(victim) == world.tip(honest));
    world.run(80_000);
    assert_eq!(world.offences(victim, "bad_compact_block"), 1);
    assert_eq!(world.offences(victim, "unrequested"), 0);
    world.honest(&[honest, victim]);
}

/// The payment reaches the miner of the next block through a node that holds the other envelope.
#[test]
fn a_payment_with_two_envelopes_is_included_once() {
    let mut world = World::new(16);
    let members = [world.add(), world.add(), world.add()];
    world.mine(0);
    world.connect(1, 0);
    world.connect(2, 1);
    world.until(10_000, "one tip", |world| {
        members.iter().all(|at| world.tip(*at) == world.tip(0))
    });
    let (one, two) = (envelope(world.node(0), 0, 1), envelope(world.node(2), 0, 2));
    let id = world.submit(0, one);
    crate::support::submit(&world.node(2).clone(), two);
    world.run(1_000);
    world.mine(2);
    world.until(5_000, "one tip", |world| {
        members.iter().all(|at| world.tip(*at) == world.tip(2))
    });
    assert!(world.node(0).tip().snapshot.place(&id).unwrap().is_some());
    world.honest(&members);
}

/// Its coins left the chain with it, so others reject it at first; no user sends it again.
#[test]
fn a_returned_payment_reaches_others_once_its_coins_are_back() {
    let mut world = World::new(31);
    let (left, right) = (world.add(), world.add());
    world.mine_many(left, 1);
    let node = world.node(left).clone();
    let coins = Amount::from_coins("10").unwrap();
    let pay = |from, to, value| payment_at(&node, from, 0, to, value, node.now(), 3_000_000_000);
    let all = balance(&node, &address_of(1));
    let first = world.submit(left, pay(0, address_of(1), coins));
    world.mine_many(left, 1);
    // All that it had before: the fee is paid out of the coins that came.
    let second = world.submit(left, pay(1, Address::repeat_byte(7), all));
    world.mine_many(left, 1);
    assert!(node.tip().snapshot.place(&second).unwrap().is_some());
    world.mine_many(right, 6);
    world.connect(left, right);
    let has = |world: &World, at: usize, id| world.node(at).with_pool(|pool| pool.contains(id));
    world.until(60_000, "the branch is left", |world| {
        world.tip(left) == world.tip(right) && has(world, right, &first)
    });
    world.run(5_000);
    assert!(has(&world, left, &first) && has(&world, left, &second));
    assert!(!has(&world, right, &second), "its coins are not there");
    world.mine_many(left, 1);
    assert!(node.tip().snapshot.place(&first).unwrap().is_some());
    world.until(30_000, "it is announced again", |world| has(world, right, &second));
    world.mine_many(right, 1);
    world.until(30_000, "it is in a block", |world| {
        let tip = world.node(left).tip();
        tip.snapshot.place(&second).unwrap().is_some()
    });
    drop(node);
    world.honest(&[left, right]);
}

/// Block 1 pays what the second payment spends. The announcement of that comes before the block, and is the only one.
#[test]
fn a_payment_that_comes_before_the_block_that_funds_it_is_taken_after_it() {
    let mut world = World::new(32);
    let (first, second) = (world.add(), world.add());
    world.tamper(first, |_, message| match message {
        Message::CompactBlock(_) | Message::Tip { .. } => Fate::Late(5_000),
        _ => Fate::Sent,
    });
    world.connect(first, second);
    world.run(1_000);
    let node = world.node(first).clone();
    let coins = Amount::from_coins("10").unwrap();
    let pay = |from, to, value| payment_at(&node, from, 0, to, value, node.now(), 3_000_000_000);
    let all = balance(&node, &address_of(1));
    let funding = world.submit(first, pay(0, address_of(1), coins));
    world.mine(first);
    assert!(node.tip().snapshot.place(&funding).unwrap().is_some());
    // All that it had before: the fee is paid out of the coins that came.
    let spending = world.submit(first, pay(1, Address::repeat_byte(7), all));
    let refused = |world: &World| world.node(second).stats().transactions_refused.load(Relaxed);
    world.until(4_000, "the block is still on its way", |world| refused(world) == 1);
    assert_eq!(world.height(second), 0);
    let has = |world: &World| world.node(second).with_pool(|pool| pool.contains(&spending));
    assert!(!has(&world), "its coins are not there");
    world.until(10_000, "it is taken after the block", has);
    assert_eq!(world.tip(first), world.tip(second));
    drop(node);
    world.honest(&[first, second]);
}

/// One peer sends a payment without the many before it, which this node lacks, too. It is requested from the next that has it:
/// the pool takes it after the others, and no block is needed for that.
#[test]
fn a_payment_that_came_far_before_its_turn_is_requested_from_the_next_peer_that_has_it() {
    let mut world = World::new(33);
    let (first, second, third) = (world.add(), world.add(), world.add());
    let node = world.node(first).clone();
    // The last one is further ahead of its account than a pool allows.
    let envelopes: Vec<_> = (0..300)
        .map(|nonce| payment(&node, 0, nonce, Address::repeat_byte(7), 5))
        .collect();
    for member in [first, third] {
        let taken = world.node(member).submit_batch(envelopes.clone());
        assert!(taken.iter().all(Result::is_ok));
    }
    let last = envelopes.last().unwrap().clone();
    world.tamper(first, move |_, message| {
        if let Message::Transactions(items) = message {
            items.retain(|item| *item == last);
        }
        Fate::Sent
    });
    world.connect(first, second);
    let refused = |world: &World| world.node(second).stats().transactions_refused.load(Relaxed);
    world.until(10_000, "it comes before all others", |world| refused(world) == 1);
    let count = |world: &World| world.node(second).with_pool(|pool| pool.len());
    assert_eq!(count(&world), 0);
    world.connect(third, second);
    world.until(10_000, "all of them are taken", |world| count(world) == envelopes.len());
    assert_eq!(world.height(second), 0);
    drop(node);
    world.honest(&[second, third]);
}
