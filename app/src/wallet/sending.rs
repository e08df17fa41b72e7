//! Sending: fees, warnings, the review of the very bytes, handing in, and following them into the chain.

pub mod caution;
pub mod confirm;
pub mod error;
pub mod fees;
pub mod follow;
pub mod review;
pub mod submit;
pub mod test_coins;
