//! tally-frontend
