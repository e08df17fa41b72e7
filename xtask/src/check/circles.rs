//! Files that import each other in a circle can only be understood and changed together, so circles stay small.

use std::collections::BTreeSet;

use serde_json::Value;

use super::imports::{Graph, graph};

/// The most files that may import each other in a circle.
const MOST: usize = 3;

/// One sentence for each circle that is too large. `files` are Rust sources without those of tests.
pub fn check(metadata: &Value, files: &[&(String, String)]) -> Vec<String> {
    folders(metadata)
        .iter()
        .flat_map(|folder| {
            let own: Vec<(&str, &str)> = files
                .iter()
                .filter(|(path, _)| path.starts_with(folder))
                .map(|(path, content)| (path.as_str(), content.as_str()))
                .collect();
            let circles = circles(&graph(folder, &own));
            let too_large = circles.into_iter().filter(|circle| circle.len() > MOST);
            too_large
                .map(|circle| {
                    format!(
                        "{} files import each other in a circle, at most {MOST} may: {}",
                        circle.len(),
                        circle.join(", ")
                    )
                })
                .collect::<Vec<_>>()
        })
        .collect()
}

/// The folders of the packages' sources, from the root of the checkout.
fn folders(metadata: &Value) -> Vec<String> {
    let root = metadata["workspace_root"].as_str().unwrap_or_default();
    let manifests = metadata["packages"].as_array().into_iter().flatten();
    manifests
        .filter_map(|package| {
            let manifest = package["manifest_path"].as_str()?.strip_prefix(root)?;
            let folder = manifest.trim_start_matches('/').strip_suffix("Cargo.toml")?;
            Some(format!("{folder}src/"))
        })
        .collect()
}

/// The largest sets of two files and more in which each file reaches each other one.
fn circles<'a>(graph: &Graph<'a>) -> Vec<Vec<&'a str>> {
    let reached: Vec<(&str, BTreeSet<&str>)> = graph.keys().map(|from| (*from, reach(graph, from))).collect();
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for (from, all) in &reached {
        if !seen.insert(*from) {
            continue;
        }
        let back = reached
            .iter()
            .filter(|(to, back)| all.contains(to) && back.contains(from))
            .map(|(to, _)| *to);
        let circle: Vec<&str> = back.collect();
        seen.extend(circle.iter().copied());
        if circle.len() > 1 {
            found.push(circle);
        }
    }
    found
}

/// The files that one reaches by its imports and theirs; itself only where it is in a circle.
fn reach<'a>(graph: &Graph<'a>, from: &str) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut next: Vec<&str> = graph.get(from).into_iter().flatten().copied().collect();
    while let Some(file) = next.pop() {
        if reached.insert(file) {
            next.extend(graph.get(file).into_iter().flatten().copied());
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(sources: &[(&str, &str)]) -> Vec<String> {
        let files: Vec<(String, String)> = sources
            .iter()
            .map(|(path, content)| ((*path).to_owned(), (*content).to_owned()))
            .collect();
        let metadata = json!({
            "workspace_root": "/checkout",
            "packages": [
                {"name": "tally", "manifest_path": "/checkout/Cargo.toml"},
                {"name": "tally-a", "manifest_path": "/checkout/crates/a/Cargo.toml"},
            ],
        });
        check(&metadata, &files.iter().collect::<Vec<_>>())
    }

    #[test]
    fn four_files_in_a_circle_are_too_many_and_three_are_not() {
        let mut sources = [
            ("crates/a/src/lib.rs", "mod w; mod x; mod y; mod z;"),
            ("crates/a/src/w.rs", "use crate::x::X;"),
            ("crates/a/src/x.rs", "use crate::{w::W, y::Y};"),
            ("crates/a/src/y.rs", "use crate::z::Z;"),
            ("crates/a/src/z.rs", "use crate::w::W;"),
        ];
        assert_eq!(
            found(&sources),
            [
                "4 files import each other in a circle, at most 3 may: crates/a/src/w.rs, crates/a/src/x.rs, crates/a/src/y.rs, crates/a/src/z.rs"
            ]
        );
        sources[3].1 = "";
        assert_eq!(found(&sources), Vec::<String>::new());
    }

    #[test]
    fn a_file_that_uses_what_it_hands_on_is_part_of_the_circle() {
        let mut sources = [
            ("crates/a/src/lib.rs", "mod room;"),
            (
                "crates/a/src/room.rs",
                "mod x; mod y; mod z;\npub use x::X;\npub struct Room(X);",
            ),
            ("crates/a/src/room/x.rs", "use super::y::Y;"),
            ("crates/a/src/room/y.rs", "use super::z::Z;"),
            ("crates/a/src/room/z.rs", "use super::Room;"),
        ];
        assert_eq!(
            found(&sources),
            [
                "4 files import each other in a circle, at most 3 may: crates/a/src/room.rs, crates/a/src/room/x.rs, crates/a/src/room/y.rs, crates/a/src/room/z.rs"
            ]
        );
        sources[1].1 = "mod x; mod y; mod z;\npub use x::X;\npub struct Room;";
        assert_eq!(found(&sources), Vec::<String>::new());
    }

    #[test]
    fn files_of_two_packages_are_not_mixed_up() {
        let sources = [
            ("src/lib.rs", "mod x; mod y;"),
            ("src/x.rs", "use crate::y::Y;"),
            ("src/y.rs", ""),
            ("crates/a/src/lib.rs", "mod y;"),
            ("crates/a/src/y.rs", "use crate::x::X;"),
        ];
        assert_eq!(found(&sources), Vec::<String>::new());
    }
}
