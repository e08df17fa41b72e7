//! The chain spec: what makes a chain this chain. Rules: docs/protocol.md#C1, #C2

use alloy_primitives::{Address, B256};
use alloy_rlp::Encodable;
use serde::{Deserialize, Serialize};

use crate::address;
use crate::codec::wrap_list;
use crate::consensus::{Engine, SealError, WorkSealError};
use crate::hash::sha256;
use crate::units::{Amount, Height};
use crate::visible;

pub use crate::consensus::ProofOfWorkSpec;

/// Longest spec, in bytes. Rule: docs/protocol.md#L8
pub const MAX_SPEC_BYTES: usize = 1_048_576;
/// Most accounts with a balance at genesis. Rule: docs/protocol.md#L8
pub const MAX_ALLOCATIONS: usize = 10_000;
/// Longest `name`, in bytes. Rule: docs/protocol.md#L8
pub const MAX_NAME_BYTES: usize = 64;
/// Longest `symbol`, in bytes. Rule: docs/protocol.md#L8
pub const MAX_SYMBOL_BYTES: usize = 12;
/// Largest `block_bytes`. Rule: docs/protocol.md#L1
pub const MAX_BLOCK_BYTES: u64 = 134_217_728;

/// Latest genesis time, in Unix seconds: a year before the last time that a header can hold, so that there is time for blocks.
/// Rule: docs/protocol.md#C1
pub const MAX_GENESIS_TIME: u32 = u32::MAX - 31_536_000;

/// Why a text is not a chain spec.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant names its fields")]
pub enum SpecError {
    #[error("chain spec has {len} bytes, at most {max} are allowed")]
    TooLong { len: usize, max: usize },
    #[error("chain spec is not valid TOML of the expected form: {message}")]
    Toml { message: String },
    #[error("{field} has {len} bytes, expected 1 to {max}")]
    TextLength {
        field: &'static str,
        len: usize,
        max: usize,
    },
    #[error("{field} has the character U+{code:04X}, which cannot be seen or changes how the rest is seen")]
    HiddenCharacter { field: &'static str, code: u32 },
    #[error("{field} is {found}, expected {min} to {max}")]
    OutOfRange {
        field: &'static str,
        found: u64,
        min: u64,
        max: u64,
    },
    #[error("{field}: {source}")]
    Target { field: &'static str, source: SealError },
    #[error("allocations: {count} entries, at most {max} are allowed")]
    TooManyAllocations { count: usize, max: usize },
    #[error("allocations: {address} occurs twice")]
    DuplicateAllocation { address: Address },
    #[error("allocations: the sum is 2^256 base units or more")]
    AllocationOverflow,
    #[error("no chain is built in under the name {name:?}; built in are local and test")]
    UnknownBuiltIn { name: String },
}

/// `[consensus]`, by engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "engine", rename_all = "lowercase")]
pub enum ConsensusSpec {
    /// SHA-256d proof of work.
    Pow(ProofOfWorkSpec),
}

impl ConsensusSpec {
    /// Rule: docs/protocol.md#C1
    fn check(&self) -> Result<(), SpecError> {
        match self {
            Self::Pow(pow) => {
                range("consensus.spacing", pow.spacing.into(), 1, 86_400)?;
                range("consensus.half_life", pow.half_life.into(), 1, 31_536_000)?;
                let target = |field| {
                    move |error: WorkSealError| SpecError::Target {
                        field,
                        source: error.into(),
                    }
                };
                pow.check_limit().map_err(target("consensus.pow_limit_bits"))?;
                let initial = pow.target(pow.initial_bits);
                initial.map(drop).map_err(target("consensus.initial_bits"))
            }
        }
    }

    /// The engine's name and parameters, as the spec's hash has them. Rule: docs/protocol.md#C2
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Pow(pow) => {
                "pow".encode(out);
                pow.spacing.encode(out);
                pow.half_life.encode(out);
                pow.pow_limit_bits.encode(out);
                pow.initial_bits.encode(out);
            }
        }
    }
}

fn range(field: &'static str, found: u64, min: u64, max: u64) -> Result<(), SpecError> {
    if (min..=max).contains(&found) {
        Ok(())
    } else {
        Err(SpecError::OutOfRange { field, found, min, max })
    }
}

/// `[limits]`: what a block may have at most.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsSpec {
    /// Gas of all transactions of a block.
    pub gas_limit: u64,
    /// Bytes of an encoded block, at most [`MAX_BLOCK_BYTES`]. Rule: docs/protocol.md#L1
    pub block_bytes: u64,
}

/// Base units per gas.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeesSpec {
    /// `base_fee` of genesis.
    pub initial_base_fee: u64,
    /// The base fee never falls below this.
    pub min_base_fee: u64,
}

/// `[issuance]`: what blocks create.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuanceSpec {
    /// Subsidy of block 1, in base units.
    pub reward: Amount,
    /// Blocks between halvings; 0 never halves.
    pub halving_interval: u64,
}

/// Money that exists from genesis on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Allocation {
    /// The account, as 0x-prefixed hex.
    #[serde(with = "address_text")]
    pub address: Address,
    /// What it holds at genesis, in base units.
    pub balance: Amount,
    /// A name for the account; may be empty.
    #[serde(default)]
    pub label: String,
}

/// A whole chain spec. Rule: docs/protocol.md#C1
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChainSpec {
    /// 1 to [`MAX_NAME_BYTES`] bytes.
    pub name: String,
    /// The number that signatures are bound to. Rule: docs/protocol.md#T5
    pub chain_id: u64,
    /// What amounts are shown in, 1 to [`MAX_SYMBOL_BYTES`] bytes.
    pub symbol: String,
    /// Unix seconds.
    pub genesis_time: u32,
    /// The engine and its parameters.
    pub consensus: ConsensusSpec,
    /// What a block may have at most.
    pub limits: LimitsSpec,
    /// Where the base fee begins and how low it falls.
    pub fees: FeesSpec,
    /// What blocks create.
    pub issuance: IssuanceSpec,
    /// Balances at genesis, sorted by address, each address once.
    #[serde(default)]
    pub allocations: Vec<Allocation>,
}

mod address_text {
    use super::{Address, address};
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    pub fn serialize<S: Serializer>(address: &Address, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(address)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Address, D::Error> {
        let text = String::deserialize(deserializer)?;
        address::parse(&text).map_err(D::Error::custom)
    }
}

impl ChainSpec {
    /// Reads and checks a spec; allocations come out sorted by address.
    pub fn from_toml(text: &str) -> Result<Self, SpecError> {
        if text.len() > MAX_SPEC_BYTES {
            return Err(SpecError::TooLong {
                len: text.len(),
                max: MAX_SPEC_BYTES,
            });
        }
        let spec: Self = toml::from_str(text).map_err(|error| SpecError::Toml {
            message: error.message().to_owned(),
        })?;
        spec.checked()
    }

    /// A spec that came in another form than TOML, such as a node's JSON answer, checked as that of a file is; allocations
    /// come out sorted by address. Rules: docs/protocol.md#C1, #L8
    pub fn checked(mut self) -> Result<Self, SpecError> {
        // A file may list them in any order; the hash has one (C2).
        self.allocations.sort_by_key(|a| a.address);
        self.check()?;
        Ok(self)
    }

    /// The spec as TOML; [`Self::from_toml`] reads it back.
    pub fn to_toml(&self) -> String {
        toml::to_string_pretty(self).expect("a chain spec has only TOML types")
    }

    /// A built-in spec: `local` or `test`.
    pub fn built_in(name: &str) -> Result<Self, SpecError> {
        let text = match name {
            "local" => include_str!("../specs/local.toml"),
            "test" => include_str!("../specs/test.toml"),
            _ => return Err(SpecError::UnknownBuiltIn { name: name.to_owned() }),
        };
        Self::from_toml(text)
    }

    fn check(&self) -> Result<(), SpecError> {
        let text = |field, text: &str, min: usize, max: usize| match (text.len(), visible::hidden(text)) {
            (len, _) if len < min || len > max => Err(SpecError::TextLength { field, len, max }),
            (_, Some(c)) => Err(SpecError::HiddenCharacter { field, code: c.into() }),
            _ => Ok(()),
        };
        text("name", &self.name, 1, MAX_NAME_BYTES)?;
        text("symbol", &self.symbol, 1, MAX_SYMBOL_BYTES)?;
        // The upper bound keeps EIP-155's v within 64 bits and JavaScript's exact integers.
        range("chain_id", self.chain_id, 1, (1 << 53) - 1)?;
        range("genesis_time", self.genesis_time.into(), 0, MAX_GENESIS_TIME.into())?;
        self.consensus.check()?;
        range("limits.gas_limit", self.limits.gas_limit, 1_000_000, 1 << 53)?;
        range("limits.block_bytes", self.limits.block_bytes, 65_536, MAX_BLOCK_BYTES)?;
        range("fees.min_base_fee", self.fees.min_base_fee, 1, u64::MAX)?;
        range(
            "fees.initial_base_fee",
            self.fees.initial_base_fee,
            self.fees.min_base_fee,
            u64::MAX,
        )?;
        let count = self.allocations.len();
        if count > MAX_ALLOCATIONS {
            return Err(SpecError::TooManyAllocations {
                count,
                max: MAX_ALLOCATIONS,
            });
        }
        // `checked` has sorted them, so equal addresses are neighbours.
        if let Some(pair) = self
            .allocations
            .windows(2)
            .find(|pair| pair[0].address == pair[1].address)
        {
            return Err(SpecError::DuplicateAllocation {
                address: pair[0].address,
            });
        }
        for allocation in &self.allocations {
            text("allocations.label", &allocation.label, 0, MAX_NAME_BYTES)?;
        }
        self.allocated().map(|_| ())
    }

    /// Sum of all allocations.
    pub fn allocated(&self) -> Result<Amount, SpecError> {
        self.allocations
            .iter()
            .try_fold(Amount::ZERO, |sum, a| sum.checked_add(a.balance))
            .ok_or(SpecError::AllocationOverflow)
    }

    /// The engine that `consensus` names.
    pub fn engine(&self) -> Engine {
        match &self.consensus {
            ConsensusSpec::Pow(pow) => Engine::ProofOfWork(pow.clone()),
        }
    }

    /// Subsidy of a block. Rule: docs/protocol.md#I1
    pub fn subsidy(&self, height: Height) -> Amount {
        let IssuanceSpec {
            reward,
            halving_interval,
        } = self.issuance;
        let halvings = match (height.0.checked_sub(1), halving_interval) {
            (None, _) => return Amount::ZERO,
            (Some(_), 0) => 0,
            (Some(past), interval) => past / interval,
        };
        // An amount has 256 bits: by then nothing is left, and a shift by more is not defined.
        if halvings >= 256 {
            Amount::ZERO
        } else {
            #[allow(clippy::cast_possible_truncation, reason = "it is less than 256 here")]
            let halvings = halvings as usize;
            Amount(reward.0 >> halvings)
        }
    }

    /// Rule: docs/protocol.md#C2
    pub fn hash(&self) -> B256 {
        let mut out = Vec::new();
        self.name.as_str().encode(&mut out);
        self.chain_id.encode(&mut out);
        self.symbol.as_str().encode(&mut out);
        self.genesis_time.encode(&mut out);
        self.consensus.encode(&mut out);
        self.limits.gas_limit.encode(&mut out);
        self.limits.block_bytes.encode(&mut out);
        self.fees.initial_base_fee.encode(&mut out);
        self.fees.min_base_fee.encode(&mut out);
        self.issuance.reward.0.encode(&mut out);
        self.issuance.halving_interval.encode(&mut out);
        let mut allocations = Vec::new();
        for Allocation {
            address,
            balance,
            label,
        } in &self.allocations
        {
            let mut entry = Vec::new();
            address.encode(&mut entry);
            balance.0.encode(&mut entry);
            label.as_str().encode(&mut entry);
            allocations.extend(wrap_list(&entry));
        }
        out.extend(wrap_list(&allocations));
        sha256(&[b"tally/spec", &wrap_list(&out)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_specs_hold_and_survive_a_round_trip() {
        for name in ["local", "test"] {
            let spec = ChainSpec::built_in(name).unwrap();
            assert_eq!(spec.name, name);
            let again = ChainSpec::from_toml(&spec.to_toml()).unwrap();
            assert_eq!(again, spec);
            assert_eq!(again.hash(), spec.hash());
        }
        assert_eq!(
            ChainSpec::built_in("main"),
            Err(SpecError::UnknownBuiltIn {
                name: "main".to_owned()
            })
        );
    }

    #[test]
    fn the_subsidy_halves() {
        let mut spec = ChainSpec::built_in("test").unwrap();
        spec.issuance = IssuanceSpec {
            reward: Amount(alloy_primitives::U256::from(50)),
            halving_interval: 10,
        };
        let at = |height| spec.subsidy(Height(height)).0.to::<u64>();
        assert_eq!([at(0), at(1), at(10), at(11), at(21), at(61)], [0, 50, 50, 25, 12, 0]);
        assert_eq!(spec.subsidy(Height(u64::MAX)), Amount::ZERO);
    }

    #[test]
    fn bad_specs_are_named() {
        let good = ChainSpec::built_in("test").unwrap();
        let refused = |change: fn(&mut ChainSpec)| {
            let mut spec = good.clone();
            change(&mut spec);
            ChainSpec::from_toml(&spec.to_toml()).unwrap_err()
        };
        assert_eq!(
            refused(|s| s.chain_id = 0),
            SpecError::OutOfRange {
                field: "chain_id",
                found: 0,
                min: 1,
                max: (1 << 53) - 1
            }
        );
        assert_eq!(
            refused(|s| s.genesis_time = u32::MAX),
            SpecError::OutOfRange {
                field: "genesis_time",
                found: u32::MAX.into(),
                min: 0,
                max: MAX_GENESIS_TIME.into()
            }
        );
        let mut latest = good.clone();
        latest.genesis_time = MAX_GENESIS_TIME;
        assert_eq!(ChainSpec::from_toml(&latest.to_toml()), Ok(latest));
        assert_eq!(
            refused(|s| s.symbol = String::new()),
            SpecError::TextLength {
                field: "symbol",
                len: 0,
                max: 12
            }
        );
        let hidden = |field| SpecError::HiddenCharacter { field, code: 0x202e };
        assert_eq!(refused(|s| s.name = "main\u{202e}".to_owned()), hidden("name"));
        assert_eq!(refused(|s| s.symbol = "\u{202e}T".to_owned()), hidden("symbol"));
        assert_eq!(
            refused(|s| s.allocations[0].label = "Bob\u{202e}".to_owned()),
            hidden("allocations.label")
        );
        let address = good.allocations[0].address;
        assert_eq!(
            refused(|s| s.allocations.push(s.allocations[0].clone())),
            SpecError::DuplicateAllocation { address }
        );
        assert_eq!(
            refused(|s| s.limits.block_bytes = 1 << 40),
            SpecError::OutOfRange {
                field: "limits.block_bytes",
                found: 1 << 40,
                min: 65_536,
                max: MAX_BLOCK_BYTES
            }
        );
    }
}
