//! The chain that tests of the light client share: `local` with blocks of 256 hashes, which may become as easy as 2.

#![allow(
    dead_code,
    reason = "every test binary includes this module and uses its own part of it"
)]

use std::sync::LazyLock;

use tally_chain::light::forge::{self, Chain};
use tally_chain::light::{Proof, prove};
use tally_chain::spec::ConsensusSpec;
use tally_chain::{ChainSpec, Height, UnixSecs};

/// A reader's clock: later than every block here.
pub const NOW: UnixSecs = UnixSecs(4_000_000_000);

pub static SPEC: LazyLock<ChainSpec> = LazyLock::new(|| {
    let mut spec = ChainSpec::built_in("local").unwrap();
    let ConsensusSpec::Pow(pow) = &mut spec.consensus;
    pow.pow_limit_bits = 0x207f_ffff;
    pow.initial_bits = 0x2000_ffff;
    spec
});

/// A true chain, long enough for every forger.
pub static HONEST: LazyLock<Chain<'static>> = LazyLock::new(|| forge::honest(&SPEC, forge::least_height() + 1, 1));

/// The proof of its block of this height, and its bytes.
pub fn proof_at(height: u64) -> (Proof, Vec<u8>) {
    let proof = prove(&SPEC, &*HONEST, Height(height)).unwrap();
    let bytes = proof.bytes(&SPEC, &*HONEST).unwrap();
    (proof, bytes)
}
