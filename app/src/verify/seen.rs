//! What this browser has verified of a chain: its highest block, so that an older state is not taken for the present one, and
//! its hardest seal, so that a block that cost next to nothing is not taken for one of it. Rule: docs/protocol.md#W57

use std::{cell::RefCell, collections::BTreeMap};

use serde::{Serialize, de::DeserializeOwned};
use tally_chain::{BlockId, seal::SealMeasure};

use super::checks::{check_manifest, header};
use super::rules::{ChainRules, Sealed};
use crate::{browser, model::BlockEvidence};

fn height_key(genesis: &str) -> String {
    format!("tally.seen.{genesis}")
}

fn work_key(genesis: &str) -> String {
    format!("tally.seen-work.{genesis}")
}

thread_local! {
    /// What the storage did not take, by key: full or forbidden, it shall not make an older state look like the present one
    /// for as long as the page lives.
    static UNSTORED: RefCell<BTreeMap<String, String>> = const { RefCell::new(BTreeMap::new()) };
}

/// The values of this page's memory and of the browser's storage, which another tab may have written.
fn read<T: DeserializeOwned>(key: &str) -> impl Iterator<Item = T> + use<T> {
    let unstored: Option<T> =
        UNSTORED.with_borrow(|unstored| unstored.get(key).and_then(|text| serde_json::from_str(text).ok()));
    unstored.into_iter().chain(browser::load(key))
}

/// Keeps a value in the storage of the browser, or in this page's memory where that does not take it.
fn write(key: String, value: &impl Serialize) {
    let Ok(text) = serde_json::to_string(value) else { return };
    UNSTORED.with_borrow_mut(|unstored| match browser::keep(&key, &text) {
        Ok(()) => unstored.remove(&key),
        Err(_) => unstored.insert(key, text),
    });
}

fn remove(key: &str) {
    UNSTORED.with_borrow_mut(|unstored| unstored.remove(key));
    browser::forget(key);
}

/// The height of the highest block; 0 where none was seen.
pub fn highest(genesis: &str) -> u64 {
    read::<u64>(&height_key(genesis)).max().unwrap_or_default()
}

/// The hardest seal of a verified block.
pub fn hardest(genesis: &str) -> Option<SealMeasure> {
    let stored = read::<u32>(&work_key(genesis));
    stored.filter_map(SealMeasure::from_stored).reduce(SealMeasure::harder)
}

/// Takes the chain as a node shows it from now on, however much of it was seen before.
pub fn forget(genesis: &str) {
    remove(&height_key(genesis));
    remove(&work_key(genesis));
}

/// Remembers the height of a verified block.
pub fn add(genesis: &str, height: u64) {
    if height > highest(genesis) {
        write(height_key(genesis), &height);
    }
}

/// Remembers height and work of a block, if it holds and its work counts by these rules, on whatever page it was shown.
pub fn add_block(genesis: &str, rules: &ChainRules, block: &BlockEvidence, now: u64) {
    let Some((height, measure)) = worth(rules, block, now) else {
        return;
    };
    add(genesis, height);
    if hardest(genesis).is_none_or(|known| measure.is_harder_than(known)) {
        write(work_key(genesis), &measure.stored());
    }
}

/// Height and measure of a block whose seal others are measured by: none of genesis, which has no seal, of one that does not
/// hold, and of one that may be made up.
fn worth(rules: &ChainRules, block: &BlockEvidence, now: u64) -> Option<(u64, SealMeasure)> {
    let header = header(block).ok()?;
    let manifest = check_manifest(&header, block).ok()?;
    let firm = header.parent != BlockId::ZERO && rules.check(&header, manifest.number, now) == Ok(Sealed::Firm);
    let measure = SealMeasure::of(&header)?;
    firm.then_some((manifest.number.0, measure))
}

#[cfg(test)]
mod tests {
    use tally_chain::{B256, Bytes, ChainSpec, Header, Height, Manifest, genesis};

    use super::*;
    use crate::verify::rules::tests::{EASIEST, NOW, fresh, local, measure, mined};

    fn block(bits: u32) -> BlockEvidence {
        let genesis = genesis::block(&ChainSpec::built_in("local").unwrap());
        let manifest = Manifest {
            number: Height(7),
            ..genesis.manifest
        };
        let header = mined(Header {
            parent: BlockId(B256::repeat_byte(6)),
            manifest_root: manifest.root(),
            time: NOW as u32,
            bits,
            ..genesis.header
        });
        BlockEvidence {
            header: Bytes::copy_from_slice(&header.encode()),
            manifest: manifest.encode().into(),
        }
    }

    #[test]
    fn what_was_seen_counts_where_the_storage_takes_nothing() {
        // Outside of a browser nothing is stored.
        let none = Err("only a browser keeps something".to_owned());
        assert_eq!(browser::keep("tally.any", "1"), none);
        let (_, rules) = local();
        let hard = measure(0x1f00_ffff);
        add("a", 5);
        // A block of any page counts: a balance of an older one is not the present one.
        add_block("a", &rules, &block(0x1f00_ffff), NOW);
        add_block("a", &rules, &block(EASIEST), NOW);
        add("a", 6);
        assert_eq!((highest("a"), hardest("a")), (7, Some(hard)));
        add("a", 8);
        assert_eq!(highest("a"), 8);
        assert_eq!((highest("b"), hardest("b")), (0, None));
        forget("a");
        assert_eq!((highest("a"), hardest("a")), (0, None));
    }

    #[test]
    fn only_a_verified_block_raises_the_measure() {
        let (_, rules) = local();
        let hard = block(0x1f00_ffff);
        let expected = Some((7, measure(0x1f00_ffff)));
        assert_eq!(worth(&rules, &hard, NOW), expected);
        // One that may be made up, one with another manifest, and genesis.
        assert_eq!(worth(&fresh().1, &block(EASIEST), NOW), None);
        let other = BlockEvidence {
            manifest: block(EASIEST).manifest,
            header: hard.header.clone(),
        };
        assert_eq!(worth(&rules, &other, NOW), expected, "the same manifest");
        let genesis = genesis::block(&ChainSpec::built_in("local").unwrap());
        let torn = BlockEvidence {
            manifest: genesis.manifest.encode().into(),
            header: hard.header,
        };
        assert_eq!(worth(&rules, &torn, NOW), None);
        let first = BlockEvidence {
            header: Bytes::copy_from_slice(&genesis.header.encode()),
            manifest: genesis.manifest.encode().into(),
        };
        assert_eq!(worth(&rules, &first, NOW), None);
    }
}
