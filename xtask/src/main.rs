//! `cargo xtask`: builds both sides of Tally and checks the shape of the house.
//!
//! ```text
//! cargo xtask build [--dev] [--front]   the web side (WASM, styles, public files), then the server with it inside
//! cargo xtask run [--dev] [-- ARGS]     the same, then `tally node ARGS`
//! cargo xtask test                      everything `./test` does
//! cargo xtask lint                      clippy over what only the browser compiles
//! cargo xtask check                     architecture, circles of imports, source lints, forbidden text, the picture
//! cargo xtask map                       draws docs/map.svg, the picture of the packages
//! cargo xtask wasm-tests [--all]        vectors of the ledger and of signatures as WASM, in Node
//! cargo xtask fuzz TARGET [--secs N]    coverage-guided fuzzing; --all, --list, --write-seeds
//! ```
//!
//! `--dev` builds both sides fast and unoptimised; `--front` stops after the web side.

mod budget;
mod check;
mod front;
mod fuzz;
mod group;
mod licenses;
mod map;
mod server;
mod site;
mod verifier;
mod workspace;

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Result, bail};

use crate::workspace::{Profile, Workspace};

const USAGE: &str = "usage: cargo xtask build [--dev] [--front] | run [--dev] [-- ARGS] | test | lint | check | map | wasm-tests [--all] | fuzz";

fn main() -> ExitCode {
    match run(&std::env::args().skip(1).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &[String]) -> Result<()> {
    let Some((command, rest)) = args.split_first() else {
        bail!(USAGE)
    };
    if command == "fuzz" {
        return fuzz::run(&Workspace::load()?, rest);
    }
    let (options, passed) = match rest.iter().position(|arg| arg == "--") {
        Some(at) => (&rest[..at], &rest[at + 1..]),
        None => (rest, &rest[rest.len()..]),
    };
    let known: &[&str] = match command.as_str() {
        "build" => &["--dev", "--front"],
        "run" => &["--dev"],
        "wasm-tests" => &["--all"],
        _ => &[],
    };
    if let Some(bad) = options.iter().find(|option| !known.contains(&option.as_str())) {
        bail!("unknown option {bad}\n{USAGE}");
    }
    let profile = if options.iter().any(|option| option == "--dev") {
        Profile::Dev
    } else {
        Profile::Release
    };
    let workspace = Workspace::load()?;
    match command.as_str() {
        "build" if options.iter().any(|option| option == "--front") => browser_side(&workspace, profile),
        "build" => {
            println!("{}", both_sides(&workspace, profile)?.display());
            Ok(())
        }
        "run" => {
            let binary = both_sides(&workspace, profile)?;
            workspace::succeed(Command::new(binary).arg("node").args(passed))
        }
        "test" => workspace::succeed(&mut Command::new(workspace.root.join("test"))),
        "lint" => front::lint(&workspace),
        "check" => check::run(&workspace),
        "wasm-tests" => front::wasm_tests(&workspace, options),
        "map" => map::write(&workspace),
        other => bail!("unknown command {other}\n{USAGE}"),
    }
}

/// Builds the browser side, and the server with it inside: where the binary is.
fn both_sides(workspace: &Workspace, profile: Profile) -> Result<PathBuf> {
    let dependencies = server::Dependencies::begin(workspace, profile);
    browser_side(workspace, profile)?;
    dependencies.finish();
    server::build(workspace, profile)
}

fn browser_side(workspace: &Workspace, profile: Profile) -> Result<()> {
    front::compile(workspace, profile)?;
    site::build(workspace, profile)?;
    verifier::build(workspace, profile).map(drop)
}
