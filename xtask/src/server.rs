//! The server binary. Its `build.rs` embeds the site folder and the list of licences.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::group::Group;
use crate::workspace::{Profile, Workspace, cargo, succeed};

/// The value of `TALLY_SITE_BUILD` at which `build.rs` ends the build: there is no site yet.
const NO_SITE_YET: &str = "none yet";

/// Builds `tally` and returns where the binary is.
pub fn build(workspace: &Workspace, profile: Profile) -> Result<PathBuf> {
    let mut command = command(workspace, profile);
    command
        .env("TALLY_SITE_BUILD", crate::site::name(workspace)?)
        .env("TALLY_VERIFIER", crate::verifier::name(workspace)?)
        .env("TALLY_LICENSES", crate::licenses::build(workspace)?);
    succeed(&mut command)?;
    Ok(binary(workspace, profile))
}

/// What `tally` depends on, compiled while the browser side is: the site is not needed for it, and each of both alone leaves a
/// processor idle for minutes. Where the browser side fails, this is dropped, and its compilers end.
pub struct Dependencies(Option<Group>);

impl Dependencies {
    /// Begins with a first build. Later there is little to compile, and `tally` itself would be compiled again.
    pub fn begin(workspace: &Workspace, profile: Profile) -> Self {
        if binary(workspace, profile).exists() {
            return Self(None);
        }
        let mut command = command(workspace, profile);
        command
            .args(["--keep-going", "--quiet"])
            .env("TALLY_SITE_BUILD", NO_SITE_YET);
        // Whatever fails here fails again in the build, where it is seen.
        Self(Group::start(&command).ok())
    }

    /// Waits until all is compiled that can be.
    pub fn finish(mut self) {
        if let Some(mut build) = self.0.take() {
            println!("compiling what the server depends on");
            let _ = build.wait();
        }
    }
}

fn command(workspace: &Workspace, profile: Profile) -> Command {
    let mut command = cargo();
    command
        .current_dir(&workspace.root)
        .args(["build", "--locked", "--package", "tally", "--bin", "tally"]);
    if profile == Profile::Release {
        command.arg("--release");
    }
    command
}

fn binary(workspace: &Workspace, profile: Profile) -> PathBuf {
    let folder = if profile == Profile::Release {
        "release"
    } else {
        "debug"
    };
    workspace
        .target
        .join(folder)
        .join(format!("tally{}", std::env::consts::EXE_SUFFIX))
}
