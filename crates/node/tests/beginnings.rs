//! New nodes that begin with a checkpoint: what they take, what they reject, and what they are afterwards. The frames are
//! those of real conversations; those of misbehaving peers are changed on the way. Rules: docs/protocol.md#Q1 to #Q4

mod support;

use std::collections::BTreeMap;

use support::{
    HandClock, address_of, assert_sound, audit_folder, balance, call, mine, mine_now, open_at, payment, spec, submit,
};
use tally_chain::{Address, B256, Bytes, Height, U256, Work};
use tally_ledger::{ChangeSet, PartRoot, StateView as _};
use tally_node::net::wire::{Frame, Message};
use tally_node::net::{Network, Output, PeerName};
use tally_node::{CheckpointConfig, ImportError, Node};

const RULES: CheckpointConfig = CheckpointConfig {
    every: 20,
    depth: 10,
    part_leaves: 2,
    begin: false,
    trusted: None,
};
const HONEST: Address = Address::repeat_byte(1);
/// Stores `BLOCKHASH(NUMBER - 200)` in slot 0.
const RUNTIME: [u8; 8] = [0x60, 200, 0x43, 0x03, 0x40, 0x5f, 0x55, 0x00];

struct Member {
    dir: tempfile::TempDir,
    network: Option<Network>,
}

/// Changes what one member says to another; false: it is not said at all.
type Tamper = Box<dyn FnMut(&mut Message) -> bool>;

/// Members by number, all of whose frames go at once.
struct Town {
    members: Vec<Member>,
    clock: HandClock,
    now: u64,
    /// What is changed of the messages of a member.
    tampers: BTreeMap<usize, Tamper>,
    /// Questions for parts, by whom they were asked of.
    parts_asked: BTreeMap<usize, Vec<u32>>,
    /// Frames that still go, if not all.
    left: Option<usize>,
}

fn name(at: usize) -> PeerName {
    PeerName(at.to_string())
}

fn number(name: &PeerName) -> usize {
    name.0.parse().unwrap()
}

impl Town {
    fn new() -> Self {
        Self {
            members: Vec::new(),
            clock: HandClock::at(u64::from(spec().genesis_time) + 1_000),
            now: 1_000_000,
            tampers: BTreeMap::new(),
            parts_asked: BTreeMap::new(),
            left: None,
        }
    }

    /// A member; the first has a chain of 300 blocks with payments and a contract.
    fn with_chain() -> Self {
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

    fn add(&mut self, rules: CheckpointConfig) -> usize {
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

    fn start(&mut self, at: usize, rules: CheckpointConfig) {
        let node = open_at(self.members[at].dir.path(), &self.clock, 200, rules).unwrap();
        self.members[at].network = Some(Network::new(node, "member"));
    }

    fn stop(&mut self, at: usize) {
        if let Some(network) = self.members[at].network.take() {
            network.node().close().unwrap();
        }
    }

    /// One that is to begin with a checkpoint.
    fn newcomer(&mut self) -> usize {
        self.add(CheckpointConfig { begin: true, ..RULES })
    }

    fn network(&mut self, at: usize) -> &mut Network {
        self.members[at].network.as_mut().unwrap()
    }

    fn node(&self, at: usize) -> &Node {
        self.members[at].network.as_ref().unwrap().node()
    }

    fn connect(&mut self, a: usize, b: usize) {
        let now = self.now;
        self.network(a).connected(name(b), true, now);
        self.network(b).connected(name(a), false, now);
        self.carry();
    }

    fn pass(&mut self, millis: u64) {
        self.now += millis;
        let now = self.now;
        for member in &mut self.members {
            if let Some(network) = &mut member.network {
                network.poll(now);
            }
        }
        self.carry();
    }

    /// Lets everything be said and heard that follows from what was.
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
            self.parts_asked.entry(to).or_default().push(part);
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

    /// All agree, are sound, and so say audits.
    fn agree(mut self) {
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
    fn scores(&mut self, at: usize) -> Vec<(usize, u32)> {
        let peers = self.network(at).peers();
        peers.map(|peer| (number(&peer.name), peer.score)).collect()
    }

    fn bans(&mut self, at: usize) -> Vec<(usize, String)> {
        let bans = self.network(at).bans();
        bans.map(|ban| (number(&ban.name), ban.reason.clone())).collect()
    }
}

fn base(node: &Node) -> u64 {
    node.tip().snapshot.base().unwrap().0
}

#[test]
fn a_newcomer_takes_the_state_of_a_checkpoint_and_goes_on_like_everybody() {
    let mut town = Town::with_chain();
    let new = town.newcomer();
    assert!(town.node(new).awaits_checkpoint());
    town.connect(new, 0);
    let (old, node) = (town.node(0).clone(), town.node(new).clone());
    assert_eq!((base(&node), node.tip().record.height()), (280, Height(300)));
    assert!(!node.awaits_checkpoint());
    for account in [
        HONEST,
        address_of(0),
        Address::repeat_byte(0x50),
        Address::repeat_byte(0x77),
    ] {
        assert_eq!(balance(&node, &account), balance(&old, &account));
    }
    let contract = address_of(0).create(6);
    let slot = |node: &Node, slot: u8| {
        node.tip()
            .snapshot
            .storage(&contract, &B256::with_last_byte(slot))
            .unwrap()
    };
    assert_eq!(slot(&node, 7), B256::with_last_byte(9));

    // A contract asks for a block long before the checkpoint: both execute it the same way. Each of the two mines.
    let asking = call(&old, 0, 8, Some(contract), &[]);
    submit(&old, asking);
    town.pass(10);
    mine(&node, &town.clock, Address::repeat_byte(2));
    town.pass(10);
    assert_eq!(old.tip().record.id, node.tip().record.id);
    let asked_for = old.tip().snapshot.id_at(Height(101)).unwrap().unwrap();
    assert_eq!((slot(&node, 0), slot(&old, 0)), (asked_for.0, asked_for.0));
    mine(&old, &town.clock, HONEST);
    town.pass(10);

    // It opens again as it was.
    let tip = node.tip().record.id;
    drop(node);
    town.stop(new);
    town.start(new, CheckpointConfig { begin: true, ..RULES });
    assert_eq!((base(town.node(new)), town.node(new).tip().record.id), (280, tip));
    drop(old);
    town.agree();
}

#[test]
fn what_came_before_a_stop_is_not_fetched_again() {
    let mut town = Town::with_chain();
    let new = town.newcomer();
    town.left = Some(2);
    town.connect(new, 0);
    let asked = town.parts_asked.remove(&0).unwrap();
    assert_eq!(town.node(new).tip().record.height(), Height(0), "not all parts came");
    // The node ends, and begins again.
    town.stop(new);
    town.left = None;
    let now = town.now;
    town.network(0).disconnected(&name(new), now);
    town.network(0).outputs().for_each(drop); // what was still on its way is lost
    town.start(new, CheckpointConfig { begin: true, ..RULES });
    town.connect(new, 0);
    assert_eq!(base(town.node(new)), 280);
    let again = town.parts_asked.remove(&0).unwrap();
    assert!(
        !again.contains(&asked[0]) && !again.contains(&asked[1]),
        "{asked:?} {again:?}"
    );
    town.agree();
}

#[test]
fn one_that_began_so_hands_its_state_on_but_is_not_asked_for_what_it_lacks() {
    let mut town = Town::with_chain();
    let second = town.newcomer();
    town.connect(second, 0);
    // Who has not all headers is no source, but parts come from whoever has them.
    let (third, fourth) = (town.newcomer(), town.add(RULES));
    town.connect(third, second);
    assert!(town.node(third).awaits_checkpoint());
    town.parts_asked.clear();
    town.connect(third, 0);
    assert_eq!(base(town.node(third)), 280);
    assert!(town.parts_asked.contains_key(&0) && town.parts_asked.contains_key(&second));
    town.connect(fourth, second);
    town.pass(100);
    assert_eq!(
        town.node(fourth).tip().record.height(),
        Height(0),
        "nobody here has block 1"
    );
    assert_eq!((town.bans(fourth), town.bans(second)), (vec![], vec![]));
    town.connect(fourth, 0);
    town.pass(15_000);
    assert_eq!(
        (base(town.node(fourth)), town.node(fourth).tip().record.height()),
        (0, Height(300))
    );
    town.agree();
}

#[test]
fn nothing_leads_back_behind_what_a_node_began_with() {
    let mut town = Town::with_chain();
    let new = town.newcomer();
    town.connect(new, 0);
    let node = town.node(new).clone();
    let old = town.node(0).clone();
    // A branch that leaves the chain below the checkpoint, by a node that has only so much of it.
    let dir = tempfile::tempdir().unwrap();
    let other = open_at(dir.path(), &town.clock, 200, RULES).unwrap();
    for bytes in &support::blocks(&old)[..279] {
        other.import_block(bytes).unwrap();
    }
    mine_now(&other, Address::repeat_byte(9));
    let bytes = other
        .tip()
        .snapshot
        .block_bytes(&other.tip().record.id)
        .unwrap()
        .unwrap();
    let error = node.import_block(&bytes).unwrap_err();
    assert!(matches!(error, ImportError::TooDeep { depth: 21, max: 20 }), "{error}");
    // The one with all blocks keeps it aside.
    assert!(old.import_block(&bytes).is_ok());
}

#[test]
fn a_short_chain_is_simply_fetched() {
    let mut town = Town::new();
    let first = town.add(RULES);
    (0..25).for_each(|_| drop(mine(&town.node(first).clone(), &town.clock.clone(), HONEST)));
    let new = town.newcomer();
    town.connect(new, first);
    assert_eq!(
        (base(town.node(new)), town.node(new).tip().record.height()),
        (0, Height(25))
    );
    town.agree();
}

#[test]
fn without_anybody_who_has_a_checkpoint_a_newcomer_waits() {
    let mut town = Town::with_chain();
    town.tampers.insert(
        0,
        Box::new(|message| {
            if let Message::Checkpoint(offer) = message {
                *offer = None;
            }
            true
        }),
    );
    let new = town.newcomer();
    town.connect(new, 0);
    town.pass(60_000);
    assert_eq!(
        (town.node(new).tip().record.height(), town.bans(new)),
        (Height(0), vec![])
    );
    let other = town.add(RULES);
    town.connect(other, 0);
    town.connect(new, other);
    assert_eq!(base(town.node(new)), 280);
    town.agree();
}

/// A newcomer that meets a misbehaving peer first and then an honest node, half a minute later.
fn met(tamper: impl Fn(&Node, &mut Message) + 'static) -> (Town, usize, usize) {
    let mut town = Town::with_chain();
    let honest = town.add(RULES);
    town.connect(honest, 0);
    town.pass(10);
    assert_eq!(town.node(honest).tip().record.height(), Height(300));
    let chain = town.node(0).clone();
    let lie = move |message: &mut Message| {
        tamper(&chain, message);
        true
    };
    town.tampers.insert(0, Box::new(lie));
    let new = town.newcomer();
    town.connect(new, 0);
    town.connect(new, honest);
    for _ in 0..40 {
        town.pass(1_000);
    }
    (town, new, honest)
}

/// It is not banned for what an honest peer may do as well, after a reorganisation or with another configuration; and the
/// newcomer begins with the honest one.
fn left_alone(tamper: impl Fn(&Node, &mut Message) + 'static) {
    let (mut town, new, _) = met(tamper);
    assert_eq!(town.bans(new), vec![]);
    assert_eq!(town.scores(new), vec![(0, 0), (1, 0)]);
    let node = town.node(new);
    assert_eq!((base(node), node.tip().record.height()), (280, Height(300)));
    town.agree();
}

/// It ends banned, the newcomer at the honest tip, the honest node not punished.
fn banned_for(reason: &str, tamper: impl Fn(&Node, &mut Message) + 'static) {
    let (mut town, new, honest) = met(tamper);
    assert_eq!(town.scores(new), vec![(honest, 0)]);
    let bans = town.bans(new);
    assert_eq!(bans.len(), 1, "{bans:?} {:?}", town.network(new).counters().offences);
    assert!(bans[0].0 == 0 && bans[0].1.contains(reason), "{bans:?}");
    let node = town.node(new);
    assert_eq!((base(node), node.tip().record.height()), (280, Height(300)));
    town.agree();
}

#[test]
fn roots_of_another_state() {
    banned_for("the parts make the state root", |_, message| {
        if let Message::Checkpoint(Some(offer)) = message {
            offer.roots[0] = PartRoot::Branch(B256::repeat_byte(6));
        }
    });
}

#[test]
fn a_part_with_money_from_nowhere() {
    banned_for("is not what the state root commits to", |_, message| {
        if let Message::Part(bytes) = message {
            let mut content = ChangeSet::decode(bytes).unwrap();
            for account in content.accounts.values_mut().flatten() {
                account.balance = account.balance.checked_add(account.balance).unwrap();
            }
            content.storage.values_mut().for_each(|value| value.0[0] = 1);
            *bytes = content.encode().into();
        }
    });
}

#[test]
fn a_part_that_is_none() {
    banned_for("showed a checkpoint that is none", |_, message| {
        if let Message::Part(bytes) = message {
            *bytes = Bytes::from_static(b"nothing of the kind");
        }
    });
}

#[test]
fn a_checkpoint_of_a_block_that_is_not_in_its_chain() {
    left_alone(|_, message| {
        if let Message::Checkpoint(Some(offer)) = message {
            offer.block.0.0[0] ^= 1;
        }
    });
}

#[test]
fn a_checkpoint_on_which_too_little_stands() {
    left_alone(|node, message| {
        if let Message::Checkpoint(Some(offer)) = message {
            offer.height = Height(295);
            offer.block = node.tip().snapshot.id_at(offer.height).unwrap().unwrap();
        }
    });
}

#[test]
fn a_checkpoint_above_the_chain() {
    left_alone(|_, message| {
        if let Message::Checkpoint(Some(offer)) = message {
            offer.height = Height(u64::MAX);
        }
    });
}

#[test]
fn more_work_claimed_than_the_headers_show() {
    banned_for("claimed a heavier chain than it has shown", |_, message| {
        if let Message::Hello(hello) = message {
            hello.claim.weight = Work(hello.claim.weight.0 * U256::from(2));
        }
    });
}

#[test]
fn a_header_without_work() {
    banned_for("sent a header that breaks a rule", |_, message| {
        if let Message::Headers(headers) = message
            && let Some(header) = headers.get_mut(100)
        {
            header.time = 1;
        }
    });
}
