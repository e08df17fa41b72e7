//! tally-app
