//! `cargo xtask check`: what the compiler does not enforce.

mod addresses;
mod architecture;
mod circles;
mod doors;
mod engine;
mod imports;
mod lints;
mod source;
mod specs;
mod spreads;
mod text;

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::map;
use crate::workspace::Workspace;

/// A file longer than this is reported, in lines.
const LONG_FILE: usize = 500;
/// A file longer than this fails the check, in lines.
const TOO_LONG_FILE: usize = 600;

/// Runs every check, prints what each found, and fails if anything but a warning was found.
pub fn run(workspace: &Workspace) -> Result<()> {
    let files = project_files(workspace)?;
    let mut errors = architecture::check(&workspace.metadata);
    errors.extend(circles::check(&workspace.metadata, &lints::shipped_files(&files)));
    errors.extend(map::check(&workspace.metadata, &files));
    errors.extend(specs::check(&files));
    errors.extend(lints::check(&files));
    errors.extend(engine::check(&files));
    errors.extend(doors::check(&files));
    errors.extend(addresses::check(&files));
    errors.extend(spreads::check(&files));
    let mut warnings = Vec::new();
    for (path, content) in &files {
        errors.extend(text::check(path, content));
        errors.extend(module_in_folder(path));
        match length(path, content) {
            Length::Fine => {}
            Length::Long(text) => warnings.push(text),
            Length::TooLong(text) => errors.push(text),
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

/// How long a file is, with a sentence where that is too much.
#[derive(Debug, PartialEq, Eq)]
enum Length {
    Fine,
    Long(String),
    TooLong(String),
}

fn length(path: &str, content: &str) -> Length {
    let lines = content.lines().count();
    let more_than = |limit: usize| format!("{path}: {lines} lines, more than {limit}");
    if lines <= LONG_FILE || !is_code(path) {
        Length::Fine
    } else if lines <= TOO_LONG_FILE {
        Length::Long(more_than(LONG_FILE))
    } else {
        Length::TooLong(more_than(TOO_LONG_FILE))
    }
}

/// A module `x` is the file `x.rs` beside its folder `x/`. Only what test targets share is a `mod.rs`: Cargo makes each file
/// that is directly in `tests/` a target of its own.
fn module_in_folder(path: &str) -> Option<String> {
    let module = path.strip_suffix("/mod.rs")?;
    let shared_by_tests = path.split('/').any(|part| part == "tests");
    (!shared_by_tests).then(|| format!("{path}: this module is to be the file {module}.rs"))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_a_file_beside_its_folder() {
        let error = "crates/node/src/store/mod.rs: this module is to be the file crates/node/src/store.rs";
        assert_eq!(module_in_folder("crates/node/src/store/mod.rs"), Some(error.to_owned()));
        for path in [
            "crates/node/src/store.rs",
            "crates/node/tests/support/mod.rs",
            "src/mod.rs.txt",
        ] {
            assert_eq!(module_in_folder(path), None, "{path}");
        }
    }

    #[test]
    fn long_files_are_reported_and_longer_ones_fail() {
        let of = |lines: usize| "x\n".repeat(lines);
        assert_eq!(length("a.rs", &of(500)), Length::Fine);
        assert_eq!(
            length("a.rs", &of(600)),
            Length::Long("a.rs: 600 lines, more than 500".to_owned())
        );
        assert_eq!(
            length("a.ts", &of(601)),
            Length::TooLong("a.ts: 601 lines, more than 600".to_owned())
        );
        assert_eq!(length("a.md", &of(601)), Length::Fine);
    }
}
