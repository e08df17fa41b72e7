//! The server's side of [`crate::reads`]: where pages read from, and on which threads.

mod source;
mod workers;

pub use crate::verify::{log_views, policy_view, scheme, signed_with};
pub use source::{Pages, Source, SourceError, read, this_chain};
pub use workers::{WorkError, Workers};
