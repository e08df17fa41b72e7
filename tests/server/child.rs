//! The binary under test as a process.

use std::path::Path;

pub use tally_testkit::process::{Child, FAST_CHAIN, signal};

use crate::binary;

/// Runs `tally` with these arguments and the folder as its data directory.
pub fn start(args: &[&str], folder: &Path) -> Child {
    Child::by(binary::tally(), args, folder)
}

/// `tally node` on a free port.
pub fn node(args: &[&str], folder: &Path) -> Child {
    start(&[&["node", "--listen", "127.0.0.1:0"], args].concat(), folder)
}

/// `tally audit` of a data directory; what it prints if it finds a fault.
pub fn audit(chain: &str, folder: &Path) -> Result<(), String> {
    let mut audit = binary::tally();
    let done = audit
        .args(["audit", "--chain", chain, "--data-dir"])
        .arg(folder)
        .output()
        .unwrap();
    match done.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&done.stdout).into_owned()),
    }
}
