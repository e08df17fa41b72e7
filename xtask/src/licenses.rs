//! The licences of others' packages that the binary carries; `tally --licenses` prints them.
//!
//! Every build makes the list again, from `Cargo.lock` and from the sources that cargo compiles, so that it cannot be older than
//! either. It has the crates that the server and the browser's modules are linked from, and macros, which write code into both.
//! Crates of build scripts, of tests and of this task are in nothing that users get, and the pages use no package of npm.

mod texts;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::workspace::{Workspace, cargo, printed};
use crate::{front, site};

/// A package by its name and version: all come from one registry, which has each pair once.
type Key = (String, String);

/// A package of others.
struct Package {
    key: Key,
    /// The SPDX expression of its manifest.
    license: String,
    repository: String,
    authors: String,
    /// Its own licence files, by their path in the package; none where it has none.
    own: Vec<texts::Text>,
}

/// Writes `build/licenses.gz` where it is not what it should be. Returns where it is with a digest, for the server's build script.
pub fn build(workspace: &Workspace) -> Result<String> {
    let packages = packages(&metadata(workspace)?, &linked(workspace)?)?;
    let packed = site::gzip(list(&packages)?.as_bytes())?;
    let folder = workspace.root.join("build");
    let path = folder.join("licenses.gz");
    if fs::read(&path).ok().as_ref() != Some(&packed) {
        fs::create_dir_all(&folder)?;
        fs::write(&path, &packed).with_context(|| format!("cannot write {}", path.display()))?;
    }
    println!("licences of {} packages, {} KB", packages.len(), packed.len() / 1000);
    Ok(format!("{} {}", path.display(), site::hex16(&Sha256::digest(&packed))))
}

/// What the server and the browser's modules are linked from, our own packages included.
fn linked(workspace: &Workspace) -> Result<BTreeSet<Key>> {
    let mut linked = tree(workspace, &["--package", "tally"])?;
    for module in front::MODULES.iter().chain([&front::VERIFIER]) {
        linked.extend(tree(workspace, &module.selection())?);
    }
    Ok(linked)
}

/// `cargo tree` has the features of one build; `cargo metadata` has those of the whole workspace, and packages that none of them uses.
fn tree(workspace: &Workspace, of: &[&str]) -> Result<BTreeSet<Key>> {
    let mut command = cargo();
    command.current_dir(&workspace.root);
    command.args([
        "tree", "--locked", "--edges", "normal", "--prefix", "none", "--format", "{p}",
    ]);
    let tree = printed(command.args(of))?;
    tree.lines().filter(|line| !line.is_empty()).map(key).collect()
}

/// Reads `name v1.2.3`, which other words may follow.
fn key(line: &str) -> Result<Key> {
    let mut words = line.split(' ');
    let name = words.next();
    let version = words.next().and_then(|word| word.strip_prefix('v'));
    match (name, version) {
        (Some(name), Some(version)) => Ok((name.to_owned(), version.to_owned())),
        _ => bail!("cargo tree: a package and its version are expected in {line:?}"),
    }
}

/// All packages of this machine's platform and of the browser's.
fn metadata(workspace: &Workspace) -> Result<Value> {
    let about = printed(cargo().arg("-vV"))?;
    let host = about.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.context("cargo -vV names no host")?;
    let mut command = cargo();
    command.current_dir(&workspace.root);
    command.args(["metadata", "--locked", "--format-version", "1"]);
    command.args(["--filter-platform", host, "--filter-platform", front::TARGET]);
    serde_json::from_str(&printed(&mut command)?).context("cargo metadata is not JSON")
}

/// Those of the linked packages that are not ours, by name and version.
fn packages(metadata: &Value, linked: &BTreeSet<Key>) -> Result<Vec<Package>> {
    let mut unknown = linked.clone();
    let mut found = BTreeMap::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let key = (text(&package["name"]), text(&package["version"]));
        if !unknown.remove(&key) {
            continue;
        }
        // Only ours come from no registry.
        if !package["source"].is_null() {
            found.insert(key.clone(), read(key, package)?);
        }
    }
    ensure!(
        unknown.is_empty(),
        "cargo metadata does not have these linked packages: {unknown:?}"
    );
    Ok(found.into_values().collect())
}

fn read(key: Key, package: &Value) -> Result<Package> {
    let manifest = text(&package["manifest_path"]);
    let authors: Vec<String> = package["authors"].as_array().into_iter().flatten().map(text).collect();
    Ok(Package {
        license: text(&package["license"]),
        repository: repository(package).unwrap_or_else(|| format!("https://crates.io/crates/{}", key.0)),
        authors: match authors.is_empty() {
            true => format!("those of {}", key.0),
            false => authors.join(", "),
        },
        own: texts::own(manifest.as_ref(), package["license_file"].as_str())
            .with_context(|| format!("cannot read the licence of {} {}", key.0, key.1))?,
        key,
    })
}

/// Where its sources are, by its manifest.
fn repository(package: &Value) -> Option<String> {
    let named = package["repository"].as_str().or(package["homepage"].as_str());
    named.map(str::to_owned)
}

/// A text of `cargo metadata`; empty where it has none.
fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The whole list: every package, then every licence text once.
fn list(packages: &[Package]) -> Result<String> {
    let mut texts = texts::Numbered::default();
    let mut list = head(packages.len());
    for package in packages {
        list.push_str(&entry(package, &mut texts)?);
    }
    Ok(format!("{list}{texts}"))
}

fn entry(package: &Package, texts: &mut texts::Numbered) -> Result<String> {
    let Package {
        key: (name, version),
        license,
        repository,
        authors,
        own,
    } = package;
    let standard = texts::standard(license);
    let (used, note) = match own.is_empty() {
        true => (&standard, format!(" (standard text; the authors are {authors})")),
        false => (own, String::new()),
    };
    ensure!(
        !used.is_empty(),
        "{name} {version} has no licence file, and xtask/src/licenses has no text for {license:?}"
    );
    let numbers: BTreeSet<usize> = used.iter().map(|text| texts.number(text, name, version)).collect();
    let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    Ok(format!(
        "package {name} {version}\n  licence     {license}\n  repository  {repository}\n  texts       {}{note}\n\n",
        numbers.join(", ")
    ))
}

fn head(packages: usize) -> String {
    format!(
        "Tally is licensed under MIT OR Apache-2.0.\n\n\
         Its binary, which carries the pages for browsers too, is also made from {packages} packages of others, all from crates.io, and\n\
         from the standard library of Rust (MIT OR Apache-2.0, https://github.com/rust-lang/rust). This is the list of the packages;\n\
         the licence texts follow it, each once.\n\n"
    )
}

#[cfg(test)]
mod tests;
