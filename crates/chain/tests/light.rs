//! The light client: true proofs are accepted, forged and damaged ones are not, and an independent verifier that was written
//! from the rules alone agrees. Rules: docs/protocol.md#F1 to #F10

#[path = "light/naive.rs"]
mod naive;
#[path = "light/world.rs"]
mod world;

use std::sync::LazyLock;

use tally_chain::light::forge::{self, Budget, Chain, Next, Numbers, SealMethod};
use tally_chain::light::{
    AllHeaders, ChainReader, Level, LightError, LightFault, Links, ProofKind, SavedHeadersError, Unsampled, Verified,
    Verifier, encode_headers, prove,
};
use tally_chain::spec::ConsensusSpec;
use tally_chain::{BlockError, BlockId, ChainSpec, Height, U256, UnixSecs, Weight};
use world::{HONEST, NOW, SPEC, proof_at};

fn verifier() -> Verifier {
    Verifier::new(SPEC.clone(), forge::genesis_id(&SPEC), NOW).unwrap()
}

fn verdict(mut verifier: Verifier, proof: &[u8]) -> Result<Verified, LightFault> {
    verifier.push(proof)?;
    verifier.finish()
}

fn verify(proof: &[u8]) -> Result<Verified, LightFault> {
    verdict(verifier(), proof)
}

/// The proof of the whole true chain.
static PROOF: LazyLock<Vec<u8>> = LazyLock::new(|| proof_at(HONEST.height()).1);

fn accepted_by_both(height: u64, kind: ProofKind) -> Verified {
    let (proof, bytes) = proof_at(height);
    assert_eq!(proof.kind, kind);
    let verified = verify(&bytes).unwrap();
    let tip = HONEST.at(height);
    assert_eq!((verified.tip, verified.header), (tip.id(), tip));
    assert_eq!(verified.manifest.number, Height(height));
    assert_eq!(verified.checked.bytes, bytes.len() as u64);
    let naive = naive::verify(&SPEC, NOW, &bytes).unwrap();
    assert_eq!((naive.tip, naive.weight), (verified.tip, verified.weight.0));
    verified
}

#[test]
fn short_chains_are_proved_by_all_headers() {
    for height in [0, 1, 2, 10, 11, 12, 300, 10_000] {
        let verified = accepted_by_both(height, ProofKind::AllHeaders);
        assert_eq!(verified.level, Level::AllHeaders);
        assert_eq!(verified.checked.headers, height);
        let weight = (0..=height).fold(U256::ZERO, |sum, height| {
            sum + SPEC.engine().weight(&HONEST.at(height)).0
        });
        assert_eq!(verified.weight, Weight(weight));
        let genesis = SPEC.engine().weight(&HONEST.at(0)).0;
        assert_eq!(verified.checked.tail_weight, Weight(weight - genesis));
    }
}

#[test]
fn long_chains_are_proved_by_a_sample() {
    for height in [10_001, 12_345, HONEST.height()] {
        let verified = accepted_by_both(height, ProofKind::Sampled);
        assert_eq!(verified.level, Level::Sampled);
        let tail = verified.checked.tail;
        assert!([200, 400].contains(&tail), "{:?}", verified.checked);
        let newest = HONEST.fork(height, 0).weight().0 - HONEST.fork(height - tail, 0).weight().0;
        assert_eq!(verified.checked.tail_weight, Weight(newest));
        // As much as 200 blocks of the mean weight.
        assert!(newest * U256::from(height + 1) >= U256::from(200) * verified.weight.0);
        assert!(verified.checked.bytes < 180_000, "{:?}", verified.checked);
    }
    assert_eq!(
        accepted_by_both(HONEST.height(), ProofKind::Sampled).weight,
        HONEST.weight()
    );
}

/// A chain whose miners come and go: their power jumps up to thirtyfold, and one clock of five is wrong by two minutes.
fn restless<'a>(spec: &'a ChainSpec, seed: u64) -> Chain<'a> {
    let (mut chain, mut numbers, mut budget) = (Chain::new(spec), Numbers::new(seed), Budget(u64::MAX));
    let (mut clock, mut power) = (u64::from(chain.tip().time) + 1_000, 16);
    for number in 0..10_100 {
        if number % 700 == 0 {
            power = 1 << numbers.below(9);
        }
        // `power` hashes take the ten seconds of a block.
        let interval = 2 * 10 * chain.next_work().0.to::<u64>() / power;
        clock += numbers.below(interval + 1);
        let wrong = match numbers.below(5) {
            0 => numbers.below(241),
            _ => 120,
        };
        let time = u32::try_from(clock + wrong - 120).unwrap().max(chain.median() + 1);
        assert!(chain.push(Next::at(time), SealMethod::Mined(&mut budget)));
    }
    chain
}

/// True chains are accepted whatever their miners do, within the bounds on weights and times.
#[test]
fn restless_chains_are_sampled() {
    let mut spec = SPEC.clone();
    match &mut spec.consensus {
        ConsensusSpec::Pow(pow) => pow.initial_bits = 0x200f_ffff,
    }
    let genesis = forge::genesis_id(&spec);
    for seed in 0..4 {
        let chain = restless(&spec, seed);
        let proof = prove(&spec, &chain, Height(chain.height())).unwrap();
        assert_eq!(proof.unsampled, None, "{seed}");
        let bytes = proof.bytes(&spec, &chain).unwrap();
        let verified = verdict(Verifier::new(spec.clone(), genesis, NOW).unwrap(), &bytes).unwrap();
        assert_eq!((verified.tip, verified.weight), (chain.tip().id(), chain.weight()));
        let naive = naive::verify(&spec, NOW, &bytes).unwrap();
        assert_eq!((naive.tip, naive.weight), (verified.tip, verified.weight.0));
    }
}

/// A true chain whose miners were away for so many half-lives, and which has so many blocks since.
fn after_pause(half_lives: u32, blocks: u64) -> Chain<'static> {
    let mut chain = HONEST.fork(10_500, 3);
    let mut budget = Budget(u64::MAX);
    let late = chain.tip().time + 10 + half_lives * 2_880;
    assert!(chain.push(Next::at(late), SealMethod::Mined(&mut budget)));
    assert!(chain.push_many(blocks, 10, &mut budget));
    chain
}

/// Blocks of little work are shown until they have as much as 200 of those before. Rule: docs/protocol.md#F4
#[test]
fn a_light_tail_is_longer() {
    for (half_lives, blocks, tail) in [(1, 300, 400), (2, 700, 800), (3, 1_000, 1_600), (3, 3_000, 1_600)] {
        let chain = after_pause(half_lives, blocks);
        let proof = prove(&SPEC, &chain, Height(chain.height())).unwrap();
        assert_eq!(proof.unsampled, None, "{half_lives}, {blocks}");
        let bytes = proof.bytes(&SPEC, &chain).unwrap();
        let verified = verify(&bytes).unwrap();
        assert_eq!((verified.tip, verified.checked.tail), (chain.tip().id(), tail));
        assert_eq!(naive::verify(&SPEC, NOW, &bytes).unwrap().weight, verified.weight.0);
    }
}

/// After all but a few miners left, a sample shows too little. Rules: docs/protocol.md#F4, #F5
#[test]
fn a_chain_whose_blocks_weigh_little_now_is_not_sampled() {
    let unsampled = |half_lives, blocks| {
        let chain = after_pause(half_lives, blocks);
        let proof = prove(&SPEC, &chain, Height(chain.height())).unwrap();
        let bytes = proof.bytes(&SPEC, &chain).unwrap();
        assert_eq!(verify(&bytes).unwrap().level, Level::AllHeaders);
        assert_eq!(naive::verify(&SPEC, NOW, &bytes).unwrap().tip, chain.tip().id());
        (proof.unsampled.unwrap(), SPEC.engine().weight(&chain.tip()).0)
    };
    let (error, tip) = unsampled(5, 3);
    assert!(
        matches!(error, Unsampled::LowWorkTip { tip: found, blocks: 400, .. } if found == tip),
        "{error}"
    );
    assert_eq!(unsampled(6, 6_400).0, Unsampled::LowWorkTail { max: 6_400 });
}

/// The verdict does not depend on where the bytes are cut, and what is held at a time is small.
#[test]
fn a_proof_may_come_in_any_pieces() {
    for len in [1, 7, 100, 4_096, usize::MAX] {
        let mut verifier = verifier();
        let mut last = verifier.progress();
        for piece in PROOF.chunks(len.min(PROOF.len())) {
            let progress = verifier.push(piece).unwrap();
            assert!(progress.bytes >= last.bytes && progress.checked >= last.checked);
            assert!(progress.of == 0 || progress.checked <= progress.of, "{progress:?}");
            assert!(last.of == 0 || last.of == progress.of, "{progress:?} after {last:?}");
            last = progress;
        }
        assert_eq!((last.checked, last.bytes), (last.of, PROOF.len() as u64));
        assert_eq!(last.claimed, Some(Height(HONEST.height())));
        assert_eq!(verifier.finish(), verify(&PROOF));
    }
}

#[test]
fn a_proof_of_another_chain_is_named() {
    let other = ChainSpec::built_in("test").unwrap();
    let (found, expected) = (forge::genesis_id(&SPEC), forge::genesis_id(&other));
    let error = Verifier::new(SPEC.clone(), expected, NOW).err().unwrap();
    assert_eq!(error, LightError::OtherSpec { found, expected });
    let fault = verdict(Verifier::new(other, expected, NOW).unwrap(), &PROOF).unwrap_err();
    assert_eq!(
        (fault.rule, *fault.error),
        ("F3", LightError::OtherChain { found, expected })
    );
}

fn fault(bytes: &[u8]) -> (&'static str, LightError) {
    let fault = verify(bytes).unwrap_err();
    (fault.rule, *fault.error)
}

#[test]
fn the_head_is_checked_first() {
    let with = |at: usize, byte: u8| {
        let mut proof = PROOF.clone();
        proof[at] = byte;
        fault(&proof)
    };
    assert_eq!(with(0, b'T'), ("F3", LightError::NoProof));
    assert_eq!(with(8, 2), ("F3", LightError::UnknownVersion { found: 2, expected: 1 }));
    assert_eq!(with(9, 3), ("F3", LightError::UnknownKind { found: 3 }));
    assert_eq!(
        with(74, 2),
        (
            "L5",
            LightError::LongManifest {
                len: 512 + usize::from(PROOF[75]),
                max: 512
            }
        )
    );
    // A short chain may not be sampled, and a long one may have all its headers.
    let (_, mut short) = proof_at(10_000);
    short[9] = 2;
    let error = Unsampled::Short {
        height: 10_000,
        max: 10_000,
    };
    assert_eq!(fault(&short), ("F1", LightError::Unsampled(error)));
    assert!(verify(&short).unwrap_err().needs_all_headers());
    let mut long = short;
    long[9] = 1;
    long[42..74].copy_from_slice(HONEST.at(10_300).id().as_bytes());
    let (proof, _) = proof_at(10_300);
    long.splice(74.., proof.head[74..].iter().copied());
    let len = 2 + usize::from(u16::from_be_bytes([long[74], long[75]]));
    long.truncate(74 + len);
    encode_headers(&SPEC, &*HONEST, 1..=10_300, &mut long).unwrap();
    assert_eq!(verify(&long).unwrap().level, Level::AllHeaders);
    assert_eq!(naive::verify(&SPEC, NOW, &long).unwrap().tip, HONEST.at(10_300).id());
}

#[test]
fn a_proof_that_ends_early_or_late_is_rejected() {
    let mut longer = PROOF.clone();
    longer.push(0);
    assert_eq!(fault(&longer), ("F3", LightError::TrailingBytes));
    for (len, missing) in [
        (0, "before the manifest of its tip"),
        (80, "before the manifest of its tip"),
        (2_000, "among its records"),
        (PROOF.len() - 1, "among its headers"),
    ] {
        assert_eq!(fault(&PROOF[..len]), ("F3", LightError::Truncated { missing }));
    }
}

/// A chain that retargets so fast that a sample shows little is taken whole.
#[test]
fn a_chain_that_retargets_fast_is_not_sampled() {
    let mut spec = SPEC.clone();
    let ConsensusSpec::Pow(pow) = &mut spec.consensus;
    (pow.half_life, pow.initial_bits) = (1_999, 0x207f_ffff);
    let chain = forge::honest(&spec, 10_001, 1);
    let proof = prove(&spec, &chain, Height(10_001)).unwrap();
    assert_eq!(proof.unsampled, Some(Unsampled::FastRetargeting));
    let bytes = proof.bytes(&spec, &chain).unwrap();
    let verified = verdict(
        Verifier::new(spec.clone(), forge::genesis_id(&spec), NOW).unwrap(),
        &bytes,
    )
    .unwrap();
    assert_eq!((verified.level, verified.tip), (Level::AllHeaders, chain.tip().id()));
}

/// Times that go back by more than a quarter of a half-life are valid, and not sampled.
#[test]
fn times_that_go_far_back_are_not_sampled() {
    let mut chain = HONEST.fork(HONEST.height() - 100, 7);
    let mut budget = Budget(u64::MAX);
    let early = chain.tip().time;
    // Six late blocks and the median is late, five and it is not.
    for late in [3_000, 3_001, 3_002] {
        assert!(chain.push(Next::at(early + late), SealMethod::Mined(&mut budget)));
    }
    let median = chain.median();
    assert!(chain.push(Next::at(median + 1), SealMethod::Mined(&mut budget)));
    let proof = prove(&SPEC, &chain, Height(chain.height())).unwrap();
    let error = Unsampled::TimesGoBack {
        earliest: median + 1,
        latest: early + 3_002,
        slack: 720,
    };
    assert_eq!(proof.unsampled, Some(error));
    let bytes = proof.bytes(&SPEC, &chain).unwrap();
    assert_eq!(verify(&bytes).unwrap().level, Level::AllHeaders);
    assert_eq!(naive::verify(&SPEC, NOW, &bytes).unwrap().tip, chain.tip().id());
}

#[test]
fn a_header_ahead_of_the_readers_clock_is_named() {
    let time = UnixSecs(HONEST.tip().time.into());
    let at = |now: u64| {
        let verifier = Verifier::new(SPEC.clone(), forge::genesis_id(&SPEC), UnixSecs(now)).unwrap();
        verdict(verifier, &PROOF)
    };
    assert!(at(time.0).is_ok());
    let fault = at(u64::from(HONEST.at(2_000).time)).unwrap_err();
    assert_eq!(fault.rule, "B4");
    assert!(matches!(
        *fault.error,
        LightError::Header(BlockError::FromTheFuture { max_ahead: 120, .. })
    ));
}

#[test]
fn a_chain_of_less_work_than_one_that_is_known_is_rejected() {
    let known = HONEST.weight();
    assert!(verdict(verifier().knowing(known), &PROOF).is_ok());
    let (_, older) = proof_at(HONEST.height() - 1);
    let fault = verdict(verifier().knowing(known), &older).unwrap_err();
    assert_eq!((fault.rule, fault.height), ("F10", Some(Height(HONEST.height() - 1))));
    assert!(matches!(*fault.error, LightError::LessWork { known: found, .. } if found == known));
}

fn all_headers() -> AllHeaders {
    AllHeaders::new(SPEC.clone(), forge::genesis_id(&SPEC), NOW).unwrap()
}

/// The background check of all headers can stop anywhere and go on later.
#[test]
fn all_headers_are_resumable() {
    let mut bytes = Vec::new();
    encode_headers(&SPEC, &*HONEST, 1..=HONEST.height(), &mut bytes).unwrap();
    assert!(bytes.len() as u64 * 10 < HONEST.height() * 375, "{} bytes", bytes.len());
    let mut headers = all_headers();
    for piece in bytes.chunks(10_007) {
        headers.push(piece).unwrap();
        if !headers.is_within_header() {
            continue;
        }
        // What is kept are whole headers: the stream goes on with the next one.
        let saved = serde_json::to_string(&headers.saved()).unwrap();
        let saved = serde_json::from_str(&saved).unwrap();
        let resumed = AllHeaders::resume(SPEC.clone(), forge::genesis_id(&SPEC), NOW, saved).unwrap();
        assert_eq!((resumed.height(), resumed.id()), (headers.height(), headers.id()));
        assert_eq!(
            (resumed.weight(), resumed.history_root()),
            (headers.weight(), headers.history_root())
        );
        let mut rest = Vec::new();
        encode_headers(
            &SPEC,
            &*HONEST,
            resumed.height().0 + 1..=resumed.height().0 + 50,
            &mut rest,
        )
        .unwrap();
        let mut resumed = resumed;
        resumed.push(&rest).unwrap();
        assert_eq!(resumed.id(), HONEST.at(resumed.height().0).id());
    }
    assert_eq!(
        (headers.height(), headers.id()),
        (Height(HONEST.height()), HONEST.tip().id())
    );
    assert_eq!(headers.weight(), HONEST.weight());
    let manifest = HONEST.manifest(Height(HONEST.height())).unwrap();
    assert_eq!(headers.history_root(), manifest.history_root);
}

#[test]
fn saved_headers_that_do_not_fit_are_rejected() {
    let mut headers = all_headers();
    let mut bytes = Vec::new();
    encode_headers(&SPEC, &*HONEST, 1..=100, &mut bytes).unwrap();
    headers.push(&bytes).unwrap();
    let saved = serde_json::to_value(headers.saved()).unwrap();
    let resume = |saved: serde_json::Value| {
        let saved = serde_json::from_value(saved).unwrap();
        AllHeaders::resume(SPEC.clone(), forge::genesis_id(&SPEC), NOW, saved).map(|headers| headers.height())
    };
    assert_eq!(resume(saved.clone()), Ok(Height(100)));
    for (field, value) in [
        ("height", serde_json::json!(99)),
        ("recent_times", serde_json::json!([])),
        ("anchor_time", serde_json::Value::Null),
        ("peaks", serde_json::json!([])),
    ] {
        let mut saved = saved.clone();
        saved[field] = value;
        assert_eq!(resume(saved), Err(SavedHeadersError::Damaged), "{field}");
    }
    let mut other = saved;
    other["genesis"] = serde_json::json!(BlockId::ZERO);
    let (found, expected) = (BlockId::ZERO, forge::genesis_id(&SPEC));
    let error = LightError::OtherChain { found, expected };
    assert_eq!(resume(other), Err(SavedHeadersError::Chain(error)));
}

/// A header without work ends the check where it stands.
#[test]
fn all_headers_stop_at_the_first_that_does_not_hold() {
    let mut chain = HONEST.fork(50, 1);
    assert!(chain.push(Next::at(chain.tip().time + 10), SealMethod::None));
    let mut bytes = Vec::new();
    encode_headers(&SPEC, &chain, 1..=51, &mut bytes).unwrap();
    let mut headers = all_headers();
    let fault = headers.push(&bytes).unwrap_err();
    assert_eq!((fault.rule, fault.height), ("H5", Some(Height(51))));
    assert_eq!(fault.at as usize + 37, bytes.len());
    assert_eq!((headers.height(), headers.id()), (Height(50), HONEST.at(50).id()));
}

/// From any block on, headers alone lead to the tip's id; others, and a false time of block 1, lead elsewhere.
#[test]
fn links_lead_from_a_known_block_to_its_descendants() {
    let first_time = HONEST.at(1).time;
    let headers = |chain: &Chain<'_>, from: u64, to: u64| {
        let mut bytes = Vec::new();
        encode_headers(&SPEC, chain, from..=to, &mut bytes).unwrap();
        bytes
    };
    let tip = HONEST.height();
    for from in [0, 1, 2, tip - 300, tip] {
        let mut links = Links::after(&SPEC, Height(from), HONEST.at(from), first_time);
        headers(&HONEST, from + 1, tip)
            .chunks(1_000)
            .for_each(|part| links.push(part).unwrap());
        assert!(!links.is_within_header());
        assert_eq!((links.height(), links.id()), (Height(tip), HONEST.tip().id()), "{from}");
    }
    let from = tip - 300;
    let mut other = HONEST.fork(from + 10, 5);
    let after = |header, first_time| {
        let mut links = Links::after(&SPEC, Height(from), header, first_time);
        links.push(&headers(&HONEST, from + 1, tip)).unwrap();
        links.id()
    };
    assert_ne!(after(HONEST.at(from), first_time + 100_000), HONEST.tip().id());
    assert_ne!(after(HONEST.at(from - 1), first_time), HONEST.tip().id());
    assert!(other.push(
        Next::at(other.tip().time + 10),
        SealMethod::Mined(&mut Budget(u64::MAX))
    ));
    let mut links = Links::after(&SPEC, Height(from), HONEST.at(from), first_time);
    links.push(&headers(&other, from + 1, from + 11)).unwrap();
    assert_eq!((links.height(), links.id()), (Height(from + 11), other.tip().id()));
    assert_ne!(links.id(), HONEST.at(from + 11).id());
    links.push(&[0; 40]).unwrap();
    assert!(links.is_within_header());
    let fault = links.push(&[0xff; 60]).unwrap_err();
    assert_eq!((fault.rule, fault.height), ("F2", Some(Height(from + 13))));
}
