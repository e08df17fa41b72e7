//! A node that a thousand hostile addresses want to themselves: they fill its address book, take its inbound slots and
//! answer its dials with a stale chain. Eight honest addresses are enough that it finds the honest tip. The address book,
//! the dials, the slots and the session are the ones that run on sockets; a seed decides on everything else.
//! `TALLY_SEEDS` sets how many seeds are tried. Rules: docs/protocol.md#N10, #N11

mod support;

use std::collections::{BTreeMap, BTreeSet};

use libp2p::identity::Keypair;
use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};
use support::{clock, mine};
use tally_chain::Address;
use tally_network::session::peers::bans::Bans;
use tally_network::session::peers::book::Book;
use tally_network::session::peers::dialer::Dialer;
use tally_network::session::peers::range::{Exempt, Origin, host_of};
use tally_network::session::{Output, PeerName, Session};
use tally_network::wire::limits::{MAX_INBOUND, MAX_INBOUND_HOST, MAX_INBOUND_RANGE};
use tally_node::Node;

const HOSTILE: usize = 1_000;
const HOSTILE_RANGES: usize = 4;
const HONEST: usize = 8;
const HONEST_BLOCKS: usize = 12;
/// Milliseconds between two looks at what to dial.
const STEP_MS: u64 = 1_000;
/// Hostile peers that come by themselves in each step.
const COME_A_STEP: usize = 20;
/// Seconds in which the honest tip must be found: some dials, each of which finds a node.
const PATIENCE: u64 = 120;

/// Numbers from a seed (SplitMix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % end as u64) as usize
    }

    fn secret(&mut self) -> [u8; 32] {
        std::array::from_fn(|_| self.below(256) as u8)
    }

    fn peer(&mut self) -> PeerId {
        let keys = Keypair::ed25519_from_bytes(self.secret()).unwrap();
        keys.public().to_peer_id()
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            items.swap(at, self.below(at + 1));
        }
    }
}

/// A node to which the victim can connect: all of a kind share one chain.
struct Other {
    address: Multiaddr,
    honest: bool,
}

struct World {
    chance: Chance,
    now: u64,
    victim: Session,
    dials: Dialer,
    exempt: Exempt,
    others: BTreeMap<PeerName, Other>,
    /// The other ends of the victim's conversations.
    sessions: BTreeMap<PeerName, Session>,
    /// Peers that the victim has dialled.
    outbound: BTreeSet<PeerName>,
    chains: [Node; 2],
}

fn victim_name() -> PeerName {
    "victim".into()
}

fn peer_of(name: &PeerName) -> PeerId {
    name.0.parse().unwrap()
}

impl World {
    fn new(seed: u64, victim: Node, chains: [Node; 2]) -> Self {
        let mut chance = Chance(seed);
        let exempt = Exempt::new(Vec::new(), false, Some("0.0.0.0:9333".parse().unwrap()));
        let secret = chance.secret();
        let dials = Dialer::new(Book::new(secret, seed, exempt.clone()));
        let mut victim = Session::new(victim, "victim");
        victim.begin_with(Bans::default(), secret);
        let mut others = BTreeMap::new();
        let mut add = |chance: &mut Chance, host: [u8; 4], honest| {
            let peer = chance.peer();
            let place = Multiaddr::empty()
                .with(Protocol::Ip4(host.into()))
                .with(Protocol::Tcp(9_333));
            let address = place.with(Protocol::P2p(peer));
            others.insert(PeerName(peer.to_string()), Other { address, honest });
        };
        for at in 0..HOSTILE {
            let range = 60 + (at % HOSTILE_RANGES) as u8;
            add(&mut chance, [range, 6, (at / 256) as u8, (at % 256) as u8], false);
        }
        for at in 0..HONEST {
            add(&mut chance, [100 + at as u8, 1, 1, 1], true);
        }
        Self {
            chance,
            now: 1_000_000,
            victim,
            dials,
            exempt,
            others,
            sessions: BTreeMap::new(),
            outbound: BTreeSet::new(),
            chains,
        }
    }

    /// The hostile addresses come first and often, each announcing itself and ten that do not exist.
    fn announce_addresses(&mut self) {
        let all: Vec<_> = self
            .others
            .values()
            .map(|other| (other.address.clone(), other.honest))
            .collect();
        let (honest, mut hostile): (Vec<_>, Vec<_>) = all.into_iter().partition(|(_, honest)| *honest);
        self.chance.shuffle(&mut hostile);
        for (source, _) in &hostile {
            self.dials.find(source, source, self.now);
            for _ in 0..10 {
                let [a, b, c, d] = std::array::from_fn(|_| self.chance.below(200) as u8 + 1);
                let nowhere: Multiaddr = format!("/ip4/{a}.{b}.{c}.{d}/tcp/9333").parse().unwrap();
                self.dials.find(&nowhere, source, self.now);
            }
        }
        for (address, _) in &honest {
            self.dials.find(address, address, self.now);
        }
    }

    fn origin(&self, address: &Multiaddr) -> Origin {
        let host = host_of(address);
        Origin {
            host,
            exempt: host.is_some_and(|host| self.exempt.contains(host)),
            configured: false,
        }
    }

    fn connect(&mut self, name: &PeerName, outbound: bool) {
        if self.sessions.contains_key(name) {
            return;
        }
        let other = &self.others[name];
        let origin = self.origin(&other.address);
        let mut session = Session::new(self.chains[usize::from(other.honest)].clone(), "other");
        session.connected(victim_name(), !outbound, self.now);
        self.sessions.insert(name.clone(), session);
        if outbound {
            self.outbound.insert(name.clone());
        }
        self.victim.connected_from(name.clone(), outbound, origin, self.now);
        self.carry();
    }

    fn disconnect(&mut self, name: &PeerName) {
        if self.sessions.remove(name).is_some() {
            self.outbound.remove(name);
            self.victim.disconnected(name, self.now);
            self.dials.closed(&peer_of(name), self.now);
        }
    }

    /// Carries all frames until no node sends more.
    fn carry(&mut self) {
        loop {
            let outputs: Vec<_> = self.victim.outputs().collect();
            let mut quiet = outputs.is_empty() && !self.victim.busy();
            for output in outputs {
                match output {
                    Output::Send { peer, frame } => {
                        if let Some(session) = self.sessions.get_mut(&peer) {
                            session.received(&victim_name(), &frame, self.now);
                        }
                    }
                    Output::Disconnect { peer, .. } => self.disconnect(&peer),
                }
            }
            let mut gone = Vec::new();
            let mut frames = Vec::new();
            for (name, session) in &mut self.sessions {
                for output in session.outputs() {
                    match output {
                        Output::Send { frame, .. } => frames.push((name.clone(), frame)),
                        Output::Disconnect { .. } => gone.push(name.clone()),
                    }
                }
            }
            quiet &= frames.is_empty() && gone.is_empty();
            for (name, frame) in frames {
                self.victim.received(&name, &frame, self.now);
            }
            gone.iter().for_each(|name| self.disconnect(name));
            if self.victim.busy() {
                self.victim.poll(self.now);
            }
            if quiet {
                return;
            }
        }
    }

    fn step(&mut self) {
        self.now += STEP_MS;
        let hostile: Vec<_> = self
            .others
            .iter()
            .filter(|(_, other)| !other.honest)
            .map(|(name, _)| name.clone())
            .collect();
        for _ in 0..COME_A_STEP {
            let name = hostile[self.chance.below(hostile.len())].clone();
            self.connect(&name, false);
        }
        for (address, _) in self.dials.due(self.now, self.outbound.len()) {
            self.dials.dialling(&address);
            let found = self.others.iter().find(|(_, other)| other.address == address);
            match found.map(|(name, _)| name.clone()) {
                Some(name) if self.sessions.contains_key(&name) => {
                    self.dials.failed(&address, self.now);
                }
                Some(name) => {
                    self.dials.connected(&address, peer_of(&name));
                    self.connect(&name, true);
                    // Both sides send hello at once.
                    self.dials.greeted(&peer_of(&name), self.now);
                }
                None => {
                    self.dials.failed(&address, self.now);
                }
            }
        }
        self.victim.poll(self.now);
        self.carry();
        self.check();
    }

    /// What must hold at any time, however many of them there are.
    fn check(&self) {
        let mut ranges = BTreeMap::<_, usize>::new();
        let (mut inbound, mut hosts) = (BTreeMap::<_, usize>::new(), BTreeMap::<_, usize>::new());
        for peer in self.victim.peers() {
            let host = host_of(&self.others[&peer.name].address).unwrap();
            let range = tally_network::session::peers::range::Range::of(host);
            if peer.outbound {
                *ranges.entry(range).or_default() += 1;
            } else {
                *inbound.entry(range).or_default() += 1;
                *hosts.entry(host).or_default() += 1;
            }
        }
        assert!(ranges.values().all(|count| *count == 1), "outbound: {ranges:?}");
        assert!(
            inbound.values().all(|count| *count <= MAX_INBOUND_RANGE),
            "inbound: {inbound:?}"
        );
        assert!(hosts.values().all(|count| *count <= MAX_INBOUND_HOST));
        assert!(inbound.values().sum::<usize>() <= MAX_INBOUND);
    }

    fn found(&self) -> bool {
        self.victim.node().tip().record.id == self.chains[1].tip().record.id
    }
}

fn story(seed: u64, chains: &[Node; 2]) {
    let (dir, clock) = (tempfile::tempdir().unwrap(), clock());
    let victim = support::open(dir.path(), &clock).unwrap();
    clock.advance(HONEST_BLOCKS as u64 + 10);
    let mut world = World::new(seed, victim, chains.clone());
    world.announce_addresses();
    // Before it dials any node its inbound slots are theirs, as far as they can be.
    let hostile = world.others.iter().filter(|(_, other)| !other.honest);
    let hostile: Vec<_> = hostile.map(|(name, _)| name.clone()).take(200).collect();
    for name in &hostile {
        world.connect(name, false);
    }
    assert_eq!(world.victim.peers().filter(|peer| !peer.outbound).count(), MAX_INBOUND);
    let begun = world.now;
    while !world.found() {
        world.step();
        let secs = (world.now - begun) / 1_000;
        assert!(
            secs < PATIENCE,
            "seed {seed}: the honest tip is not found in {secs} s; TALLY_SEED={seed} repeats it"
        );
    }
    let honest = |peer: &tally_network::session::PeerStatus| world.others[&peer.name].honest;
    for peer in world.victim.peers().filter(|peer| honest(peer)) {
        assert_eq!(peer.score, 0, "an honest peer is punished");
    }
    assert_eq!(world.victim.bans().count() + world.victim.range_bans().count(), 0);

    // An honest newcomer finds a slot, and keeps it while they go on coming.
    let newcomer = world
        .others
        .iter()
        .find(|(name, other)| other.honest && !world.sessions.contains_key(*name));
    if let Some(newcomer) = newcomer.map(|(name, _)| name.clone()) {
        world.connect(&newcomer, false);
        for _ in 0..10 {
            world.now += STEP_MS;
            let all: Vec<_> = world.others.keys().cloned().collect();
            for _ in 0..COME_A_STEP {
                let name = all[world.chance.below(all.len())].clone();
                world.connect(&name, false);
            }
            world.carry();
            assert!(
                world.sessions.contains_key(&newcomer),
                "seed {seed}: the newcomer was displaced"
            );
        }
    }
}

#[test]
fn the_honest_tip_is_found_among_a_thousand_hostile_addresses() {
    let clock = clock();
    let dirs = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let chains = dirs.each_ref().map(|dir| support::open(dir.path(), &clock).unwrap());
    // The hostile chain is valid, and a beginning of the honest one: the victim cannot see that it is stale.
    for at in 0..HONEST_BLOCKS {
        mine(&chains[1], &clock, Address::repeat_byte(1));
        if at < 3 {
            let block = support::blocks(&chains[1]).pop().unwrap();
            chains[0].import_block(&block).unwrap();
        }
    }
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    match number("TALLY_SEED") {
        Some(seed) => story(seed, &chains),
        None => (0..number("TALLY_SEEDS").unwrap_or(3)).for_each(|seed| story(seed, &chains)),
    }
}
