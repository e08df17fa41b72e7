//! What light clients read: bytes that verify from the genesis id on, kept by caches, and typed problems.

use tally_chain::history::{self, HistoryProof, NODE_BYTES, Node};
use tally_chain::light::{AllHeaders, Level, TipClaim, Verified, Verifier};
use tally_chain::{BlockId, Bytes, ChainSpec, Header, Manifest};
use tally_node::system_clock;

use crate::common::{Reply, TestServer};
use crate::long;

const FOREVER: &str = "public, max-age=31536000, immutable";

fn spec() -> ChainSpec {
    ChainSpec::built_in("test").unwrap()
}

fn verify(server: &TestServer, proof: &[u8]) -> Verified {
    let spec = server.node.spec().clone();
    let mut verifier = Verifier::new(spec, server.identity().genesis, (system_clock())()).unwrap();
    verifier.push(proof).unwrap();
    verifier.finish().unwrap()
}

/// Bytes with a known length, with this caching.
#[track_caller]
fn assert_bytes(answer: &Reply, tag: &str, caching: &str) {
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("content-type"), "application/octet-stream");
    assert_eq!(answer.header("content-length"), answer.body.len().to_string());
    assert_eq!(answer.header("content-encoding"), "");
    assert_eq!(answer.header("etag"), format!("\"{tag}\""));
    assert_eq!(answer.header("cache-control"), caching);
}

fn mined(blocks: u64) -> TestServer {
    let server = TestServer::start();
    for _ in 0..blocks {
        server.mine();
    }
    server
}

#[test]
fn a_reader_with_the_genesis_id_verifies_what_the_node_sends() {
    let server = mined(5);
    let id = server.node.tip().record.id;
    let answer = server.get("/api/v1/light/tip");
    assert_bytes(&answer, &id.to_string(), "no-cache");
    let claim = TipClaim::decode(&answer.body).unwrap();
    assert_eq!((claim.id(), claim.height().0), (id, 5));

    let proof = server.get(&format!("/api/v1/light/chain?tip={id}"));
    assert_bytes(&proof, &id.to_string(), FOREVER);
    let verified = verify(&server, &proof.body);
    assert_eq!(
        (verified.level, verified.tip, verified.weight),
        (Level::AllHeaders, id, claim.weight)
    );
    let newest = server.get("/api/v1/light/chain");
    assert_bytes(&newest, &id.to_string(), "no-cache");
    assert_eq!(newest.body, proof.body);

    let mut headers = AllHeaders::new(spec(), server.identity().genesis, (system_clock())()).unwrap();
    for (query, tag, caching) in [
        ("from=1&count=2", format!("{id}-1-2"), "no-cache"),
        (&format!("from=3&tip={id}") as &str, format!("{id}-3-5"), FOREVER),
    ] {
        let part = server.get(&format!("/api/v1/light/headers?{query}"));
        assert_bytes(&part, &tag, caching);
        headers.push(&part.body).unwrap();
    }
    assert_eq!((headers.id(), headers.weight()), (id, claim.weight));
}

/// A chain that is too long to be sent as it is: a sample of a known length, and all headers as a stream.
#[test]
fn a_long_chain_is_sampled_and_its_headers_are_streamed() {
    let height = 10_050;
    let server = long::server(long::sampled(), height);
    let tip = server.node.tip();
    let id = tip.record.id;
    let path = format!("/api/v1/light/chain?tip={id}");
    let proof = server.get(&path);
    assert_bytes(&proof, &id.to_string(), FOREVER);
    let verified = verify(&server, &proof.body);
    assert_eq!((verified.level, verified.tip), (Level::Sampled, id));
    assert_eq!(verified.weight, tip.record.weight);
    assert!(proof.body.len() < 180_000, "{:?}", verified.checked);
    assert_eq!(server.get(&path).body, proof.body);
    // An older one is sampled, too.
    let older = server.json("/api/v1/blocks/10040")["id"].as_str().unwrap().to_owned();
    let proof = server.get(&format!("/api/v1/light/chain?tip={older}"));
    let verified = verify(&server, &proof.body);
    assert_eq!(
        (verified.level, verified.tip.to_string()),
        (Level::Sampled, older.clone())
    );
    for (end, last, weight) in [
        (id.to_string(), height, tip.record.weight),
        (older, 10_040, verified.weight),
    ] {
        let answer = server.get(&format!("/api/v1/light/headers?from=1&tip={end}"));
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.header("etag"), format!("\"{end}-1-{last}\""));
        assert_eq!(answer.header("content-encoding"), "");
        let spec = server.node.spec().clone();
        let mut headers = AllHeaders::new(spec, server.identity().genesis, (system_clock())()).unwrap();
        headers.push(&answer.body).unwrap();
        assert_eq!((headers.id().to_string(), headers.height().0), (end, last));
        assert_eq!(headers.weight(), weight);
    }
}

/// The difficulty of `test` changes too fast for a sample: the proof has all headers, and is a stream where these are many.
#[test]
fn a_long_chain_that_cannot_be_sampled_is_streamed() {
    let height = 10_020;
    let server = long::server(spec(), height);
    let id = server.node.tip().record.id;
    let proof = server.get(&format!("/api/v1/light/chain?tip={id}"));
    assert_eq!((proof.status, proof.header("content-length")), (200, ""));
    assert_eq!(proof.header("etag"), format!("\"{id}\""));
    assert_eq!(proof.header("cache-control"), FOREVER);
    let verified = verify(&server, &proof.body);
    assert_eq!((verified.level, verified.tip), (Level::AllHeaders, id));
    assert_eq!(verified.checked.headers, height);
}

#[test]
fn what_a_cache_has_is_not_sent_again_and_stays_true() {
    let server = mined(3);
    let id = server.node.tip().record.id;
    let paths = [
        "light/tip".to_owned(),
        "light/chain".to_owned(),
        format!("light/chain?tip={id}"),
        "light/headers?from=1".to_owned(),
        format!("light/headers?from=2&count=1&tip={id}"),
        "light/blocks?from=1".to_owned(),
        format!("light/blocks?from=2&count=1&tip={id}"),
    ];
    let get = |path: &str, headers: &[(&str, &str)]| server.client.get_with(&format!("/api/v1/{path}"), headers);
    let before = paths.clone().map(|path| get(&path, &[]));
    for (path, answer) in paths.iter().zip(&before) {
        let again = get(path, &[("if-none-match", answer.header("etag"))]);
        assert_eq!((again.status, again.body.len()), (304, 0), "{path}");
        assert_eq!(again.header("etag"), answer.header("etag"));
        assert_eq!(again.header("cache-control"), answer.header("cache-control"));
    }
    server.mine();
    for (path, answer) in paths.iter().zip(&before) {
        let after = get(path, &[("if-none-match", answer.header("etag"))]);
        let named = path.contains("tip=");
        assert_eq!(after.status, if named { 304 } else { 200 }, "{path}");
        let after = get(path, &[]);
        assert_eq!(after.body == answer.body, named, "{path}");
    }
}

#[test]
fn any_block_below_a_named_tip_is_shown_to_be_its_ancestor() {
    let server = mined(9);
    let block = |height: u64| {
        let block = server.json(&format!("/api/v1/blocks/{height}"));
        let bytes = |field: &str| block[field].as_str().unwrap().parse::<Bytes>().unwrap();
        let header = Header::decode(bytes("header_hex")[..].try_into().unwrap());
        (header, Manifest::decode(&bytes("manifest_hex")).unwrap())
    };
    // A tip that is the newest block no more has its proofs still.
    for tip in [9, 6] {
        let (header, manifest) = block(tip);
        for height in 0..tip {
            let path = format!("/api/v1/light/ancestor?height={height}&tip={}", header.id());
            let answer = server.get(&path);
            assert_bytes(&answer, &format!("{}-{height}", header.id()), FOREVER);
            let nodes = answer.body.as_chunks::<NODE_BYTES>();
            assert!(nodes.1.is_empty());
            let proof = HistoryProof {
                blocks: tip,
                number: height,
                nodes: nodes.0.iter().map(Node::decode).collect(),
            };
            let (ancestor, _) = block(height);
            let weight = server.node.spec().engine().weight(&ancestor);
            let leaf = Node::leaf(ancestor.id(), &ancestor, weight);
            assert_eq!(history::verify(&proof, leaf, manifest.history_root), Ok(()), "{path}");
        }
    }
}

#[test]
fn what_is_not_given_is_named() {
    let server = mined(18);
    let id = |height: u64| {
        let block = server.json(&format!("/api/v1/blocks/{height}"));
        block["id"].as_str().unwrap().to_owned()
    };
    let (old, oldest, unknown) = (id(1), id(2), BlockId::ZERO.to_string());
    let verified = verify(&server, &server.get(&format!("/api/v1/light/chain?tip={oldest}")).body);
    assert_eq!(verified.manifest.number.0, 2);
    for (path, status, kind, field) in [
        (format!("chain?tip={old}"), 410, "tip-too-old", "tip"),
        (format!("chain?tip={unknown}"), 404, "unknown-block", "tip"),
        (format!("headers?from=1&tip={unknown}"), 404, "unknown-block", "tip"),
        (format!("headers?from=2&tip={old}"), 404, "unknown-block", "from"),
        ("headers?from=19".to_owned(), 404, "unknown-block", "from"),
        ("headers?from=0".to_owned(), 400, "invalid-parameter", "from"),
        ("headers?from=1&count=0".to_owned(), 400, "invalid-parameter", "count"),
        (format!("blocks?from=1&tip={unknown}"), 404, "unknown-block", "tip"),
        (format!("blocks?from=2&tip={old}"), 404, "unknown-block", "from"),
        ("blocks?from=0".to_owned(), 400, "invalid-parameter", "from"),
        ("blocks?from=1&count=0".to_owned(), 400, "invalid-parameter", "count"),
        ("blocks?from=1&count=4097".to_owned(), 400, "invalid-parameter", "count"),
        (format!("ancestor?height=0&tip={unknown}"), 404, "unknown-block", "tip"),
        (
            format!("ancestor?height=2&tip={oldest}"),
            404,
            "unknown-block",
            "height",
        ),
    ] {
        let answer = server.get(&format!("/api/v1/light/{path}"));
        assert_eq!((answer.status, answer.problem().as_str()), (status, kind), "{path}");
        assert_eq!(answer.json()["field"], field, "{path}");
    }
    for path in [
        "chain?tip=x",
        "chain?top=1",
        "headers",
        "headers?from=-1",
        "headers?from=1&count=x",
        "headers?from=1&to=2",
        "ancestor?height=1",
        "ancestor?height=-1&tip=x",
    ] {
        let answer = server.get(&format!("/api/v1/light/{path}"));
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (400, "invalid-parameter"),
            "{path}"
        );
    }
}

#[test]
fn blocks_come_whole_and_in_their_order() {
    let server = mined(5);
    let id = server.node.tip().record.id;
    let raw = |height: u64| server.get(&format!("/api/v1/blocks/{height}?format=raw")).body;
    for (query, heights) in [
        ("from=1".to_owned(), 1..=5),
        ("from=2&count=2".to_owned(), 2..=3),
        (format!("from=5&count=4096&tip={id}"), 5..=5),
    ] {
        let answer = server.get(&format!("/api/v1/light/blocks?{query}"));
        assert_eq!(answer.status, 200, "{query}");
        let mut expected = Vec::new();
        for height in heights {
            let block = raw(height);
            expected.extend(u32::try_from(block.len()).unwrap().to_be_bytes());
            expected.extend(block);
        }
        assert_eq!(answer.body, expected, "{query}");
    }
}
