use tally_chain::{
    Header,
    pow::{Search, Target},
    spec::ConsensusSpec,
};

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
