//! Clients and nodes of different versions: an answer with more fields is read all the same, a request with more is not.

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tally_api::ProblemBody;
use tally_api::accounts::{AccountBody, AccountPoolBody, HistoryPageBody, LineKind, RewardProof};
use tally_api::blocks::{BlockBody, BlockList, BlockSummary};
use tally_api::events::{Event, Greeting};
use tally_api::fees::FeesBody;
use tally_api::health::{AliveBody, ReadyBody};
use tally_api::mempool::MempoolBody;
use tally_api::mining::{MinedBody, Outcome, SwitchBody, TemplateBody, WorkBody, WorkersBody};
use tally_api::peers::{BanBody, BanRequest, CallBody, PeersBody, RangeBanRequest};
use tally_api::status::StatusBody;
use tally_api::submit::{BatchAnswer, BatchBody, BatchResult, RawBody, SubmittedBody};
use tally_api::transactions::{TransactionBody, TransactionDetail, TransactionPage, TransactionStatus};

const OWN: &str = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
const OTHER: &str = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
/// Base units of one coin, and a half.
const VALUE: &str = "1500000000000000000";

fn hash() -> String {
    format!("0x{}", "07".repeat(32))
}

fn block_id() -> String {
    "03".repeat(32)
}

/// The same JSON as a later version of the node may write it: every object has a field more.
fn later(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| (name.clone(), later(value)));
            let added = [("added_later".to_owned(), json!({ "nested": [1] }))];
            members.chain(added).collect()
        }
        Value::Array(items) => items.iter().map(later).collect(),
        other => other.clone(),
    }
}

/// Reads the answer, writes it again as it was, and reads the same from that of a later version.
fn read_and_later<T: Serialize + DeserializeOwned + PartialEq + Debug>(answer: Value) {
    let read: T = serde_json::from_value(answer.clone()).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), answer);
    let later: T = serde_json::from_value(later(&answer)).unwrap();
    assert_eq!(later, read);
}

fn rejects<T: DeserializeOwned + Debug>(request: Value) {
    serde_json::from_value::<T>(request.clone()).unwrap();
    let error = serde_json::from_value::<T>(later(&request)).unwrap_err();
    assert!(error.to_string().starts_with("unknown field `added_later`"), "{error}");
}

fn transaction() -> Value {
    json!({
        "id": hash(), "status": "included", "type": "0x54", "scheme": "multisig",
        "multisig": { "required": 1, "keys": [
            { "kind": "secp256k1", "public_key": "0x02ff", "address": OWN, "signed": true },
            { "kind": "secp256k1", "public_key": "0x0200", "address": null, "signed": false },
        ] },
        "sender": OWN, "nonce": 7, "timestamp": 1_793_500_000, "to": OTHER, "value": VALUE, "max_fee": "2000000000",
        "max_priority_fee": "1", "gas_limit": 21_000, "data": "0x746561", "memo": "tea", "size": 312,
        "block": { "id": block_id(), "height": 12, "index": 0, "time": 1_793_500_010, "confirmations": 3 },
        "receipt": {
            "success": true, "gas_used": 3_800, "gas_price": "2000000000", "fee": "7600000000000", "burned": "3800000000000",
            "contract": null, "logs": [{ "address": OTHER, "topics": [hash()], "data": "0x" }],
        },
    })
}

fn summary() -> Value {
    json!({
        "id": block_id(), "height": 12, "parent": block_id(), "time": 1_793_500_010, "bits": "0x1d7fffff", "producer": OWN,
        "size": 912, "transaction_count": 2, "gas_used": 7_600, "gas_limit": 30_000_000, "base_fee": "1000000000",
        "burned": "7600000000000", "active": true,
    })
}

/// `first` with the members of `more`.
fn with(mut first: Value, more: Value) -> Value {
    let more = more.as_object().unwrap().clone();
    first.as_object_mut().unwrap().extend(more);
    first
}

fn account() -> Value {
    json!({
        "address": OWN, "balance": VALUE, "nonce": 3, "next_nonce": 4, "pending": 1, "pending_cost": "100",
        "contract": false, "code_hash": hash(), "label": null, "height": 12, "tip": block_id(),
    })
}

#[test]
fn accounts() {
    let leaf = json!({ "key": hash(), "value_hash": hash() });
    let proof = json!({
        "key": hash(), "value": "0xc0", "siblings": [hash()], "leaf": leaf, "header_hex": "0x01", "manifest_hex": "0x02",
    });
    read_and_later::<AccountBody>(with(account(), json!({ "proof": proof })));
    read_and_later::<AccountPoolBody>(json!({ "nonce": 3, "next_nonce": 4, "count": 1, "items": [waiting()] }));
    let reward = json!({
        "height": 12, "block": block_id(), "time": 1_793_500_010, "confirmations": 3, "value": VALUE, "subsidy": VALUE,
        "fees": "0", "proof": "none",
    });
    read_and_later::<HistoryPageBody>(json!({
        "items": [{ "kind": "reward", "reward": reward }, { "kind": "transaction", "transaction": transaction() }],
        "next": "ab",
    }));
}

fn waiting() -> Value {
    json!({
        "id": hash(), "sender": OWN, "nonce": 3, "pending": true, "size": 312, "max_fee": "2000000000",
        "max_priority_fee": "1", "arrived": 1_793_500_000, "expires": 1_793_586_400,
    })
}

#[test]
fn blocks() {
    read_and_later::<BlockList>(json!({ "items": [summary()], "next": "ab" }));
    let manifest = json!({
        "number": 12, "producer": OWN, "state_root": hash(), "transactions_root": hash(), "receipts_root": hash(),
        "history_root": hash(), "gas_limit": 30_000_000, "gas_used": 7_600, "base_fee": "1000000000", "extra": "0x00",
        "seal": "0x",
    });
    let header = json!({
        "version": 1, "parent": block_id(), "manifest_root": hash(), "time": 1_793_500_010, "bits": "0x1d7fffff", "nonce": 9,
    });
    let block = with(
        summary(),
        json!({
            "header": header, "manifest": manifest, "header_hex": "0x01", "manifest_hex": "0x02", "target": block_id(),
            "weight": "33554432", "total_weight": "34360000512", "reward": VALUE, "subsidy": VALUE, "fees": "0",
            "supply": VALUE, "confirmations": 3, "transactions": [hash()],
        }),
    );
    read_and_later::<BlockBody>(block.clone());
    // A client that needs only the summary reads it from the whole block.
    let short: BlockSummary = serde_json::from_value(block).unwrap();
    assert_eq!(serde_json::to_value(short).unwrap(), summary());
}

#[test]
fn transactions_and_what_waits() {
    read_and_later::<TransactionPage>(json!({ "items": [transaction()], "next": "ab" }));
    let history = json!({
        "blocks": 13, "number": 12, "tip": block_id(), "tip_header_hex": "0x01", "tip_manifest_hex": "0x02",
        "nodes": [{ "hash": hash(), "weight": "33554432", "min_time": 1, "max_time": 2 }],
    });
    let detail = json!({
        "raw": "0x54f8", "inclusion_proof": { "index": 0, "count": 1, "path": [hash()] }, "header_hex": "0x01",
        "manifest_hex": "0x02", "history_proof": history,
    });
    read_and_later::<TransactionDetail>(with(transaction(), detail));
    read_and_later::<MempoolBody>(json!({
        "count": 1, "pending": 1, "bytes": 312, "max_count": 10_000, "max_bytes": 1_000_000, "base_fee": "1000000000",
        "bands": [{ "from": "1", "count": 1, "bytes": 312, "gas": 21_000 }], "items": [waiting()], "next": "ab",
    }));
    let level = json!({ "max_priority_fee": "1000000000", "expected_seconds": 10 });
    read_and_later::<FeesBody>(json!({
        "base_fee": "1000000000", "min_base_fee": "1", "low": level, "normal": level, "high": level, "height": 13,
    }));
}

#[test]
fn what_becomes_of_submitted_transactions() {
    let taken = json!({ "id": hash(), "status": "queued" });
    read_and_later::<SubmittedBody>(taken.clone());
    let problem = json!({ "type": "/problems/pool-full", "title": "T", "status": 503, "detail": "d" });
    let answer = json!({ "accepted": 1, "refused": 1, "results": [taken, { "problem": problem }] });
    for answer in [answer.clone(), later(&answer)] {
        let BatchAnswer { results, .. } = serde_json::from_value(answer).unwrap();
        let [BatchResult::Accepted(taken), BatchResult::Refused { problem }] = results.as_slice() else {
            panic!("{results:?}");
        };
        assert_eq!(taken.status, TransactionStatus::Queued);
        assert_eq!(problem.name(), "pool-full");
    }
}

#[test]
fn a_word_that_was_added_later_costs_its_own_row() {
    let mut later_status = transaction();
    later_status["status"] = json!("reverted-later");
    let reward = json!({
        "height": 12, "block": block_id(), "time": 1_793_500_010, "confirmations": 3, "value": VALUE, "subsidy": VALUE,
        "fees": "0", "proof": "stated-in-header",
    });
    let page: HistoryPageBody = serde_json::from_value(json!({ "items": [
        { "kind": "burn", "burn": { "value": VALUE } }, { "kind": "reward", "reward": reward },
        { "kind": "transaction", "transaction": later_status }, { "kind": "transaction", "transaction": transaction() },
    ] }))
    .unwrap();
    let kinds: Vec<LineKind> = page.items.iter().map(|line| line.kind).collect();
    assert_eq!(
        kinds,
        [
            LineKind::Unknown,
            LineKind::Reward,
            LineKind::Transaction,
            LineKind::Transaction
        ]
    );
    let proof = page.items[1].reward.as_ref().map(|reward| reward.proof);
    assert_eq!(proof, Some(RewardProof::Unknown));
    let statuses: Vec<TransactionStatus> = page
        .items
        .iter()
        .filter_map(|line| Some(line.transaction.as_ref()?.status))
        .collect();
    assert_eq!(statuses, [TransactionStatus::Unknown, TransactionStatus::Included]);

    let mined = json!({ "id": block_id(), "height": null, "outcome": "parked-later" });
    let mined: MinedBody = serde_json::from_value(mined).unwrap();
    assert_eq!(mined.outcome, Outcome::Unknown);
    let event = json!({ "type": "checkpoint", "height": 12, "parts": [1, 2] });
    assert_eq!(serde_json::from_value::<Event>(event).unwrap(), Event::Unknown);
}

#[test]
fn a_result_that_cannot_be_read_does_not_hide_the_others() {
    let other = json!({ "postponed": { "until": 1_793_500_000 } });
    let taken = json!({ "id": hash(), "status": "parked-later" });
    let answer = json!({ "accepted": 1, "refused": 0, "results": [other, taken] });
    let BatchAnswer { results, .. } = serde_json::from_value(answer).unwrap();
    let [BatchResult::Unknown(found), BatchResult::Accepted(taken)] = results.as_slice() else {
        panic!("{results:?}");
    };
    assert_eq!((found, taken.status), (&other, TransactionStatus::Unknown));
}

/// Reads the answer of a node that does not know these members yet; what it reads, and what it writes again.
fn before<T: Serialize + DeserializeOwned>(mut answer: Value, missing: &[&str]) -> (T, Value) {
    for name in missing {
        assert!(answer.as_object_mut().unwrap().remove(*name).is_some(), "{name}");
    }
    let read: T = serde_json::from_value(answer).unwrap();
    let written = serde_json::to_value(&read).unwrap();
    (read, written)
}

#[test]
fn answers_of_older_nodes_are_read() {
    let (account, _) = before::<AccountBody>(account(), &["pending_cost", "label"]);
    assert_eq!((account.free(), account.label), (account.balance, None));
    let (template, _) = before::<TemplateBody>(template(), &["max_time"]);
    assert_eq!(template.max_time, u32::MAX);
    let (_, status) = before::<StatusBody>(status(), &["not_ready", "clock", "heavier_fork", "begins"]);
    let clock = json!({
        "offset_secs": null, "peers": 0, "allowance_secs": 0, "behind_chain_secs": null, "off": false,
    });
    assert_eq!((&status["not_ready"], &status["clock"]), (&json!([]), &clock));
    let (_, peers) = before::<PeersBody>(peers(), &["range_bans", "found", "sync"]);
    let found = json!({ "addresses": 0, "refused": 0, "rounds": 0 });
    assert_eq!((&peers["range_bans"], &peers["found"]), (&json!([]), &found));
    let (ban, _) = before::<BanBody>(ban(), &["address", "secs"]);
    assert_eq!((ban.secs, ban.address), (0, None));
    let (transaction, _) = before::<TransactionBody>(transaction(), &["multisig"]);
    assert_eq!(transaction.multisig, None);
}

#[test]
fn problems_keep_what_a_client_does_not_know() {
    let problem = json!({
        "type": "/problems/nonce-too-low", "title": "T", "status": 409, "detail": "d", "request_id": "r", "field": "nonce",
        "found": 3, "expected": 5,
    });
    let read: ProblemBody = serde_json::from_value(later(&problem)).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), later(&problem));
    assert_eq!(read.more.keys().collect::<Vec<_>>(), ["added_later"]);
    assert_eq!(
        (read.name(), read.to_string()),
        ("nonce-too-low", "T: d (request r)".to_owned())
    );
}

fn status() -> Value {
    let miner = json!({ "on": true, "threads": 1, "address": OWN, "hash_rate": 0.5, "paused": null });
    let clock = json!({
        "offset_secs": -3, "peers": 4, "allowance_secs": 120, "behind_chain_secs": null, "off": false,
    });
    let fork = json!({ "peer": "12D3KooW", "tip": block_id(), "height": 9, "weight": "70000", "base": 4 });
    json!({
        "version": "0.1.0", "chain": "local", "chain_id": 8_547, "genesis_id": block_id(), "spec_hash": hash(),
        "symbol": "TALLY", "decimals": 18, "spacing": 10,
        "tip": { "id": block_id(), "height": 12, "time": 1_793_500_010, "weight": "34360000512" }, "height": 12,
        "supply": VALUE, "transactions": 5, "pending": 1, "mining": miner, "sync": { "complete": true, "peers": 0 },
        "not_ready": ["catching up"], "clock": clock, "heavier_fork": fork, "now": 1_793_500_020,
        "started": 1_793_500_000, "begins": null,
    })
}

fn ban() -> Value {
    json!({ "id": "12D3KooW", "address": null, "secs": 60, "reason": "r" })
}

fn peers() -> Value {
    let peer = json!({
        "id": "12D3KooW", "address": null, "inbound": true, "height": 12, "agent": "tally", "latency_ms": 3,
        "clock_offset_secs": null, "ahead_secs": null, "score": 0, "connected_secs": 5, "messages_in": 1,
        "messages_out": 2, "bytes_in": 3, "bytes_out": 4,
    });
    let sync = json!({
        "source": "12D3KooW", "headers": 12, "blocks_left": 1, "blocks_done": 2, "transactions_done": 3,
        "parts_done": null, "parts": null, "millis": 5,
    });
    json!({
        "networking": true, "id": "12D3KooW", "addresses": ["/ip4/192.0.2.7/tcp/9333"], "peers": [peer],
        "bans": [ban()],
        "range_bans": [{ "range": "198.51.100.0/24", "secs": 60, "reason": "r" }], "sync": sync, "best_height": 12,
        "found": { "addresses": 1, "refused": 2, "rounds": 3 },
    })
}

#[test]
fn the_node_and_its_peers() {
    read_and_later::<StatusBody>(status());
    read_and_later::<PeersBody>(peers());
}

#[test]
fn health() {
    read_and_later::<AliveBody>(json!({ "status": "alive" }));
    let reason = json!({ "height": 3, "best": 9, "kind": "syncing", "detail": "catching up: at block 3 of 9" });
    let answer = json!({ "ready": false, "status": "not-ready", "height": 3, "reasons": [reason] });
    let read: ReadyBody = serde_json::from_value(answer.clone()).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), answer);
    // A figure that the client does not know is kept as it is.
    let later: ReadyBody = serde_json::from_value(later(&answer)).unwrap();
    let reason = &later.reasons[0];
    assert_eq!(
        (reason.kind(), reason.figure("best")),
        (Some("syncing"), Some(&json!(9)))
    );
    assert!(reason.figure("added_later").is_some());
}

fn template() -> Value {
    json!({
        "template": 1, "height": 13, "header_hex": "0x01", "manifest_hex": "0x02", "extra_nonce_offset": 228,
        "extra_nonce_bytes": 8, "target": block_id(), "bits": "0x1d7fffff", "time": 1, "min_time": 1, "max_time": 2,
        "transactions": 0,
    })
}

#[test]
fn mining() {
    read_and_later::<TemplateBody>(template());
    read_and_later::<MinedBody>(json!({ "id": block_id(), "height": null, "outcome": "known" }));
    let worker = json!({
        "name": "rig1", "address": OWN, "agent": "cpuminer/2.5.1", "difficulty": 0.5, "shares": 1, "rejected": 0,
        "blocks": 0, "hash_rate": 1.5, "since": 1_793_500_000, "last_share": null,
    });
    read_and_later::<WorkersBody>(json!({
        "connected": 1, "hash_rate": 1.5, "shares": 1, "rejected": 0, "blocks": 0, "items": [worker],
    }));
}

#[test]
fn events() {
    read_and_later::<Greeting>(json!({ "height": 12, "id": block_id() }));
    for (event, name) in [
        (
            json!({ "type": "block", "height": 12, "id": block_id(), "time": 1, "transactions": 2, "bytes": 912 }),
            "block",
        ),
        (
            json!({ "type": "reorg", "common": 9, "from": block_id(), "to": block_id(), "undone": 1, "returned": 0 }),
            "reorg",
        ),
        (
            json!({ "type": "transaction", "id": hash(), "pending": true }),
            "transaction",
        ),
        (json!({ "type": "dropped", "id": hash(), "reason": "r" }), "dropped"),
        (json!({ "type": "mining", "on": true, "threads": 1 }), "mining"),
    ] {
        assert_eq!(serde_json::from_value::<Event>(event.clone()).unwrap().name(), name);
        read_and_later::<Event>(event);
    }
}

#[test]
fn requests_with_an_unknown_member_are_rejected() {
    rejects::<RawBody>(json!({ "raw": "0x54f8" }));
    rejects::<BatchBody>(json!({ "raw": ["0x54f8"] }));
    rejects::<WorkBody>(json!({ "template": 1, "extra_nonce": "0x0000000000000001", "time": 1, "nonce": 2 }));
    rejects::<SwitchBody>(json!({ "enabled": true }));
    rejects::<CallBody>(json!({ "address": "/ip4/192.0.2.7/tcp/9333" }));
    rejects::<BanRequest>(json!({ "secs": 60, "reason": "r" }));
    rejects::<RangeBanRequest>(json!({ "range": "198.51.100.0/24" }));
}
