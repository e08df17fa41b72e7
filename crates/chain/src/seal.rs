//! The one door for "is this header sealed", for readers that have neither the blocks before it nor the chain spec: receipts.
//!
//! A node has those blocks and uses the [`Engine`](crate::consensus::Engine) for everything; a light client checks the headers
//! before. No other place looks at what seals a header.

use crate::consensus::{SealError, work};
use crate::header::Header;
use crate::units::Weight;

/// Checks what a header shows of its seal to a reader without a chain spec, and gives its weight: how hard the seal had to
/// be is for other blocks to show. Rules: docs/protocol.md#H5, #P3
///
/// # Errors
/// Where the header does not meet its own bits. That goes for a genesis as well, which has no seal (C3): a reader knows it by
/// its id. An exception for headers without a parent would let anyone write one.
pub fn check_without_spec(header: &Header) -> Result<Weight, SealError> {
    // Every header is one of proof of work today. Another engine's headers have another version, which decides here.
    Ok(work::check_without_spec(header)?)
}
