//! Bad input: each kind gets its own problem, nothing is stored, nothing breaks.

use serde_json::{Value, json};
use tally_chain::transaction::{Authenticator, ChainIdentity, TallyTransaction, Transaction};
use tally_chain::{Amount, RawTransaction, U256, UnixSecs};
use tally_wallet::Fee;

use crate::common::{ECC, RSA, TestServer, coin, hex};

/// Sends an envelope that must be rejected; the problem.
fn refused(server: &TestServer, envelope: &[u8]) -> (String, Value) {
    let answer = server
        .client
        .post("/api/v1/transactions", &json!({ "raw": hex(envelope) }));
    (answer.problem(), answer.json())
}

fn tally(envelope: &[u8]) -> TallyTransaction {
    match RawTransaction::decode(envelope.to_vec()).unwrap().transaction() {
        Transaction::Tally(tally) => tally.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_transaction_that_the_chain_rejects_has_its_error() {
    let server = TestServer::start();
    let chain = server.identity();
    let now = (tally_node::system_clock())();
    let with = |change: &dyn Fn(&mut tally_wallet::Payment)| {
        let mut payment = coin(0);
        change(&mut payment);
        ECC[0].sign(&chain, &payment)
    };
    let other = ChainIdentity { chain_id: 1, ..chain };
    let (kind, problem) = refused(&server, &ECC[0].coin(&other, 0));
    assert_eq!(kind, "wrong-chain");
    assert_eq!(
        (&problem["field"], &problem["found"], &problem["expected"]),
        (&json!("chain_id"), &json!(1), &json!(8548))
    );
    // The right chain id over another genesis: the signature covers another message.
    let twin = ChainIdentity {
        genesis: tally_chain::BlockId::ZERO,
        ..chain
    };
    assert_eq!(refused(&server, &ECC[0].coin(&twin, 0)).0, "bad-signature");

    let (kind, problem) = refused(&server, &with(&|p| p.timestamp = UnixSecs(now.0 - 90_000)));
    assert_eq!(
        (kind.as_str(), &problem["field"], &problem["limit"]),
        ("transaction-expired", &json!("timestamp"), &json!(86_400))
    );
    let (kind, problem) = refused(&server, &with(&|p| p.timestamp = UnixSecs(now.0 + 4_000)));
    assert_eq!(
        (kind.as_str(), &problem["limit"]),
        ("transaction-from-the-future", &json!(600))
    );
    let (kind, problem) = refused(&server, &with(&|p| p.value = Amount::from_coins("1000000000").unwrap()));
    assert_eq!(
        (kind.as_str(), &problem["field"]),
        ("insufficient-funds", &json!("value"))
    );
    assert_eq!(
        problem["found"], "1000000000000000000000000",
        "the balance, in base units"
    );
    let (kind, problem) = refused(
        &server,
        &with(&|p| {
            p.fee = Fee {
                max_priority_fee: 1,
                max_fee: 1,
            }
        }),
    );
    assert_eq!(
        (kind.as_str(), &problem["found"], &problem["expected"]),
        ("fee-too-low", &json!("1"), &json!("1000000000"))
    );
    let (kind, problem) = refused(&server, &with(&|p| p.nonce = 5_000));
    assert_eq!(
        (kind.as_str(), &problem["found"], &problem["expected"]),
        ("nonce-too-high", &json!(5_000), &json!(0))
    );

    let good = ECC[0].coin(&chain, 0);
    let id = server.send(&good);
    let (kind, problem) = refused(&server, &good);
    assert_eq!((kind.as_str(), &problem["id"]), ("already-pending", &json!(id)));
    let cheap = with(&|p| p.value = Amount(U256::ONE));
    assert_eq!(refused(&server, &cheap).0, "replacement-underpriced");
    server.mine();
    let (kind, problem) = refused(&server, &good);
    assert_eq!((kind.as_str(), &problem["id"]), ("already-included", &json!(id)));
    let (kind, problem) = refused(&server, &cheap);
    assert_eq!(
        (kind.as_str(), &problem["found"], &problem["expected"]),
        ("nonce-too-low", &json!(0), &json!(1))
    );
    assert_eq!(server.json("/api/v1/mempool")["count"], 0);
}

#[test]
fn each_broken_envelope_has_its_error() {
    let server = TestServer::start();
    let chain = server.identity();
    let good = ECC[0].coin(&chain, 0);
    let rsa = RSA.coin(&chain, 0);
    let mut trailing = good.to_vec();
    trailing.push(0);
    let mut flipped = tally(&good);
    flipped.payload.value = Amount(U256::from(2));
    let signed = |change: &dyn Fn(&mut Authenticator)| {
        let mut transaction = tally(&rsa);
        change(&mut transaction.authenticator);
        transaction.encode()
    };
    let high_s = {
        let mut transaction = tally(&good);
        let Authenticator::Secp256k1 { signature, .. } = &mut transaction.authenticator else {
            panic!("an ECC payment")
        };
        signature[32..].copy_from_slice(&[0xff; 32]);
        signature[32] = 0x80;
        transaction.encode()
    };
    let short = signed(&|authenticator| {
        let Authenticator::RsaPssSha256 { signature, .. } = authenticator else {
            panic!("an RSA payment")
        };
        signature.pop();
    });
    let above = signed(&|authenticator| {
        let Authenticator::RsaPssSha256 { signature, .. } = authenticator else {
            panic!("an RSA payment")
        };
        signature.fill(0xff);
    });
    let cases: [(&str, Vec<u8>); 10] = [
        ("transaction-empty", Vec::new()),
        ("unknown-transaction-type", vec![0x7f]),
        ("rlp-truncated", good[..good.len() - 1].to_vec()),
        ("trailing-bytes", trailing),
        ("rlp-malformed", vec![0x54, 0x80]),
        ("bad-signature", flipped.encode()),
        ("secp256k1-high-s", high_s),
        ("rsa-signature-length", short),
        ("rsa-signature-range", above),
        ("transaction-too-large", vec![0x54; 131_073]),
    ];
    for (expected, envelope) in cases {
        // As bytes, where also what is too long arrives whole.
        let answer = server
            .client
            .post_with("/api/v1/transactions", "application/octet-stream", &envelope, &[]);
        assert_eq!(answer.problem(), expected);
    }
    assert_eq!(server.json("/api/v1/mempool")["count"], 0);
}

#[test]
fn bodies_are_bounded_in_size_depth_and_type() {
    let server = TestServer::start();
    let post = |path: &str, media: &str, body: &[u8]| server.client.post_with(path, media, body, &[]);
    let ten_megabytes = vec![b' '; 10 * 1024 * 1024];
    for path in [
        "/api/v1/transactions",
        "/api/v1/transactions/batch",
        "/api/v1/mining/submit",
    ] {
        let answer = post(path, "application/json", &ten_megabytes);
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (413, "body-too-large"),
            "{path}"
        );
        let deep = [vec![b'['; 10_000], vec![b']'; 10_000]].concat();
        let answer = post(path, "application/json", &deep);
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (400, "json-too-deep"),
            "{path}"
        );
        assert_eq!(
            (&answer.json()["found"], &answer.json()["limit"]),
            (&json!(10_000), &json!(64))
        );
        assert_eq!(
            post(path, "application/json", b"{\"raw\":").problem(),
            "malformed-json",
            "{path}"
        );
        let answer = post(path, "application/json", b"{\"unknown\":1}");
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (422, "invalid-field"),
            "{path}"
        );
        let answer = post(path, "text/plain", b"{}");
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (415, "unsupported-media-type"),
            "{path}"
        );
        assert_eq!(post(path, "", b"{}").problem(), "unsupported-media-type", "{path}");
    }
    let many = json!({ "raw": vec!["0x"; 5_001] });
    assert_eq!(
        server.client.post("/api/v1/transactions/batch", &many).problem(),
        "body-too-large"
    );
    assert_eq!(
        server
            .client
            .post("/api/v1/transactions", &json!({ "raw": "54" }))
            .problem(),
        "invalid-hex"
    );
}

#[test]
fn parameters_and_paths_are_checked() {
    let server = TestServer::start();
    let none = "00".repeat(32);
    for (path, status, expected) in [
        ("/api/v1/blocks?limit=0", 400, "invalid-parameter"),
        ("/api/v1/blocks?limit=101", 400, "invalid-parameter"),
        ("/api/v1/blocks?limit=-1", 400, "invalid-parameter"),
        ("/api/v1/blocks?page=1", 400, "invalid-parameter"),
        ("/api/v1/blocks?cursor=nonsense", 400, "invalid-cursor"),
        ("/api/v1/transactions?cursor=YgAAAAAAAAAXAAAAAA", 400, "invalid-cursor"),
        ("/api/v1/blocks/1", 404, "unknown-block"),
        ("/api/v1/blocks/99999999999999999999", 400, "invalid-id"),
        ("/api/v1/blocks/-1", 400, "invalid-id"),
        (&format!("/api/v1/blocks/{none}"), 404, "unknown-block"),
        (&format!("/api/v1/blocks/{none}?format=raw"), 404, "unknown-block"),
        ("/api/v1/blocks/0?format=xml", 400, "invalid-parameter"),
        ("/api/v1/transactions/0x12", 400, "invalid-id"),
        (&format!("/api/v1/transactions/0x{none}"), 404, "unknown-transaction"),
        ("/api/v1/accounts/0x12", 422, "invalid-address"),
        (
            "/api/v1/accounts/0xf39fd6e51aad88F6F4ce6aB8827279cffFb92266",
            422,
            "invalid-address",
        ),
        ("/api/v1/accounts/%ff", 400, "invalid-parameter"),
        ("/api/v1/mining/template", 400, "invalid-parameter"),
        ("/api/v1/mining/template?address=x", 422, "invalid-address"),
        ("/api/v1/nothing", 404, "not-found"),
        ("/pkg/nothing.js", 404, "not-found"),
    ] {
        let answer = server.get(path);
        assert_eq!((answer.status, answer.problem().as_str()), (status, expected), "{path}");
    }
    let answer = server.client.post("/api/v1/status", &json!({}));
    assert_eq!(
        (answer.status, answer.problem().as_str(), answer.header("allow")),
        (405, "method-not-allowed", "GET,HEAD")
    );
}
