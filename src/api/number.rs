//! Numbers in URLs that have bounds.

use serde::Deserialize;

use super::problem::{Answer, Problem, kinds};

/// Most entries of one page of a list.
pub const MAX_PAGE: u32 = 100;
const DEFAULT_PAGE: u32 = 20;

/// `?cursor=…&limit=…`, of every list.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageParams {
    /// `next` of the page before.
    #[param(nullable = false)]
    pub cursor: Option<String>,
    /// Entries of one page.
    #[param(minimum = 1, maximum = 100, default = 20, nullable = false)]
    pub limit: Option<u32>,
}

impl PageParams {
    /// The length of a page.
    pub fn limit(&self) -> Answer<usize> {
        match self.limit {
            None => Ok(DEFAULT_PAGE as usize),
            Some(limit @ 1..=MAX_PAGE) => Ok(limit as usize),
            Some(found) => {
                let problem = Problem::new(
                    &kinds::INVALID_PARAMETER,
                    format!("limit is {found}, expected 1 to {MAX_PAGE}"),
                );
                Err(problem.field("limit").above(found, MAX_PAGE))
            }
        }
    }
}
