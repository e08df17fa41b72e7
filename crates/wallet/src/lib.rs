//! The wallet: phrases, keys, the encrypted vault, building and signing transactions.
//!
//! Pure: no I/O, no clock; time and randomness come as arguments. Builds natively and for wasm32.

pub mod hd;
pub mod keys;
pub mod phrase;
mod prime;
pub mod rsa_search;
