//! Which `tally` the process tests run: the release binary where `./test` names it, since that is what users get, else the
//! one that Cargo built beside the tests.

use std::ffi::OsString;
use std::process::Command;

/// `./test` sets this to the release binary.
const CHOICE: &str = "TALLY_TEST_BINARY";

pub fn path() -> OsString {
    std::env::var_os(CHOICE).unwrap_or_else(|| env!("CARGO_BIN_EXE_tally").into())
}

/// `tally` without arguments yet.
pub fn tally() -> Command {
    Command::new(path())
}
