//! Lints over our own sources that rustc and clippy do not have.

use super::source::{code_only, lines_with_word, test_modules, without_tests};

/// Consensus is deterministic: the same bytes give the same verdict on every machine, today and tomorrow.
const NOT_IN_CONSENSUS: [(&str, &str); 8] = [
    ("f32", "no floats"),
    ("f64", "no floats"),
    ("HashMap", "ordered maps only"),
    ("HashSet", "ordered sets only"),
    ("SystemTime", "time comes as an argument"),
    ("Instant", "time comes as an argument"),
    ("std::fs", "no files"),
    ("std::net", "no network"),
];

/// The rooms whose code decides what is valid.
const CONSENSUS: [&str; 2] = ["crates/chain/src/", "crates/ledger/src/"];

/// Commands, whose output may be closed or full.
const COMMANDS: &str = "src/cli";

/// What is wrong with the Rust files among these, as `path:line: …`.
pub fn check(files: &[(String, String)]) -> Vec<String> {
    let shipped = shipped(files).into_iter();
    shipped.flat_map(|(path, code)| check_file(path, &code)).collect()
}

/// The Rust files among these that are not compiled for tests only, as (path, code): without comments, literals and tests.
pub fn shipped(files: &[(String, String)]) -> Vec<(&str, String)> {
    let sources = shipped_files(files).into_iter();
    sources
        .map(|(path, source)| (path.as_str(), without_tests(&code_only(source))))
        .collect()
}

/// The same files as they are.
pub fn shipped_files(files: &[(String, String)]) -> Vec<&(String, String)> {
    let rust = || files.iter().filter(|(path, _)| path.ends_with(".rs"));
    let tests: Vec<String> = rust().flat_map(|(path, source)| test_files(path, source)).collect();
    let is_test = |path: &str| only_tests(path) || tests.iter().any(|test| path.starts_with(test));
    rust().filter(|(path, _)| !is_test(path)).collect()
}

fn check_file(path: &str, code: &str) -> Vec<String> {
    let mut errors = Vec::new();
    let mut report = |word: &str, why: &str| {
        errors.extend(
            lines_with_word(code, word)
                .into_iter()
                .map(|line| format!("{path}:{line}: {word}: {why}")),
        );
    };
    report(".unwrap()", "give the reason with expect(), or return an error");
    if path.starts_with(COMMANDS) {
        for word in ["println!", "print!", "eprintln!", "eprint!"] {
            report(word, "it panics where nothing can be written; use src/cli/out.rs");
        }
    }
    if CONSENSUS.iter().any(|room| path.starts_with(room)) {
        for (word, why) in NOT_IN_CONSENSUS {
            report(word, why);
        }
    }
    errors
}

/// Folders whose files are compiled into tests and benchmarks only.
fn only_tests(path: &str) -> bool {
    path.split('/').any(|part| matches!(part, "tests" | "benches"))
}

/// Where the modules that this file declares under `#[cfg(test)]` stand: beginnings of paths.
fn test_files(path: &str, source: &str) -> Vec<String> {
    let folder = match path.strip_suffix(".rs") {
        Some(stem)
            if ["lib", "main", "mod"]
                .iter()
                .any(|root| stem.ends_with(&format!("/{root}"))) =>
        {
            stem.rsplit_once('/').map_or(stem, |(folder, _)| folder)
        }
        Some(stem) => stem,
        None => path,
    };
    let code = code_only(source);
    let modules = test_modules(&code);
    modules
        .iter()
        .flat_map(|name| [format!("{folder}/{name}.rs"), format!("{folder}/{name}/")])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, source: &str) -> Vec<String> {
        super::check(&[(path.to_owned(), source.to_owned())])
    }

    #[test]
    fn a_float_in_a_rule_is_caught() {
        assert_eq!(
            check(
                "crates/chain/src/work.rs",
                "fn target() -> u64 {\n    1\n}\nfn guess() -> f64 { 0.0 }\n"
            ),
            ["crates/chain/src/work.rs:4: f64: no floats"]
        );
        assert_eq!(
            check("crates/node/src/miner.rs", "fn rate() -> f64 { 0.0 }"),
            Vec::<String>::new()
        );
    }

    #[test]
    fn a_clock_a_hash_map_and_a_file_in_the_ledger_are_caught() {
        let source = "use std::collections::HashMap;\nuse std::time::SystemTime;\nuse std::fs;\n";
        assert_eq!(
            check("crates/ledger/src/lib.rs", source),
            [
                "crates/ledger/src/lib.rs:1: HashMap: ordered maps only",
                "crates/ledger/src/lib.rs:2: SystemTime: time comes as an argument",
                "crates/ledger/src/lib.rs:3: std::fs: no files",
            ]
        );
    }

    #[test]
    fn unwrap_is_caught_everywhere_but_in_tests() {
        let source = "fn f() { x.unwrap(); y.unwrap_or(0); }\n#[cfg(test)]\nmod tests { fn g() { x.unwrap() } }\n";
        assert_eq!(
            check("src/api/blocks.rs", source),
            ["src/api/blocks.rs:1: .unwrap(): give the reason with expect(), or return an error"]
        );
        assert_eq!(check("crates/node/tests/reorg.rs", source), Vec::<String>::new());
    }

    #[test]
    fn a_command_that_would_panic_on_a_closed_pipe_is_caught() {
        let source = "fn f() { println!(\"x\"); }\nfn g() { outln!(\"x\"); }\n";
        assert_eq!(
            check("src/cli/wallet.rs", source),
            ["src/cli/wallet.rs:1: println!: it panics where nothing can be written; use src/cli/out.rs"]
        );
        assert_eq!(check("xtask/src/check.rs", source), Vec::<String>::new());
    }

    #[test]
    fn words_in_comments_do_not_count() {
        assert_eq!(
            check(
                "crates/chain/src/lib.rs",
                "/// Never f64, never a HashMap.\nfn f() {}\n"
            ),
            Vec::<String>::new()
        );
    }

    #[test]
    fn modules_declared_for_tests_are_tests() {
        let unwraps = "fn f() { x.unwrap() }".to_owned();
        let declares = "#[cfg(test)]\nmod vectors;\n#[cfg(test)]\npub(crate) mod testing;\nmod real;\n".to_owned();
        let files = [
            ("crates/node/src/store.rs".to_owned(), declares),
            ("crates/node/src/store/vectors.rs".to_owned(), unwraps.clone()),
            ("crates/node/src/store/testing/chain.rs".to_owned(), unwraps.clone()),
            ("crates/node/src/store/real.rs".to_owned(), unwraps),
        ];
        assert_eq!(
            super::check(&files),
            ["crates/node/src/store/real.rs:1: .unwrap(): give the reason with expect(), or return an error"]
        );
        assert_eq!(
            test_files("crates/wallet/src/hd.rs", "#[cfg(test)] mod tests;"),
            ["crates/wallet/src/hd/tests.rs", "crates/wallet/src/hd/tests/"]
        );
    }
}
