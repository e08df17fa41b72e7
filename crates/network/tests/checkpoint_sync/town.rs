//! Members that send each other messages at once, and what is changed in these.

use std::collections::BTreeMap;

use tally_chain::Address;
use tally_network::session::{Output, PeerName, Session};
use tally_network::wire::{Frame, Message};
use tally_node::{CheckpointConfig, Node};

use crate::support::{HandClock, assert_sound, audit_folder, call, mine, open_at, payment, spec, submit};

pub const RULES: CheckpointConfig = CheckpointConfig {
    every: 20,
    depth: 10,
    part_leaves: 2,
    begin: false,
    trusted: None,
};
pub const HONEST: Address = Address::repeat_byte(1);
/// Stores `BLOCKHASH(NUMBER - 200)` in slot 0.
const RUNTIME: [u8; 8] = [0x60, 200, 0x43, 0x03, 0x40, 0x5f, 0x55, 0x00];

struct Member {
    dir: tempfile::TempDir,
    network: Option<Session>,
}

/// Changes what one member sends another; false: it is not sent at all.
pub type Tamper = Box<dyn FnMut(&mut Message) -> bool>;

/// Members by number, all of whose frames go at once.
pub struct Town {
    members: Vec<Member>,
    pub clock: HandClock,
    pub now: u64,
    /// What is changed of the messages of a member.
    pub tampers: BTreeMap<usize, Tamper>,
    /// Requests for parts, by the peer that they were sent to.
    pub parts_requested: BTreeMap<usize, Vec<u32>>,
    /// Frames that still go, if not all.
    pub left: Option<usize>,
}

pub fn name(at: usize) -> PeerName {
    PeerName(at.to_string())
}

fn number(name: &PeerName) -> usize {
    name.0.parse().unwrap()
}

impl Town {
    pub fn new() -> Self {
        Self {
            members: Vec::new(),
            clock: HandClock::at(u64::from(spec().genesis_time) + 1_000),
            now: 1_000_000,
            tampers: BTreeMap::new(),
            parts_requested: BTreeMap::new(),
            left: None,
        }
    }

    /// A member; the first has a chain of 300 blocks with payments and a contract.
    pub fn with_chain() -> Self {
        let mut town = Self::new();
        let first = town.add(RULES);
        let node = town.node(first).clone();
        let init = [
            &[0x60, 9, 0x60, 7, 0x55, 0x67][..],
            &RUNTIME,
            &[0x5f, 0x52, 0x60, 8, 0x60, 24, 0xf3],
        ]
        .concat();
        for height in 1..=300 {
            if height == 5 {
                for nonce in 0..6 {
                    let to = Address::repeat_byte(0x50 + nonce as u8);
                    submit(&node, payment(&node, 0, nonce, to, 7));
                }
            }
            if height == 250 {
                submit(&node, call(&node, 0, 6, None, &init));
            }
            if height == 295 {
                // After the checkpoint: it must not be in its state.
                submit(&node, payment(&node, 0, 7, Address::repeat_byte(0x77), 7));
            }
            mine(&node, &town.clock, HONEST);
        }
        town
    }

    pub fn add(&mut self, rules: CheckpointConfig) -> usize {
        let memory = std::path::Path::new("/dev/shm");
        let dir = match memory.is_dir() {
            true => tempfile::tempdir_in(memory).unwrap(),
            false => tempfile::tempdir().unwrap(),
        };
        self.members.push(Member { dir, network: None });
        let at = self.members.len() - 1;
        self.start(at, rules);
        at
    }

    pub fn start(&mut self, at: usize, rules: CheckpointConfig) {
        let node = open_at(self.members[at].dir.path(), &self.clock, 200, rules).unwrap();
        self.members[at].network = Some(Session::new(node, "member"));
    }

    pub fn stop(&mut self, at: usize) {
        if let Some(network) = self.members[at].network.take() {
            network.node().close().unwrap();
        }
    }

    /// One that is to sync from a checkpoint.
    pub fn newcomer(&mut self) -> usize {
        self.add(CheckpointConfig { begin: true, ..RULES })
    }

    pub fn network(&mut self, at: usize) -> &mut Session {
        self.members[at].network.as_mut().unwrap()
    }

    pub fn node(&self, at: usize) -> &Node {
        self.members[at].network.as_ref().unwrap().node()
    }

    pub fn connect(&mut self, a: usize, b: usize) {
        let now = self.now;
        self.network(a).connected(name(b), true, now);
        self.network(b).connected(name(a), false, now);
        self.carry();
    }

    pub fn pass(&mut self, millis: u64) {
        self.now += millis;
        let now = self.now;
        for member in &mut self.members {
            if let Some(network) = &mut member.network {
                network.poll(now);
            }
        }
        self.carry();
    }

    /// Delivers all frames that follow.
    fn carry(&mut self) {
        let now = self.now;
        loop {
            let mut quiet = true;
            for at in 0..self.members.len() {
                let Some(network) = &mut self.members[at].network else {
                    continue;
                };
                let outputs: Vec<_> = network.outputs().collect();
                quiet &= outputs.is_empty() && !network.busy();
                if network.busy() {
                    network.poll(now);
                }
                for output in outputs {
                    match output {
                        Output::Send { peer, frame } => self.deliver(at, number(&peer), &frame),
                        Output::Disconnect { peer, .. } => {
                            if let Some(other) = &mut self.members[number(&peer)].network {
                                other.disconnected(&name(at), now);
                            }
                        }
                    }
                }
            }
            if quiet || self.left == Some(0) {
                return;
            }
        }
    }

    fn deliver(&mut self, from: usize, to: usize, bytes: &[u8]) {
        let now = self.now;
        let mut frame = Frame::decode(bytes, spec().limits.block_bytes).unwrap();
        if let Message::GetPart { part, .. } = frame.message {
            self.parts_requested.entry(to).or_default().push(part);
        }
        if let Some(tamper) = self.tampers.get_mut(&from)
            && !tamper(&mut frame.message)
        {
            return;
        }
        if matches!(frame.message, Message::Part(_)) {
            match &mut self.left {
                Some(0) => return,
                Some(left) => *left -= 1,
                None => {}
            }
        }
        if let Some(network) = &mut self.members[to].network {
            network.received(&name(from), &frame.encode(), now);
        }
    }

    /// All agree, are sound, and pass an audit.
    pub fn agree(mut self) {
        let tips: Vec<_> = (0..self.members.len())
            .map(|at| self.node(at).tip().record.id)
            .collect();
        assert!(tips.iter().all(|tip| *tip == tips[0]), "{tips:?}");
        let now = self.clock.now();
        self.tampers.clear();
        for at in 0..self.members.len() {
            assert_sound(self.node(at));
            self.stop(at);
            audit_folder(self.members[at].dir.path(), now);
        }
    }

    /// Points that a member gives to those it is connected with.
    pub fn scores(&mut self, at: usize) -> Vec<(usize, u32)> {
        let peers = self.network(at).peers();
        peers.map(|peer| (number(&peer.name), peer.score)).collect()
    }

    pub fn bans(&mut self, at: usize) -> Vec<(usize, String)> {
        let bans = self.network(at).bans();
        bans.map(|ban| (number(&ban.name), ban.reason.clone())).collect()
    }
}

pub fn base(node: &Node) -> u64 {
    node.tip().snapshot.base().unwrap().0
}
