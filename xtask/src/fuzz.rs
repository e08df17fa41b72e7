//! `cargo xtask fuzz`: coverage-guided fuzzing on stable Rust.
//!
//! The crate `fuzz` is built with the counters that libFuzzer reads, workspace crates only, so that dependencies are those of
//! every other build. What a run finds is kept under the target folder; seeds are committed under `fuzz/seeds`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context, Result, bail, ensure};

use crate::workspace::{Workspace, cargo, succeed};

/// How long all targets together are run by `./test`, in seconds of one processor.
const ALL_SECS: u64 = 60;
/// How long one target is run unless `--secs` sets another time.
const ONE_SECS: u64 = 60;
/// One input may take so long, in seconds.
const INPUT_SECS: u64 = 10;
/// Targets that run beside each other, where there are as many processors; each may take [`MEMORY_MIB`].
const MOST_AT_ONCE: usize = 4;
/// Memory of a run, MiB.
const MEMORY_MIB: u64 = 2_048;
const MAX_INPUT: u64 = 16_384;

/// `fuzz [TARGET | --all | --list | --write-seeds] [--secs N]`.
pub fn run(workspace: &Workspace, args: &[String]) -> Result<()> {
    let mut args = args.to_vec();
    let secs = take_secs(&mut args)?;
    let [what] = args.as_slice() else {
        bail!("usage: cargo xtask fuzz TARGET | --all | --list | --write-seeds [--secs N]");
    };
    let binary = build(workspace)?;
    let targets = list(&binary)?;
    match what.as_str() {
        "--list" => targets.iter().for_each(|target| println!("{target}")),
        "--write-seeds" => succeed(Command::new(&binary).env("TALLY_FUZZ_SEEDS", seeds(workspace)))?,
        "--all" => {
            let each = (secs.unwrap_or(ALL_SECS) / targets.len() as u64).max(1);
            let at_once = thread::available_parallelism().map_or(1, usize::from).min(MOST_AT_ONCE);
            beside(&targets, at_once, |target| fuzz(workspace, &binary, target, each))?;
            println!("{} passed, 0 failed", targets.len());
        }
        name => {
            ensure!(
                targets.iter().any(|target| target == name),
                "there is no target {name}; known: {}",
                targets.join(", ")
            );
            fuzz(workspace, &binary, name, secs.unwrap_or(ONE_SECS))?;
        }
    }
    Ok(())
}

fn take_secs(args: &mut Vec<String>) -> Result<Option<u64>> {
    let Some(at) = args.iter().position(|arg| arg == "--secs") else {
        return Ok(None);
    };
    let value = args.get(at + 1).context("--secs needs a number of seconds")?;
    let secs = value
        .parse()
        .with_context(|| format!("--secs {value}: not a number of seconds"))?;
    args.drain(at..at + 2);
    Ok(Some(secs))
}

fn seeds(workspace: &Workspace) -> PathBuf {
    workspace.root.join("fuzz/seeds")
}

/// Features are those of the whole server side, so that no dependency is built a second time.
fn build(workspace: &Workspace) -> Result<PathBuf> {
    let mut command = cargo();
    command
        .current_dir(&workspace.root)
        .args(["build", "--locked", "--workspace", "--bin", "tally-fuzz"])
        .env(
            "RUSTC_WORKSPACE_WRAPPER",
            workspace.root.join("scripts/instrumented-rustc.sh"),
        );
    succeed(&mut command)?;
    Ok(workspace.target.join("debug/tally-fuzz"))
}

fn list(binary: &Path) -> Result<Vec<String>> {
    let output = Command::new(binary).env("TALLY_FUZZ_LIST", "1").output();
    let output = output.context("cannot run the fuzzer")?;
    ensure!(output.status.success(), "the fuzzer ended with {}", output.status);
    Ok(String::from_utf8(output.stdout)?.lines().map(str::to_owned).collect())
}

/// Does `work` for every item, `at_once` of them beside each other. After a failure no other begins.
fn beside<T: Sync>(items: &[T], at_once: usize, work: impl Fn(&T) -> Result<()> + Sync) -> Result<()> {
    let next = AtomicUsize::new(0);
    let lane = || -> Result<()> {
        while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
            work(item).inspect_err(|_| next.store(items.len(), Ordering::Relaxed))?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let lanes: Vec<_> = (0..at_once).map(|_| scope.spawn(lane)).collect();
        lanes
            .into_iter()
            .try_for_each(|lane| lane.join().expect("a lane returns its errors"))
    })
}

/// Runs one target for so many seconds; what it finds fails.
fn fuzz(workspace: &Workspace, binary: &Path, target: &str, secs: u64) -> Result<()> {
    let kept = workspace.target.join("fuzz").join(target);
    let (corpus, found) = (kept.join("corpus"), kept.join("found"));
    fs::create_dir_all(&corpus)?;
    fs::create_dir_all(&found)?;
    let output = Command::new(binary)
        .env("TALLY_FUZZ", target)
        .arg(format!("-max_total_time={secs}"))
        .arg(format!("-max_len={MAX_INPUT}"))
        .arg(format!("-timeout={INPUT_SECS}"))
        .arg(format!("-rss_limit_mb={MEMORY_MIB}"))
        .arg(format!("-artifact_prefix={}/", found.display()))
        .arg("-print_final_stats=1")
        .arg(&corpus)
        .arg(seeds(workspace).join(target))
        .output()
        .context("cannot run the fuzzer")?;
    println!("{target:<16} {}", summary(&output));
    if !output.status.success() {
        eprint!("{}", String::from_utf8_lossy(&output.stderr));
        bail!("{target} failed; its input is under {}", found.display());
    }
    Ok(())
}

/// Inputs run and edges covered, from libFuzzer's own words.
fn summary(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let after = |start: &str| {
        let line = text.lines().rev().find_map(|line| line.strip_prefix(start));
        line.map_or("?", str::trim).to_owned()
    };
    let covered = text.lines().rev().find_map(|line| {
        let rest = &line[line.find("cov: ")? + 5..];
        rest.split(' ').next()
    });
    format!(
        "{} inputs, {} edges",
        after("stat::number_of_executed_units:"),
        covered.unwrap_or("?")
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn every_item_is_worked_on_once() {
        let done = Mutex::new(Vec::new());
        let items: Vec<u32> = (0..100).collect();
        beside(&items, 4, |item| {
            done.lock().unwrap().push(*item);
            Ok(())
        })
        .unwrap();
        let mut done = done.into_inner().unwrap();
        done.sort_unstable();
        assert_eq!(done, items);
    }

    #[test]
    fn nothing_begins_after_a_failure() {
        let begun = Mutex::new(Vec::new());
        let result = beside(&[1, 2, 3, 4], 1, |item| {
            begun.lock().unwrap().push(*item);
            ensure!(*item != 2, "{item} failed");
            Ok(())
        });
        assert_eq!(result.unwrap_err().to_string(), "2 failed");
        assert_eq!(begun.into_inner().unwrap(), [1, 2]);
    }
}
