//! What the page reports of true files, damaged ones and others. The files are those that are pinned with the rules.

use tally_chain::light::forge::{Budget, Chain, genesis_id};
use tally_chain::light::prove;
use tally_chain::spec::ConsensusSpec;
use tally_chain::{ChainSpec, Height, PortableReceipt};

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
