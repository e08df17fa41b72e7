//! Vectors of the light client: `tests/pinned/light.json` and the sampled proof beside it. Rules: docs/protocol.md#F1 to #F9
//!
//! The ignored test writes them, by the independent verifier where that is possible. They change only with the rules.

#[path = "light/naive.rs"]
mod naive;
#[path = "light/world.rs"]
mod world;

use std::path::PathBuf;

use serde_json::{Value, json};
use tally_chain::hash::sha256;
use tally_chain::light::forge::{self, Numbers};
use tally_chain::light::{LightFault, Verified, Verifier};
use tally_chain::{BlockId, ChainSpec, U256, UnixSecs};
use world::{NOW, SPEC, proof_at};

/// Heights of the proofs: one of all headers, and the lowest that is sampled.
const HEIGHTS: [u64; 2] = [12, 10_001];

fn pinned(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/pinned")
        .join(name)
}

fn proof_file(height: u64) -> PathBuf {
    pinned(&format!("light_{height}.proof"))
}

fn verify(spec: &ChainSpec, now: UnixSecs, proof: &[u8]) -> Result<Verified, LightFault> {
    let mut verifier = Verifier::new(spec.clone(), forge::genesis_id(spec), now).unwrap();
    verifier.push(proof)?;
    verifier.finish()
}

/// Proofs with one byte changed, each with the rule that it breaks.
fn damaged(height: u64, proof: &[u8]) -> Vec<Value> {
    let mut numbers = Numbers::new(height);
    let changes = (0..40).map(|number| {
        // The first ones are in the head and in what follows it.
        let limit = if number < 10 { 400 } else { proof.len() as u64 };
        let (at, bit) = (numbers.below(limit) as usize, numbers.below(8));
        let mut damaged = proof.to_vec();
        damaged[at] ^= 1 << bit;
        let fault = verify(&SPEC, NOW, &damaged).unwrap_err();
        let height = fault.height.map(|height| height.0);
        json!({ "at": at, "bit": bit, "rule": fault.rule, "height": height, "part": fault.at })
    });
    changes.collect()
}

fn proofs() -> Vec<Value> {
    let each = HEIGHTS.into_iter().map(|height| {
        let (_, proof) = proof_at(height);
        let verified = verify(&SPEC, NOW, &proof).unwrap();
        let naive = naive::verify(&SPEC, NOW, &proof).unwrap();
        assert_eq!((verified.tip, verified.weight.0), (naive.tip, naive.weight));
        json!({
            "height": height,
            "sha256": sha256(&[&proof]),
            "level": verified.level,
            "tip": verified.tip,
            "weight": verified.weight.to_string(),
            "checked": verified.checked,
            "damaged": damaged(height, &proof),
        })
    });
    each.collect()
}

fn draws() -> Vec<Value> {
    let cases = [
        (1_000_000u64, 200u64, 1u64),
        (20_000, 250, 3),
        (1 << 40, 1 << 33, 77),
        (1 << 63, 1 << 50, 1 << 49),
    ];
    let each = cases.into_iter().map(|(total, tail, tip_weight)| {
        let tip = BlockId(sha256(&[&total.to_be_bytes()]));
        let draws = naive::draw(tip, U256::from(total), U256::from(tail), U256::from(tip_weight)).unwrap();
        let places = draws.places.iter().map(U256::to_string);
        json!({
            "tip": tip,
            "total": total.to_string(),
            "tail": tail.to_string(),
            "tip_weight": tip_weight.to_string(),
            "shells": draws.shells,
            "per_shell": draws.per_shell,
            "places": places.collect::<Vec<_>>(),
        })
    });
    each.collect()
}

fn bounds() -> Vec<Value> {
    let mut numbers = Numbers::new(3);
    let each = (0..40).map(|_| {
        let count = 1 + numbers.below(1 << numbers.clone().below(18));
        let first = 2 + numbers.below(20_000);
        let anchor = 1_800_000_000;
        let earliest = anchor + (first as u32) * 10 + numbers.below(4_000) as u32;
        let latest = earliest + (count as u32) * 10 + numbers.below(1_000) as u32;
        let (least, most) = naive::bounds(&SPEC, anchor, first, count, (earliest, latest));
        json!({
            "anchor": anchor,
            "first": first,
            "count": count,
            "earliest": earliest,
            "latest": latest,
            "least": least.to_string(),
            "most": most.to_string(),
        })
    });
    each.collect()
}

fn vectors() -> Value {
    json!({
        "spec": SPEC.to_toml(),
        "genesis": forge::genesis_id(&SPEC),
        "now": NOW,
        "proofs": proofs(),
        "draws": draws(),
        "bounds": bounds(),
    })
}

fn text(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap() + "\n"
}

/// What is made today is what was pinned.
#[test]
fn vectors_stay() {
    assert!(
        std::fs::read_to_string(pinned("light.json")).unwrap() == text(&vectors()),
        "the vectors changed"
    );
    for height in HEIGHTS {
        assert!(
            std::fs::read(proof_file(height)).unwrap() == proof_at(height).1,
            "the proof of block {height} changed"
        );
    }
}

/// The files alone are enough to verify what they contain.
#[test]
fn the_files_hold_by_themselves() {
    let vectors: Value = serde_json::from_slice(&std::fs::read(pinned("light.json")).unwrap()).unwrap();
    let spec = ChainSpec::from_toml(vectors["spec"].as_str().unwrap()).unwrap();
    assert_eq!(vectors["genesis"], json!(forge::genesis_id(&spec)));
    let now = UnixSecs(vectors["now"].as_u64().unwrap());
    for vector in vectors["proofs"].as_array().unwrap() {
        let proof = std::fs::read(proof_file(vector["height"].as_u64().unwrap())).unwrap();
        assert_eq!(vector["sha256"], json!(sha256(&[&proof])));
        let verified = verify(&spec, now, &proof).unwrap();
        assert_eq!(
            (&vector["tip"], &vector["level"]),
            (&json!(verified.tip), &json!(verified.level))
        );
        for damage in vector["damaged"].as_array().unwrap() {
            let mut damaged = proof.clone();
            let number = |field: &str| damage[field].as_u64().unwrap();
            damaged[number("at") as usize] ^= 1 << number("bit");
            let fault = verify(&spec, now, &damaged).unwrap_err();
            assert_eq!(
                (fault.rule, fault.at),
                (damage["rule"].as_str().unwrap(), number("part")),
                "{damage}"
            );
            assert!(naive::verify(&spec, now, &damaged).is_err(), "{damage}");
        }
    }
}

#[test]
#[ignore = "writes the vectors"]
fn write_vectors() {
    std::fs::write(pinned("light.json"), text(&vectors())).unwrap();
    for height in HEIGHTS {
        std::fs::write(proof_file(height), proof_at(height).1).unwrap();
    }
}
