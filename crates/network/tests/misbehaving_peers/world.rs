//! Nodes on simulated links: real conversations over real stores, delays from a seed, clocks of their own. A misbehaving peer
//! is such a node whose messages are changed, held back or made up on the way.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering::Relaxed;

use tally_chain::{Address, BlockId, Height, TxId};
use tally_network::session::peers::range::Origin;
use tally_network::session::{Arrived, Output, PeerName, Session};
use tally_network::wire::{Frame, Message};
use tally_node::{CheckpointConfig, Node};

use crate::support::{self, HandClock, assert_sound, audit_folder, spec};

/// Seconds after genesis at which all begin.
const BEGIN: u64 = 10_000;

/// What becomes of a message.
pub enum Fate {
    Sent,
    Dropped,
    /// Milliseconds later.
    Late(u64),
}

/// Sees what one member sends to which other, and may change it.
pub type Tamper = Box<dyn FnMut(usize, &mut Message) -> Fate>;

pub struct Member {
    dir: tempfile::TempDir,
    pub clock: HandClock,
    pub network: Session,
    tamper: Option<Tamper>,
}

enum Event {
    Frame {
        from: usize,
        to: usize,
        frame: Vec<u8>,
    },
    /// Bytes of a frame that is still on its way.
    Bytes {
        link: (usize, usize),
        count: u64,
    },
    Tick,
}

pub struct World {
    seed: u64,
    pub now: u64,
    events: BTreeMap<(u64, u64), Event>,
    sequence: u64,
    pub members: Vec<Member>,
    links: Vec<(usize, usize)>,
    /// Milliseconds on one way, where it is not the usual.
    pub delays: BTreeMap<(usize, usize), u64>,
    /// Bytes a second on one way, where that has a limit.
    pub bandwidth: BTreeMap<(usize, usize), u64>,
    arrived: BTreeMap<(usize, usize), Arrived>,
    last: BTreeMap<(usize, usize), u64>,
    /// Blocks below the tip at which members that are added from now on still follow a fork.
    pub max_reorg_depth: u64,
}

pub fn name(at: usize) -> PeerName {
    PeerName(format!("{at:02}"))
}

fn number(name: &PeerName) -> usize {
    name.0.parse().unwrap()
}

impl World {
    pub fn new(seed: u64) -> Self {
        let mut world = Self {
            seed,
            now: 1_000_000,
            events: BTreeMap::new(),
            sequence: 0,
            members: Vec::new(),
            links: Vec::new(),
            delays: BTreeMap::new(),
            bandwidth: BTreeMap::new(),
            arrived: BTreeMap::new(),
            last: BTreeMap::new(),
            max_reorg_depth: 1_000,
        };
        world.after(1_000, Event::Tick);
        world
    }

    /// A member whose clock is `skew` seconds ahead.
    pub fn add_at(&mut self, skew: i64, rules: CheckpointConfig) -> usize {
        let memory = std::path::Path::new("/dev/shm");
        let dir = match memory.is_dir() {
            true => tempfile::tempdir_in(memory).unwrap(),
            false => tempfile::tempdir().unwrap(),
        };
        let passed = (self.now - 1_000_000) / 1_000;
        let begin = u64::from(spec().genesis_time) + BEGIN + passed;
        let clock = HandClock::at(begin.checked_add_signed(skew).unwrap());
        let node = support::open_at(dir.path(), &clock, self.max_reorg_depth, rules).unwrap();
        let network = Session::new(node, "simulated");
        self.members.push(Member {
            dir,
            clock,
            network,
            tamper: None,
        });
        self.members.len() - 1
    }

    pub fn add(&mut self) -> usize {
        self.add_at(0, CheckpointConfig::default())
    }

    /// A misbehaving member.
    pub fn add_tampering(&mut self, tamper: impl FnMut(usize, &mut Message) -> Fate + 'static) -> usize {
        let at = self.add();
        self.tamper(at, tamper);
        at
    }

    pub fn tamper(&mut self, at: usize, tamper: impl FnMut(usize, &mut Message) -> Fate + 'static) {
        self.members[at].tamper = Some(Box::new(tamper));
    }

    pub fn node(&self, at: usize) -> &Node {
        self.members[at].network.node()
    }

    pub fn tip(&self, at: usize) -> BlockId {
        self.node(at).tip().record.id
    }

    pub fn height(&self, at: usize) -> u64 {
        self.node(at).tip().record.height().0
    }

    /// `from` dials `to`, which its operator has named.
    pub fn connect(&mut self, from: usize, to: usize) {
        let now = self.now;
        self.links.push((from, to));
        let origin = Origin {
            configured: true,
            ..Origin::default()
        };
        self.members[from].network.connected_from(name(to), true, origin, now);
        self.members[to].network.connected(name(from), false, now);
        for (from, to) in [(from, to), (to, from)] {
            let arrived = Arrived::default();
            self.members[to].network.count_arrived(&name(from), arrived.clone());
            self.arrived.insert((from, to), arrived);
        }
        self.carry(from);
        self.carry(to);
    }

    pub fn is_linked(&self, a: usize, b: usize) -> bool {
        self.links.contains(&(a, b)) || self.links.contains(&(b, a))
    }

    /// Mines a block on a member's tip, at its own time.
    pub fn mine(&mut self, at: usize) {
        support::mine_now(&self.node(at).clone(), Address::repeat_byte(at as u8 + 1));
        self.poll(at);
    }

    /// Blocks one second apart, so that they are neither too hard nor ahead of the clock.
    pub fn mine_many(&mut self, at: usize, count: usize) {
        for _ in 0..count {
            self.run(1_000);
            self.mine(at);
        }
    }

    pub fn submit(&mut self, at: usize, envelope: tally_chain::Bytes) -> TxId {
        let id = support::submit(&self.node(at).clone(), envelope);
        self.poll(at);
        id
    }

    fn poll(&mut self, at: usize) {
        let now = self.now;
        self.members[at].network.poll(now);
        self.carry(at);
    }

    /// Sends a message that no session made.
    pub fn send_message(&mut self, from: usize, to: usize, message: Message) {
        let frame = Frame { request: 0, message };
        self.post(from, to, frame.encode(), 0);
    }

    fn after(&mut self, delay: u64, event: Event) {
        self.sequence += 1;
        self.events.insert((self.now + delay, self.sequence), event);
    }

    fn post(&mut self, from: usize, to: usize, frame: Vec<u8>, late: u64) {
        self.seed = self
            .seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let usual = 5 + (self.seed >> 33) % 60;
        let delay = self.delays.get(&(from, to)).copied().unwrap_or(usual);
        let mut at = self.now + delay + late;
        if late == 0 {
            // A link keeps the order.
            at = at.max(self.last.get(&(from, to)).copied().unwrap_or(0));
            at = self.trickle((from, to), at, frame.len() as u64);
            self.last.insert((from, to), at);
        }
        self.after(at - self.now, Event::Frame { from, to, frame });
    }

    /// When a frame is there whose first byte comes at `at`: its bytes come one second after the other.
    fn trickle(&mut self, link: (usize, usize), at: u64, len: u64) -> u64 {
        let Some(count) = self.bandwidth.get(&link).copied() else {
            return at;
        };
        let end = at + len * 1_000 / count;
        for next in (at..end).step_by(1_000).skip(1) {
            self.after(next - self.now, Event::Bytes { link, count });
        }
        end
    }

    fn carry(&mut self, from: usize) {
        let now = self.now;
        loop {
            let outputs: Vec<_> = self.members[from].network.outputs().collect();
            for output in outputs {
                match output {
                    Output::Send { peer, frame } => self.send(from, number(&peer), &frame),
                    Output::Disconnect { peer, .. } => {
                        let to = number(&peer);
                        self.links.retain(|link| *link != (from, to) && *link != (to, from));
                        self.members[to].network.disconnected(&name(from), now);
                    }
                }
            }
            if !self.members[from].network.busy() {
                return;
            }
            self.members[from].network.poll(now);
        }
    }

    fn send(&mut self, from: usize, to: usize, bytes: &[u8]) {
        let mut frame = Frame::decode(bytes, spec().limits.block_bytes).unwrap();
        let fate = match &mut self.members[from].tamper {
            Some(tamper) => tamper(to, &mut frame.message),
            None => Fate::Sent,
        };
        match fate {
            Fate::Sent => self.post(from, to, frame.encode(), 0),
            Fate::Late(late) => self.post(from, to, frame.encode(), late),
            Fate::Dropped => {}
        }
    }

    /// Lets so many milliseconds pass.
    pub fn run(&mut self, millis: u64) {
        let end = self.now + millis;
        while let Some(entry) = self.events.first_entry() {
            let at = entry.key().0;
            if at > end {
                break;
            }
            let event = entry.remove();
            self.pass_to(at);
            match event {
                Event::Frame { from, to, frame } if self.is_linked(from, to) => {
                    let now = self.now;
                    self.members[to].network.received(&name(from), &frame, now);
                    self.carry(to);
                }
                Event::Frame { .. } => {}
                Event::Bytes { link, count } => {
                    self.arrived[&link].fetch_add(count, Relaxed);
                }
                Event::Tick => {
                    (0..self.members.len()).for_each(|at| self.poll(at));
                    self.after(1_000, Event::Tick);
                }
            }
        }
        self.pass_to(end);
    }

    fn pass_to(&mut self, now: u64) {
        let passed = now / 1_000 - self.now / 1_000;
        self.now = now;
        self.members.iter().for_each(|member| member.clock.advance(passed));
    }

    /// Runs until something holds; how many milliseconds that took, at most `millis`.
    pub fn until(&mut self, millis: u64, what: &str, holds: impl Fn(&Self) -> bool) -> u64 {
        let begun = self.now;
        while !holds(self) {
            assert!(
                self.now < begun + millis,
                "not within {millis} ms: {what}\n{}",
                self.history()
            );
            self.run(100);
        }
        self.now - begun
    }

    fn history(&self) -> String {
        let one = |(at, member): (usize, &Member)| {
            let scores: Vec<_> = member.network.peers().map(|peer| (peer.name, peer.score)).collect();
            format!(
                "{at}: height {} {scores:?} {:?} {:?}\n",
                self.height(at),
                member.network.sync_status(),
                member.network.counters()
            )
        };
        self.members.iter().enumerate().map(one).collect()
    }

    pub fn offences(&self, at: usize, what: &str) -> u64 {
        self.members[at]
            .network
            .counters()
            .offences
            .get(what)
            .copied()
            .unwrap_or(0)
    }

    /// None of these has ever had a point from any of the others, or a ban; each passes an audit.
    pub fn honest(self, honest: &[usize]) {
        for at in honest {
            let network = &self.members[*at].network;
            let banned: Vec<_> = network.bans().map(|ban| number(&ban.name)).collect();
            assert!(
                honest.iter().all(|other| !banned.contains(other)),
                "{at} bans {banned:?}\n{}",
                self.history()
            );
            for peer in network.peers().filter(|peer| honest.contains(&number(&peer.name))) {
                assert_eq!(peer.score, 0, "{at} gives points to {}\n{}", peer.name, self.history());
            }
        }
        let members = self.members.into_iter().enumerate();
        for (_, member) in members.filter(|(at, _)| honest.contains(at)) {
            let (node, now) = (member.network.node().clone(), member.clock.now());
            drop(member.network);
            assert_sound(&node);
            node.close().unwrap();
            drop(node);
            audit_folder(member.dir.path(), now + 1_000);
        }
    }

    pub fn base(&self, at: usize) -> Height {
        self.node(at).tip().snapshot.base().unwrap()
    }
}
