//! Proofs of a chain: whatever the bytes, the verdict does not depend on how they are cut, and no sample is accepted but the
//! one that a prover wrote. Rules: docs/protocol.md#F1 to #F11

use std::sync::LazyLock;

use tally_chain::light::{AllHeaders, Level, LightFault, Links, TipClaim, Verified, Verifier};
use tally_chain::{BlockId, ChainSpec, Height, UnixSecs, genesis};

use crate::target::Target;

/// A sample, and a proof with all headers, of the chain with the spec in the vectors.
const SAMPLED: &[u8] = include_bytes!("../../crates/chain/tests/pinned/light_10001.proof");
const ALL_HEADERS: &[u8] = include_bytes!("../../crates/chain/tests/pinned/light_12.proof");
const VECTORS: &str = include_str!("../../crates/chain/tests/pinned/light.json");

/// A reader's clock: later than every block there.
const NOW: UnixSecs = UnixSecs(4_000_000_000);
/// Bytes of one change of the sample: where, and what stands there then.
const CHANGE: usize = 5;

pub const TARGETS: &[Target] = &[Target {
    name: "light",
    run: light,
    seeds,
}];

static SPEC: LazyLock<ChainSpec> = LazyLock::new(|| {
    let vectors: serde_json::Value = serde_json::from_str(VECTORS).expect("the vectors are JSON");
    let spec = vectors["spec"].as_str().expect("the vectors have a spec");
    ChainSpec::from_toml(spec).expect("it is one")
});
static GENESIS: LazyLock<BlockId> = LazyLock::new(|| genesis::identity(&SPEC).genesis);

/// The first byte is the kind of the others: a proof, changes of the sample (which is longer than an input), headers, a claim of
/// a tip.
fn seeds() -> Vec<Vec<u8>> {
    let change = |at: u32, byte: u8| [&at.to_be_bytes()[..], &[byte]].concat();
    let with = |kind: u8, rest: &[u8]| [&[kind][..], rest].concat();
    let block = genesis::block(&SPEC);
    let claim = TipClaim {
        header: block.header,
        manifest: block.manifest,
        weight: SPEC.engine().weight(&block.header),
    };
    vec![
        with(0, ALL_HEADERS),
        with(0, &SAMPLED[..4_000]),
        vec![1],
        with(1, &change(74, 0)),
        with(1, &[change(2_000, 7), change(100_000, 1)].concat()),
        with(2, &ALL_HEADERS[ALL_HEADERS.len() - 12 * 37..]),
        with(3, &claim.encode()),
    ]
}

fn light(data: &[u8]) {
    let Some((kind, data)) = data.split_first() else { return };
    match kind % 4 {
        0 => proof(data, data.len() % 97 + 1),
        1 => proof(&changed(data), 4_096),
        2 => headers(data),
        _ => claim(data),
    }
}

/// The sample with these changes.
fn changed(changes: &[u8]) -> Vec<u8> {
    let mut proof = SAMPLED.to_vec();
    for change in changes.chunks_exact(CHANGE) {
        let at = u32::from_be_bytes([change[0], change[1], change[2], change[3]]) as usize % proof.len();
        proof[at] = change[4];
    }
    proof
}

fn verify(proof: &[u8], part: usize) -> Result<Verified, LightFault> {
    let mut verifier = Verifier::new(SPEC.clone(), *GENESIS, NOW).expect("the spec makes its genesis");
    for part in proof.chunks(part) {
        verifier.push(part)?;
    }
    verifier.finish()
}

fn proof(bytes: &[u8], part: usize) {
    let verdict = verify(bytes, bytes.len().max(1));
    assert_eq!(verify(bytes, part), verdict, "however it is cut");
    let Ok(verified) = verdict else { return };
    // A few headers of this chain are mined in no time, perhaps here as well; a sample of 10,000 is not.
    match verified.level {
        Level::AllHeaders => {
            assert_eq!(verified.tip, verified.header.id());
            assert_eq!(verified.manifest.root(), verified.header.manifest_root);
        }
        Level::Sampled | Level::Executed => assert!(bytes == SAMPLED, "accepted: {verified:?}"),
    }
}

fn headers(bytes: &[u8]) {
    let mut all = AllHeaders::new(SPEC.clone(), *GENESIS, NOW).expect("the spec makes its genesis");
    let mut links = Links::after(&SPEC, Height::GENESIS, *all.header(), 0);
    let (whole, read) = (all.push(bytes), links.push(bytes));
    // What each header shows alone is less than what it shows with those before it.
    assert!(whole.is_err() || read.is_ok());
    if whole.is_ok() {
        assert_eq!((links.id(), links.height()), (all.id(), all.height()));
    }
    let saved = all.saved();
    let again = AllHeaders::resume(SPEC.clone(), *GENESIS, NOW, saved.clone()).expect("it was saved here");
    assert_eq!((again.id(), again.weight()), (all.id(), all.weight()));
    assert_eq!((again.history_root(), again.saved()), (all.history_root(), saved));
}

fn claim(bytes: &[u8]) {
    if let Ok(claim) = TipClaim::decode(bytes) {
        assert_eq!(claim.encode(), bytes);
    }
}
