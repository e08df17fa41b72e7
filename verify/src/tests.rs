//! What the page reports of true files, damaged ones and others. The files are those that are pinned with the rules.

use tally_chain::light::forge::{self, Budget, Chain, Next, SealMethod, genesis_id};
use tally_chain::light::prove;
use tally_chain::spec::ConsensusSpec;
use tally_chain::{B256, BlockId, ChainSpec, Header, Height, PortableReceipt};

use super::*;

const NOW: UnixSecs = UnixSecs(4_000_000_000);
const ONE: &str = include_str!("../../crates/chain/tests/pinned/portable_1.json");
const TWO: &str = include_str!("../../crates/chain/tests/pinned/portable_2.json");

fn examined(input: &[u8], trusted: &str) -> Report {
    with_spec(input, b"", trusted)
}

fn with_spec(input: &[u8], spec: &[u8], trusted: &str) -> Report {
    examine(&Case {
        input,
        spec,
        trusted,
        now: NOW,
    })
}

fn receipt() -> PortableReceipt {
    PortableReceipt::read(TWO.as_bytes()).unwrap()
}

fn place(report: &Report) -> (Verdict, Option<&str>, &str) {
    let fault = report.fault.as_ref().expect("it names what is wrong");
    (report.verdict, fault.rule.as_deref(), &fault.field)
}

#[test]
fn a_receipt_holds_by_what_its_reader_trusts() {
    let (genesis, tip) = (receipt().genesis.to_string(), receipt().tip_id().unwrap().to_string());
    let report = examined(TWO.as_bytes(), &genesis);
    assert_eq!((report.verdict, report.fault.clone()), (Verdict::Holds, None));
    assert_eq!(report.checks.iter().map(|check| check.title).next_back(), Some("Chain"));
    assert!(report.checks.iter().all(|check| check.holds == Some(true)));
    assert_eq!(report.trust.len(), 4);
    assert!(report.facts.contains(&("Its height", "20".to_owned())), "{report:?}");
    let confirmed = report.facts.iter().find(|(name, _)| *name == "Confirmed").unwrap();
    assert_eq!(confirmed.1, format!("14 times, up to block {tip} at height 20"));

    // By a block: nothing is reported of the chain, in either version.
    for file in [ONE, TWO] {
        let report = examined(file.as_bytes(), &format!(" {tip}\n"));
        assert_eq!(report.verdict, Verdict::Holds);
        assert_eq!(report.checks.last().unwrap().title, "Trust");
        assert!(report.facts.iter().all(|(name, _)| *name != "Level"));
    }
    // With nothing that is trusted the parts fit together, and no more is reported.
    let report = examined(TWO.as_bytes(), "");
    assert_eq!((report.verdict, report.checks.len()), (Verdict::Open, 5));
    assert!(report.facts.contains(&("It names genesis", genesis.clone())));
    // Without the proof the genesis id is no block that it leads to.
    assert_eq!(
        place(&examined(ONE.as_bytes(), &genesis)),
        (Verdict::False, Some("P5"), "id that you trust")
    );
    let typed = examined(TWO.as_bytes(), "12");
    assert_eq!(place(&typed), (Verdict::Unreadable, None, "id that you trust"));
}

#[test]
fn a_damaged_receipt_names_rule_and_field() {
    let (genesis, tip) = (receipt().genesis.to_string(), receipt().tip_id().unwrap().to_string());
    let value: serde_json::Value = serde_json::from_str(TWO).unwrap();
    let flipped = |path: &str| {
        let mut changed = value.clone();
        let field = changed.pointer_mut(path).unwrap();
        let text = field.as_str().unwrap();
        let last = if text.ends_with('0') { "1" } else { "0" };
        *field = format!("{}{last}", &text[..text.len() - 1]).into();
        changed.to_string()
    };
    for (path, rule, field) in [
        ("/envelope", "P2", "envelope"),
        ("/block/manifest", "P3", "block"),
        ("/transaction_path/path/0", "P3", "transaction_path"),
        ("/receipt_path/path/0", "P4", "receipt_path"),
        ("/history/0", "P5", "history"),
        ("/chain/spec/name", "C3", "chain.spec"),
    ] {
        let report = examined(flipped(path).as_bytes(), &genesis);
        assert_eq!(place(&report), (Verdict::False, Some(rule), field), "{path}");
        assert!(report.facts.is_empty(), "{path}: nothing is shown of what is false");
        // What stands behind the fault was not looked at.
        let first = report
            .checks
            .iter()
            .position(|check| check.holds == Some(false))
            .unwrap();
        assert!(report.checks[first + 1..].iter().all(|check| check.holds.is_none()));
    }
    let proof = examined(flipped("/chain/proof").as_bytes(), &genesis);
    let (verdict, rule, field) = place(&proof);
    assert_eq!((verdict, field), (Verdict::False, "chain.proof"));
    assert!(rule.is_some(), "{proof:?}");
    // By the block the same file holds: its proof is not looked at, and nothing is reported of it.
    assert_eq!(
        examined(flipped("/chain/proof").as_bytes(), &tip).verdict,
        Verdict::Holds
    );

    let version = TWO.replace("\"version\": 2", "\"version\": 3");
    assert_eq!(
        place(&examined(version.as_bytes(), &genesis)),
        (Verdict::Unreadable, Some("P7"), "version")
    );
    let cut = examined(&TWO.as_bytes()[..4_000], &genesis);
    assert_eq!(place(&cut), (Verdict::Unreadable, Some("P1"), "file"));
}

#[test]
fn proofs_and_headers_are_verified_from_genesis() {
    let mut spec = ChainSpec::built_in("local").unwrap();
    let ConsensusSpec::Pow(pow) = &mut spec.consensus;
    (pow.pow_limit_bits, pow.initial_bits) = (0x207f_ffff, 0x207f_ffff);
    let mut chain = Chain::new(&spec);
    assert!(chain.push_many(15, 10, &mut Budget(u64::MAX)));
    let (genesis, tip) = (genesis_id(&spec).to_string(), chain.tip().id().to_string());
    let proof = prove(&spec, &chain, Height(15)).unwrap();
    let bytes = proof.bytes(&spec, &chain).unwrap();
    let (toml, json) = (spec.to_toml(), serde_json::to_string(&spec).unwrap());
    let hex = format!(
        "0x{}\n",
        bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    );
    let newest = ("Newest block", tip.clone());
    for input in [&bytes[..], hex.as_bytes()] {
        for spec in [&toml, &json] {
            let report = with_spec(input, spec.as_bytes(), &genesis);
            assert_eq!(report.verdict, Verdict::Holds, "{report:?}");
            assert!(report.facts.contains(&newest), "{report:?}");
        }
    }
    assert_eq!(examined(&bytes, "").verdict, Verdict::Open);
    assert_eq!(
        place(&examined(&bytes, &genesis)),
        (Verdict::Unreadable, None, "chain spec")
    );
    let foreign = with_spec(&bytes, toml.as_bytes(), &tip);
    assert_eq!(place(&foreign), (Verdict::False, Some("C3"), "chain spec"));
    let cut = with_spec(&bytes[..bytes.len() - 1], toml.as_bytes(), &genesis);
    assert_eq!(place(&cut), (Verdict::False, Some("F3"), "proof"));

    let headers = &bytes[proof.head.len()..];
    let report = with_spec(headers, toml.as_bytes(), &genesis);
    assert_eq!(report.verdict, Verdict::Holds, "{report:?}");
    assert!(report.facts.contains(&("Headers", "15".to_owned())) && report.facts.contains(&newest));
    let cut = with_spec(&headers[..headers.len() - 1], toml.as_bytes(), &genesis);
    assert_eq!(place(&cut), (Verdict::False, Some("F2"), "headers"));

    let header = chain.tip().encode();
    assert_eq!(examined(&header, &tip).verdict, Verdict::Holds);
    assert_eq!(examined(&header, "").verdict, Verdict::Open);
    assert_eq!(
        place(&examined(&header, &genesis)),
        (Verdict::False, Some("H2"), "id that you trust")
    );
}

/// A header without a parent has no work, whatever its bits say: only its id can be trusted.
#[test]
fn a_header_without_a_parent_shows_no_work() {
    let made_up = Header {
        version: 1,
        parent: BlockId::ZERO,
        manifest_root: B256::repeat_byte(7),
        time: 1_800_000_000,
        bits: 0x0101_0000,
        nonce: 0,
    };
    let genesis = tally_chain::genesis::block(&ChainSpec::built_in("local").unwrap()).header;
    for header in [made_up, genesis] {
        let (bytes, id) = (header.encode(), header.id().to_string());
        let trusted = examined(&bytes, &id);
        let open = examined(&bytes, "");
        assert_eq!((trusted.verdict, open.verdict), (Verdict::Holds, Verdict::Open));
        assert!(
            open.summary.starts_with("It has no parent and no work"),
            "{}",
            open.summary
        );
        for report in [trusted, open] {
            assert!(report.facts.iter().all(|(name, _)| *name != "Work"), "{report:?}");
        }
        let other = examined(&bytes, &"ab".repeat(32));
        assert_eq!(place(&other), (Verdict::False, Some("H2"), "id that you trust"));
    }
    // With a parent the work has to be there.
    let parent = genesis.id();
    let header = Header { parent, ..made_up }.encode();
    assert_eq!(place(&examined(&header, "")), (Verdict::False, Some("H5"), "header"));
}

/// Where a sample may not be taken, the chain may be true: the sample of one whose times go far back.
#[test]
fn a_sample_that_shows_too_little_says_nothing_against_its_chain() {
    let mut spec = ChainSpec::built_in("local").unwrap();
    let ConsensusSpec::Pow(pow) = &mut spec.consensus;
    (pow.pow_limit_bits, pow.initial_bits) = (0x207f_ffff, 0x2000_ffff);
    let mut chain = forge::honest(&spec, 10_100, 1);
    let (early, mut budget) = (chain.tip().time, Budget(u64::MAX));
    for late in [3_000, 3_001, 3_002] {
        assert!(chain.push(Next::at(early + late), SealMethod::Mined(&mut budget)));
    }
    let back = chain.median() + 1;
    assert!(chain.push(Next::at(back), SealMethod::Mined(&mut budget)));
    let (genesis, toml) = (genesis_id(&spec).to_string(), spec.to_toml());
    let sample = forge::sample(&chain, None, None).expect("it can be written, and breaks F8 alone");
    let report = with_spec(&sample, toml.as_bytes(), &genesis);
    assert_eq!(place(&report), (Verdict::Open, Some("F8"), "proof"));
    let why = report.fault.unwrap().why;
    assert!(why.contains("all headers are needed: times go back"), "{why}");
    // All headers show that chain.
    let proof = prove(&spec, &chain, Height(chain.height())).unwrap();
    let bytes = proof.bytes(&spec, &chain).unwrap();
    assert_eq!(with_spec(&bytes, toml.as_bytes(), &genesis).verdict, Verdict::Holds);

    // A receipt whose proof is called a sample, which a chain of 20 blocks does not have.
    let genesis = receipt().genesis.to_string();
    let mut value: serde_json::Value = serde_json::from_str(TWO).unwrap();
    let proof = value["chain"]["proof"].as_str().unwrap();
    value["chain"]["proof"] = format!("{}02{}", &proof[..20], &proof[22..]).into();
    let report = examined(value.to_string().as_bytes(), &genesis);
    assert_eq!(place(&report), (Verdict::Open, Some("F1"), "chain.proof"));
    let holds: Vec<_> = report.checks.iter().map(|check| check.holds).collect();
    let yes = Some(true);
    assert_eq!(holds, [yes, yes, yes, yes, yes, None]);
    assert!(report.facts.is_empty(), "nothing is shown of what is not settled");
}

#[test]
fn kinds_are_distinguished() {
    let spec = ChainSpec::built_in("local").unwrap();
    let json = serde_json::to_string(&spec).unwrap();
    for (input, kind) in [
        (&b""[..], Kind::Empty),
        (b" \n", Kind::Empty),
        (ONE.as_bytes(), Kind::Receipt),
        (TWO.as_bytes(), Kind::Receipt),
        (b"{}", Kind::Receipt),
        (spec.to_toml().as_bytes(), Kind::Spec),
        (json.as_bytes(), Kind::Spec),
        (b"tlylight\x01\x01", Kind::Proof),
        (b"0x746c796c696768740101", Kind::Proof),
        (&[1; 80], Kind::Header),
        ("00".repeat(80).as_bytes(), Kind::Header),
        (&[0xff; 37], Kind::Headers),
    ] {
        assert_eq!(
            kind_of(input),
            kind,
            "{:?}",
            String::from_utf8_lossy(&input[..input.len().min(40)])
        );
    }
    assert_eq!(examined(b"", "").verdict, Verdict::Unreadable);
    assert_eq!(examined(json.as_bytes(), "").verdict, Verdict::Unreadable);
}
