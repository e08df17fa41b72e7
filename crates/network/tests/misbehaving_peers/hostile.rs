//! One peer that follows the handshake and then breaks the protocol, two honest nodes that are connected with each other. Each story ends with
//! what the peer gets for it, both honest nodes at the honest tip and not punished, and an audit of both that agrees.
//! Rule: docs/protocol.md#N9; what only sockets can do (frames too long, too slow) is in `crates/network/src/transport/link.rs`.

use super::town::{
    HOSTILE, Town, ancestors_of, compact, genesis_header, headers_after, headers_of, huge, other_branch, sealed,
    weight_of,
};
use crate::support::{self, forged_block, payment, spec};
use tally_chain::block::RawBlock;
use tally_chain::hash::sha256;
use tally_chain::pow::Target;
use tally_chain::{Address, B256, BlockId, Bytes, Header, Height, TxId, Weight};
use tally_network::wire::limits::{MAX_HEADERS, MAX_PLANNED};
use tally_network::wire::{Claim, CompactBlock, Hello, Message, PROTOCOL_VERSION, max_frame_bytes};

#[test]
fn an_invalid_block() {
    let mut town = Town::new(3);
    town.connect_hostile_of_equal_weight();
    let node = town.node().clone();
    // Right in all that a header shows, and its base fee is not the one that follows.
    let (_, forged) = forged_block(&node, &ancestors_of(&node), &town.clock);
    let mut manifest = forged.manifest;
    manifest.base_fee += 1;
    let header = sealed(Header {
        manifest_root: manifest.root(),
        ..forged.header
    });
    town.send_message(Message::CompactBlock(Box::new(CompactBlock {
        header,
        manifest,
        weight: huge(),
        transactions: Vec::new(),
    })));
    let reason = format!("led to the invalid block {}", header.id());
    drop(node);
    town.banned_for("invalid_block", &reason);
}

#[test]
fn an_invalid_state_root_under_a_longer_branch() {
    let mut town = Town::new(2);
    let node = town.node().clone();
    // Blocks of the hostile peer's own after genesis: the second one names a false state, and two more stand on it.
    let (_dir, other) = other_branch(&town.clock, 1);
    let mut bytes = support::blocks(&other);
    let mut ancestors = ancestors_of(&other);
    let mut forged_id = None;
    for _ in 0..3 {
        let (block, parent) = forged_block(&other, &ancestors, &town.clock);
        ancestors = ancestors.then(parent.clone(), &spec().engine());
        forged_id.get_or_insert(parent.id);
        bytes.push(block.into());
    }
    let headers: Vec<_> = bytes
        .iter()
        .map(|bytes| RawBlock::decode(bytes, spec().limits.block_bytes).unwrap().header)
        .collect();
    let tip = headers.last().unwrap().id();
    town.connect_hostile(tip, 4, weight_of(&node, &headers));
    let honest_tip = node.tip().record.id;
    while let Some((request, Message::GetBlocks(ids))) = town.serve_headers(&headers) {
        let place = |id: &BlockId| headers.iter().position(|header| header.id() == *id).unwrap();
        let some = ids.iter().map(|id| bytes[place(id)].clone()).collect();
        town.answer(request, Message::Blocks(some));
    }
    assert_eq!(node.tip().record.id, honest_tip, "it stays on the valid branch");
    let reason = format!(
        "block {} at height 2 does not execute: state_root is",
        forged_id.unwrap()
    );
    drop(node);
    town.banned_for("invalid_block", &reason);
}

#[test]
fn withheld_bodies() {
    let mut town = Town::new(2);
    let (_dir, other) = other_branch(&town.clock, 5);
    let headers = headers_of(&other, 1);
    let record = other.tip().record.clone();
    town.connect_hostile(record.id, record.height().0, record.weight);
    let mut withheld = 0;
    while let Some((request, Message::GetBlocks(_))) = town.serve_headers(&headers) {
        withheld += 1;
        town.answer(request, Message::Blocks(Vec::new()));
    }
    assert_eq!(
        withheld, 3,
        "once in each attempt: headers that it shows again are blocks that it should have"
    );
    let offences = town.offences("withheld_block");
    assert_eq!(offences, 3, "50 points each, some forgiven until the node tries again");
    town.banned_for("withheld_block", &format!("withheld block {}", headers[0].id()));
}

#[test]
fn coming_again_wipes_nothing_out() {
    let mut town = Town::new(20);
    let old = compact(town.node(), &support::blocks(town.node())[0], huge());
    let mut sent = 0;
    while town.ended.is_none() {
        town.connect_hostile_of_equal_weight();
        town.reads_all();
        town.send_message(Message::CompactBlock(Box::new(old.clone())));
        sent += 1;
        let now = town.now;
        town.honest[0].network.disconnected(&HOSTILE.into(), now);
        town.carry();
    }
    assert_eq!(sent, 50);
    town.banned_for("stale_block", "long after one with more total work");
}

#[test]
fn endless_headers() {
    let mut town = Town::new(2);
    let node = town.node().clone();
    town.connect_hostile(BlockId(B256::repeat_byte(0xaa)), 1 << 40, huge());
    let mut last = genesis_header(&node);
    let (mut sent, mut attempts) = (0, 1);
    // As many as are requested; blocks are never sent, nor rejected.
    while let Some((request, message)) = town.request_within(60_000) {
        if let Message::GetHeaders { locator } = message {
            if !locator.contains(&last.id()) {
                (last, sent, attempts) = (genesis_header(&node), 0, attempts + 1);
            }
            if attempts > 2 {
                break;
            }
            let headers = headers_after(&last, MAX_HEADERS);
            (last, sent) = (*headers.last().unwrap(), sent + headers.len());
            assert!(sent <= MAX_PLANNED, "{sent} headers are kept without one block");
            town.answer(request, Message::Headers(headers));
        }
    }
    assert_eq!(attempts, 1, "the conversation ends before it is tried again");
    let counters = town.honest[0].network.counters();
    assert!(counters.unanswered > 0, "{counters:?}");
    drop(node);
    // Silence proves nothing.
    town.not_punished();
}

#[test]
fn low_work_headers() {
    let mut town = Town::new(30);
    let node = town.node().clone();
    let headers = headers_after(&genesis_header(&node), 20);
    town.connect_hostile(headers[19].id(), 20, huge());
    assert!(town.serve_headers(&headers).is_none(), "no block of it is requested");
    drop(node);
    town.banned_for("low_work", "claimed more total work than it has shown");
}

#[test]
fn headers_without_work() {
    let mut town = Town::new(2);
    let node = town.node().clone();
    let mut headers = headers_after(&genesis_header(&node), 20);
    let target = Target::from_bits(headers[19].bits).unwrap();
    while target.is_met_by(&headers[19].id()) {
        headers[19].nonce += 1;
    }
    town.connect_hostile(headers[19].id(), 20, huge());
    assert!(town.serve_headers(&headers).is_none(), "no block of it is requested");
    drop(node);
    town.banned_for("invalid_header", "sent a header that breaks a rule");
}

#[test]
fn an_orphan_flood() {
    let mut town = Town::new(3);
    town.connect_hostile_of_equal_weight();
    let node = town.node().clone();
    let (_, forged) = forged_block(&node, &ancestors_of(&node), &town.clock);
    town.reads_all();
    let mut sent = 0;
    while town.ended.is_none() {
        let parent = BlockId(B256::with_last_byte(sent));
        let header = sealed(Header {
            parent,
            ..forged.header
        });
        let block = CompactBlock {
            header,
            manifest: forged.manifest.clone(),
            weight: Weight::default(),
            transactions: Vec::new(),
        };
        town.send_message(Message::CompactBlock(Box::new(block)));
        sent += 1;
    }
    assert_eq!(sent, 10);
    assert_eq!(town.offences("orphan"), 10);
    drop(node);
    town.banned_for("orphan", "whose parent is unknown");
}

#[test]
fn an_oversize_message() {
    let mut town = Town::new(2);
    town.connect_hostile_of_equal_weight();
    town.send(&vec![0; max_frame_bytes(spec().limits.block_bytes) + 1]);
    town.banned_for("malformed", "sent bytes that are no message: frame");
}

#[test]
fn a_slow_loris() {
    let mut town = Town::new(2);
    town.connect_hostile_of_equal_weight();
    let begun = town.now;
    // What a driver reports of frames that do not go on; and requests that are never answered.
    while town.ended.is_none() {
        town.pass(1_000);
    }
    assert_eq!(
        (town.now - begun) / 1_000,
        110,
        "four pings in a row, the last after 90 s"
    );
    town.ended_for("did not answer in time");
}

#[test]
fn another_version() {
    let mut town = Town::new(2);
    let record = town.node().tip().record.clone();
    town.connect_hostile_with(Hello {
        version: PROTOCOL_VERSION + 1,
        genesis: town.node().identity().genesis,
        claim: Claim {
            tip: record.id,
            height: record.height(),
            weight: record.weight,
        },
        first: Height(1),
        agent: "hostile/1".to_owned(),
    });
    let found = PROTOCOL_VERSION + 1;
    town.ended_for(&format!(
        "has version {found} of the protocol, this node has {PROTOCOL_VERSION}"
    ));
}

/// A late answer is not an unsolicited one, and a wrong one is wrong however late it comes.
#[test]
fn late_answers() {
    let mut town = Town::new(3);
    let (_dir, other) = other_branch(&town.clock, 5);
    let (headers, record) = (headers_of(&other, 1), other.tip().record.clone());
    town.connect_hostile(record.id, 5, record.weight);
    let (request, _) = town.next_request();
    town.pass(1_000);
    for _ in 0..25 {
        town.pass(1_000);
    }
    assert_eq!(
        town.honest[0].network.counters().unanswered,
        1,
        "headers; the first ping was answered"
    );
    town.answer(request, Message::Headers(headers.clone()));
    assert_eq!(town.offences("unrequested"), 0);
    let score = |town: &Town| town.honest[0].network.peers().map(|peer| peer.score).max();
    assert_eq!(score(&town), Some(0));
    town.answer(request, Message::Headers(headers.clone()));
    assert_eq!(town.offences("unrequested"), 1, "twice is unrequested");
    let (request, message) = town.next_request();
    assert!(
        matches!(message, Message::GetHeaders { .. }),
        "it is tried again: {message:?}"
    );
    for _ in 0..25 {
        town.pass(1_000);
    }
    let mut false_headers = headers;
    false_headers[2].nonce ^= 1;
    town.answer(request, Message::Headers(false_headers));
    // A nonce that happens to fit leaves the header after it without a parent.
    let certain = town.offences("invalid_header") + town.offences("unconnected_headers");
    assert_eq!(certain, 1);
}

#[test]
fn a_wrong_genesis() {
    let mut town = Town::new(2);
    let genesis = BlockId(B256::repeat_byte(0x66));
    let hello = Hello {
        version: PROTOCOL_VERSION,
        genesis,
        claim: Claim {
            tip: genesis,
            height: Height(0),
            weight: huge(),
        },
        first: Height(1),
        agent: "hostile/1".to_owned(),
    };
    town.connect_hostile_with(hello);
    let expected = town.node().identity().genesis;
    let reason = format!("is of another chain: its genesis is {genesis}, ours is {expected}");
    town.banned_for("wrong_genesis", &reason);
}

#[test]
fn a_stale_tip_spammer() {
    let mut town = Town::new(20);
    town.connect_hostile_of_equal_weight();
    let node = town.node().clone();
    let old = compact(&node, &support::blocks(&node)[0], huge());
    town.reads_all();
    let mut sent = 0;
    while town.ended.is_none() {
        town.send_message(Message::CompactBlock(Box::new(old.clone())));
        sent += 1;
    }
    assert_eq!(sent, 50, "late news costs little, again and again much");
    drop(node);
    town.banned_for("stale_block", "long after one with more total work");
}

#[test]
fn an_invalid_signature_flood() {
    let mut town = Town::new(2);
    town.connect_hostile_of_equal_weight();
    let node = town.node().clone();
    let good = payment(&node, 0, 0, Address::repeat_byte(7), 5);
    let mut requested = 0;
    while town.ended.is_none() {
        requested += 1;
        let ids: Vec<_> = (0..100_u8).map(|last| TxId(sha256(&[&[requested, last]]))).collect();
        town.send_message(Message::Inventory(ids.clone()));
        let (request, Message::GetTransactions(wanted)) = town.next_request() else {
            panic!("transactions are requested")
        };
        assert_eq!(wanted, ids);
        let mut bad = good.to_vec();
        *bad.last_mut().unwrap() ^= requested;
        let flood = vec![Bytes::from(bad); ids.len()];
        town.answer(request, Message::Transactions(flood));
    }
    assert_eq!(requested, 5);
    assert_eq!(node.with_pool(|pool| pool.len()), 0, "nothing invalid is kept");
    assert!(node.submit(good).is_ok(), "what was forged is welcome where it is true");
    drop(node);
    town.banned_for("invalid_transaction", "sent an invalid transaction");
}

#[test]
fn equivocating_compact_blocks() {
    let mut town = Town::new(2);
    town.connect_hostile_of_equal_weight();
    let (_dir, other) = other_branch(&town.clock, 3);
    let bytes = support::blocks(&other);
    let mut block = compact(&other, bytes.last().unwrap(), other.tip().record.weight);
    town.send_message(Message::CompactBlock(Box::new(block.clone())));
    block.transactions.push([9; 6]);
    town.send_message(Message::CompactBlock(Box::new(block.clone())));
    let reason = format!("announced block {} with two different lists", block.header.id());
    town.banned_for("equivocation", &reason);
}
