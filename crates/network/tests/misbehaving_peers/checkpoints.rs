//! Checkpoint sync of new nodes: whose chain, which division of the state. Rules: docs/protocol.md#Q1 to #Q5

use tally_chain::state_tree::leaf_hash;
use tally_chain::{Address, B256, BlockId, Height, U256, Weight};
use tally_ledger::PartRoot;
use tally_network::wire::Message;
use tally_network::wire::limits::{MAX_HEADERS, MIN_OUTBOUND};
use tally_node::CheckpointConfig;

use crate::support::{self, payment};
use crate::town::{genesis_header, headers_after};
use crate::world::{Fate, World};

pub const RULES: CheckpointConfig = CheckpointConfig {
    every: 20,
    depth: 10,
    part_leaves: 2,
    begin: false,
    trusted: None,
};
pub const NEWCOMER: CheckpointConfig = CheckpointConfig { begin: true, ..RULES };

pub fn chain(world: &mut World, rules: CheckpointConfig, blocks: usize) -> usize {
    let at = world.add_at(0, rules);
    for number in 0..blocks {
        if number == 3 {
            for nonce in 0..6 {
                let to = Address::repeat_byte(0x50 + nonce as u8);
                support::submit(&world.node(at).clone(), payment(world.node(at), 0, nonce, to, 7));
            }
        }
        world.mine_many(at, 1);
    }
    at
}

/// Another node of the same chain.
pub fn copy(world: &mut World, of: usize, rules: CheckpointConfig) -> usize {
    let at = world.add_at(0, rules);
    for bytes in support::blocks(world.node(of)) {
        world.node(at).import_block(&bytes).unwrap();
    }
    at
}

pub fn stands(world: &World, at: usize, with: usize) -> bool {
    world.base(at) > Height::GENESIS && world.tip(at) == world.tip(with)
}

#[test]
fn a_chain_of_less_work_that_comes_first_is_not_taken_while_a_named_peer_is_awaited() {
    let mut world = World::new(31);
    let (light, heavy) = (chain(&mut world, RULES, 40), chain(&mut world, RULES, 80));
    let new = world.add_at(0, NEWCOMER);
    world.members[new].network.expect_named(2);
    world.connect(new, light);
    world.run(10_000);
    assert!(world.node(new).awaits_checkpoint(), "it waits for the other");
    world.connect(new, heavy);
    world.until(20_000, "the chain of more work", |world| stands(world, new, heavy));
    world.honest(&[light, heavy, new]);
}

#[test]
fn a_named_peer_that_never_comes_is_not_awaited_for_ever() {
    let mut world = World::new(32);
    let only = chain(&mut world, RULES, 40);
    let new = world.add_at(0, NEWCOMER);
    world.members[new].network.expect_named(3);
    world.connect(new, only);
    let took = world.until(60_000, "its chain", |world| stands(world, new, only));
    assert!((25_000..=35_000).contains(&took), "{took} ms");
    world.honest(&[only, new]);
}

/// No peer is named. Those that come by themselves may all be one person's: peers of the node's own dialling are awaited.
#[test]
fn a_chain_of_less_work_of_peers_that_come_by_themselves_is_not_taken_before_dialled_ones_get_requests() {
    let mut world = World::new(45);
    let (light, heavy) = (chain(&mut world, RULES, 40), chain(&mut world, RULES, 80));
    let others = [(); 2].map(|()| copy(&mut world, heavy, RULES));
    let new = world.add_at(0, NEWCOMER);
    world.members[new].network.expect_outbound(MIN_OUTBOUND);
    // No peer is there for long.
    world.run(60_000);
    world.connect(light, new);
    world.run(10_000);
    assert!(world.node(new).awaits_checkpoint(), "it waits for peers that it dials");
    world.connect(new, heavy);
    world.run(5_000);
    assert!(world.node(new).awaits_checkpoint(), "one is too few");
    for other in others {
        world.connect(new, other);
    }
    world.until(5_000, "the chain of more work", |world| stands(world, new, heavy));
    world.honest(&[light, heavy, new]);
}

#[test]
fn dialled_peers_that_never_come_are_not_awaited_for_ever() {
    let mut world = World::new(46);
    let only = chain(&mut world, RULES, 40);
    let new = world.add_at(0, NEWCOMER);
    world.members[new].network.expect_outbound(MIN_OUTBOUND);
    world.connect(only, new);
    let took = world.until(60_000, "its chain", |world| stands(world, new, only));
    assert!((25_000..=35_000).contains(&took), "{took} ms");
    world.honest(&[only, new]);
}

/// While parts still come a claim of more total work is checked, and what it shows decides.
#[test]
fn a_chain_of_more_work_that_comes_while_parts_do_is_preferred() {
    let mut world = World::new(33);
    let (light, heavy) = (chain(&mut world, RULES, 40), chain(&mut world, RULES, 80));
    let new = world.add_at(0, NEWCOMER);
    world.tamper(light, |_, message| match message {
        Message::Part(_) => Fate::Late(5_000),
        _ => Fate::Sent,
    });
    world.connect(new, light);
    world.run(2_000);
    world.connect(heavy, new);
    world.until(30_000, "the chain of more work", |world| stands(world, new, heavy));
    world.honest(&[light, heavy, new]);
}

/// Blocks of the least difficulty cost nothing, however many: a chain that is too short for a checkpoint has more total work.
#[test]
fn a_chain_of_less_work_is_not_begun_with_because_it_alone_is_tall_enough_for_a_checkpoint() {
    let mut world = World::new(49);
    let rules = CheckpointConfig { every: 100, ..RULES };
    // Made so fast, at the beginning, that its blocks are hard.
    let fast = world.add_at(-9_999, rules);
    for block in 0..100 {
        world.members[fast].clock.advance(u64::from(block % 4 == 0));
        support::mine_now(&world.node(fast).clone(), Address::repeat_byte(9));
    }
    let (heavy, tall) = (copy(&mut world, fast, rules), chain(&mut world, rules, 120));
    let weight = |at| world.node(at).tip().record.weight;
    assert!(weight(tall) < weight(heavy));
    world.tamper(tall, |_, message| match message {
        Message::Part(_) => Fate::Late(5_000),
        _ => Fate::Sent,
    });
    let new = world.add_at(0, CheckpointConfig { begin: true, ..rules });
    world.connect(new, tall);
    world.run(2_000);
    world.connect(heavy, new);
    world.until(30_000, "the chain of more work", |world| {
        world.tip(new) == world.tip(heavy)
    });
    assert_eq!(world.base(new), Height::GENESIS);
    world.honest(&[heavy, new]);
}

/// Where the chain of less work was the only one, the node does not punish peers of the other, and reports the fork.
#[test]
fn a_chain_of_more_work_that_leaves_below_the_base_is_named_and_not_punished() {
    let mut world = World::new(34);
    let (light, heavy) = (chain(&mut world, RULES, 40), chain(&mut world, RULES, 80));
    let new = world.add_at(0, NEWCOMER);
    world.connect(new, light);
    world.until(20_000, "the chain of less work", |world| stands(world, new, light));
    assert_eq!(world.members[new].network.heavier_fork(), None);
    world.connect(new, heavy);
    world.until(20_000, "the warning", |world| {
        world.members[new].network.heavier_fork().is_some()
    });
    let fork = world.members[new].network.heavier_fork().unwrap().clone();
    assert_eq!(
        (fork.tip, fork.height, fork.base),
        (world.tip(heavy), Height(80), Height(20))
    );
    world.run(300_000);
    assert!(world.is_linked(new, heavy), "they are still connected");
    world.honest(&[light, heavy, new]);
}

/// One block far ahead of the clock costs nothing, and shows nothing: the true chain with more total work is checked beside it.
#[test]
fn a_chain_ahead_of_the_clock_does_not_hide_one_of_more_work_that_leaves_below_the_base() {
    let mut world = World::new(48);
    let (light, heavy) = (chain(&mut world, RULES, 40), chain(&mut world, RULES, 80));
    let new = world.add_at(0, NEWCOMER);
    world.connect(new, light);
    world.until(20_000, "the chain of less work", |world| stands(world, new, light));
    let claimant = world.add_at(1_000_000, RULES);
    world.mine(claimant);
    world.tamper(claimant, |_, message| {
        if let Message::Hello(hello) = message {
            hello.claim.height = Height(1 << 40);
            hello.claim.weight = Weight(U256::MAX >> 8);
        }
        Fate::Sent
    });
    world.connect(new, claimant);
    world.run(5_000);
    world.connect(new, heavy);
    world.until(20_000, "the warning", |world| {
        world.members[new].network.heavier_fork().is_some()
    });
    world.honest(&[light, heavy, new]);
}

#[test]
fn a_trusted_block_binds() {
    let mut world = World::new(35);
    let (light, heavy) = (chain(&mut world, RULES, 40), chain(&mut world, RULES, 80));
    let trusted = world.node(light).tip().snapshot.id_at(Height(33)).unwrap();
    let new = world.add_at(0, CheckpointConfig { trusted, ..NEWCOMER });
    world.connect(new, heavy);
    world.run(60_000);
    assert!(
        world.node(new).awaits_checkpoint(),
        "the chain with more work does not have the block"
    );
    world.connect(new, light);
    world.until(30_000, "the chain with the block", |world| stands(world, new, light));
    world.honest(&[light, heavy, new]);
}

#[test]
fn a_trusted_block_that_no_peer_has_is_waited_for() {
    let mut world = World::new(36);
    let short = chain(&mut world, RULES, 5);
    let trusted = Some(BlockId(B256::repeat_byte(3)));
    let new = world.add_at(0, CheckpointConfig { trusted, ..NEWCOMER });
    world.connect(new, short);
    world.run(120_000);
    assert!(world.node(new).awaits_checkpoint());
    world.honest(&[short, new]);
}

#[test]
fn a_tall_false_claim_does_not_stop_a_newcomer_on_a_short_chain() {
    let mut world = World::new(37);
    let short = chain(&mut world, RULES, 25);
    let new = world.add_at(0, NEWCOMER);
    let tall = world.add_tampering(|_, message| {
        match message {
            Message::Hello(hello) => {
                hello.claim.height = Height(1 << 40);
                hello.claim.weight = Weight(U256::MAX >> 8);
            }
            Message::Headers(_) | Message::Checkpoint(_) => return Fate::Dropped,
            _ => {}
        }
        Fate::Sent
    });
    world.connect(tall, new);
    world.run(1_000);
    world.connect(new, short);
    let took = world.until(120_000, "the short chain", |world| world.tip(new) == world.tip(short));
    assert!(took <= 90_000, "{took} ms");
    assert_eq!(world.base(new), Height::GENESIS);
    world.honest(&[short, new]);
}

/// Of the same state one has four times as few parts: right, for each by itself.
#[test]
fn peers_with_another_division_are_not_punished() {
    let mut world = World::new(38);
    let first = chain(&mut world, RULES, 80);
    let fine = copy(
        &mut world,
        first,
        CheckpointConfig {
            part_leaves: 1,
            ..RULES
        },
    );
    let coarse = copy(
        &mut world,
        first,
        CheckpointConfig {
            part_leaves: 64,
            ..RULES
        },
    );
    let new = world.add_at(0, NEWCOMER);
    for other in [first, fine, coarse] {
        world.connect(new, other);
    }
    world.until(30_000, "the tip", |world| stands(world, new, first));
    assert_eq!(world.offences(new, "invalid_checkpoint"), 0);
    world.honest(&[first, fine, coarse, new]);
}

/// A source that names the roots of an own division and then sends no part: others have theirs, and no peer is punished.
#[test]
fn a_source_of_a_foreign_division_that_sends_no_parts_is_left() {
    let mut world = World::new(39);
    let first = chain(&mut world, RULES, 80);
    let source = copy(
        &mut world,
        first,
        CheckpointConfig {
            part_leaves: 1,
            ..RULES
        },
    );
    world.tamper(source, |_, message| match message {
        Message::Part(_) => Fate::Dropped,
        _ => Fate::Sent,
    });
    let new = world.add_at(0, NEWCOMER);
    world.connect(new, source);
    world.run(500);
    world.connect(new, first);
    world.until(150_000, "the tip", |world| stands(world, new, first));
    world.honest(&[first, new]);
}

/// A source whose roots are made up so that honest parts do not fit: it is banned, and those who sent honest parts are not.
fn made_up_roots(seed: u64, reason: &str, make_up: impl Fn(&mut [PartRoot]) + 'static) {
    let mut world = World::new(seed);
    let first = chain(&mut world, RULES, 80);
    let source = copy(&mut world, first, RULES);
    world.tamper(source, move |_, message| {
        if let Message::Checkpoint(Some(offer)) = message {
            make_up(&mut offer.roots);
        }
        Fate::Sent
    });
    let new = world.add_at(0, NEWCOMER);
    // It is the first, so that its roots are those that are taken.
    world.connect(new, source);
    world.connect(new, first);
    world.until(30_000, "the tip", |world| stands(world, new, first));
    let bans: Vec<_> = world.members[new].network.bans().cloned().collect();
    assert_eq!(bans.len(), 1, "{bans:?}");
    assert_eq!(bans[0].name, crate::world::name(source));
    assert!(bans[0].reason.contains(reason), "{}", bans[0].reason);
    world.honest(&[first, new]);
}

#[test]
fn a_leaf_that_is_named_as_a_branch() {
    made_up_roots(40, "is named in a form that no tree has", |roots| {
        // Beside a branch, where the hash above is the same.
        let pairs = roots.as_chunks_mut::<2>().0;
        let pair = pairs.iter_mut().find(|pair| {
            let leaf = |root: &PartRoot| matches!(root, PartRoot::Leaf { .. });
            pair.iter().any(leaf) && pair.iter().all(|root| *root != PartRoot::Empty)
        });
        for root in pair.expect("two parts, one of them a leaf") {
            if let PartRoot::Leaf { key, value_hash } = root {
                *root = PartRoot::Branch(leaf_hash(key, value_hash));
                return;
            }
        }
    });
}

/// Claims by far the most total work, and begins it again with every answer, a second late: as if it changed all the time.
fn changing_claimant(world: &mut World, of: usize) -> usize {
    let first = headers_after(&genesis_header(world.node(of)), MAX_HEADERS);
    world.add_tampering(move |_, message| {
        match message {
            Message::Hello(hello) => {
                hello.claim.height = Height(1 << 40);
                hello.claim.weight = Weight(U256::MAX >> 8);
            }
            Message::Headers(headers) => {
                headers.clone_from(&first);
                return Fate::Late(1_000);
            }
            _ => {}
        }
        Fate::Sent
    })
}

/// Two of them take turns; there is always one that was not looked at to its end.
#[test]
fn two_whose_chains_change_all_the_time_do_not_keep_a_newcomer_undecided() {
    for (seed, dials) in [(41, true), (42, false)] {
        let mut world = World::new(seed);
        let honest = chain(&mut world, RULES, 80);
        let new = world.add_at(0, NEWCOMER);
        for _ in 0..2 {
            let claimant = changing_claimant(&mut world, honest);
            world.connect(claimant, new);
        }
        world.run(500);
        match dials {
            true => world.connect(new, honest),
            false => world.connect(honest, new),
        }
        let took = world.until(60_000, "the honest chain", |world| stands(world, new, honest));
        assert!(took <= 25_000, "{took} ms, dialled: {dials}");
        world.honest(&[honest, new]);
    }
}

/// A source with a division of its own sends each part just in time: no other peer has them, and all of them would take a
/// quarter of an hour here, a day on a large chain.
#[test]
fn a_source_of_a_foreign_division_that_drips_is_left_for_another() {
    let mut world = World::new(43);
    let first = chain(&mut world, RULES, 80);
    let source = copy(
        &mut world,
        first,
        CheckpointConfig {
            part_leaves: 0,
            ..RULES
        },
    );
    world.tamper(source, |_, message| match message {
        Message::Part(bytes) if !bytes.is_empty() => Fate::Late(58_000),
        _ => Fate::Sent,
    });
    let new = world.add_at(0, NEWCOMER);
    world.connect(new, source);
    world.run(2_000);
    world.connect(new, first);
    let took = world.until(1_200_000, "the tip", |world| stands(world, new, first));
    assert!((250_000..=400_000).contains(&took), "{took} ms");
    assert_eq!(world.offences(new, "invalid_checkpoint"), 0);
    world.honest(&[first, source, new]);
}

/// Where there is no other, a slow source is waited for.
#[test]
fn the_only_source_may_be_slow() {
    let mut world = World::new(44);
    let only = chain(
        &mut world,
        CheckpointConfig {
            part_leaves: 0,
            ..RULES
        },
        80,
    );
    world.tamper(only, |_, message| match message {
        Message::Part(bytes) if !bytes.is_empty() => Fate::Late(50_000),
        _ => Fate::Sent,
    });
    let new = world.add_at(0, NEWCOMER);
    world.connect(new, only);
    let took = world.until(1_200_000, "the tip", |world| stands(world, new, only));
    assert!(took > 300_000, "longer than with another source: {took} ms");
    world.honest(&[only, new]);
}

/// Where a chain with more total work was shown, one unanswered request to its source is no reason to begin with another.
#[test]
fn a_chain_of_more_work_whose_source_failed_once_is_not_given_up_for_one_of_less_work() {
    let mut world = World::new(47);
    let (light, heavy) = (chain(&mut world, RULES, 40), chain(&mut world, RULES, 80));
    let mut first = true;
    world.tamper(heavy, move |_, message| match message {
        Message::Manifests(_) if std::mem::replace(&mut first, false) => Fate::Dropped,
        _ => Fate::Sent,
    });
    let new = world.add_at(0, NEWCOMER);
    world.connect(new, heavy);
    world.run(2_000);
    world.connect(light, new);
    let took = world.until(120_000, "the chain of more work", |world| stands(world, new, heavy));
    assert!((20_000..=60_000).contains(&took), "{took} ms");
    world.honest(&[light, heavy, new]);
}
