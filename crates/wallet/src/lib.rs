//! tally-wallet
