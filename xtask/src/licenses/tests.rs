use std::path::Path;

use serde_json::json;

use super::*;

fn written(folder: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let file = folder.join(name);
        fs::create_dir_all(file.parent().expect("a folder")).expect("made");
        fs::write(file, text).expect("written");
    }
}

/// What `cargo metadata` prints for a package of others whose sources are in this folder.
fn package(folder: &Path, name: &str, license: &str) -> Value {
    json!({
        "name": name,
        "version": "1.2.3",
        "source": "registry+https://github.com/rust-lang/crates.io-index",
        "license": license,
        "license_file": null,
        "repository": format!("https://example.org/{name}"),
        "homepage": null,
        "authors": ["A. Writer"],
        "manifest_path": folder.join(name).join("Cargo.toml"),
    })
}

fn keys(names: &[&str]) -> BTreeSet<Key> {
    names
        .iter()
        .map(|name| ((*name).to_owned(), "1.2.3".to_owned()))
        .collect()
}

fn listed(packages: Vec<Value>, linked: &[&str]) -> Result<String> {
    list(&super::packages(&json!({ "packages": packages }), &keys(linked))?)
}

#[test]
fn a_text_stands_once_and_each_package_names_its_texts() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    written(
        dir.path(),
        &[
            ("one/LICENSE-MIT", "Do as\nyou like.\n"),
            ("one/vendor/COPYING.txt", "\u{feff}Other terms,\u{c}\r\nmany.  \r\n"),
            ("one/.github/LICENSE", "not of the package"),
            ("one/src/license.rs", "code"),
            ("two/license.md", "Do as you\nlike."),
        ],
    );
    let packages = vec![
        package(dir.path(), "one", "MIT"),
        package(dir.path(), "two", "MIT OR Zlib"),
    ];
    let list = listed(packages, &["one", "two"]).expect("both have texts");
    let (_, list) = list.split_once("\n\npackage ").expect("packages follow the head");
    assert_eq!(
        list,
        "one 1.2.3\n  licence     MIT\n  repository  https://example.org/one\n  texts       1, 2\n\n\
         package two 1.2.3\n  licence     MIT OR Zlib\n  repository  https://example.org/two\n  texts       1\n\n\
         text 1: LICENSE-MIT, as in one 1.2.3\n------------------------------------\n\nDo as\nyou like.\n\n\
         text 2: vendor/COPYING.txt, as in one 1.2.3\n-------------------------------------------\n\nOther terms,\nmany.\n\n"
    );
}

#[test]
fn only_linked_packages_of_others_are_listed() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let files = ["linked/LICENSE", "ours/LICENSE", "unused/LICENSE"].map(|name| (name, "terms"));
    written(dir.path(), &files);
    let mut ours = package(dir.path(), "ours", "MIT");
    ours["source"] = Value::Null;
    let unused = package(dir.path(), "unused", "MIT");
    let packages = vec![package(dir.path(), "linked", "MIT"), ours, unused];
    let list = listed(packages.clone(), &["linked", "ours"]).expect("it has a text");
    let names: Vec<&str> = list.lines().filter(|line| line.starts_with("package ")).collect();
    assert_eq!(names, ["package linked 1.2.3"]);
    let missing = listed(packages, &["linked", "unknown"]).expect_err("cargo metadata does not have it");
    assert_eq!(
        missing.to_string(),
        "cargo metadata does not have these linked packages: {(\"unknown\", \"1.2.3\")}"
    );
}

#[test]
fn a_package_without_a_text_has_the_standard_one_of_its_licence() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    written(dir.path(), &[("bare/src/lib.rs", "")]);
    let list = listed(vec![package(dir.path(), "bare", "MIT/Apache-2.0")], &["bare"]).expect("both are known");
    assert!(
        list.contains("  texts       1, 2 (standard text; the authors are A. Writer)\n"),
        "{list}"
    );
    assert!(list.contains("\ntext 1: MIT, as in bare 1.2.3\n"), "{list}");
    assert!(list.contains("Permission is hereby granted, free of charge"), "{list}");
    assert!(list.contains("TERMS AND CONDITIONS FOR USE, REPRODUCTION"), "{list}");
}

#[test]
fn a_package_whose_terms_nobody_can_read_is_an_error() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    written(dir.path(), &[("bare/src/lib.rs", "")]);
    for license in ["Zlib", "MIT AND Zlib", "Apache-2.0 WITH LLVM-exception", ""] {
        let error = listed(vec![package(dir.path(), "bare", license)], &["bare"]).expect_err("no text is known");
        assert_eq!(
            error.to_string(),
            format!("bare 1.2.3 has no licence file, and xtask/src/licenses has no text for {license:?}")
        );
    }
    assert_eq!(texts::standard("MIT OR Zlib").len(), 1);
    assert_eq!(texts::standard("(MIT OR Apache-2.0) AND CC0-1.0").len(), 3);
}

#[test]
fn lines_of_cargo_tree_are_read() {
    for line in [
        "serde v1.0.229",
        "serde v1.0.229 (*)",
        "serde v1.0.229 (proc-macro) (*)",
    ] {
        assert_eq!(
            key(line).expect("a package"),
            ("serde".to_owned(), "1.0.229".to_owned())
        );
    }
    let error = key("[build-dependencies]").expect_err("a heading");
    assert_eq!(
        error.to_string(),
        "cargo tree: a package and its version are expected in \"[build-dependencies]\""
    );
}

#[test]
fn the_list_has_what_the_server_and_the_browser_are_linked_from() {
    let workspace = Workspace::load().expect("the workspace");
    let linked = linked(&workspace).expect("cargo tree");
    let names: BTreeSet<&str> = linked.iter().map(|(name, _)| name.as_str()).collect();
    for name in ["tally", "axum", "tally-workers", "rqrr", "wasm-bindgen", "serde_derive"] {
        assert!(names.contains(name), "{name} is linked");
    }
    // Of the build, of tests and of fuzzing.
    for name in ["cc", "proptest", "libfuzzer-sys", "wasm-bindgen-cli-support"] {
        assert!(!names.contains(name), "{name} is in no program that users get");
    }
    let list =
        list(&packages(&metadata(&workspace).expect("cargo metadata"), &linked).expect("sources")).expect("texts");
    let lines = list.lines().filter(|line| line.starts_with("package ")).count();
    let ours = names.iter().filter(|name| name.starts_with("tally")).count();
    assert_eq!(lines, linked.len() - ours);
}
