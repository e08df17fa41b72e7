//! Where the published test vectors are.

use std::path::{Path, PathBuf};

/// A folder or file of the corpora, for instance `wycheproof` or `bip39/vectors_english.json`; `None` where it is not on
/// this machine, with a line that `./test` shows as skipped.
///
/// `TALLY_CORPORA` names the folder of all of them; without it that is `shared/corpora` beside the checkout.
pub fn corpora(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("TALLY_CORPORA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora"),
        PathBuf::from,
    );
    let found = below(&root, name);
    if found.is_none() {
        let missing = root.join(name);
        eprintln!(
            "SKIP: corpora not found: {}; TALLY_CORPORA names their folder",
            missing.display()
        );
    }
    found
}

fn below(root: &Path, name: &str) -> Option<PathBuf> {
    Some(root.join(name)).filter(|path| path.exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_and_files_are_found_below_the_root_and_nothing_else() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert_eq!(below(root, "src"), Some(root.join("src")));
        assert_eq!(below(root, "src/corpora.rs"), Some(root.join("src/corpora.rs")));
        assert_eq!(below(root, "src/no-such-corpus.json"), None);
        assert_eq!(below(&root.join("no-such-folder"), "src"), None);
    }
}
