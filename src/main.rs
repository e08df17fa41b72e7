//! `tally`: the node with its interface, the wallet, the auditor and the benches.

fn main() -> std::process::ExitCode {
    tally::cli::main()
}
