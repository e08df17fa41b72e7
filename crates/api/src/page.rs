//! Lists: a page of one is read with a cursor and a limit.

use serde::{Deserialize, Serialize};

/// Most entries of one page of a list.
pub const MAX_PAGE: u32 = 100;
/// Entries of one page where the request has no limit.
pub const DEFAULT_PAGE: u32 = 20;

/// `?cursor=…&limit=…`, of every list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(default, deny_unknown_fields)]
pub struct PageParams {
    /// `next` of the page before.
    #[cfg_attr(feature = "openapi", param(nullable = false))]
    pub cursor: Option<String>,
    /// Entries of one page.
    #[cfg_attr(
        feature = "openapi",
        param(minimum = 1, maximum = 100, default = 20, nullable = false)
    )]
    pub limit: Option<u32>,
}
