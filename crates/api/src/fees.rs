//! `/fees`: what to offer.

use serde::{Deserialize, Serialize};

/// One level.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FeeLevelBody {
    /// Base units per gas.
    #[serde(with = "crate::text::per_gas")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "1000000000"))]
    pub max_priority_fee: u128,
    /// Until it is in a block.
    #[cfg_attr(feature = "openapi", schema(example = 10))]
    pub expected_seconds: u64,
}

/// What to offer now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FeesBody {
    /// Base fee of the next block, base units per gas.
    #[serde(with = "crate::text::per_gas")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "1000000000"))]
    pub base_fee: u128,
    /// The base fee never falls below this.
    #[serde(with = "crate::text::per_gas")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "1000000000"))]
    pub min_base_fee: u128,
    /// In one of the next six blocks, when blocks are full.
    pub low: FeeLevelBody,
    /// In one of the next two.
    pub normal: FeeLevelBody,
    /// In the next block.
    pub high: FeeLevelBody,
    /// Height of the next block.
    #[cfg_attr(feature = "openapi", schema(example = 1_025))]
    pub height: u64,
}
