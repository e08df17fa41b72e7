//! What several pages of the wallet share.

pub mod account;
pub mod notice;
pub mod qr;
pub mod requests;
pub mod scan;
