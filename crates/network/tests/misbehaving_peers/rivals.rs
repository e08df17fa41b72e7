//! Chains that leave ours below the block with whose state a node began, or deeper than it goes back: those that show nothing,
//! or do not leave ours there, keep no other from being checked. Rules: docs/protocol.md#B9, #Q5

use std::cell::Cell;
use std::rc::Rc;

use tally_chain::{Header, Height, U256, Weight};
use tally_network::wire::Message;
use tally_network::wire::limits::MAX_HEADERS;
use tally_node::CheckpointConfig;

use crate::checkpoints::{NEWCOMER, RULES, chain, copy, stands};
use crate::town::{genesis_header, headers_after, headers_of};
use crate::world::{Fate, World};

/// A node that has begun with the state of the chain of less work of two: that one, the one of more work, and the node.
fn begun(world: &mut World) -> [usize; 3] {
    let (light, heavy) = (chain(world, RULES, 40), chain(world, RULES, 80));
    let new = world.add_at(0, NEWCOMER);
    world.connect(new, light);
    world.until(20_000, "the chain of less work", |world| stands(world, new, light));
    [light, heavy, new]
}

fn warned(world: &World, at: usize) -> bool {
    world.members[at].network.heavier_fork().is_some()
}

/// Shows that its chain leaves ours far below, and then no more of it, again and again: every second answer is missing.
fn silent_rival(world: &mut World, of: usize) -> usize {
    let at = copy(world, of, RULES);
    let mut shows = false;
    world.tamper(at, move |_, message| {
        if !matches!(message, Message::Headers(_)) {
            return Fate::Sent;
        }
        shows = !shows;
        if shows { Fate::Sent } else { Fate::Dropped }
    });
    at
}

#[test]
fn chains_that_are_not_shown_keep_no_chain_of_more_work_from_being_checked() {
    for (seed, count, dials) in [(81, 1, false), (82, 3, true)] {
        let mut world = World::new(seed);
        let [light, heavy, new] = begun(&mut world);
        for _ in 0..count {
            let rival = silent_rival(&mut world, heavy);
            world.connect(rival, new);
        }
        world.run(2_000);
        match dials {
            true => world.connect(new, heavy),
            false => world.connect(heavy, new),
        }
        let took = world.until(60_000, "the warning", |world| warned(world, new));
        assert!(took <= 10_000, "{took} ms beside {count}");
        world.honest(&[light, heavy, new]);
    }
}

#[test]
fn one_that_shows_nothing_again_and_again_gets_requests_ever_more_rarely() {
    let mut world = World::new(83);
    let [light, heavy, new] = begun(&mut world);
    let rival = silent_rival(&mut world, heavy);
    let requested = Rc::new(Cell::new(0));
    let counter = requested.clone();
    world.tamper(new, move |to, message| {
        let is_request = to == rival && matches!(message, Message::GetHeaders { .. });
        counter.set(counter.get() + usize::from(is_request));
        Fate::Sent
    });
    world.connect(rival, new);
    world.run(1_800_000);
    assert!(!warned(&world, new));
    assert!((4..=24).contains(&requested.get()), "{} requests", requested.get());
    world.honest(&[light, heavy, new]);
}

/// Shows headers without end, each answer just in time: work of the least difficulty costs nothing.
fn endless_rival(world: &mut World, light: usize, headers: Vec<Header>) -> usize {
    // Its own answer is empty where the node's chain is requested, and not where the work is checked from genesis on.
    let at = copy(world, light, RULES);
    let mut next = 0;
    world.tamper(at, move |_, message| match message {
        Message::Hello(hello) => {
            hello.claim.height = Height(1 << 40);
            hello.claim.weight = Weight(U256::MAX >> 8);
            Fate::Sent
        }
        Message::Headers(shown) if shown.is_empty() => {
            *shown = headers[..MAX_HEADERS].to_vec();
            Fate::Sent
        }
        Message::Headers(shown) => {
            *shown = headers[next..next + MAX_HEADERS].to_vec();
            next += MAX_HEADERS;
            Fate::Late(19_000)
        }
        _ => Fate::Sent,
    });
    at
}

#[test]
fn chains_without_end_give_way_after_their_time() {
    let mut world = World::new(84);
    // So late that the headers are not ahead of any clock.
    world.run(60_000_000);
    let [light, heavy, new] = begun(&mut world);
    let headers = headers_after(&genesis_header(world.node(light)), 26 * MAX_HEADERS);
    for _ in 0..2 {
        let rival = endless_rival(&mut world, light, headers.clone());
        world.connect(rival, new);
    }
    world.run(25_000);
    world.connect(heavy, new);
    let took = world.until(420_000, "the warning", |world| warned(world, new));
    assert!(took >= 250_000, "a slow chain has its time: {took} ms");
    world.honest(&[light, heavy, new]);
}

/// Shows its chain from genesis on, whatever the request names: all of it is true, and it leaves ours nowhere.
#[test]
fn a_chain_that_goes_on_from_ours_is_no_rival_and_hides_none() {
    let mut world = World::new(85);
    world.max_reorg_depth = 20;
    let rules = CheckpointConfig::default();
    let (longer, heavy) = (chain(&mut world, rules, 40), chain(&mut world, rules, 80));
    let victim = copy(&mut world, longer, rules);
    world.mine_many(longer, 2);
    let repeating = copy(&mut world, longer, rules);
    let all = headers_of(world.node(longer), 1);
    world.tamper(repeating, move |_, message| {
        if let Message::Headers(headers) = message {
            headers.clone_from(&all);
        }
        Fate::Sent
    });
    world.connect(repeating, victim);
    world.run(10_000);
    assert!(!warned(&world, victim), "it can be followed");
    world.connect(heavy, victim);
    let took = world.until(60_000, "the warning", |world| warned(world, victim));
    assert!(took <= 10_000, "{took} ms");
    world.honest(&[longer, heavy, victim]);
}

/// The fork is above the base, and the next block that the steps of a request for headers would name is below.
#[test]
fn a_chain_of_more_work_that_leaves_just_above_the_base_is_followed() {
    let mut world = World::new(86);
    let light = chain(&mut world, RULES, 22);
    let heavy = copy(&mut world, light, RULES);
    world.mine_many(light, 18);
    world.mine_many(heavy, 30);
    let new = world.add_at(0, NEWCOMER);
    world.connect(new, light);
    world.until(20_000, "the chain of less work", |world| stands(world, new, light));
    assert_eq!(world.base(new), Height(20));
    world.connect(heavy, new);
    world.until(30_000, "the chain of more work", |world| stands(world, new, heavy));
    assert!(!warned(&world, new));
    world.honest(&[light, heavy, new]);
}
