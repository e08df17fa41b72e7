//! `tally`: the node with its interface, the wallet, the auditor and the benches.

// A handler that panics costs one answer, and a part that panics ends the node in order: both need unwinding.
#[cfg(not(panic = "unwind"))]
compile_error!("`tally` is built with panic = \"unwind\"");

fn main() -> std::process::ExitCode {
    tally::cli::main()
}
