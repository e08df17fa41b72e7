//! The picture of the packages that docs/map.md shows: drawn from `cargo metadata`, so that it stays true.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::workspace::Workspace;

/// Where the picture is, from the root of the checkout.
const PICTURE: &str = "docs/map.svg";

// Pixels.
const BOX_WIDTH: usize = 152;
const BOX_HEIGHT: usize = 48;
/// Between boxes of a row.
const GAP: usize = 28;
/// Between rows: curves need it to be distinguishable.
const ROW_GAP: usize = 72;
const MARGIN: usize = 16;

const STYLE: &str = "\
text{font:14px sans-serif;text-anchor:middle;fill:#1a1a1a}
text.folder{font-size:11px;fill:#5a5a5a}
rect{fill:#fff;stroke:#33527a;stroke-width:1.5}
path{fill:none;stroke:#33527a;stroke-width:1.5}
path.implied{stroke-opacity:.3}
path.optional{stroke-dasharray:5 4}
path.tip{fill:#33527a;stroke:none}
@media(prefers-color-scheme:dark){text{fill:#eee}text.folder{fill:#aaa}rect{fill:#1c2530;stroke:#8fb3e0}path{stroke:#8fb3e0}path.tip{fill:#8fb3e0}}
";

/// A package and what it uses of the others, outside of its tests: by name, and whether only under a feature.
struct Package {
    folder: String,
    uses: BTreeMap<String, bool>,
}

type Packages = BTreeMap<String, Package>;

/// The left upper corner of each package's box, from the left and from above.
type Places<'a> = BTreeMap<&'a str, (usize, usize)>;

/// Draws the picture into the checkout.
pub fn write(workspace: &Workspace) -> Result<()> {
    let path = workspace.root.join(PICTURE);
    fs::write(&path, draw(&workspace.metadata)).with_context(|| format!("cannot write {}", path.display()))
}

/// One sentence where the committed picture is not what the packages are.
pub fn check(metadata: &Value, files: &[(String, String)]) -> Option<String> {
    let committed = files.iter().find(|(path, _)| path == PICTURE);
    let is_true = committed.is_some_and(|(_, content)| *content == draw(metadata));
    (!is_true).then(|| format!("{PICTURE}: the packages are others by now: cargo xtask map draws it"))
}

fn draw(metadata: &Value) -> String {
    let packages = packages(metadata);
    let places = places(&packages);
    let right = places.values().map(|(x, _)| x + BOX_WIDTH).max().unwrap_or(0);
    let bottom = places.values().map(|(_, y)| y + BOX_HEIGHT).max().unwrap_or(0);
    let (width, height) = (right + MARGIN, bottom + MARGIN);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\">\n\
         <title>The packages of Tally: each arrow leads to a package that is used</title>\n<style>\n{STYLE}</style>\n\
         <defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\">\
         <path class=\"tip\" d=\"M0 0L8 4L0 8z\"/></marker></defs>\n"
    );
    for (name, package) in &packages {
        for (used, optional) in &package.uses {
            let (x1, y1) = (
                exit(&packages, &places, name, used),
                places[name.as_str()].1 + BOX_HEIGHT,
            );
            let (x2, y2) = (entry(&packages, &places, name, used), places[used.as_str()].1);
            let middle = usize::midpoint(y1, y2);
            let mut others = package.uses.keys().filter(|other| *other != used);
            let implied = others.any(|other| reaches(&packages, other, used));
            let classes = [(implied, "implied"), (*optional, "optional")];
            let classes: Vec<&str> = classes.iter().filter(|(is, _)| *is).map(|(_, class)| *class).collect();
            let class = match classes.is_empty() {
                true => String::new(),
                false => format!(" class=\"{}\"", classes.join(" ")),
            };
            line(
                &mut svg,
                format_args!(
                    "<path{class} d=\"M{x1} {y1}C{x1} {middle} {x2} {middle} {x2} {y2}\" marker-end=\"url(#tip)\"/>"
                ),
            );
        }
    }
    for (name, package) in &packages {
        let (x, y) = places[name.as_str()];
        let centre = x + BOX_WIDTH / 2;
        line(
            &mut svg,
            format_args!("<rect x=\"{x}\" y=\"{y}\" width=\"{BOX_WIDTH}\" height=\"{BOX_HEIGHT}\" rx=\"6\"/>"),
        );
        line(
            &mut svg,
            format_args!("<text x=\"{centre}\" y=\"{}\">{name}</text>", y + 21),
        );
        line(
            &mut svg,
            format_args!(
                "<text class=\"folder\" x=\"{centre}\" y=\"{}\">{}</text>",
                y + 38,
                package.folder
            ),
        );
    }
    svg.push_str("</svg>\n");
    svg
}

fn line(svg: &mut String, text: std::fmt::Arguments<'_>) {
    writeln!(svg, "{text}").expect("a String takes all that is written");
}

/// The packages of the workspace.
fn packages(metadata: &Value) -> Packages {
    let root = metadata["workspace_root"].as_str().unwrap_or_default();
    let listed = || metadata["packages"].as_array().into_iter().flatten();
    let names: Vec<&str> = listed().filter_map(|package| package["name"].as_str()).collect();
    listed()
        .filter_map(|package| {
            let manifest = package["manifest_path"].as_str()?.strip_prefix(root)?;
            let folder = manifest.trim_start_matches('/').strip_suffix("Cargo.toml")?;
            let folder = match folder.trim_end_matches('/') {
                "" => "src",
                folder => folder,
            };
            let mut uses = BTreeMap::new();
            for dependency in package["dependencies"].as_array().into_iter().flatten() {
                let used = dependency["name"].as_str()?;
                if names.contains(&used) && dependency["kind"].is_null() {
                    uses.insert(used.to_owned(), dependency["optional"] == true);
                }
            }
            let folder = folder.to_owned();
            Some((package["name"].as_str()?.to_owned(), Package { folder, uses }))
        })
        .collect()
}

/// What is used by others stands below them; rows are centred.
fn places(packages: &Packages) -> Places<'_> {
    let mut rows: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    for name in packages.keys() {
        rows.entry(level(packages, name)).or_default().push(name);
    }
    let width = |boxes: usize| boxes * (BOX_WIDTH + GAP) - GAP;
    let widest = rows.values().map(|row| width(row.len())).max().unwrap_or(0);
    let mut places = BTreeMap::new();
    for (row, names) in rows.values().rev().enumerate() {
        let left = MARGIN + (widest - width(names.len())) / 2;
        for (column, name) in names.iter().enumerate() {
            let place = (left + column * (BOX_WIDTH + GAP), MARGIN + row * (BOX_HEIGHT + ROW_GAP));
            places.insert(*name, place);
        }
    }
    places
}

/// How many packages stand below it, one under the other. Cargo has no circles among packages, so this ends.
fn level(packages: &Packages, name: &str) -> usize {
    let below = packages.get(name).into_iter().flat_map(|package| package.uses.keys());
    below.map(|used| level(packages, used) + 1).max().unwrap_or(0)
}

/// Whether `from` uses `to`, by itself or through others.
fn reaches(packages: &Packages, from: &str, to: &str) -> bool {
    let mut used = packages.get(from).into_iter().flat_map(|package| package.uses.keys());
    used.any(|used| used == to || reaches(packages, used, to))
}

/// Where the arrow from `name` to `used` begins, from the left: arrows of a box cross as little as they can.
fn exit(packages: &Packages, places: &Places<'_>, name: &str, used: &str) -> usize {
    let all = packages.get(name).into_iter().flat_map(|package| package.uses.keys());
    along(places, name, all.map(String::as_str).collect(), used)
}

/// Where it ends.
fn entry(packages: &Packages, places: &Places<'_>, name: &str, used: &str) -> usize {
    let all = packages.iter().filter(|(_, package)| package.uses.contains_key(used));
    along(places, used, all.map(|(name, _)| name.as_str()).collect(), name)
}

/// The place of `other` along the edge of the box `of`, among `all` that have an arrow there.
fn along(places: &Places<'_>, of: &str, mut all: Vec<&str>, other: &str) -> usize {
    all.sort_by_key(|name| (places[name], *name));
    let position = all.iter().position(|name| *name == other).unwrap_or(0);
    places[of].0 + BOX_WIDTH * (position + 1) / (all.len() + 1)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn metadata(of_ledger: &Value) -> Value {
        let package = |name: &str, dependencies: &Value| {
            json!({
                "name": name,
                "manifest_path": format!("/checkout/crates/{name}/Cargo.toml"),
                "dependencies": dependencies,
            })
        };
        let uses = |name: &str, optional: bool| json!({"name": name, "kind": null, "optional": optional});
        json!({
            "workspace_root": "/checkout",
            "packages": [
                package("chain", &json!([uses("sha2", false)])),
                package("ledger", of_ledger),
                package("node", &json!([uses("chain", false), uses("ledger", true)])),
            ],
        })
    }

    #[test]
    fn each_use_is_an_arrow_and_each_package_a_box() {
        let svg = draw(&metadata(&json!([{"name": "chain", "kind": null, "optional": false}])));
        assert_eq!(svg.matches("<rect ").count(), 3, "{svg}");
        assert_eq!(svg.matches("marker-end").count(), 3, "{svg}");
        assert_eq!(
            svg.matches("class=\"implied\"").count(),
            1,
            "node reaches chain through ledger: {svg}"
        );
        assert_eq!(svg.matches("class=\"optional\"").count(), 1, "{svg}");
        assert!(svg.contains(">crates/ledger</text>"), "{svg}");
    }

    #[test]
    fn a_picture_of_other_packages_is_caught() {
        let now = metadata(&json!([{"name": "chain", "kind": null, "optional": false}]));
        let files = |content: String| [(PICTURE.to_owned(), content)];
        assert_eq!(check(&now, &files(draw(&now))), None);
        let before = metadata(&json!([{"name": "chain", "kind": "dev", "optional": false}]));
        let caught = Some(format!(
            "{PICTURE}: the packages are others by now: cargo xtask map draws it"
        ));
        assert_eq!(check(&now, &files(draw(&before))), caught);
        assert_eq!(check(&now, &[]), caught);
    }
}
