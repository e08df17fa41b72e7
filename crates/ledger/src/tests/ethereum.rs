//! Ethereum's own state tests, natively.

use std::path::{Path, PathBuf};

use crate::state_tests::run_file;

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            found.push(path);
        }
    }
}

#[test]
fn general_state_tests() {
    let Some(folder) = tally_testkit::corpora("ethereum-tests/GeneralStateTests") else {
        return;
    };
    let mut paths = Vec::new();
    files(&folder, &mut paths);
    paths.sort();
    let (mut cases, mut wrong) = (0, Vec::new());
    for path in paths {
        let (count, found) = run_file(&std::fs::read(&path).unwrap());
        cases += count;
        wrong.extend(found);
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(cases > 1_000, "the corpus has {cases} cases");
    println!("{cases} cases");
}

/// The lines that WASM has to give too: `cargo xtask wasm-tests`.
#[test]
fn precompiles_answer_as_pinned() {
    let lines = crate::state_tests::precompiles();
    let pinned = include_str!("precompiles.txt");
    assert_eq!(lines, pinned.lines().collect::<Vec<_>>());
}
