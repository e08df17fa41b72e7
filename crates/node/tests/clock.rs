//! A node whose clock is wrong: it says so, makes no blocks, punishes nobody, and goes on once its clock is right.
//! Rule: docs/protocol.md#N13

mod support;

use std::time::{Duration, Instant};

use support::{HandClock, mine, spec};
use tally_chain::{Address, Height, Work};
use tally_node::net::limits::PING_MS;
use tally_node::net::wire::{Claim, Frame, Hello, Message};
use tally_node::net::{Network, Output, PeerName};
use tally_node::peers::clock::ClockReading;
use tally_node::peers::range::Origin;
use tally_node::{MiningConfig, Node, NotReady};

const HONEST: Address = Address::repeat_byte(1);
/// Twice what rule B4 allows on this chain, and more.
const OFF_SECS: u64 = 3_600;

struct Member {
    _dir: tempfile::TempDir,
    clock: HandClock,
    network: Network,
}

impl Member {
    fn at(secs: u64) -> Self {
        let (dir, clock) = (tempfile::tempdir().unwrap(), HandClock::at(secs));
        let node = support::open(dir.path(), &clock).unwrap();
        let network = Network::new(node, "member");
        Self {
            _dir: dir,
            clock,
            network,
        }
    }

    fn node(&self) -> &Node {
        self.network.node()
    }
}

/// A node with a right clock, and one that has it as its configured peer.
struct Pair {
    right: Member,
    wrong: Member,
    now: u64,
}

impl Pair {
    fn new(right_secs: u64, wrong_secs: u64) -> Self {
        let (right, wrong) = (Member::at(right_secs), Member::at(wrong_secs));
        let now = 1_000_000;
        Self { right, wrong, now }
    }

    fn connect(&mut self) {
        let named = Origin {
            configured: true,
            ..Origin::default()
        };
        self.wrong.network.connected_from("right".into(), true, named, self.now);
        self.right.network.connected("wrong".into(), false, self.now);
        self.carry();
    }

    fn pass(&mut self, millis: u64) {
        self.now += millis;
        for member in [&mut self.right, &mut self.wrong] {
            member.clock.advance(millis / 1_000);
            member.network.poll(self.now);
        }
        self.carry();
    }

    fn carry(&mut self) {
        loop {
            let mut quiet = true;
            let names = [PeerName::from("wrong"), PeerName::from("right")];
            for from in 0..2 {
                let (sender, receiver) = match from {
                    0 => (&mut self.right, &mut self.wrong),
                    _ => (&mut self.wrong, &mut self.right),
                };
                let outputs: Vec<_> = sender.network.outputs().collect();
                for output in outputs {
                    quiet = false;
                    match output {
                        Output::Send { frame, .. } => receiver.network.received(&names[1 - from], &frame, self.now),
                        Output::Disconnect { reason, .. } => panic!("an honest node is sent away: {reason}"),
                    }
                }
                if sender.network.busy() {
                    quiet = false;
                    sender.network.poll(self.now);
                }
            }
            if quiet {
                return;
            }
        }
    }

    /// Nobody has a point against the other, and nobody is banned.
    fn nobody_is_punished(&self) {
        for member in [&self.right, &self.wrong] {
            for peer in member.network.peers() {
                assert_eq!(peer.score, 0, "{peer:?} {:?}", member.network.counters());
            }
            assert_eq!(member.network.peers().count(), 1);
            assert_eq!(member.network.bans().count(), 0);
        }
    }
}

fn begin() -> u64 {
    u64::from(spec().genesis_time) + 100_000
}

fn reading(offset_secs: i64) -> Option<ClockReading> {
    Some(ClockReading {
        offset_secs,
        peers: 1,
        chosen: true,
    })
}

#[test]
fn a_clock_behind_is_named_and_the_chain_is_taken_once_it_is_right() {
    let mut pair = Pair::new(begin(), begin() - OFF_SECS);
    for _ in 0..5 {
        mine(pair.right.node(), &pair.right.clock, HONEST);
    }
    let behind = pair.right.clock.now() - pair.wrong.clock.now();
    pair.connect();
    let wrong = pair.wrong.node();
    assert_eq!(pair.wrong.network.clock(), reading(-(behind as i64)));
    assert_eq!(wrong.clock_off(), pair.wrong.network.clock());
    let off = NotReady::ClockOff {
        offset_secs: -(behind as i64),
        peers: 1,
    };
    assert_eq!(wrong.health().reasons, [off]);
    assert_eq!(
        pair.right.node().clock_off(),
        None,
        "one peer that came says nothing of our clock"
    );
    for _ in 0..10 {
        mine(pair.right.node(), &pair.right.clock, HONEST);
        pair.pass(PING_MS);
    }
    pair.nobody_is_punished();
    assert_eq!(pair.wrong.node().tip().record.height(), Height(0));

    let behind = pair.right.clock.now() - pair.wrong.clock.now();
    pair.wrong.clock.advance(behind);
    for _ in 0..10 {
        pair.pass(PING_MS);
    }
    assert!(pair.wrong.node().health().is_ready());
    assert_eq!(pair.wrong.network.clock(), reading(0));
    assert_eq!(pair.wrong.node().tip().record.id, pair.right.node().tip().record.id);
    pair.nobody_is_punished();
}

#[test]
fn a_clock_ahead_makes_no_blocks_until_it_is_right() {
    let mut pair = Pair::new(begin(), begin() + OFF_SECS);
    pair.connect();
    assert_eq!(pair.wrong.network.clock(), reading(OFF_SECS as i64));
    let wrong = pair.wrong.node().clone();
    wrong.set_mining(MiningConfig {
        on: true,
        threads: 1,
        producer: HONEST,
    });
    // The chain's target is one that a thread meets in milliseconds.
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(wrong.tip().record.height(), Height(0), "it mines with a wrong clock");

    let right = pair.right.node().clone();
    pair.right.clock.advance(OFF_SECS);
    pair.pass(PING_MS);
    assert_eq!(wrong.clock_off(), None);
    let begun = Instant::now();
    while wrong.tip().record.height() < Height(2) {
        assert!(begun.elapsed() < Duration::from_secs(30), "the miner does not go on");
        std::thread::sleep(Duration::from_millis(5));
    }
    wrong.set_mining(MiningConfig {
        on: false,
        threads: 1,
        producer: HONEST,
    });
    for _ in 0..3 {
        pair.pass(PING_MS);
    }
    assert_eq!(right.tip().record.id, wrong.tip().record.id);
    pair.nobody_is_punished();
}

#[test]
fn a_peer_of_version_one_is_spoken_to_and_not_told_the_time() {
    let mut member = Member::at(begin());
    let (name, now) = (PeerName::from("old"), 1_000_000);
    member.network.connected(name.clone(), true, now);
    let genesis = member.node().identity().genesis;
    for version in [1, 2] {
        let claim = Claim {
            tip: genesis,
            height: Height(0),
            weight: Work::default(),
        };
        let hello = Hello {
            version,
            genesis,
            claim,
            first: Height(1),
            agent: "old".to_owned(),
        };
        member.network.disconnected(&name, now);
        member.network.connected(name.clone(), true, now);
        let mut say = |question, message| {
            member
                .network
                .received(&name, &Frame { question, message }.encode(), now);
        };
        say(0, Message::Hello(hello));
        say(7, Message::Ping);
        let block_bytes = spec().limits.block_bytes;
        let mut frames = member.network.outputs().map(|output| match output {
            Output::Send { frame, .. } => Frame::decode(&frame, block_bytes).unwrap(),
            Output::Disconnect { reason, .. } => panic!("{reason}"),
        });
        let pong = frames.find(|frame| frame.question == 7).unwrap().message;
        drop(frames);
        let expected = match version {
            1 => Message::Pong,
            _ => Message::TimedPong(member.node().now()),
        };
        assert_eq!(pong, expected);
    }
}
