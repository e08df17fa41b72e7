//! What this tab knows of a chain whatever its node claims: the genesis id binds the spec, and the spec bounds the seals.

pub use tally_chain::seal::Sealed;
use tally_chain::{
    BlockId, ChainSpec, Header, Height,
    consensus::{SealError, WorkSealError},
    genesis,
    seal::{BoundsError, SealBounds, SealMeasure},
    transaction::ChainIdentity,
};

use crate::{format, model::ChainInfo};

/// Seconds that a block's time may be ahead of this device's clock. Devices are often hours wrong, so this is no rule of
/// the chain; it only rejects a made-up block of a far future, for which any work would be enough.
const FUTURE: u64 = 86_400;

/// Why a block whose seal is [`Sealed::Light`] is the node's word.
pub const LIGHT: &str = "The block carries less than a 16th of the work that this chain began with, or that this browser has seen on it: it costs little to make up.";

/// The rules of one chain that a header can be held against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainRules {
    pub identity: ChainIdentity,
    /// Of the spec, and of the hardest seal that is known: the one that the chain began with, or one that was seen.
    bounds: SealBounds,
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
        let bounds = SealBounds::of(&spec);
        Ok(Self { identity, bounds })
    }

    /// The same, for a browser that has seen a block with a seal of this measure.
    #[cfg_attr(
        not(feature = "hydrate"),
        allow(dead_code, reason = "the server renders, and never calls it")
    )]
    pub fn having_seen(mut self, seen: Option<SealMeasure>) -> Self {
        if let Some(seen) = seen {
            self.bounds = self.bounds.having_seen(seen);
        }
        self
    }

    /// Whether the header may stand at this height: genesis by its id, any other by a seal that is no easier than the spec
    /// allows there; and whether that seal is worth believing. `now` is this device's clock in Unix seconds. The chain
    /// behind the header is not looked at. Rules: docs/protocol.md#C3, #D1, #H4, #H5, #W57
    pub fn check(&self, header: &Header, number: Height, now: u64) -> Result<Sealed, String> {
        if number == Height::GENESIS || header.parent == BlockId::ZERO {
            return match header.id() == self.identity.genesis && number == Height::GENESIS {
                true => Ok(Sealed::Firm),
                false => Err(format!(
                    "block 0 is not this chain's genesis, {}",
                    self.identity.genesis
                )),
            };
        }
        let sealed = self.bounds.check(header, number).map_err(unsealed)?;
        if u64::from(header.time) > now.saturating_add(FUTURE) {
            return Err(format!(
                "the block's time, {}, is more than a day ahead of this device's clock: one of the two is wrong",
                format::utc(header.time.into())
            ));
        }
        Ok(sealed)
    }
}

/// Why a header is not sealed, in the words of the pages.
fn unsealed(error: BoundsError) -> String {
    match error {
        BoundsError::TooEasy { bits, height } => format!(
            "the work that its bits {bits:#010x} require is less than this chain allows at height {}",
            format::count(height.0)
        ),
        BoundsError::Seal(SealError::Work(WorkSealError::NotEnoughWork { .. })) => {
            "the id is above the target".to_owned()
        }
        BoundsError::Seal(error) => error.to_string(),
    }
}

fn text(error: impl ToString) -> String {
    error.to_string()
}

/// The rules of the page's chain, with what this browser has seen of its work: its spec is requested once, and held against
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
