//! Claims that are not shown, announcements that are not delivered. Rules: docs/protocol.md#N6, #N7

use tally_chain::hash::sha256;
use tally_chain::{Address, Header, Height, TxId, U256, Weight};
use tally_network::session::{Output, PeerName, Session};
use tally_network::wire::limits::{MAX_HEADERS, MAX_IDS, MAX_WANTED};
use tally_network::wire::{Claim, Frame, Hello, Message, PROTOCOL_VERSION};

use crate::support::{self, HandClock, payment, spec};
use crate::town::{genesis_header, headers_after, weight_of};
use crate::world::{Fate, World, name};

/// Claims by far the most total work, and shows nothing of it.
fn silent_claimant(world: &mut World) -> usize {
    world.add_tampering(|_, message| {
        match message {
            Message::Hello(hello) => {
                hello.claim.weight = Weight(U256::MAX >> 8);
                hello.claim.height = Height(1 << 40);
            }
            Message::Headers(_) | Message::Blocks(_) | Message::BlockTransactions(_) => return Fate::Dropped,
            _ => {}
        }
        Fate::Sent
    })
}

/// A node without blocks connects with silent claimants first, then with an honest node of 40 blocks; returns how long it takes,
/// milliseconds.
fn beside_silent_claimants(seed: u64, count: usize, dials: bool) -> u64 {
    let mut world = World::new(seed);
    let (honest, new) = (world.add(), world.add());
    world.mine_many(honest, 40);
    for _ in 0..count {
        let claimant = silent_claimant(&mut world);
        world.connect(claimant, new);
    }
    world.run(500);
    match dials {
        true => world.connect(new, honest),
        false => world.connect(honest, new),
    }
    let took = world.until(120_000, "the honest tip", |world| world.tip(new) == world.tip(honest));
    // It stays so: the next blocks come at once, whatever others claim.
    for _ in 0..5 {
        world.mine(honest);
        world.until(2_000, "the next block", |world| world.tip(new) == world.tip(honest));
    }
    world.honest(&[honest, new]);
    took
}

#[test]
fn one_silent_claimant_holds_up_nothing_but_itself() {
    let took = beside_silent_claimants(1, 1, false);
    assert!(took <= 6_000, "{took} ms");
}

#[test]
fn five_silent_claimants_do_not_stop_synchronisation() {
    let dialled = beside_silent_claimants(2, 5, true);
    assert!(
        dialled <= 6_000,
        "one of the attempts is on a connection that the node opened: {dialled} ms"
    );
    let came = beside_silent_claimants(3, 5, false);
    assert!(
        came <= 40_000,
        "each fails once, then the one that has not failed comes first: {came} ms"
    );
}

/// It shows the headers of the honest chain, each with its work, and none of its blocks.
#[test]
fn one_that_shows_headers_and_sends_no_block_holds_up_no_chain_for_long() {
    let mut world = World::new(9);
    let (honest, new) = (world.add(), world.add());
    world.mine_many(honest, 100);
    let claimant = world.add_tampering(|_, message| match message {
        Message::Blocks(_) => Fate::Dropped,
        _ => Fate::Sent,
    });
    for bytes in support::blocks(world.node(honest)) {
        world.node(claimant).import_block(&bytes).unwrap();
    }
    world.connect(claimant, new);
    world.run(500);
    world.connect(honest, new);
    let took = world.until(60_000, "the honest tip", |world| world.tip(new) == world.tip(honest));
    assert!(took <= 8_000, "{took} ms");
    world.honest(&[honest, new]);
}

/// It gets a request for a block of another's chain that it does not have yet. Later that block is the end of its own chain.
#[test]
fn one_that_lacked_a_block_earlier_gets_the_request_again_once_it_shows_it() {
    let mut world = World::new(10);
    let (honest, new) = (world.add(), world.add());
    world.mine_many(honest, 40);
    let blocks = support::blocks(world.node(honest));
    for bytes in &blocks[..30] {
        world.node(new).import_block(bytes).unwrap();
    }
    let claimant = world.add_tampering(|_, message| match message {
        Message::Blocks(_) => Fate::Dropped,
        _ => Fate::Sent,
    });
    for bytes in &blocks {
        world.node(claimant).import_block(bytes).unwrap();
    }
    world.mine_many(claimant, 1);
    // The honest node has sent hello when the claimant's headers come: it gets the request for the last of them.
    world.delays.insert((claimant, new), 300);
    world.delays.insert((honest, new), 5);
    world.connect(claimant, new);
    world.run(310);
    world.connect(honest, new);
    world.run(500);
    let last = support::blocks(world.node(claimant)).pop().unwrap();
    world.node(honest).import_block(&last).unwrap();
    world.members[new].network.end(&name(claimant), "gone".to_owned());
    world.until(5_000, "the honest tip", |world| world.tip(new) == world.tip(honest));
    assert_eq!(world.offences(new, "withheld_block"), 0);
    world.honest(&[honest, new]);
}

/// Claims by far the most total work, and answers every request for headers with the same 2,000 that the node knows.
fn repeating_claimant(world: &mut World, of: usize) -> usize {
    let snapshot = world.node(of).tip().snapshot.clone();
    let records = snapshot.records_from(Height(1)).take(MAX_HEADERS);
    let known: Vec<Header> = records.map(|record| record.unwrap().header).collect();
    assert_eq!(known.len(), MAX_HEADERS);
    world.add_tampering(move |_, message| {
        match message {
            Message::Hello(hello) => {
                hello.claim.weight = Weight(U256::MAX >> 8);
                hello.claim.height = Height(1 << 40);
            }
            Message::Headers(headers) => headers.clone_from(&known),
            Message::GetHeaders { .. } => return Fate::Dropped,
            _ => {}
        }
        Fate::Sent
    })
}

#[test]
fn known_headers_again_and_again_hold_no_place() {
    let mut world = World::new(7);
    world.max_reorg_depth = 6_000;
    let (honest, victim) = (world.add(), world.add());
    world.mine_many(honest, MAX_HEADERS + 100);
    for bytes in support::blocks(world.node(honest)) {
        world.node(victim).import_block(&bytes).unwrap();
    }
    world.mine_many(honest, 40);
    let claimant = repeating_claimant(&mut world, honest);
    world.connect(claimant, victim);
    world.run(500);
    assert_eq!(
        world.offences(victim, "unconnected_headers"),
        0,
        "its headers are true ones"
    );
    world.connect(honest, victim);
    let took = world.until(60_000, "the honest tip", |world| world.tip(victim) == world.tip(honest));
    assert!(took <= 6_000, "{took} ms");
    for _ in 0..3 {
        world.mine(honest);
        world.until(2_000, "the next block", |world| world.tip(victim) == world.tip(honest));
    }
    world.honest(&[honest, victim]);
}

/// The first full answer begins 2,055 blocks deep and ends below our total work: an honest peer's chain is still followed.
#[test]
fn a_fork_deeper_than_one_answer_is_followed() {
    let mut world = World::new(8);
    world.max_reorg_depth = 6_000;
    let (honest, victim) = (world.add(), world.add());
    world.mine_many(honest, 1_000);
    for bytes in support::blocks(world.node(honest)) {
        world.node(victim).import_block(&bytes).unwrap();
    }
    for _ in 0..1_100 {
        world.run(1_000);
        world.mine(honest);
        world.mine(victim);
    }
    world.mine_many(honest, 5);
    assert!(world.tip(honest) != world.tip(victim));
    world.connect(honest, victim);
    world.until(30_000, "the honest tip", |world| world.tip(victim) == world.tip(honest));
    world.honest(&[honest, victim]);
}

/// Between the blocks that a request for headers names, the steps grow longer than what is left of the allowed depth.
#[test]
fn a_fork_as_deep_as_a_node_goes_back_is_followed() {
    let mut world = World::new(12);
    world.max_reorg_depth = 20;
    let (honest, victim) = (world.add(), world.add());
    world.mine_many(honest, 10);
    for bytes in support::blocks(world.node(honest)) {
        world.node(victim).import_block(&bytes).unwrap();
    }
    for _ in 0..20 {
        world.run(1_000);
        world.mine(honest);
        world.mine(victim);
    }
    world.mine_many(honest, 5);
    world.connect(honest, victim);
    world.until(30_000, "the honest tip", |world| world.tip(victim) == world.tip(honest));
    assert_eq!(world.members[victim].network.heavier_fork(), None);
    world.honest(&[honest, victim]);
}

/// Taller than ours and of less work: headers of the least difficulty cost nothing, and do not show that this node is behind.
#[test]
fn headers_that_weigh_less_than_our_chain_are_no_catching_up() {
    let (dir, clock) = (
        tempfile::tempdir().unwrap(),
        HandClock::at(u64::from(spec().genesis_time)),
    );
    let node = support::open_with(dir.path(), &clock, 6_000).unwrap();
    // So fast that they become hard.
    for block in 0..160 {
        clock.advance(u64::from(block % 4 == 0));
        support::mine_now(&node, Address::repeat_byte(1));
    }
    clock.advance(10_000);
    let headers = headers_after(&genesis_header(&node), MAX_HEADERS);
    assert!(weight_of(&node, &headers) < node.tip().record.weight);
    let mut network = Session::new(node.clone(), "test");
    let claimant = PeerName::from("claimant");
    network.connected(claimant.clone(), false, 0);
    let hello = Message::Hello(Hello {
        version: PROTOCOL_VERSION,
        genesis: node.identity().genesis,
        claim: Claim {
            tip: headers[MAX_HEADERS - 1].id(),
            height: Height(1 << 40),
            weight: Weight(U256::MAX >> 8),
        },
        first: Height(1),
        agent: "claimant".to_owned(),
    });
    let send_message = |network: &mut Session, request, message| {
        network.received(&claimant, &Frame { request, message }.encode(), 1_000);
    };
    send_message(&mut network, 0, hello);
    let requested = network.outputs().find_map(|output| match output {
        Output::Send { frame, .. } => {
            let frame = Frame::decode(&frame, spec().limits.block_bytes).unwrap();
            matches!(frame.message, Message::GetHeaders { .. }).then_some(frame.request)
        }
        Output::Disconnect { .. } => None,
    });
    send_message(&mut network, requested.unwrap(), Message::Headers(headers));
    assert_eq!(network.sync_status(), None);
    assert_eq!(network.counters().offences.values().sum::<u64>(), 0);
}

/// Both halves have a block of the same height; the silent ones are on the losing side with the victim.
#[test]
fn a_victim_on_the_losing_side_of_a_fork_changes_over() {
    let mut world = World::new(4);
    let (winner, victim) = (world.add(), world.add());
    world.mine_many(winner, 3);
    world.connect(victim, winner);
    world.until(10_000, "the same tip", |world| world.tip(victim) == world.tip(winner));
    for _ in 0..5 {
        let claimant = silent_claimant(&mut world);
        world.connect(claimant, victim);
    }
    // At the same moment, so that neither takes the other's.
    world.mine(winner);
    world.mine(victim);
    world.run(1_000);
    assert_ne!(world.tip(victim), world.tip(winner));
    world.mine(winner);
    world.until(8_000, "the winner's tip", |world| {
        world.tip(victim) == world.tip(winner)
    });
    world.honest(&[winner, victim]);
}

#[test]
fn made_up_announcements_keep_out_no_payment() {
    let mut world = World::new(5);
    let (honest, victim) = (world.add(), world.add());
    world.mine(honest);
    world.connect(honest, victim);
    world.until(10_000, "the same tip", |world| world.tip(victim) == world.tip(honest));
    // Answers with nothing, just in time.
    let false_one = world.add_tampering(|_, message| match message {
        Message::Transactions(_) => Fate::Late(19_000),
        _ => Fate::Sent,
    });
    world.connect(false_one, victim);
    world.run(1_000);
    for round in 0..=(MAX_WANTED / MAX_IDS) as u32 {
        let id = |number: u32| TxId(sha256(&[&round.to_be_bytes(), &number.to_be_bytes()]));
        let ids = (0..MAX_IDS as u32).map(id).collect();
        world.send_message(false_one, victim, Message::Inventory(ids));
    }
    world.run(1_000);
    for nonce in 0..10 {
        let envelope = payment(&world.node(honest).clone(), 0, nonce, Address::repeat_byte(7), 5);
        let id = world.submit(honest, envelope);
        world.until(1_000, "the payment", |world| {
            world.node(victim).with_pool(|pool| pool.contains(&id))
        });
    }
    world.honest(&[honest, victim]);
}

/// It announces true payments first and then sends none: the next that has them gets the request.
#[test]
fn a_payment_that_its_first_announcer_does_not_send_comes_from_the_next() {
    let mut world = World::new(6);
    let (honest, victim) = (world.add(), world.add());
    let false_one = world.add_tampering(|_, message| match message {
        Message::Transactions(_) => Fate::Dropped,
        _ => Fate::Sent,
    });
    world.mine(honest);
    for link in [(honest, victim), (honest, false_one), (false_one, victim)] {
        world.connect(link.0, link.1);
    }
    world.delays.insert((honest, victim), 1_000);
    world.run(3_000);
    let envelope = payment(&world.node(honest).clone(), 0, 0, Address::repeat_byte(7), 5);
    let id = world.submit(honest, envelope);
    let took = world.until(10_000, "the payment", |world| {
        world.node(victim).with_pool(|pool| pool.contains(&id))
    });
    assert!(took <= 7_000, "{took} ms");
    world.honest(&[honest, victim]);
}
