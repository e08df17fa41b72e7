//! The server binary. Its `build.rs` embeds the site folder and the list of licences.

use std::path::PathBuf;

use anyhow::Result;

use crate::workspace::{Profile, Workspace, cargo, succeed};

/// Builds `tally` and returns where the binary is.
pub fn build(workspace: &Workspace, profile: Profile) -> Result<PathBuf> {
    let mut command = cargo();
    command
        .current_dir(&workspace.root)
        .env("TALLY_SITE_BUILD", crate::site::name(workspace)?)
        .env("TALLY_LICENSES", crate::licenses::build(workspace)?)
        .args(["build", "--locked", "--package", "tally", "--bin", "tally"]);
    if profile == Profile::Release {
        command.arg("--release");
    }
    succeed(&mut command)?;
    let folder = if profile == Profile::Release {
        "release"
    } else {
        "debug"
    };
    Ok(workspace
        .target
        .join(folder)
        .join(format!("tally{}", std::env::consts::EXE_SUFFIX)))
}
