//! What this tab knows of a chain whatever its node says: the genesis id binds the spec, and the spec the work.

use tally_chain::{
    BlockId, ChainSpec, Header, Height, U256, asert, genesis,
    pow::Target,
    spec::{ConsensusSpec, ProofOfWorkSpec},
    transaction::ChainIdentity,
};

use crate::{format, model::ChainInfo};

/// Seconds that a block's time may be ahead of this device's clock. Devices are often hours wrong, so this is no rule of
/// the chain; it only keeps a made-up block of a far future, which any work would do for, from being believed.
const FUTURE: u64 = 86_400;

/// How many times easier than the hardest known target a block may be. Difficulty follows the miners, who come and go; a
/// block that carries less still costs next to nothing beside the chain's own. Rule: docs/protocol.md#W57
const EASIER: u32 = 16;

/// Why a block that carries too little work is the node's word.
pub const LIGHT: &str = "The block carries less than a 16th of the work that this chain began with, or that this browser has seen on it: it costs little to make up.";

/// What the place of a header in the chain stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sealed {
    /// Genesis by its id, or work that is near the most that is known of this chain.
    Firm,
    /// Work that the spec allows, and far less than is known of this chain: see [`LIGHT`].
    Light,
}

/// The rules of one chain that a header can be held against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainRules {
    pub identity: ChainIdentity,
    /// Unix seconds.
    genesis_time: u32,
    work: ProofOfWorkSpec,
    limit: Target,
    initial: Target,
    /// The hardest target that is known: the one that the chain began with, or a harder one that was seen.
    hardest: Target,
}

impl ChainRules {
    /// The rules of a spec, if it is the one that the genesis id binds. Rules: docs/protocol.md#C2, #C3
    #[cfg_attr(
        not(feature = "hydrate"),
        allow(dead_code, reason = "the server renders, and never calls it")
    )]
    pub fn of(spec: ChainSpec, chain: &ChainInfo) -> Result<Self, String> {
        let spec = spec.checked().map_err(text)?;
        let identity = genesis::identity(&spec);
        let shown = chain.genesis_id.parse::<BlockId>().map_err(text)?;
        if identity.genesis != shown || identity.chain_id != chain.chain_id {
            return Err(format!(
                "the node's chain spec is that of chain {} with genesis {}, not of this one",
                identity.chain_id, identity.genesis
            ));
        }
        let ConsensusSpec::Pow(work) = spec.consensus;
        let initial = Target::from_bits(work.initial_bits).map_err(text)?;
        Ok(Self {
            identity,
            genesis_time: spec.genesis_time,
            limit: Target::from_bits(work.pow_limit_bits).map_err(text)?,
            initial,
            hardest: initial,
            work,
        })
    }

    /// The same, for a browser that has seen a block with this target.
    #[cfg_attr(
        not(feature = "hydrate"),
        allow(dead_code, reason = "the server renders, and never calls it")
    )]
    pub fn having_seen(mut self, target: Option<Target>) -> Self {
        self.hardest = target.map_or(self.hardest, |target| target.min(self.hardest));
        self
    }

    /// Whether the header may stand at this height: genesis by its id, any other by work that is no easier than the spec
    /// allows there; and whether that work is worth believing. `now` is this device's clock in Unix seconds. The chain
    /// behind the header is not looked at. Rules: docs/protocol.md#C3, #D1, #H4, #H5, #W57
    pub fn check(&self, header: &Header, number: Height, now: u64) -> Result<Sealed, String> {
        let id = header.id();
        if number == Height::GENESIS || header.parent == BlockId::ZERO {
            return match id == self.identity.genesis && number == Height::GENESIS {
                true => Ok(Sealed::Firm),
                false => Err(format!(
                    "block 0 is not this chain's genesis, {}",
                    self.identity.genesis
                )),
            };
        }
        let target = Target::from_bits(header.bits).map_err(text)?;
        if target > self.easiest(header.time, number) {
            return Err(format!(
                "the work that its bits {:#010x} ask for is less than this chain allows at height {}",
                header.bits,
                format::count(number.0)
            ));
        }
        if !target.is_met_by(&id) {
            return Err("the id is above the target".to_owned());
        }
        if u64::from(header.time) > now.saturating_add(FUTURE) {
            return Err(format!(
                "the block's time, {}, is more than a day ahead of this device's clock: one of the two is wrong",
                format::utc(header.time.into())
            ));
        }
        Ok(match target > self.weakest() {
            true => Sealed::Light,
            false => Sealed::Firm,
        })
    }

    /// The easiest target that is believed. The bound of the spec alone is none on a chain whose block 1 came long after
    /// genesis: any time of today allows its limit there.
    fn weakest(&self) -> Target {
        Target(self.hardest.0.saturating_mul(U256::from(EASIER)))
    }

    /// The highest target that a block of this time can have at this height. The difficulty's anchor is block 1, made after
    /// genesis, so a chain that had run from genesis on is the easiest there can be. A parent may be dated later than its
    /// child (rule B3): one half-life and twelve blocks more are granted for that. Rule: docs/protocol.md#D1
    fn easiest(&self, time: u32, number: Height) -> Target {
        let ProofOfWorkSpec { spacing, half_life, .. } = self.work;
        let parent_at_most = i64::from(time) + i64::from(half_life) + 12 * i64::from(spacing);
        let anchor_parent = i64::from(self.genesis_time) - i64::from(spacing);
        let above_anchor = number.0.saturating_sub(2);
        asert::next_target(
            self.initial,
            self.limit,
            spacing,
            half_life,
            parent_at_most - anchor_parent,
            above_anchor,
        )
    }
}

fn text(error: impl ToString) -> String {
    error.to_string()
}

/// The rules of the page's chain, with what this browser has seen of its work: its spec is asked for once, and held against
/// the genesis id.
#[cfg(feature = "hydrate")]
pub async fn of_chain(chain: &ChainInfo) -> Result<ChainRules, String> {
    use std::cell::RefCell;

    use super::seen;
    use crate::browser;

    thread_local! {
        static KNOWN: RefCell<Option<(String, ChainRules)>> = const { RefCell::new(None) };
    }
    let known = KNOWN.with_borrow(|known| {
        let known = known.as_ref().filter(|known| known.0 == chain.genesis_id);
        known.map(|known| known.1.clone())
    });
    let seen = seen::hardest(&chain.genesis_id);
    if let Some(rules) = known {
        return Ok(rules.having_seen(seen));
    }
    let spec = browser::get_json::<ChainSpec>("/api/v1/spec").await;
    let rules = ChainRules::of(
        spec.map_err(|why| format!("the chain spec could not be read: {why}"))?,
        chain,
    )?;
    KNOWN.set(Some((chain.genesis_id.clone(), rules.clone())));
    Ok(rules.having_seen(seen))
}

/// The server verifies nothing for a reader.
#[cfg(not(feature = "hydrate"))]
pub async fn of_chain(_chain: &ChainInfo) -> Result<ChainRules, String> {
    Err("only a browser checks".to_owned())
}

#[cfg(test)]
pub(crate) mod tests;
