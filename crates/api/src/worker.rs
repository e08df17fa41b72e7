//! What a page and its workers send each other, by [`postMessage`]. Both sides are of one build: these forms are no part of
//! the interface of the node, and may change with it.
//!
//! [`postMessage`]: https://developer.mozilla.org/docs/Web/API/Worker/postMessage

pub mod audit;
pub mod light;
pub mod miner;
pub mod scanner;
pub mod wallet;
