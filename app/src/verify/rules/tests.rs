use tally_chain::{
    B256,
    pow::{Search, Target},
    spec::ConsensusSpec,
};

use super::*;

/// The page's chain and its rules, for which the easiest work that the spec allows is enough: the built-in `local`.
pub(crate) fn local() -> (ChainInfo, ChainRules) {
    let (chain, mut rules) = fresh();
    rules.bounds = rules.bounds.knowing(measure(EASIEST));
    (chain, rules)
}

/// The rules of `local` for a browser that has seen no block yet.
pub(crate) fn fresh() -> (ChainInfo, ChainRules) {
    let spec = ChainSpec::built_in("local").unwrap();
    let identity = genesis::identity(&spec);
    let chain = ChainInfo {
        chain_id: identity.chain_id,
        genesis_id: identity.genesis.to_string(),
        ..ChainInfo::unknown()
    };
    let rules = ChainRules::of(spec, &chain).unwrap();
    (chain, rules)
}

/// A moment some days after the genesis of `local`, Unix seconds.
pub(crate) const NOW: u64 = 1_795_424_800;
/// The easiest target of `local`.
pub(crate) const EASIEST: u32 = 0x2000_ffff;

pub(crate) fn measure(bits: u32) -> SealMeasure {
    SealMeasure::from_stored(bits).unwrap()
}

/// A header that carries the work of its bits.
pub(crate) fn mined(mut header: Header) -> Header {
    let target = Target::from_bits(header.bits).unwrap();
    header.nonce = Search::new(&header, target).scan(0, 1 << 20).unwrap();
    header
}

fn header(bits: u32, time: u32) -> Header {
    mined(Header {
        version: 1,
        parent: BlockId(B256::repeat_byte(6)),
        manifest_root: B256::repeat_byte(7),
        time,
        bits,
        nonce: 0,
    })
}

#[test]
fn only_the_spec_that_the_genesis_id_binds_gives_the_rules() {
    let (chain, rules) = local();
    assert_eq!(rules.identity.genesis.to_string(), chain.genesis_id);
    // A spec with an easier limit is another chain.
    let mut easier = ChainSpec::built_in("local").unwrap();
    match &mut easier.consensus {
        ConsensusSpec::Pow(pow) => pow.pow_limit_bits = 0x207f_ffff,
    }
    let found = genesis::identity(&easier).genesis;
    let why = format!("the node's chain spec is that of chain 8547 with genesis {found}, not of this one");
    assert_eq!(ChainRules::of(easier, &chain), Err(why));
    let test = ChainSpec::built_in("test").unwrap();
    let found = genesis::identity(&test).genesis;
    let why = format!(
        "the node's chain spec is that of chain {} with genesis {found}, not of this one",
        test.chain_id
    );
    assert_eq!(ChainRules::of(test, &chain), Err(why));
    // One that is no spec at all ends in an error, not in a panic.
    let mut broken = ChainSpec::built_in("local").unwrap();
    match &mut broken.consensus {
        ConsensusSpec::Pow(pow) => pow.pow_limit_bits = 0,
    }
    let why = broken.clone().checked().unwrap_err().to_string();
    assert_eq!(ChainRules::of(broken, &chain), Err(why));
}

#[test]
fn block_0_is_genesis_and_nothing_else() {
    let (_, rules) = local();
    let genesis = genesis::block(&ChainSpec::built_in("local").unwrap()).header;
    assert_eq!(rules.check(&genesis, Height::GENESIS, NOW), Ok(Sealed::Firm));
    let why = Err(format!("block 0 is not this chain's genesis, {}", genesis.id()));
    // Work does not make a block 0, the absence of a parent not another height.
    let sealed = header(EASIEST, NOW as u32);
    assert_eq!(rules.check(&sealed, Height::GENESIS, NOW), why);
    assert_eq!(rules.check(&genesis, Height(7), NOW), why);
    let orphan = Header {
        parent: BlockId::ZERO,
        ..sealed
    };
    assert_eq!(rules.check(&orphan, Height(7), NOW), why);
}

#[test]
fn bits_easier_than_the_limit_are_no_work() {
    let (_, rules) = local();
    assert_eq!(
        rules.check(&header(EASIEST, NOW as u32), Height(7), NOW),
        Ok(Sealed::Firm)
    );
    let why = "the work that its bits 0x207fffff require is less than this chain allows at height 7".to_owned();
    assert_eq!(rules.check(&header(0x207f_ffff, NOW as u32), Height(7), NOW), Err(why));
    let mut idle = header(EASIEST, NOW as u32);
    while rules.check(&idle, Height(7), NOW).is_ok() {
        idle.nonce += 1;
    }
    assert_eq!(
        rules.check(&idle, Height(7), NOW),
        Err("the id is above the target".to_owned())
    );
}

#[test]
fn a_height_that_time_does_not_allow_requires_more_work() {
    let (_, rules) = local();
    // With ten seconds a block, not even a chain that had run from genesis on is there yet.
    let far = Height((NOW - 1_793_491_200) / 10 + 10_000);
    let why = format!(
        "the work that its bits 0x2000ffff require is less than this chain allows at height {}",
        format::count(far.0)
    );
    assert_eq!(rules.check(&header(EASIEST, NOW as u32), far, NOW), Err(why));
    // A time in the far future would allow it, and is rejected.
    let future = NOW as u32 + 100_000;
    let why = format!(
        "the block's time, {}, is more than a day ahead of this device's clock: one of the two is wrong",
        format::utc(future.into())
    );
    assert_eq!(rules.check(&header(EASIEST, future), Height(7), NOW), Err(why));
}

#[test]
fn a_block_that_costs_little_beside_the_chains_work_is_the_nodes_word() {
    let (_, rules) = fresh();
    let check = |rules: &ChainRules, bits| rules.check(&header(bits, NOW as u32), Height(7), NOW);
    // Block 1 of this chain came long after genesis, so that the spec's limit, 256 hashes, is all that its rules require.
    assert_eq!(check(&rules, EASIEST), Ok(Sealed::Light));
    // Of what was seen the hardest counts: 2^16 hashes here, so 2^12 are enough and a hash less is not.
    let (_, mut seen) = local();
    assert_eq!(check(&seen, EASIEST), Ok(Sealed::Firm));
    for bits in [0x1f00_ffff, EASIEST] {
        seen = seen.having_seen(Some(measure(bits)));
        assert_eq!(check(&seen, 0x1f0f_fff0), Ok(Sealed::Firm));
        assert_eq!(check(&seen, 0x1f0f_fff1), Ok(Sealed::Light));
    }
    assert_eq!(seen.clone().having_seen(None), seen);
    // Genesis carries no work.
    let genesis = genesis::block(&ChainSpec::built_in("local").unwrap()).header;
    assert_eq!(seen.check(&genesis, Height::GENESIS, NOW), Ok(Sealed::Firm));
}
