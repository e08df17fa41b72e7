//! Numbers in URLs that have bounds.

use tally_api::page::{DEFAULT_PAGE, MAX_PAGE, PageParams};

use super::problem::{Answer, Problem, kinds};

/// The length of a page.
pub fn page_limit(page: &PageParams) -> Answer<usize> {
    match page.limit {
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
