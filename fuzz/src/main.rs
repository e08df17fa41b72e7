//! Coverage-guided fuzzing of everything that reads bytes from outside. Run by `cargo xtask fuzz [TARGET] [--secs N]`, which
//! builds this with coverage counters and gives libFuzzer the committed seeds.
//!
//! One binary holds all targets, so that it links once. `TALLY_FUZZ` names the target.
#![no_main]

mod chain;
mod light;
mod server;
mod session;
mod signatures;
mod state;
mod stratum;
mod target;
mod targets;
mod wallet;

use libfuzzer_sys::fuzz_target;

fuzz_target!(init: targets::init(), |data: &[u8]| targets::run(data));
