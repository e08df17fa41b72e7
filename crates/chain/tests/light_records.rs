//! The records of a sample are those that the tip draws, no fewer and no more. Rules: docs/protocol.md#F4, #F5

#[path = "light/naive.rs"]
mod naive;
#[path = "light/world.rs"]
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use tally_chain::light::{LightError, LightFault, Verified, Verifier, forge};
use tally_chain::{Manifest, U256};
use world::{HONEST, NOW, SPEC, proof_at};

fn verdict(proof: &[u8]) -> Result<Verified, LightFault> {
    let mut verifier = Verifier::new(SPEC.clone(), forge::genesis_id(&SPEC), NOW).unwrap();
    verifier.push(proof)?;
    verifier.finish()
}

/// By which rule the proof is rejected, and why; the independent verifier has to find the same rule.
fn rejected(proof: &[u8]) -> (&'static str, LightError) {
    let fault = verdict(proof).unwrap_err();
    assert_eq!(naive::verify(&SPEC, NOW, proof), Err(fault.rule), "{fault}");
    (fault.rule, *fault.error)
}

/// The true chain with other records.
fn with_records(edit: impl Fn(&mut BTreeSet<u64>)) -> Vec<u8> {
    forge::sample(&HONEST, None, Some(&edit)).unwrap()
}

struct Sample {
    tail_blocks: u64,
    /// First blocks of the windows, of the tail's as well.
    windows: BTreeSet<u64>,
    /// The blocks that are drawn, each with its lowest place.
    drawn: BTreeMap<u64, U256>,
}

/// What the independent verifier draws.
static SAMPLE: LazyLock<Sample> = LazyLock::new(|| {
    let tip = HONEST.height();
    let tail_blocks = verdict(&proof_at(tip).1).unwrap().checked.tail;
    let weight = |height: u64| SPEC.engine().weight(&HONEST.at(height)).0;
    let tail = (tip + 1 - tail_blocks..=tip).fold(U256::ZERO, |sum, height| sum + weight(height));
    let places = naive::draw(HONEST.tip().id(), HONEST.weight().0, tail, weight(tip));
    let mut places = places.unwrap().places.into_iter().peekable();
    let (mut drawn, mut after) = (BTreeMap::new(), U256::ZERO);
    for height in 0..=tip {
        after += weight(height);
        while let Some(place) = places.next_if(|place| *place < after) {
            drawn.entry(height).or_insert(place);
        }
    }
    let lengths = (0..).map(|doubled| 200 << doubled);
    let windows = lengths
        .take_while(|length| *length <= tip)
        .map(|length| tip + 1 - length);
    Sample {
        tail_blocks,
        windows: windows.filter(|first| *first <= tip + 1 - tail_blocks).collect(),
        drawn,
    }
});

/// Drawn blocks that are records for no other reason.
fn only_drawn() -> impl Iterator<Item = (u64, U256)> {
    let drawn = SAMPLE.drawn.iter().map(|(number, place)| (*number, *place));
    drawn.filter(|(number, _)| *number > 1 && !SAMPLE.windows.contains(number))
}

#[test]
fn the_records_are_those_of_the_rules() {
    let expected: BTreeSet<u64> = SAMPLE.drawn.keys().chain(&SAMPLE.windows).copied().chain([1]).collect();
    let proof = with_records(|records| assert!(records.iter().eq(expected.iter().filter(|number| **number > 0))));
    assert_eq!(proof, proof_at(HONEST.height()).1);
}

#[test]
fn a_drawn_block_that_is_left_out_is_missed() {
    assert!(only_drawn().count() > 50);
    for (number, place) in only_drawn().step_by(3) {
        let proof = with_records(|records| assert!(records.remove(&number)));
        assert_eq!(rejected(&proof), ("F5", LightError::NotShown { place }), "{number}");
    }
}

#[test]
fn a_drawn_block_that_is_shown_as_a_parent_alone_is_missed() {
    let is_shown = |number: u64| SAMPLE.drawn.contains_key(&number) || SAMPLE.windows.contains(&number);
    let (beside_shown, others): (Vec<_>, Vec<_>) = only_drawn().partition(|(number, _)| is_shown(number + 1));
    assert!(!beside_shown.is_empty() && others.len() > 50, "{beside_shown:?}");
    for (number, place) in beside_shown.into_iter().chain(others.into_iter().step_by(5)) {
        let proof = with_records(|records| {
            assert!(records.remove(&number));
            // Of the first ones nothing else is wrong.
            records.insert(number + 1);
        });
        assert_eq!(rejected(&proof), ("F5", LightError::NotShown { place }), "{number}");
    }
}

#[test]
fn a_block_that_was_not_drawn_is_too_much() {
    let first_of_tail = HONEST.height() + 1 - SAMPLE.tail_blocks;
    let others = (2..first_of_tail).filter(|number| !SAMPLE.drawn.contains_key(number));
    for number in others.filter(|number| !SAMPLE.windows.contains(number)).step_by(397) {
        let proof = with_records(|records| assert!(records.insert(number)));
        assert_eq!(rejected(&proof), ("F5", LightError::NotDrawn { number }));
    }
}

#[test]
fn windows_begin_with_records() {
    let tail = *SAMPLE.windows.last().unwrap();
    for number in SAMPLE.windows.iter().copied().filter(|number| *number < tail) {
        let proof = with_records(|records| assert!(records.remove(&number)));
        assert_eq!(rejected(&proof), ("F5", LightError::WindowNotShown { number }));
        // Its header alone is not enough.
        let proof = with_records(|records| {
            assert!(records.remove(&number));
            records.insert(number + 1);
        });
        assert_eq!(rejected(&proof), ("F5", LightError::WindowNotShown { number }));
    }
}

/// The true chain with a tail of another length.
#[test]
fn the_tail_has_one_length() {
    let blocks = SAMPLE.tail_blocks;
    let other = |blocks| rejected(&forge::sample(&HONEST, Some(blocks), None).unwrap());
    let longer = 2 * blocks;
    assert_eq!(other(longer), ("F4", LightError::LongTail { blocks: longer }));
    let odd = with_records(|records| {
        let first = records.pop_last().unwrap();
        records.insert(first - 1);
    });
    let error = LightError::TailLength {
        blocks: blocks + 1,
        min: 200,
        max: 6_400,
    };
    assert_eq!(rejected(&odd), ("F4", error));
}

/// Number and bytes of a record.
type Record = (u64, Vec<u8>);

/// The records, and what stands before and after them.
fn taken_apart(proof: &[u8]) -> (Vec<u8>, Vec<Record>, Vec<u8>) {
    let len = |at: usize| 2 + usize::from(u16::from_be_bytes([proof[at], proof[at + 1]]));
    let begin = 74 + len(74) + 4;
    let count = u32::from_be_bytes(proof[begin - 4..begin].try_into().unwrap());
    let (mut at, mut records) = (begin, Vec::<Record>::new());
    for _ in 0..count {
        let header = at + len(at);
        let number = Manifest::decode(&proof[at + 2..header]).unwrap().number.0;
        let parent_is_there = records.last().is_none_or(|(last, _)| last + 1 == number);
        let end = header + if parent_is_there { 80 } else { 160 };
        records.push((number, proof[at..end].to_vec()));
        at = end;
    }
    (proof[..begin].to_vec(), records, proof[at..].to_vec())
}

#[test]
fn records_ascend() {
    let proof = proof_at(HONEST.height()).1;
    let (head, records, rest) = taken_apart(&proof);
    let assembled = |records: &[Record]| {
        let each = records.iter().flat_map(|(_, bytes)| bytes.clone());
        head.iter()
            .copied()
            .chain(each)
            .chain(rest.iter().copied())
            .collect::<Vec<u8>>()
    };
    assert_eq!(assembled(&records), proof);
    let newest = HONEST.height() - 200;
    let error = |found, first, last| ("F5", LightError::RecordOrder { found, first, last });
    // Two that have their own parents with them, changed over.
    let apart = |at: &usize| records[*at..*at + 3].windows(2).all(|two| two[0].0 + 1 < two[1].0);
    let mut swapped = records.clone();
    let at = (2..records.len() - 4).find(apart).unwrap();
    let (first, second) = (records[at + 1].0, records[at + 2].0);
    swapped.swap(at + 1, at + 2);
    assert_eq!(rejected(&assembled(&swapped)), error(first, second + 1, newest));
    // One that is there twice.
    let mut twice = records.clone();
    twice.insert(at + 1, records[at + 1].clone());
    assert_eq!(rejected(&assembled(&twice)), error(first, first + 1, newest));
    // The first one is block 1, and the last one is no later than the shortest tail begins.
    let without_first = with_records(|records| assert!(records.remove(&1)));
    assert_eq!(rejected(&without_first), error(records[1].0, 1, 1));
    let late = with_records(|records| {
        records.pop_last();
        records.insert(newest + 2);
    });
    let begins = HONEST.height() + 1 - 6_400;
    let next = records[records.len() - 2].0 + 1;
    let fault = verdict(&late).unwrap_err();
    assert_eq!(
        (fault.rule, *fault.error),
        error(newest + 2, next.max(begins), newest + 1)
    );
    assert_eq!(naive::verify(&SPEC, NOW, &late), Err("F4"));
}

/// As soon as it is known: how much work nodes between so many blocks may have takes long to find out.
#[test]
fn more_records_than_a_height_allows_are_rejected_before_one_is_read() {
    let (_, proof) = proof_at(HONEST.height());
    let manifest = usize::from(u16::from_be_bytes([proof[74], proof[75]]));
    let with_count = |count: u32| {
        let mut head = proof[..76 + manifest].to_vec();
        head.extend_from_slice(&count.to_be_bytes());
        head
    };
    let (min, max) = (2, 1 + 7 * 34 + 7);
    let count = max + 1;
    let error = LightError::RecordCount { count, min, max };
    assert_eq!(rejected(&with_count(count as u32)), ("F5", error));
    let mut verifier = Verifier::new(SPEC.clone(), forge::genesis_id(&SPEC), NOW).unwrap();
    assert!(verifier.push(&with_count(max as u32)).is_ok());
}
