//! `cargo xtask check`: what the compiler does not enforce.

mod addresses;
mod architecture;
mod engine;
mod lints;
mod source;
mod specs;
mod text;

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::workspace::Workspace;

/// A file longer than this is reported, in lines.
const LONG_FILE: usize = 500;

/// Runs every check, prints what each found, and fails if anything but a warning was found.
pub fn run(workspace: &Workspace) -> Result<()> {
    let files = project_files(workspace)?;
    let mut errors = architecture::check(&workspace.metadata);
    errors.extend(specs::check(&files));
    errors.extend(lints::check(&files));
    errors.extend(engine::check(&files));
    errors.extend(addresses::check(&files));
    let mut warnings = Vec::new();
    for (path, content) in &files {
        errors.extend(text::check(path, content));
        let lines = content.lines().count();
        if lines > LONG_FILE && is_code(path) {
            warnings.push(format!("{path}: {lines} lines, more than {LONG_FILE}"));
        }
    }
    for warning in &warnings {
        println!("warning: {warning}");
    }
    for error in &errors {
        println!("error: {error}");
    }
    println!(
        "check: {} files, {} errors, {} warnings",
        files.len(),
        errors.len(),
        warnings.len()
    );
    if errors.is_empty() {
        Ok(())
    } else {
        bail!("the checks above failed")
    }
}

fn is_code(path: &str) -> bool {
    [".rs", ".ts", ".js", ".css", ".sh"]
        .iter()
        .any(|end| path.ends_with(end))
}

/// The text files that git knows or would add, as (path from the root, content).
fn project_files(workspace: &Workspace) -> Result<Vec<(String, String)>> {
    let output = Command::new("git")
        .current_dir(&workspace.root)
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .output()
        .context("cannot run git")?;
    ensure!(
        output.status.success(),
        "git ls-files: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let names = String::from_utf8(output.stdout).context("a file name is not UTF-8")?;
    let mut files: Vec<(String, String)> = names
        .split('\0')
        .filter(|name| !name.is_empty())
        // Files that are deleted but not yet committed, and files that are not text, are passed over.
        .filter_map(|name| Some((name.to_owned(), fs::read_to_string(workspace.root.join(name)).ok()?)))
        .collect();
    files.sort();
    Ok(files)
}
