//! What this tab knows of a chain whatever its node claims: the genesis id binds the spec, and so the chain id that
//! transactions are signed for. Whether a block is of that chain is up to the light client.

use tally_chain::{BlockId, ChainSpec, genesis, transaction::ChainIdentity};

use crate::model::ChainInfo;

/// What transactions of one chain are checked by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainRules {
    pub identity: ChainIdentity,
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
        Ok(Self { identity })
    }
}

fn text(error: impl ToString) -> String {
    error.to_string()
}

/// The rules of the page's chain: its spec is requested once, and held against the genesis id.
#[cfg(feature = "hydrate")]
pub async fn of_chain(chain: &ChainInfo) -> Result<ChainRules, String> {
    use std::cell::RefCell;

    use crate::browser;

    thread_local! {
        static KNOWN: RefCell<Option<(String, ChainRules)>> = const { RefCell::new(None) };
    }
    let known = KNOWN.with_borrow(|known| {
        let known = known.as_ref().filter(|known| known.0 == chain.genesis_id);
        known.map(|known| known.1.clone())
    });
    if let Some(rules) = known {
        return Ok(rules);
    }
    let spec = browser::get_json::<ChainSpec>("/api/v1/spec").await;
    let rules = ChainRules::of(
        spec.map_err(|why| format!("the chain spec could not be read: {why}"))?,
        chain,
    )?;
    KNOWN.set(Some((chain.genesis_id.clone(), rules.clone())));
    Ok(rules)
}

/// The server verifies nothing for a reader.
#[cfg(not(feature = "hydrate"))]
pub async fn of_chain(_chain: &ChainInfo) -> Result<ChainRules, String> {
    Err("only a browser checks".to_owned())
}

#[cfg(test)]
pub(crate) mod tests;
