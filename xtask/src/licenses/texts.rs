//! Licence texts: those in the sources of packages, and standard ones for packages that have none.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// Licence files begin so, in whatever case.
const NAMES: [&str; 6] = ["LICENSE", "LICENCE", "UNLICENSE", "COPYING", "COPYRIGHT", "NOTICE"];

/// Files that begin so and end like this are about licences, and are none.
const OTHERS: [&str; 7] = [".RS", ".YML", ".YAML", ".TOML", ".JSON", ".HBS", ".PY"];

/// What the words of an SPDX expression are beside identifiers.
const OPERATORS: [&str; 3] = ["AND", "OR", "WITH"];

/// Texts of licences by their SPDX identifier, for packages that name a licence and bring no text.
const STANDARD: [(&str, &str); 4] = [
    ("0BSD", include_str!("0BSD.txt")),
    ("Apache-2.0", include_str!("../../../LICENSE-APACHE")),
    ("CC0-1.0", include_str!("CC0-1.0.txt")),
    ("MIT", include_str!("MIT.txt")),
];

/// A licence text with the name of its file.
#[derive(Debug, PartialEq, Eq)]
pub struct Text {
    pub name: String,
    pub text: String,
}

/// The licence files of a package, also those beside foreign sources in it, and the one that its manifest names.
pub fn own(manifest: &Path, named: Option<&str>) -> Result<Vec<Text>> {
    let root = manifest.parent().context("a manifest stands in a folder")?;
    let mut names = Vec::new();
    collect(root, "", &mut names)?;
    names.extend(named.map(str::to_owned));
    names.sort();
    names.dedup();
    names.into_iter().map(|name| read(root, name)).collect()
}

fn collect(folder: &Path, prefix: &str, names: &mut Vec<String>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let kind = entry.file_type()?;
        if kind.is_dir() && !name.starts_with('.') {
            collect(&entry.path(), &format!("{prefix}{name}/"), names)?;
        } else if kind.is_file() && is_license(&name) {
            names.push(format!("{prefix}{name}"));
        }
    }
    Ok(())
}

fn is_license(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    NAMES.iter().any(|start| name.starts_with(start)) && !OTHERS.iter().any(|end| name.ends_with(end))
}

fn read(root: &Path, name: String) -> Result<Text> {
    let bytes = fs::read(root.join(&name)).with_context(|| format!("cannot read {name}"))?;
    let text = plain(&String::from_utf8_lossy(&bytes));
    Ok(Text { name, text })
}

/// The text without what moves a terminal's cursor, such as form feeds, and without spaces at the ends of lines.
fn plain(text: &str) -> String {
    let text = text.trim_start_matches('\u{feff}');
    let shown = text.replace(|c: char| c.is_control() && c != '\n' && c != '\t', " ");
    let lines: Vec<&str> = shown.lines().map(str::trim_end).collect();
    lines.join("\n").trim_matches('\n').to_owned()
}

/// The standard texts of an expression: of all its licences where it joins them, else of those that are known. Empty where
/// that is not enough.
pub fn standard(expression: &str) -> Vec<Text> {
    let part_of_id = |c: char| c.is_ascii_alphanumeric() || "-.+".contains(c);
    let words = expression
        .split(|c: char| !part_of_id(c))
        .filter(|word| !word.is_empty());
    let (operators, ids): (Vec<&str>, Vec<&str>) = words.partition(|word| OPERATORS.contains(word));
    let known: Vec<Text> = ids
        .iter()
        .filter_map(|id| {
            let (name, text) = STANDARD.iter().find(|(name, _)| name == id)?;
            Some(Text {
                name: (*name).to_owned(),
                text: plain(text),
            })
        })
        .collect();
    let any_will_do = operators.iter().all(|&operator| operator == "OR");
    if any_will_do || known.len() == ids.len() {
        known
    } else {
        Vec::new()
    }
}

/// Texts with their numbers, in the order in which they were first used. Where two differ in white space only, they are one.
#[derive(Debug, Default)]
pub struct Numbered {
    numbers: BTreeMap<String, usize>,
    /// Title and text; number 1 is the first.
    texts: Vec<(String, String)>,
}

impl Numbered {
    /// The number of a text of this package, from 1.
    pub fn number(&mut self, text: &Text, package: &str, version: &str) -> usize {
        let words: Vec<&str> = text.text.split_whitespace().collect();
        *self.numbers.entry(words.join(" ")).or_insert_with(|| {
            let title = format!("{}, as in {package} {version}", text.name);
            self.texts.push((title, text.text.clone()));
            self.texts.len()
        })
    }
}

impl fmt::Display for Numbered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, (title, text)) in (1..).zip(&self.texts) {
            let title = format!("text {number}: {title}");
            writeln!(f, "{title}\n{}\n\n{text}\n", "-".repeat(title.chars().count()))?;
        }
        Ok(())
    }
}
