//! Which files may look at proof of work. All others use the engine (`crates/chain/src/consensus.rs`), or the door for
//! readers without the blocks before (`crates/chain/src/seal.rs`): a second engine then changes nothing in them.

use super::lints::shipped;

/// Where proof of work is at home: files, and folders that end in a slash.
const AT_HOME: &[&str] = &[
    // The engine, its arithmetic, and the door for readers without the blocks before.
    "crates/chain/src/asert.rs",
    "crates/chain/src/consensus.rs",
    "crates/chain/src/consensus/",
    "crates/chain/src/pow.rs",
    "crates/chain/src/pow_lanes.rs",
    "crates/chain/src/seal.rs",
    // Those who search: the native miner, the browser's, external ones, the benchmarks.
    "app/src/operations/browser_miner/",
    // Forgers of chains mine, too.
    "crates/chain/src/light/forge/",
    "crates/lab/src/",
    "crates/node/src/miner.rs",
    "crates/node/src/miner/",
    "workers/src/mining_worker.rs",
    "src/api/mining.rs",
    "src/cli/bench/",
    "src/cli/lab/",
    "src/stratum/",
    // Those who show bits, target, nonce and difficulty of a block, or name what is wrong with them.
    "app/src/explorer/block.rs",
    "app/src/verify/checks.rs",
    "crates/pages/src/blocks.rs",
    "crates/pages/src/overview.rs",
    "crates/pages/src/rows.rs",
    "src/api/blocks.rs",
    "src/api/problem/block.rs",
];

/// What only those files name: the modules of proof of work, and the fields of a header that it decides.
const OF_WORK: [&str; 7] = [
    "asert::",
    "header.bits",
    "header.nonce",
    "pow::",
    "pow_lanes::",
    "seal.bits",
    "seal.nonce",
];

/// A `let` that has no other way: where the spec or the engine gets a second variant, it does not compile.
const NO_OTHER_WAY: [&str; 2] = ["let ConsensusSpec::", "let Engine::"];

/// Each look at proof of work that the list does not have, as `path:line: …`, and each entry of the list that is no file.
pub fn check(files: &[(String, String)]) -> Vec<String> {
    let is_there = |home: &&&str| files.iter().any(|(path, _)| is_in(path, home));
    let stale = AT_HOME.iter().filter(|home| !is_there(home));
    let mut errors: Vec<String> = stale
        .map(|home| format!("{home} is in the list of xtask/src/check/engine.rs and nowhere else"))
        .collect();
    errors.extend(looks(files, AT_HOME));
    errors
}

fn looks(files: &[(String, String)], at_home: &[&str]) -> Vec<String> {
    let mut errors = Vec::new();
    for (path, code) in shipped(files) {
        if path.starts_with("crates/testkit/") || path.starts_with("fuzz/") {
            continue;
        }
        let home = at_home.iter().any(|home| is_in(path, home));
        for (number, line) in (1..).zip(code.lines()) {
            let found = |words: &[&'static str]| words.iter().copied().find(|word| names(line, word));
            if let Some(word) = found(&OF_WORK).filter(|_| !home) {
                errors.push(format!(
                    "{path}:{number}: {word}: use the engine (crates/chain/src/consensus.rs) or crates/chain/src/seal.rs"
                ));
            }
            let branches = line.contains("if let") || line.contains("else");
            if let Some(word) = found(&NO_OTHER_WAY).filter(|_| !branches) {
                errors.push(format!(
                    "{path}:{number}: {word}: match, so that there may be a second engine"
                ));
            }
        }
    }
    errors
}

fn is_in(path: &str, home: &str) -> bool {
    path == home || home.ends_with('/') && path.starts_with(home)
}

/// Whether the line has the word, not as the beginning of a longer name. What stands before a field may be a longer name:
/// `tip_header.bits` are bits of a header, too.
fn names(line: &str, word: &str) -> bool {
    let name = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back().is_some_and(name);
        let after = line[at + word.len()..].chars().next().is_some_and(name);
        match word.ends_with("::") {
            true => !before,
            false => !after,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: &[&str] = &["crates/chain/src/pow.rs", "crates/node/src/miner/"];

    fn looks(path: &str, source: &str) -> Vec<String> {
        super::looks(&[(path.to_owned(), source.to_owned())], HOME)
    }

    #[test]
    fn a_look_at_proof_of_work_is_caught_outside_its_home() {
        let source = "use tally_chain::pow::Target;\nfn f() {\n    met(tip_header.bits, seal.nonce)\n}\n";
        let advice = "use the engine (crates/chain/src/consensus.rs) or crates/chain/src/seal.rs";
        assert_eq!(
            looks("app/src/wallet/node.rs", source),
            [
                format!("app/src/wallet/node.rs:1: pow::: {advice}"),
                format!("app/src/wallet/node.rs:3: header.bits: {advice}"),
            ]
        );
        for path in ["crates/chain/src/pow.rs", "crates/node/src/miner/scan.rs"] {
            assert_eq!(looks(path, source), Vec::<String>::new());
        }
    }

    #[test]
    fn tests_comments_and_other_names_do_not_count() {
        let source = "// pow::Target\nfn f() { my_pow::g(); key.bits(); account.nonce; header.bits_of(x); }\n\
                      #[cfg(test)]\nmod tests { use tally_chain::pow::Target; }\n";
        assert_eq!(looks("src/api/status.rs", source), Vec::<String>::new());
        let test = "use tally_chain::pow::Target;\n";
        for path in [
            "crates/node/tests/import.rs",
            "fuzz/src/chain.rs",
            "crates/testkit/src/chain.rs",
        ] {
            assert_eq!(looks(path, test), Vec::<String>::new());
        }
    }

    #[test]
    fn a_let_without_another_way_is_caught_even_at_home() {
        let source = "fn f() {\n    let ConsensusSpec::Pow(pow) = spec;\n    let Engine::ProofOfWork(pow) = engine;\n    \
                      if let Engine::ProofOfWork(pow) = engine {}\n    let Engine::ProofOfWork(pow) = engine else { return };\n}\n";
        let path = "crates/node/src/miner/scan.rs";
        let second = "match, so that there may be a second engine";
        assert_eq!(
            looks(path, source),
            [
                format!("{path}:2: let ConsensusSpec::: {second}"),
                format!("{path}:3: let Engine::: {second}"),
            ]
        );
    }

    #[test]
    fn an_entry_without_a_file_is_caught() {
        let errors = check(&[("crates/chain/src/pow.rs".to_owned(), String::new())]);
        assert_eq!(errors.len(), AT_HOME.len() - 1);
        assert_eq!(
            errors[0],
            "crates/chain/src/asert.rs is in the list of xtask/src/check/engine.rs and nowhere else"
        );
    }
}
