//! `/light`: what light clients verify. The answers are bytes (docs/protocol.md, F3 and F11); these are the requests.

use serde::{Deserialize, Serialize};
use tally_chain::BlockId;

/// Which proof is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(default, deny_unknown_fields)]
pub struct ChainParams {
    /// Id of the block to prove: the tip, or one of the newest below it. The tip without it.
    #[cfg_attr(feature = "openapi", param(value_type = Option<String>, nullable = false))]
    pub tip: Option<BlockId>,
}

/// Which block is to be shown as an ancestor, and of which one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(deny_unknown_fields)]
pub struct AncestorParams {
    /// Height of the ancestor.
    #[cfg_attr(feature = "openapi", param(minimum = 0, maximum = 1_099_511_627_776u64, example = 0))]
    pub height: u64,
    /// Id of the later block, whose `history_root` the proof leads to.
    #[cfg_attr(feature = "openapi", param(value_type = String))]
    pub tip: BlockId,
}

/// Which headers are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(deny_unknown_fields)]
pub struct HeadersParams {
    /// Height of the first one; genesis follows from the chain spec.
    #[cfg_attr(feature = "openapi", param(minimum = 1, maximum = 1_099_511_627_776u64, example = 1))]
    pub from: u64,
    /// How many at most; without it all up to the last block.
    #[serde(default)]
    #[cfg_attr(
        feature = "openapi",
        param(minimum = 1, maximum = 1_099_511_627_776u64, nullable = false)
    )]
    pub count: Option<u64>,
    /// Id of the last block of the chain that is meant: the tip without it. With it the answer never changes.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", param(value_type = Option<String>, nullable = false))]
    pub tip: Option<BlockId>,
}

/// Which blocks are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(deny_unknown_fields)]
pub struct BlocksParams {
    /// Height of the first one; genesis follows from the chain spec.
    #[cfg_attr(feature = "openapi", param(minimum = 1, maximum = 1_099_511_627_776u64, example = 1))]
    pub from: u64,
    /// How many at most.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", param(minimum = 1, maximum = 4096, nullable = false))]
    pub count: Option<u64>,
    /// Id of the last block of the chain that is meant: the tip without it. With it the answer never changes.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", param(value_type = Option<String>, nullable = false))]
    pub tip: Option<BlockId>,
}
