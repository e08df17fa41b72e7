//! `tally --licenses` has what the program is made from, no more and no less.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use crate::process::{stderr, tally};

/// What `--licenses` prints; nothing where this program was built without a list, as `cargo test` alone builds it.
fn printed() -> Option<String> {
    let output = tally(&["--licenses"]);
    let errors = stderr(&output);
    if errors.contains("built without the list of licences") && std::env::var_os("TALLY_TEST_BINARY").is_none() {
        assert_eq!(output.status.code(), Some(1), "{errors}");
        println!("SKIP: this program has no list of licences; cargo xtask build makes one that has it");
        return None;
    }
    assert_eq!(output.status.code(), Some(0), "{errors}");
    Some(String::from_utf8(output.stdout).unwrap())
}

/// The packages of the list, as `name version`, and what is listed of each.
fn packages(list: &str) -> Vec<(String, &str)> {
    let (list, _) = list.split_once("\ntext 1: ").expect("texts follow the packages");
    let entries = list.split("\npackage ").skip(1);
    let parts = entries.map(|entry| entry.split_once('\n').expect("an entry has several lines"));
    parts.map(|(package, about)| (package.to_owned(), about)).collect()
}

/// What a build is linked from according to cargo, as `name version`, without our own packages.
fn linked(arguments: &[&str]) -> BTreeSet<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    command.args([
        "tree",
        "--locked",
        "--offline",
        "--edges",
        "normal",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ]);
    let output = command.args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let tree = String::from_utf8(output.stdout).unwrap();
    let lines = tree.lines().filter(|line| !line.is_empty() && !line.contains(" (/"));
    let packages = lines.map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" "));
    packages.map(|package| package.replacen(" v", " ", 1)).collect()
}

#[test]
fn the_list_has_every_package_of_the_server_and_of_the_browser() {
    let Some(list) = printed() else { return };
    let mut expected = linked(&["--package", "tally"]);
    for package in [
        "tally-page",
        "tally-workers",
        "tally-light",
        "tally-verify",
        "tally-auditor",
    ] {
        expected.extend(linked(&["--package", package, "--target", "wasm32-unknown-unknown"]));
    }
    assert!(expected.len() > 300, "cargo tree: {}", expected.len());
    let listed: BTreeSet<String> = packages(&list).into_iter().map(|(package, _)| package).collect();
    assert_eq!(listed, expected);
}

#[test]
fn every_package_of_the_list_is_locked() {
    let Some(list) = printed() else { return };
    let lock = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock")).unwrap();
    for (package, _) in packages(&list) {
        let (name, version) = package.split_once(' ').unwrap();
        let entry = format!("name = \"{name}\"\nversion = \"{version}\"\nsource = \"registry+");
        assert!(lock.contains(&entry), "{package} is not in Cargo.lock");
    }
}

#[test]
fn every_package_has_a_licence_a_place_and_a_text_that_follows() {
    let Some(list) = printed() else { return };
    let mut used = BTreeSet::new();
    for (package, about) in packages(&list) {
        let value = |name: &str| {
            let mut lines = about.lines().map(str::trim_start);
            let found = lines.find_map(|line| line.strip_prefix(name));
            found.unwrap_or_default().trim().to_owned()
        };
        assert!(!value("licence").is_empty(), "{package}");
        assert!(
            value("repository").starts_with("http"),
            "{package}: {}",
            value("repository")
        );
        let texts = value("texts");
        let (numbers, _) = texts.split_once(" (").unwrap_or((texts.as_str(), ""));
        used.extend(
            numbers
                .split(", ")
                .map(|number| number.parse::<usize>().expect(&package)),
        );
    }
    assert!(used.iter().copied().eq(1..=used.len()), "numbers without a gap");
    for number in used {
        assert!(list.contains(&format!("\ntext {number}: ")), "text {number}");
    }
}

#[test]
fn the_flag_stands_alone() {
    for arguments in [&["--licenses", "health"][..], &["--licenses", "surplus"]] {
        let output = tally(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", stderr(&output));
        assert!(output.stdout.is_empty());
    }
    // As before there was a flag: without arguments the help is shown, and the exit code is that of a missing command.
    let output = tally(&[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("Usage: tally"), "{}", stderr(&output));
}
