use tally_chain::{B256, pow::Search};

use super::*;

/// The page's chain and its rules: the built-in `local`.
pub(crate) fn local() -> (ChainInfo, ChainRules) {
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
    assert_eq!(rules.limit, Target::from_bits(EASIEST).unwrap());
    // A spec with an easier limit is another chain.
    let mut easier = ChainSpec::built_in("local").unwrap();
    let ConsensusSpec::Pow(pow) = &mut easier.consensus;
    pow.pow_limit_bits = 0x207f_ffff;
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
    let ConsensusSpec::Pow(pow) = &mut broken.consensus;
    pow.pow_limit_bits = 0;
    let why = broken.clone().checked().unwrap_err().to_string();
    assert_eq!(ChainRules::of(broken, &chain), Err(why));
}

#[test]
fn block_0_is_genesis_and_nothing_else() {
    let (_, rules) = local();
    let genesis = genesis::block(&ChainSpec::built_in("local").unwrap()).header;
    assert_eq!(rules.check(&genesis, Height::GENESIS, NOW), Ok(()));
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
    assert_eq!(rules.check(&header(EASIEST, NOW as u32), Height(7), NOW), Ok(()));
    let why = "the work that its bits 0x207fffff ask for is less than this chain allows at height 7".to_owned();
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
fn a_height_that_time_does_not_allow_asks_for_more_work() {
    let (_, rules) = local();
    // With ten seconds a block, not even a chain that had run from genesis on is there yet.
    let far = Height((NOW - 1_793_491_200) / 10 + 10_000);
    let why = format!(
        "the work that its bits 0x2000ffff ask for is less than this chain allows at height {}",
        format::count(far.0)
    );
    assert_eq!(rules.check(&header(EASIEST, NOW as u32), far, NOW), Err(why));
    // A time in the far future would allow it, and is not believed.
    let future = NOW as u32 + 100_000;
    let why = format!(
        "the block's time, {}, is more than a day ahead of this device's clock: one of the two is wrong",
        format::utc(future.into())
    );
    assert_eq!(rules.check(&header(EASIEST, future), Height(7), NOW), Err(why));
}
