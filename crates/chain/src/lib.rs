//! tally-chain
