//! The chain of the laboratory: its spec, its accounts, and what a scenario knows when it begins.

use std::collections::BTreeSet;

use tally_chain::multisig::Policy;
use tally_chain::spec::{Allocation, ConsensusSpec, FeesSpec, IssuanceSpec, LimitsSpec, ProofOfWorkSpec};
use tally_chain::transaction::{ChainIdentity, Payload};
use tally_chain::{Address, Amount, Bytes, ChainSpec, U256, UnixSecs, genesis};

use crate::catalogue::CATALOGUE;
use crate::keys::{RsaSigner, Secp256k1Signer, Signer};

/// What each account of the laboratory holds at genesis, in coins.
pub const BALANCE: &str = "1000";
/// Accounts of each scenario.
const ACCOUNTS: u8 = 4;
/// Base units per gas that payments offer.
const MAX_FEE: u128 = 3_000_000_000;
/// The part of it for the producer.
const PRIORITY_FEE: u128 = 1_000_000_000;
/// Gas that payments allow: more than any of them uses.
pub(crate) const GAS_LIMIT: u64 = 50_000;

/// The chain spec of a laboratory that begins now. Blocks are 16 hashes each, so that real work is cheap; their difficulty stays
/// as it is for hours.
///
/// It has a genesis of its own for each second in which one begins, so that nothing of one laboratory is valid in another.
pub fn spec(now: UnixSecs) -> ChainSpec {
    let balance = Amount::from_coins(BALANCE).expect("a constant of this crate");
    let allocation = |address| Allocation {
        address,
        balance,
        label: "PUBLIC account of the laboratory".to_owned(),
    };
    let spec = ChainSpec {
        name: "lab".to_owned(),
        chain_id: 8_600,
        symbol: "LAB".to_owned(),
        genesis_time: u32::try_from(now.0.saturating_sub(3_600)).unwrap_or(0),
        consensus: ConsensusSpec::Pow(ProofOfWorkSpec {
            spacing: 10,
            half_life: 864_000,
            pow_limit_bits: 0x207f_ffff,
            initial_bits: 0x200f_ffff,
        }),
        limits: LimitsSpec {
            gas_limit: 30_000_000,
            block_bytes: 1 << 20,
        },
        fees: FeesSpec {
            initial_base_fee: 1_000_000_000,
            min_base_fee: 1_000_000_000,
        },
        issuance: IssuanceSpec {
            reward: Amount::from_coins("50").expect("a constant of this crate"),
            halving_interval: 0,
        },
        allocations: addresses().into_iter().map(allocation).collect(),
    };
    spec.checked().expect("the spec of the laboratory follows the rules")
}

/// All accounts that hold money at genesis, those of weak keys included: only a rule keeps these from paying.
fn addresses() -> BTreeSet<Address> {
    let own = CATALOGUE.iter().flat_map(|scenario| {
        (0..ACCOUNTS)
            .map(|index| Secp256k1Signer::of(scenario.id, index).address())
            .chain([policy(scenario.id).address()])
    });
    let rsa = (0..3)
        .map(RsaSigner::good)
        .chain([RsaSigner::short(), RsaSigner::cube()]);
    own.chain(rsa.map(|key| key.address())).collect()
}

/// Two of the first three keys of a scenario.
pub(crate) fn policy(scenario: &str) -> Policy {
    let keys = (0..3).map(|index| Secp256k1Signer::of(scenario, index).public());
    Policy::new(2, keys.collect()).expect("three different keys make a policy")
}

/// What a scenario makes its transactions for.
#[derive(Debug, Clone)]
pub struct Bench {
    /// The chain.
    pub spec: ChainSpec,
    /// What signatures are bound to.
    pub identity: ChainIdentity,
    /// The time, in Unix seconds.
    pub now: UnixSecs,
}

impl Bench {
    /// On this chain at this time.
    pub fn new(spec: ChainSpec, now: UnixSecs) -> Self {
        Self {
            identity: genesis::identity(&spec),
            spec,
            now,
        }
    }

    /// A payment of base units with the memo `lab`.
    pub fn payment(&self, nonce: u64, to: Address, value: Amount) -> Payload {
        Payload {
            chain_id: self.spec.chain_id,
            nonce,
            timestamp: self.now,
            max_priority_fee: PRIORITY_FEE,
            max_fee: MAX_FEE,
            gas_limit: GAS_LIMIT,
            to: Some(to),
            value,
            data: Bytes::from_static(b"lab"),
        }
    }

    /// A payment of ten coins.
    pub fn ten(&self, nonce: u64, to: Address) -> Payload {
        self.payment(nonce, to, coins(10))
    }

    /// The most that such a payment's fee can become.
    pub(crate) fn highest_fee(&self) -> Amount {
        let price = Amount(U256::from(MAX_FEE));
        price.checked_mul(GAS_LIMIT).expect("a price of this crate is small")
    }
}

/// So many coins.
pub(crate) fn coins(count: u64) -> Amount {
    let one = Amount(U256::from(10).pow(U256::from(18)));
    one.checked_mul(count).expect("an amount of this crate is small")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spec_is_read_back_as_it_was_written_and_differs_by_the_second() {
        let spec = spec(UnixSecs(1_800_000_000));
        assert_eq!(ChainSpec::from_toml(&spec.to_toml()), Ok(spec.clone()));
        let next = super::spec(UnixSecs(1_800_000_001));
        assert_ne!(genesis::identity(&spec), genesis::identity(&next));
        assert_eq!(coins(1_000), Amount::from_coins(BALANCE).unwrap());
    }
}
