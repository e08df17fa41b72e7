//! Many nodes on a network of which a seed decides: delays, repeats, breaks, crashes, clocks that disagree. The code that
//! runs is that of the sockets; only the links are simulated. `TALLY_SEEDS` sets how many seeds are tried.

mod support;
#[path = "network/world.rs"]
mod world;

use std::sync::Arc;

use rayon::prelude::*;

use world::{Event, START_MS, World};

/// One seed's story: payments and blocks everywhere, a partition, crashes; then calm.
fn story(seed: u64) -> Vec<String> {
    let mut world = World::new(seed, 4);
    for _ in 0..24 {
        let at = world.chance.below(40_000);
        world.after(at, Event::Mine);
    }
    for _ in 0..30 {
        let at = world.chance.below(40_000);
        world.after(at, Event::Pay);
    }
    let first = START_MS + 5_000 + world.chance.below(10_000);
    world.run_until(first);
    match world.chance.below(4) {
        // A link that carries one way only; in the end both sides close it.
        2 => world.silenced = Some(world.chance.below(4) as usize),
        0 => world.partition(vec![true, true, false, false]),
        1 => world.partition(vec![true, false, false, false]),
        _ => {}
    }
    let crashes = world.chance.below(4);
    for _ in 0..crashes {
        let at = world.now + world.chance.below(6_000);
        world.run_until(at);
        let node = world.chance.below(4) as usize;
        if world.members[node].network.is_some() {
            world.crash(node);
        }
    }
    world.run_until(START_MS + 30_000);
    world.heal();
    world.run_until(START_MS + 42_000);
    world.settle()
}

#[test]
fn honest_nodes_agree_whatever_the_seed() {
    let seeds = std::env::var("TALLY_SEEDS")
        .ok()
        .and_then(|count| count.parse().ok())
        .unwrap_or(200);
    (0..seeds).into_par_iter().for_each(|seed: u64| {
        let trace = std::panic::catch_unwind(|| story(seed)).unwrap_or_else(|cause| {
            eprintln!("seed {seed}");
            std::panic::resume_unwind(cause)
        });
        assert!(!trace.is_empty());
    });
}

#[test]
fn the_same_seed_gives_the_same_story() {
    let first = Arc::new(story(7));
    assert_eq!(*first, story(7));
}
