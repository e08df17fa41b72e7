//! What the engine decides of a block, and that blocks and headers use it alike.

mod support;

use support::chain::{after_genesis, block_one, chain_of, next_block, spec};
use tally_chain::consensus::{HeaderSeal, SealError, WorkSealError};
use tally_chain::pow::{BitsError, Target};
use tally_chain::seal::check_without_spec;
use tally_chain::{BlockError, ChainSpec, Header, genesis};

#[test]
fn the_engine_makes_the_seal_of_genesis_and_of_the_next_block() {
    let engine = spec().engine();
    let genesis = genesis::block(&spec());
    let seal = engine.genesis_seal();
    let expected = HeaderSeal {
        version: engine.header_version(),
        bits: 0x207f_ffff,
        nonce: 0,
    };
    assert_eq!(seal, expected);
    let header = genesis.header;
    assert_eq!(seal.header(header.parent, header.manifest_root, header.time), header);
    assert_eq!(genesis.manifest.seal, engine.manifest_seal());
    assert_eq!(engine.check_manifest(&genesis.manifest), Ok(()));
    assert!(engine.is_mined());
    // Block 1 has the same; what a miner searches for is the target of these bits.
    let next = engine.next_seal(&after_genesis());
    assert_eq!(next, expected);
    assert_eq!(
        engine.mining_target(&next).map(|target| target.to_bits()),
        Ok(next.bits)
    );
    let (bits, limit) = (0x2100_8000, 0x207f_ffff);
    let above = SealError::Work(WorkSealError::TargetAboveLimit { bits, limit });
    assert_eq!(engine.mining_target(&HeaderSeal { bits, ..next }), Err(above));
}

#[test]
fn the_engine_gives_the_times_that_a_block_may_have() {
    let engine = spec().engine();
    assert_eq!(engine.max_ahead(), 12 * u64::from(engine.spacing()));
    let (_, ancestors) = chain_of(20, 3);
    let earliest = ancestors.earliest_time(&spec());
    assert_eq!(earliest, ancestors.median_time() + 1);
    assert_eq!(earliest, engine.earliest_time(&ancestors.recent_times));
    let now = tally_chain::UnixSecs(u64::from(earliest));
    let link = |time| {
        let block = next_block(&ancestors, time, Vec::new());
        let checked = support::chain::check_at(block, now).unwrap();
        checked.link(&ancestors, &spec()).map(|_| ())
    };
    assert_eq!(link(earliest), Ok(()));
    let (time, median) = (earliest - 1, earliest - 1);
    assert_eq!(link(time), Err(BlockError::TooEarly { time, median }));
    // No time is after the last one that a header can hold.
    assert_eq!(engine.earliest_time(&[u32::MAX]), u32::MAX);
    assert_eq!(engine.earliest_time(&[]), 1);
}

/// The same header, with a nonce that does not seal it.
fn unsealed(mut header: Header) -> (Header, SealError) {
    let target = Target::from_bits(header.bits).unwrap();
    while target.is_met_by(&header.id()) {
        header.nonce += 1;
    }
    let (id, bits) = (header.id(), header.bits);
    (header, WorkSealError::NotEnoughWork { id, bits }.into())
}

#[test]
fn a_reader_without_a_spec_uses_the_same_check() {
    let (engine, header) = (spec().engine(), block_one().header);
    assert_eq!(check_without_spec(&header), Ok(engine.weight(&header)));
    let (header, error) = unsealed(header);
    assert_eq!(check_without_spec(&header), Err(error.clone()));
    assert_eq!(engine.check_header(&header), Err(error));
    // Genesis has no seal, and a header without a parent is not thereby genesis: its id shows that.
    let genesis = genesis::block(&ChainSpec::built_in("local").unwrap()).header;
    let (id, bits) = (genesis.id(), genesis.bits);
    let error = WorkSealError::NotEnoughWork { id, bits };
    assert_eq!(check_without_spec(&genesis), Err(error.into()));
    let bits = 0;
    let none = Header { bits, ..genesis };
    assert_eq!(check_without_spec(&none), Err(BitsError::Zero { bits }.into()));
}
