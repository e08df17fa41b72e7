//! What newcomers reject, whom they ban for it, and for what they ban no peer.

use tally_chain::{B256, Bytes, Height, U256, Weight};
use tally_ledger::{ChangeSet, PartRoot};
use tally_network::wire::{CompactBlock, Frame, Message};
use tally_node::Node;

use crate::town::{RULES, Town, base, name};

/// A newcomer that connects with a misbehaving peer first and then an honest node, half a minute later.
fn met(tamper: impl Fn(&Node, &mut Message) + 'static) -> (Town, usize, usize) {
    let mut town = Town::with_chain();
    let honest = town.add(RULES);
    town.connect(honest, 0);
    town.pass(10);
    assert_eq!(town.node(honest).tip().record.height(), Height(300));
    let chain = town.node(0).clone();
    let tamper = move |message: &mut Message| {
        tamper(&chain, message);
        true
    };
    town.tampers.insert(0, Box::new(tamper));
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

/// Any peer has the first block of a chain, and one block would be the end of waiting for a state.
#[test]
fn the_first_block_of_the_chain_does_not_keep_a_newcomer_from_its_state() {
    let mut town = Town::with_chain();
    let new = town.newcomer();
    town.network(new).expect_named(2);
    town.connect(new, 0);
    let first = {
        let tip = town.node(0).tip();
        let id = tip.snapshot.id_at(Height(1)).unwrap().unwrap();
        tip.snapshot.known(&id).unwrap()
    };
    let message = Message::CompactBlock(Box::new(CompactBlock {
        header: first.header,
        manifest: first.manifest,
        weight: first.weight,
        transactions: Vec::new(),
    }));
    let (frame, now) = (Frame { request: 0, message }.encode(), town.now);
    town.network(new).received(&name(0), &frame, now);
    assert!(town.node(new).awaits_checkpoint());
    for _ in 0..40 {
        town.pass(1_000);
    }
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
    banned_for("claimed more total work than it has shown", |_, message| {
        if let Message::Hello(hello) = message {
            hello.claim.weight = Weight(hello.claim.weight.0 * U256::from(2));
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
