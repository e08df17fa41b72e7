//! `tally`: the node with its interface, the wallet, the auditor and the benches.

use std::process::ExitCode;

use tally::{cli, exit::Exit};

fn main() -> ExitCode {
    match cli::run() {
        Ok(()) => ExitCode::from(Exit::Success as u8),
        Err(error) => {
            eprintln!("tally: {error:#}");
            ExitCode::from(Exit::of(&error) as u8)
        }
    }
}
