//! A chain with more total work that this node cannot follow. Rules: docs/protocol.md#B9, #Q5

use serde::Serialize;
use tally_chain::{BlockId, Height, Weight};

use crate::session::name::PeerName;

/// A chain with more total work, all of its headers checked, without the lowest block to which this node goes back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeavierFork {
    /// Who showed it.
    pub peer: PeerName,
    /// Its end.
    pub tip: BlockId,
    /// Height of its end.
    pub height: Height,
    /// Expected hashes from genesis on.
    #[serde(serialize_with = "as_text")]
    pub weight: Weight,
    /// The lowest block to which this node goes back: the one with whose state it began, or `max_reorg_depth` blocks below its
    /// tip when the chain was shown.
    pub base: Height,
}

fn as_text<S: serde::Serializer>(weight: &Weight, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(weight)
}
