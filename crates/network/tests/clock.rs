//! A node whose clock is wrong: it reports that, makes no blocks, punishes no peer, and goes on once its clock is right.
//! Rule: docs/protocol.md#N13

mod support;

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use support::{HandClock, mine, mine_now, spec};
use tally_chain::{Address, B256, Bytes, Height, TxId, UnixSecs, Weight};
use tally_network::session::peers::range::Origin;
use tally_network::session::{Output, PeerName, Session};
use tally_network::wire::limits::PING_MS;
use tally_network::wire::{Claim, Frame, Hello, Message};
use tally_node::ClockReading;
use tally_node::{MiningConfig, Node, NotReady, TemplateError};

const HONEST: Address = Address::repeat_byte(1);
/// Twice what rule B4 allows on this chain, and more.
const OFF_SECS: u64 = 3_600;

struct Member {
    _dir: tempfile::TempDir,
    clock: HandClock,
    network: Session,
}

impl Member {
    fn at(secs: u64) -> Self {
        Self::with(HandClock::at(secs))
    }

    fn with(clock: HandClock) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let node = support::open(dir.path(), &clock).unwrap();
        let network = Session::new(node, "member");
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

/// A peer that the operator named.
fn named(host: [u8; 4]) -> Origin {
    Origin {
        host: Some(host.into()),
        configured: true,
        ..Origin::default()
    }
}

/// A node with a wrong clock, and three with a right one that it has as its configured peers; one of these has the blocks.
struct Town {
    right: [(PeerName, Member); 3],
    wrong: Member,
    now: u64,
}

const WRONG: &str = "wrong";

impl Town {
    fn new(right_secs: u64, wrong_secs: u64) -> Self {
        let clock = HandClock::at(right_secs);
        let member = |name: &str| (PeerName::from(name), Member::with(clock.clone()));
        Self {
            right: ["right", "second", "third"].map(member),
            wrong: Member::at(wrong_secs),
            now: 1_000_000,
        }
    }

    /// The one that has the blocks.
    fn right(&self) -> &Member {
        &self.right[0].1
    }

    fn connect(&mut self) {
        for (number, (name, member)) in (1..).zip(&mut self.right) {
            let origin = named([10, 0, 0, number]);
            self.wrong.network.connected_from(name.clone(), true, origin, self.now);
            member.network.connected(WRONG.into(), false, self.now);
        }
        self.carry();
    }

    fn pass(&mut self, millis: u64) {
        self.now += millis;
        // The three share theirs.
        self.right().clock.advance(millis / 1_000);
        self.wrong.clock.advance(millis / 1_000);
        self.wrong.network.poll(self.now);
        for (_, member) in &mut self.right {
            member.network.poll(self.now);
        }
        self.carry();
    }

    fn carry(&mut self) {
        let now = self.now;
        loop {
            let mut quiet = true;
            for (to, frame) in sent(&mut self.wrong.network) {
                quiet = false;
                let receiver = self.right.iter_mut().find(|(name, _)| *name == to).unwrap();
                receiver.1.network.received(&WRONG.into(), &frame, now);
            }
            for (name, member) in &mut self.right {
                for (_, frame) in sent(&mut member.network) {
                    quiet = false;
                    self.wrong.network.received(name, &frame, now);
                }
            }
            let right = self.right.iter_mut().map(|(_, member)| member);
            for member in right.chain([&mut self.wrong]) {
                if member.network.busy() {
                    quiet = false;
                    member.network.poll(now);
                }
            }
            if quiet {
                return;
            }
        }
    }

    /// No node has points against the other, and none is banned.
    fn nobody_is_punished(&self) {
        let right = self.right.iter().map(|(_, member)| (member, 1));
        for (member, peers) in right.chain([(&self.wrong, 3)]) {
            for peer in member.network.peers() {
                assert_eq!(peer.score, 0, "{peer:?} {:?}", member.network.counters());
            }
            assert_eq!(member.network.peers().count(), peers);
            assert_eq!(member.network.bans().count(), 0);
        }
    }
}

/// Frames that a session sends, each with its receiver; it ends no conversation.
fn sent(network: &mut Session) -> Vec<(PeerName, Vec<u8>)> {
    let outputs: Vec<_> = network.outputs().collect();
    let frames = outputs.into_iter().map(|output| match output {
        Output::Send { peer, frame } => (peer, frame),
        Output::Disconnect { reason, .. } => panic!("an honest node is sent away: {reason}"),
    });
    frames.collect()
}

fn begin() -> u64 {
    u64::from(spec().genesis_time) + 100_000
}

fn reading(offset_secs: i64) -> Option<ClockReading> {
    Some(ClockReading {
        offset_secs,
        peers: 3,
        chosen: true,
    })
}

#[test]
fn a_clock_behind_is_named_and_the_chain_is_taken_once_it_is_right() {
    let mut town = Town::new(begin(), begin() - OFF_SECS);
    for _ in 0..5 {
        mine(town.right().node(), &town.right().clock, HONEST);
    }
    let behind = town.right().clock.now() - town.wrong.clock.now();
    town.connect();
    let wrong = town.wrong.node();
    assert_eq!(town.wrong.network.clock(), reading(-(behind as i64)));
    assert_eq!(wrong.clock_off(), town.wrong.network.clock());
    let off = NotReady::ClockOff {
        offset_secs: -(behind as i64),
        peers: 3,
    };
    assert_eq!(wrong.health().reasons, [off]);
    assert_eq!(
        town.right().node().clock_off(),
        None,
        "one peer that came shows nothing of our clock"
    );
    for _ in 0..10 {
        mine(town.right().node(), &town.right().clock, HONEST);
        town.pass(PING_MS);
    }
    town.nobody_is_punished();
    assert_eq!(town.wrong.node().tip().record.height(), Height(0));

    let behind = town.right().clock.now() - town.wrong.clock.now();
    town.wrong.clock.advance(behind);
    for _ in 0..10 {
        town.pass(PING_MS);
    }
    assert!(town.wrong.node().health().is_ready());
    assert_eq!(town.wrong.network.clock(), reading(0));
    assert_eq!(town.wrong.node().tip().record.id, town.right().node().tip().record.id);
    town.nobody_is_punished();
}

fn mining(on: bool) -> MiningConfig {
    MiningConfig {
        on,
        threads: 1,
        producer: HONEST,
    }
}

/// Waits until the node's own miner has made blocks up to this height.
fn mines_to(node: &Node, height: u64) {
    let begun = Instant::now();
    while node.tip().record.height() < Height(height) {
        assert!(begun.elapsed() < Duration::from_secs(30), "the miner does not go on");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_clock_ahead_makes_no_blocks_until_it_is_right() {
    let mut town = Town::new(begin(), begin() + OFF_SECS);
    town.connect();
    assert_eq!(town.wrong.network.clock(), reading(OFF_SECS as i64));
    let wrong = town.wrong.node().clone();
    wrong.set_mining(mining(true));
    // The chain's target is one that a thread meets in milliseconds.
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(wrong.tip().record.height(), Height(0), "it mines with a wrong clock");
    let error = wrong.template(HONEST).unwrap_err();
    assert!(
        matches!(error, TemplateError::ClockOff { reading } if Some(reading) == wrong.clock_off()),
        "other miners have no work either: {error}"
    );

    town.right().clock.advance(OFF_SECS);
    town.pass(PING_MS);
    assert_eq!(wrong.clock_off(), None);
    mines_to(&wrong, 2);
    wrong.set_mining(mining(false));
    for _ in 0..3 {
        town.pass(PING_MS);
    }
    assert_eq!(town.right().node().tip().record.id, wrong.tip().record.id);
    town.nobody_is_punished();
}

#[test]
fn a_clock_that_was_set_back_behind_its_own_chain_pauses_the_miner_until_it_is_right() {
    let member = Member::at(begin());
    let node = member.node();
    for _ in 0..12 {
        mine(node, &member.clock, HONEST);
    }
    assert_eq!((node.behind_own_chain(), node.pauses()), (None, None));
    member.clock.set_back(OFF_SECS);
    let secs = node.behind_own_chain().unwrap();
    assert!((OFF_SECS - 12..OFF_SECS).contains(&secs), "{secs}");
    assert_eq!(node.health().reasons, [NotReady::ClockBehindChain { secs }]);
    let reason = "this machine's clock is 59 min behind this node's own chain".to_owned();
    assert_eq!(node.pauses(), Some(reason));
    let error = node.template(HONEST).unwrap_err();
    assert!(
        matches!(error, TemplateError::ClockBehindChain { secs: behind } if behind == secs),
        "other miners have no work either: {error}"
    );
    node.set_mining(mining(true));
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(node.tip().record.height(), Height(12));
    assert_eq!(
        node.stats().blocks_refused.load(Ordering::Relaxed),
        0,
        "it makes none that it would reject itself"
    );
    member.clock.advance(OFF_SECS);
    mines_to(node, 13);
    assert!(node.health().is_ready());
    node.set_mining(mining(false));
}

#[test]
fn a_chain_that_is_as_far_ahead_as_it_may_be_shows_no_clock_that_was_set_back() {
    let member = Member::at(begin());
    let node = member.node();
    let allowance = node.clock_allowance();
    // Blocks come faster than the clock goes: every six of them bring the median on by a second.
    let next = || u64::from(node.tip().ancestors.median_time()) + 1;
    while next() <= begin() + allowance {
        mine_now(node, HONEST);
    }
    assert_eq!(next(), begin() + allowance + 1);
    assert_eq!((node.behind_own_chain(), node.pauses()), (None, None));
    assert!(node.health().is_ready());
    node.template(HONEST).unwrap();
    member.clock.set_back(1);
    let secs = allowance + 2;
    assert_eq!(node.behind_own_chain(), Some(secs));
    assert_eq!(node.health().reasons, [NotReady::ClockBehindChain { secs }]);
}

/// Sends a message to a session in a peer's place.
fn send_message(network: &mut Session, name: &PeerName, request: u64, message: Message) {
    let frame = Frame { request, message };
    network.received(name, &frame.encode(), 1_000_000);
}

/// The number of the last request of this kind that a session sent.
fn request_of(network: &mut Session, kind: impl Fn(&Message) -> bool) -> u64 {
    let frames = sent(network).into_iter();
    let frames = frames.map(|(_, frame)| Frame::decode(&frame, spec().limits.block_bytes).unwrap());
    let mut requests = frames.filter(|frame| kind(&frame.message)).map(|frame| frame.request);
    requests.next_back().unwrap()
}

/// A peer that the operator named connects, and its clock shows that this machine's clock is behind.
fn show_clock_behind(network: &mut Session, name: &PeerName, host: [u8; 4]) {
    network.connected_from(name.clone(), true, named(host), 1_000_000);
    let genesis = network.node().identity().genesis;
    let hello = Hello {
        version: 2,
        genesis,
        claim: Claim {
            tip: genesis,
            height: Height(0),
            weight: Weight::default(),
        },
        first: Height(1),
        agent: "named".to_owned(),
    };
    send_message(network, name, 0, Message::Hello(hello));
    let ping = request_of(network, |message| *message == Message::Ping);
    send_message(network, name, ping, Message::TimedPong(UnixSecs(begin() + OFF_SECS)));
}

#[test]
fn one_named_peer_only_warns_and_is_still_answerable_for_what_it_does() {
    let mut member = Member::at(begin());
    let node = member.node().clone();
    let network = &mut member.network;
    let first = PeerName::from("first");
    show_clock_behind(network, &first, [10, 0, 0, 1]);
    let reading = |peers, chosen| {
        Some(ClockReading {
            offset_secs: -(OFF_SECS as i64),
            peers,
            chosen,
        })
    };
    assert_eq!(network.clock(), reading(1, false));
    assert_eq!((node.clock_off(), node.pauses()), (None, None));
    assert!(node.health().is_ready());

    send_message(network, &first, 0, Message::Inventory(vec![TxId(B256::repeat_byte(7))]));
    let wanted = request_of(network, |message| matches!(message, Message::GetTransactions(_)));
    let no_envelope = Bytes::from_static(b"no envelope");
    send_message(network, &first, wanted, Message::Transactions(vec![no_envelope]));
    assert_eq!(network.counters().offences.get("invalid_transaction"), Some(&1));
    let score = network.peers().find(|peer| peer.name == first).map(|peer| peer.score);
    assert_eq!(score, Some(20));

    // Other names of the same host show no more than the first; three hosts do.
    show_clock_behind(network, &"again".into(), [10, 0, 0, 1]);
    show_clock_behind(network, &"second".into(), [10, 0, 0, 2]);
    assert_eq!((network.clock(), node.clock_off()), (reading(2, false), None));
    show_clock_behind(network, &"third".into(), [10, 0, 0, 3]);
    assert_eq!(node.clock_off(), reading(3, true));
}

#[test]
fn a_peer_of_version_one_gets_answers_and_no_time() {
    let mut member = Member::at(begin());
    let (name, now) = (PeerName::from("old"), 1_000_000);
    member.network.connected(name.clone(), true, now);
    let genesis = member.node().identity().genesis;
    for version in [1, 2] {
        let claim = Claim {
            tip: genesis,
            height: Height(0),
            weight: Weight::default(),
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
        let mut send_message = |request, message| {
            member
                .network
                .received(&name, &Frame { request, message }.encode(), now);
        };
        send_message(0, Message::Hello(hello));
        send_message(7, Message::Ping);
        let block_bytes = spec().limits.block_bytes;
        let mut frames = member.network.outputs().map(|output| match output {
            Output::Send { frame, .. } => Frame::decode(&frame, block_bytes).unwrap(),
            Output::Disconnect { reason, .. } => panic!("{reason}"),
        });
        let pong = frames.find(|frame| frame.request == 7).unwrap().message;
        drop(frames);
        let expected = match version {
            1 => Message::Pong,
            _ => Message::TimedPong(member.node().now()),
        };
        assert_eq!(pong, expected);
    }
}
