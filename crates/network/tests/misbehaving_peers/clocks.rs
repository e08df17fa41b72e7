//! Nodes whose clock is wrong: no peer is punished for what only a clock decides, and it is made good later.
//! Rules: docs/protocol.md#B4, #N9

use tally_node::CheckpointConfig;

use crate::world::{World, name};

const FIVE_MINUTES: i64 = 300;

/// What a member shows of another: seconds by which its next block is too far ahead of the member's clock.
fn ahead(world: &World, at: usize, other: usize) -> Option<u64> {
    let mut peers = world.members[at].network.peers();
    peers
        .find(|peer| peer.name == name(other))
        .and_then(|peer| peer.ahead_secs)
}

/// One block each ten seconds at `miners`, for three minutes.
fn mine_on(world: &mut World, miners: &[usize]) {
    for _ in 0..18 {
        miners.iter().for_each(|at| world.mine(*at));
        world.run(10_000);
    }
}

#[test]
fn a_clock_that_is_behind() {
    let mut world = World::new(21);
    let (right, behind) = (world.add(), world.add_at(-FIVE_MINUTES, CheckpointConfig::default()));
    world.mine(right);
    world.connect(behind, right);
    mine_on(&mut world, &[right]);
    assert_eq!(
        world.height(behind),
        0,
        "the first block is 288 s ahead of what it takes, 180 s ago"
    );
    let secs = ahead(&world, behind, right).expect("it reports that the blocks are ahead of its clock");
    assert!((80..=300).contains(&secs), "{secs} s");
    // The clock is set right: everything comes in seconds, with nothing else changed.
    world.members[behind].clock.advance(FIVE_MINUTES as u64);
    world.mine(right);
    world.until(5_000, "the tip", |world| world.tip(behind) == world.tip(right));
    assert_eq!(ahead(&world, behind, right), None);
    world.honest(&[right, behind]);
}

#[test]
fn a_clock_that_is_behind_and_mines() {
    let mut world = World::new(22);
    let (right, behind) = (world.add(), world.add_at(-FIVE_MINUTES, CheckpointConfig::default()));
    world.mine(right);
    world.connect(behind, right);
    mine_on(&mut world, &[right, right, behind]);
    world.members[behind].clock.advance(FIVE_MINUTES as u64);
    world.mine(right);
    world.until(10_000, "one tip", |world| world.tip(behind) == world.tip(right));
    world.honest(&[right, behind]);
}

#[test]
fn a_clock_that_is_ahead_and_mines() {
    let mut world = World::new(23);
    let (right, ahead_by) = (world.add(), world.add_at(FIVE_MINUTES, CheckpointConfig::default()));
    let third = world.add();
    world.mine(right);
    world.connect(ahead_by, right);
    world.connect(third, right);
    world.connect(third, ahead_by);
    mine_on(&mut world, &[right, ahead_by, ahead_by]);
    assert_eq!(world.tip(right), world.tip(third), "those with a right clock agree");
    // Blocks from the future are taken when they are not in the future any more.
    world.run(400_000);
    world.mine(right);
    world.until(400_000, "one tip", |world| {
        world.tip(right) == world.tip(third) && world.tip(right) == world.tip(ahead_by)
    });
    world.honest(&[right, ahead_by, third]);
}

#[test]
fn a_clock_that_is_ahead_and_does_not_mine() {
    let mut world = World::new(24);
    let (right, ahead_by) = (world.add(), world.add_at(FIVE_MINUTES, CheckpointConfig::default()));
    world.connect(ahead_by, right);
    mine_on(&mut world, &[right]);
    assert_eq!(world.tip(right), world.tip(ahead_by));
    world.honest(&[right, ahead_by]);
}
