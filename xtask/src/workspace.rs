//! Where things are, by `cargo metadata`, and how programs are run.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

/// How optimised both sides of a build are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Fast to build: no optimisation of our own code, no compression of assets.
    Dev,
    /// What users get.
    Release,
}

/// The workspace this task works on.
pub struct Workspace {
    /// The folder of the root `Cargo.toml`.
    pub root: PathBuf,
    /// Cargo's target folder (`CARGO_TARGET_DIR` where that is set).
    pub target: PathBuf,
    /// All of `cargo metadata --no-deps`.
    pub metadata: Value,
}

impl Workspace {
    /// Reads from cargo the workspace that this `xtask` belongs to.
    pub fn load() -> Result<Self> {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml");
        let mut command = cargo();
        command.args(["metadata", "--no-deps", "--format-version", "1", "--locked"]);
        let text = printed(command.arg("--manifest-path").arg(&manifest))?;
        let metadata: Value = serde_json::from_str(&text).context("cargo metadata is not JSON")?;
        let path = |key: &str| match metadata[key].as_str() {
            Some(path) => Ok(PathBuf::from(path)),
            None => bail!("cargo metadata has no {key}"),
        };
        Ok(Self {
            root: path("workspace_root")?,
            target: path("target_directory")?,
            metadata,
        })
    }
}

/// The cargo that runs this task.
pub fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// What a program prints; where it fails, the error is its standard error.
pub fn printed(command: &mut Command) -> Result<String> {
    let program = command.get_program().display().to_string();
    let output = command.output().with_context(|| format!("cannot run {program}"))?;
    ensure!(
        output.status.success(),
        "{program}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).with_context(|| format!("{program} prints no UTF-8"))
}

/// Runs a program to its end; its failure is ours.
pub fn succeed(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("cannot run {}", command.get_program().display()))?;
    ensure!(
        status.success(),
        "{} ended with {status}",
        command.get_program().display()
    );
    Ok(())
}
