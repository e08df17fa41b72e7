//! `/spec`: what makes this chain this chain. The answer is the chain spec itself (docs/protocol.md, section C).

use serde::{Deserialize, Serialize};

/// Forms of the spec.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum SpecFormat {
    /// Fields.
    Json,
    /// The file that a node reads.
    Toml,
}

/// How the spec is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(default, deny_unknown_fields)]
pub struct SpecParams {
    /// `toml` for the file that `tally node --spec` takes; JSON without it.
    #[cfg_attr(feature = "openapi", param(inline, nullable = false))]
    pub format: Option<SpecFormat>,
}
