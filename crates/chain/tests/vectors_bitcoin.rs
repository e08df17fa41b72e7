//! Bitcoin's own headers: ids, compact targets, work and parent links must come out as the network has them.

mod support;

use support::{hex, json, json_hex, text};
use tally_chain::hash::{sha256, sha256d};
use tally_chain::pow::{Search, Target};
use tally_chain::{BlockId, Header, U256};
use tally_testkit::corpora;

fn header(bytes: &[u8]) -> Header {
    let bytes = bytes.try_into().expect("a header has 80 bytes");
    let header = Header::decode(bytes);
    assert_eq!(&header.encode(), bytes, "the encoding is the input");
    header
}

fn target(header: &Header) -> Target {
    let target = Target::from_bits(header.bits).unwrap();
    assert_eq!(target.to_bits(), header.bits, "compact form of {}", header.id());
    target
}

/// The real nonce seals, its neighbours do not, and the search agrees.
fn assert_sealed(header: &Header) {
    let target = target(header);
    assert!(target.is_met_by(&header.id()), "{} has its work", header.id());
    for change in [1, 0x8000_0000, 0xffff_ffff] {
        let mut mutated = *header;
        mutated.nonce ^= change;
        assert!(!target.is_met_by(&mutated.id()), "{} with another nonce", header.id());
    }
    let around = header.nonce.wrapping_sub(2);
    assert_eq!(Search::new(header, target).scan(around, 5), Some(header.nonce));
}

#[test]
fn every_retarget_boundary_is_sealed_and_its_work_adds_up() {
    let Some(folder) = corpora("bitcoin-headers") else {
        return;
    };
    let rows = |name: &str| -> Vec<(u64, Vec<u8>)> {
        text(folder.join(name))
            .lines()
            .skip(1)
            .map(|line| line.split_once(',').expect("height,hex"))
            .map(|(height, bytes)| (height.parse().unwrap(), hex(bytes)))
            .collect()
    };
    let headers: Vec<_> = rows("retarget_boundaries.csv")
        .into_iter()
        .map(|(height, bytes)| (height, header(&bytes)))
        .collect();
    let work: Vec<_> = rows("chainwork.csv")
        .into_iter()
        .map(|(height, bytes)| (height, U256::from_be_slice(&bytes)))
        .collect();
    assert_eq!(headers.len(), work.len());
    assert!(headers.len() >= 100, "the collection is there, not a stub of it");
    for (_, header) in &headers {
        assert_sealed(header);
    }
    assert_eq!(work[0].1, target(&headers[0].1).work().0);
    for (pair, sums) in headers.windows(2).zip(work.windows(2)) {
        let ((before, _), (height, header)) = (&pair[0], &pair[1]);
        assert_eq!((*before, *height), (sums[0].0, sums[1].0));
        // Blocks between two boundaries all have the later one's bits: it ends the period, or begins the next.
        let blocks = U256::from(height - before);
        assert_eq!(
            sums[0].1 + target(header).work().0 * blocks,
            sums[1].1,
            "work up to {height}"
        );
    }
    assert_eq!(
        headers[0].1.id().to_string(),
        "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f"
    );
}

#[test]
fn four_thousand_headers_in_a_row_are_linked_and_sealed() {
    let Some(folder) = corpora("bitcoin-headers") else {
        return;
    };
    let bytes = std::fs::read(folder.join("mainnet_822528_826559.bin")).unwrap();
    let headers: Vec<_> = bytes.chunks(80).map(header).collect();
    assert_eq!(headers.len(), 826_559 - 822_528 + 1);
    for (parent, child) in headers.iter().zip(&headers[1..]) {
        assert_eq!(child.parent, parent.id());
    }
    for header in &headers {
        assert!(target(header).is_met_by(&header.id()));
    }
    for header in headers.iter().step_by(64) {
        assert_sealed(header);
    }
}

#[test]
fn summa_headers_decode_as_in_the_library() {
    let Some(folder) = corpora("bitcoin-spv-summa") else {
        return;
    };
    let vectors = json(folder.join("testVectors.json"));
    let cases = |name: &str| {
        vectors[name]
            .as_array()
            .unwrap_or_else(|| panic!("{name} is there"))
            .clone()
    };
    for case in cases("extractTarget") {
        let target = target(&header(&json_hex(&case["input"])));
        assert_eq!(target.0.to_be_bytes::<32>().to_vec(), json_hex(&case["output"]));
    }
    for case in cases("extractPrevBlockLE") {
        let parent = header(&json_hex(&case["input"])).parent;
        assert_eq!(parent.as_bytes().to_vec(), json_hex(&case["output"]));
    }
    for case in cases("extractMerkleRootLE") {
        let root = header(&json_hex(&case["input"])).manifest_root;
        assert_eq!(root.to_vec(), json_hex(&case["output"]));
    }
    for case in cases("extractTimestamp") {
        assert_eq!(header(&json_hex(&case["input"])).time, case["output"]);
    }
    for case in cases("workHash") {
        let id = header(&json_hex(&case["input"])).id();
        assert_eq!(id.as_bytes().to_vec(), json_hex(&case["output"]));
    }
    for case in cases("work") {
        let id = header(&json_hex(&case["input"])).id();
        let number = U256::from_le_bytes(*id.as_bytes());
        assert_eq!(number.to_string(), case["output"].as_str().unwrap());
    }
    for case in cases("validateHeaderPrevHash") {
        let header = header(&json_hex(&case["input"]["header"]));
        let same = header.parent.as_bytes().to_vec() == json_hex(&case["input"]["prevHash"]);
        assert_eq!(same, case["output"]);
    }
    for case in cases("hash256") {
        assert_eq!(sha256d(&json_hex(&case["input"])).to_vec(), json_hex(&case["output"]));
    }
    for case in cases("sha256") {
        assert_eq!(sha256(&[&json_hex(&case["input"])]).to_vec(), json_hex(&case["output"]));
    }
}

#[test]
fn summa_chains_hold_or_break_as_in_the_library() {
    let Some(folder) = corpora("bitcoin-spv-summa") else {
        return;
    };
    let vectors = json(folder.join("testVectors.json"));
    let chain =
        |case: &serde_json::Value| -> Vec<Header> { json_hex(&case["input"]).chunks_exact(80).map(header).collect() };
    let linked = |headers: &[Header]| headers.windows(2).all(|pair| pair[1].parent == pair[0].id());
    let sealed = |headers: &[Header]| headers.iter().all(|header| target(header).is_met_by(&header.id()));
    for case in vectors["validateHeaderChain"].as_array().unwrap() {
        let headers = chain(case);
        assert!(headers.len() > 1 && linked(&headers) && sealed(&headers));
    }
    for case in vectors["validateHeaderChainError"].as_array().unwrap() {
        match case["comment"].as_str().unwrap() {
            "Header bytes not multiple of 80" => assert_ne!(json_hex(&case["input"]).len() % 80, 0),
            "Header bytes not a valid chain" => assert!(!linked(&chain(case))),
            "Header does not meet its own difficulty target" => assert!(!sealed(&chain(case))),
            other => panic!("{other} is not a known case"),
        }
    }
    for periods in vectors["retargetAlgorithm"].as_array().unwrap() {
        for case in periods["input"].as_array().unwrap() {
            let header = header(&json_hex(&case["hex"]));
            assert_eq!(format!("0x{}", header.id()), case["hash"].as_str().unwrap());
            assert!(target(&header).is_met_by(&header.id()));
        }
    }
    for case in vectors["validateHeaderWork"].as_array().unwrap() {
        let digest: [u8; 32] = json_hex(&case["input"]["digest"]).try_into().unwrap();
        let Some(target) = case["input"]["target"].as_str() else {
            continue;
        };
        let target = Target(U256::from_be_slice(&hex(target)));
        // The library rejects the all-zero hash apart from the comparison; no one finds it.
        let expected = digest == [0; 32] || case["output"].as_bool().unwrap();
        assert_eq!(target.is_met_by(&BlockId(digest.into())), expected);
    }
}
