//! Modules of a package that its tests need, and no other package's code: the compiler cannot open a module to tests alone.

use super::imports::paths_into;
use super::lints::shipped;

/// Where a package begins that has inner modules: its folder, its name in code, those modules, and what others use instead.
const INNER: [(&str, &str, &[&str], &str); 1] = [(
    "crates/node/",
    "tally_node",
    &["pipeline", "store"],
    "use Node, Tip and Snapshot; blocks, state and indexes are written by the pipeline alone",
)];

/// Each file of another package that names an inner module, as `path: …`. Tests may.
pub fn check(files: &[(String, String)]) -> Vec<String> {
    let mut errors = Vec::new();
    for (path, code) in shipped(files) {
        for (folder, package, modules, instead) in INNER {
            if path.starts_with(folder) {
                continue;
            }
            let named = paths_into(&code, package);
            for module in modules {
                if named.iter().any(|path| path.get(1).is_some_and(|name| name == module)) {
                    errors.push(format!("{path}: {package}::{module}: {instead}"));
                }
            }
        }
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, source: &str) -> Vec<String> {
        check(&[(path.to_owned(), source.to_owned())])
    }

    #[test]
    fn an_inner_module_is_named_by_its_own_package_and_tests_only() {
        let sources = [
            "use tally_node::store::Commit;",
            "use tally_node::{Node, store::{Commit, Store}};",
            "use tally_node::{self as node, store};",
            "fn f(store: &tally_node::store::Store) {}",
        ];
        let error = "src/api/blocks.rs: tally_node::store: use Node, Tip and Snapshot; blocks, state and indexes are written by the pipeline alone";
        for source in sources {
            assert_eq!(found("src/api/blocks.rs", source), [error], "{source}");
            for allowed in ["crates/network/tests/damaged.rs", "crates/node/src/audit.rs"] {
                assert_eq!(found(allowed, source), Vec::<String>::new(), "{allowed}: {source}");
            }
            let in_tests = format!("#[cfg(test)]\nmod tests {{ {source} }}");
            assert_eq!(found("src/api/blocks.rs", &in_tests), Vec::<String>::new(), "{source}");
        }
    }

    #[test]
    fn other_names_are_free() {
        let source =
            "use tally_node::{Node, StoreError, Tip};\nuse store::Commit;\n// use tally_node::store::Commit;\n";
        assert_eq!(found("crates/network/src/session.rs", source), Vec::<String>::new());
    }
}
