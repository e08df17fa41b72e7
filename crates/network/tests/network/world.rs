//! The simulated network: members, links, and the order in which things happen, all decided by a seed.

use std::collections::{BTreeMap, BTreeSet};

use tally_chain::{Address, Amount, U256, UnixSecs};
use tally_network::session::{Output, PeerName, Session};
use tally_node::{Node, NodeConfig};

use crate::support::{self, HandClock, assert_sound, audit_folder, payment_at, spec};

/// Numbers from a seed (SplitMix64).
pub struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }
}

/// Something on its way, or due.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    Frame {
        from: usize,
        to: usize,
        link: u64,
        frame: Vec<u8>,
    },
    Connect {
        a: usize,
        b: usize,
    },
    Restart {
        node: usize,
    },
    Mine,
    Pay,
    Tick,
}

pub struct Member {
    dir: tempfile::TempDir,
    clock: HandClock,
    /// `None` while it is down.
    pub network: Option<Session>,
}

/// The world: members, links, and the order in which things happen.
pub struct World {
    pub chance: Chance,
    pub now: u64,
    events: BTreeMap<(u64, u64), Event>,
    sequence: u64,
    pub members: Vec<Member>,
    /// Links that are up, each with its number: what was sent over an older one never comes.
    links: BTreeMap<(usize, usize), u64>,
    /// When the last frame over a link comes: a link keeps the order.
    last: BTreeMap<(usize, usize), u64>,
    /// The member whose frames are lost while it still receives, if any.
    pub silenced: Option<usize>,
    /// Sides of a partition, while there is one.
    sides: Option<Vec<bool>>,
    nonces: [u64; 3],
    paid: BTreeSet<tally_chain::TxId>,
    trace: Vec<String>,
}

pub const START_MS: u64 = 1_000_000;

fn name(index: usize) -> PeerName {
    PeerName::from(&*format!("node-{index}"))
}

fn open(dir: &std::path::Path, clock: &HandClock) -> Node {
    let config = NodeConfig {
        max_reorg_depth: 1_000,
        ..NodeConfig::new(dir.to_owned(), spec())
    };
    Node::open(config, clock.clock()).unwrap()
}

/// A folder in memory where there is one: what is tested here is not the disk.
fn folder() -> tempfile::TempDir {
    let memory = std::path::Path::new("/dev/shm");
    match memory.is_dir() {
        true => tempfile::tempdir_in(memory).unwrap(),
        false => tempfile::tempdir().unwrap(),
    }
}

impl World {
    pub fn new(seed: u64, count: usize) -> Self {
        let mut chance = Chance(seed);
        let genesis = u64::from(spec().genesis_time);
        let members = (0..count)
            .map(|_| {
                let dir = folder();
                // Clocks disagree, if by less than the twelve spacings of B4.
                let clock = HandClock::at(genesis + 1_000 + chance.below(8));
                let network = Some(Session::new(open(dir.path(), &clock), "simulated"));
                Member { dir, clock, network }
            })
            .collect();
        let mut world = Self {
            chance,
            now: START_MS,
            events: BTreeMap::new(),
            sequence: 0,
            members,
            links: BTreeMap::new(),
            last: BTreeMap::new(),
            silenced: None,
            sides: None,
            nonces: [0; 3],
            paid: BTreeSet::new(),
            trace: Vec::new(),
        };
        for a in 0..count {
            for b in a + 1..count {
                // A ring, and some links across.
                if b == a + 1 || (a, b) == (0, count - 1) || world.chance.one_in(3) {
                    let delay = world.chance.below(500);
                    world.after(delay, Event::Connect { a, b });
                }
            }
        }
        world.after(1_000, Event::Tick);
        world
    }

    pub fn after(&mut self, delay: u64, event: Event) {
        self.sequence += 1;
        self.events.insert((self.now + delay, self.sequence), event);
    }

    fn apart(&self, a: usize, b: usize) -> bool {
        self.sides.as_ref().is_some_and(|sides| sides[a] != sides[b])
    }

    pub fn run_until(&mut self, end: u64) {
        while let Some(((at, _), _)) = self.events.first_key_value()
            && *at <= end
        {
            let Some(((at, _), event)) = self.events.pop_first() else {
                return;
            };
            let passed = at / 1_000 - self.now / 1_000;
            self.now = at;
            self.members.iter().for_each(|member| member.clock.advance(passed));
            self.happen(event);
        }
    }

    fn happen(&mut self, event: Event) {
        let now = self.now;
        match event {
            Event::Frame { from, to, link, frame } => {
                if self.links.get(&pair(from, to)) != Some(&link) {
                    return;
                }
                self.trace.push(format!("{now} {from}>{to} {}", frame.len()));
                if let Some(network) = &mut self.members[to].network {
                    network.received(&name(from), &frame, now);
                }
                self.carry(to);
            }
            Event::Connect { a, b } => {
                let both = self.members[a].network.is_some() && self.members[b].network.is_some();
                if self.apart(a, b) || !both {
                    return self.after(1_000, Event::Connect { a, b });
                }
                self.sequence += 1;
                self.links.insert(pair(a, b), self.sequence);
                for (from, to, outbound) in [(a, b, true), (b, a, false)] {
                    if let Some(network) = &mut self.members[from].network {
                        network.connected(name(to), outbound, now);
                    }
                }
                self.carry(a);
                self.carry(b);
            }
            Event::Restart { node } => {
                let Member { dir, clock, .. } = &self.members[node];
                let network = Session::new(open(dir.path(), clock), "simulated");
                self.members[node].network = Some(network);
                self.trace.push(format!("{now} restart {node}"));
            }
            Event::Mine => {
                let at = self.chance.below(self.members.len() as u64) as usize;
                self.mine(at);
            }
            Event::Pay => self.pay(),
            Event::Tick => {
                for index in 0..self.members.len() {
                    if let Some(network) = &mut self.members[index].network {
                        network.poll(now);
                    }
                    self.carry(index);
                }
                self.after(1_000, Event::Tick);
            }
        }
    }

    /// Carries out a member's outputs.
    fn carry(&mut self, from: usize) {
        let now = self.now;
        loop {
            let Some(network) = &mut self.members[from].network else {
                return;
            };
            let outputs: Vec<_> = network.outputs().collect();
            for output in outputs {
                match output {
                    Output::Send { peer, frame } => self.send(from, index(&peer), frame),
                    Output::Disconnect { peer, reason } => {
                        self.trace.push(format!("{now} {from} ends {peer}: {reason}"));
                        self.cut(from, index(&peer));
                    }
                }
            }
            match &mut self.members[from].network {
                Some(network) if network.busy() => network.poll(now),
                _ => return,
            }
        }
    }

    fn send(&mut self, from: usize, to: usize, frame: Vec<u8>) {
        let Some(link) = self.links.get(&pair(from, to)).copied() else {
            return;
        };
        if self.silenced == Some(from) {
            return;
        }
        // A link breaks now and then, with everything on it.
        if self.chance.one_in(400) {
            return self.cut(from, to);
        }
        let delay = 5 + self.chance.below(120);
        let at = (self.now + delay).max(self.last.get(&(from, to)).copied().unwrap_or(0));
        self.last.insert((from, to), at);
        let event = Event::Frame { from, to, link, frame };
        // Notices may be delivered twice.
        let again = self.chance.one_in(50) && is_notice(&event);
        if again {
            self.after(at - self.now, event.clone());
        }
        self.after(at - self.now, event);
    }

    fn cut(&mut self, a: usize, b: usize) {
        if self.links.remove(&pair(a, b)).is_none() {
            return;
        }
        let now = self.now;
        for (from, to) in [(a, b), (b, a)] {
            if let Some(network) = &mut self.members[from].network {
                network.disconnected(&name(to), now);
            }
        }
        let delay = 500 + self.chance.below(1_000);
        self.after(delay, Event::Connect { a, b });
    }

    /// The power goes: no peer gets a message, nothing is closed in order.
    pub fn crash(&mut self, node: usize) {
        if let Some(network) = self.members[node].network.take() {
            // Lets go of the store, and nothing else: kill -9 is for the tests with processes.
            network.node().close().unwrap();
        }
        self.trace.push(format!("{} crash {node}", self.now));
        let ends: Vec<_> = self
            .links
            .keys()
            .filter(|(a, b)| *a == node || *b == node)
            .copied()
            .collect();
        for (a, b) in ends {
            self.cut(a, b);
        }
        let delay = 1_000 + self.chance.below(4_000);
        self.after(delay, Event::Restart { node });
    }

    pub fn partition(&mut self, sides: Vec<bool>) {
        self.sides = Some(sides);
        let apart: Vec<_> = self.links.keys().filter(|(a, b)| self.apart(*a, *b)).copied().collect();
        for (a, b) in apart {
            self.cut(a, b);
        }
    }

    /// Ends the partition.
    pub fn heal(&mut self) {
        self.sides = None;
        if let Some(silenced) = self.silenced.take() {
            let links: Vec<_> = self
                .links
                .keys()
                .filter(|(a, b)| *a == silenced || *b == silenced)
                .copied()
                .collect();
            links.into_iter().for_each(|(a, b)| self.cut(a, b));
        }
    }

    fn node(&self, index: usize) -> Option<&Node> {
        self.members[index].network.as_ref().map(Session::node)
    }

    fn mine(&mut self, at: usize) {
        let Some(node) = self.node(at).cloned() else { return };
        support::mine_now(&node, Address::repeat_byte(at as u8 + 1));
        self.trace
            .push(format!("{} mined by {at}: {}", self.now, node.tip().record.id));
        self.poll(at);
    }

    fn pay(&mut self) {
        let at = self.chance.below(self.members.len() as u64) as usize;
        let from = self.chance.below(3) as usize;
        let Some(node) = self.node(at).cloned() else { return };
        let nonce = self.nonces[from];
        let time = UnixSecs(u64::from(spec().genesis_time) + 1_000);
        let envelope = payment_at(
            &node,
            from,
            nonce,
            Address::repeat_byte(7),
            Amount(U256::from(1)),
            time,
            30_000_000_000,
        );
        if let Ok(submitted) = node.submit(envelope) {
            self.nonces[from] += 1;
            self.paid.insert(submitted.id);
        }
        self.poll(at);
    }

    fn poll(&mut self, at: usize) {
        let now = self.now;
        if let Some(network) = &mut self.members[at].network {
            network.poll(now);
        }
        self.carry(at);
    }

    /// All members at the same tip.
    fn agreed(&self) -> bool {
        let tips: BTreeSet<_> = (0..self.members.len())
            .map(|index| self.node(index).map(|node| node.tip().record.id))
            .collect();
        tips.len() == 1 && !tips.contains(&None)
    }

    /// Lets the world calm down; all must agree in the end, lose no payment, ban no peer, and pass an audit.
    pub fn settle(mut self) -> Vec<String> {
        self.heal();
        let mut patience = 120;
        while !self.agreed() || self.unconfirmed() > 0 {
            assert!(patience > 0, "no agreement: {:#?}", self.heights());
            patience -= 1;
            self.run_until(self.now + 1_000);
            // A block decides between branches of the same total work, and takes in what waits.
            if patience % 5 == 0 && self.node(0).is_some() {
                self.mine(0);
            }
        }
        for (index, member) in self.members.iter_mut().enumerate() {
            let network = member.network.take().unwrap();
            assert_eq!(
                network.bans().count(),
                0,
                "node {index} banned an honest one: {:?}",
                network.counters()
            );
            assert_sound(network.node());
            let node = network.node().clone();
            drop(network);
            node.close().unwrap();
            drop(node);
            audit_folder(member.dir.path(), member.clock.now());
        }
        self.trace
    }

    /// Payments that some member does not have in its chain.
    fn unconfirmed(&self) -> usize {
        let lacks = |id: &&tally_chain::TxId| {
            (0..self.members.len()).any(|index| {
                let place = self.node(index).and_then(|node| node.tip().snapshot.place(id).unwrap());
                place.is_none()
            })
        };
        self.paid.iter().filter(lacks).count()
    }

    fn heights(&self) -> Vec<String> {
        (0..self.members.len())
            .map(|index| match self.node(index) {
                Some(node) => {
                    let network = self.members[index].network.as_ref().unwrap();
                    format!(
                        "{index}: {} {} pool {} peers {:?} {:?} {:?}",
                        node.tip().record.height(),
                        node.tip().record.id,
                        node.with_pool(|pool| pool.len()),
                        network.peers().map(|peer| peer.name).collect::<Vec<_>>(),
                        network.sync_status(),
                        network.counters()
                    )
                }
                None => format!("{index}: down"),
            })
            .collect()
    }
}

fn is_notice(event: &Event) -> bool {
    match event {
        Event::Frame { frame, .. } => {
            let frame = tally_network::wire::Frame::decode(frame, spec().limits.block_bytes).unwrap();
            frame.request == 0 && !matches!(frame.message, tally_network::wire::Message::Hello(_))
        }
        _ => false,
    }
}

fn pair(a: usize, b: usize) -> (usize, usize) {
    (a.min(b), a.max(b))
}

fn index(peer: &PeerName) -> usize {
    peer.0.rsplit('-').next().unwrap().parse().unwrap()
}
