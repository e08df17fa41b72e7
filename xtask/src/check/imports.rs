//! Which file of a package imports which, read from its source: `use` declarations and paths in the code.
//!
//! What a module only hands on (`pub use`) leads to the file that declares it, so that a module which lists its parts does not
//! tie them together. A name that its own code uses, too, is an import like any other.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{code_only, without_tests};

/// For each file the files of the same package that it imports, all by their path from the root of the checkout.
pub type Graph<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

/// A module by its names, from the root of its crate.
type Module = Vec<String>;

/// How often a name is followed from one `pub use` to the next.
const MAX_HANDED_ON: usize = 8;

/// The imports among the files below `folder`, such as `crates/node/src/`.
pub fn graph<'a>(folder: &str, files: &[(&'a str, &str)]) -> Graph<'a> {
    let package = Package::read(folder, files);
    let mut graph = Graph::new();
    for (module, source) in &package.sources {
        let used = graph.entry(source.path).or_default();
        for import in &source.imports {
            let home = package.home(&import.path, MAX_HANDED_ON);
            let other = home
                .filter(|home| *home != module)
                .and_then(|home| package.sources.get(home));
            used.extend(other.filter(|other| source.uses(import, other)).map(|other| other.path));
        }
    }
    graph
}

/// The modules of a package that stand in files of their own.
struct Package<'a> {
    sources: BTreeMap<Module, Source<'a>>,
}

struct Source<'a> {
    path: &'a str,
    code: String,
    /// The code without its `use` declarations.
    body: String,
    imports: Vec<Import>,
}

impl Source<'_> {
    /// What other modules find here under this name.
    fn handed_on_as<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s Import> {
        let named = move |import: &&Import| import.handed_on_as.as_deref() == Some(name);
        self.imports.iter().filter(named)
    }

    /// Whether the code itself uses what it imports from `other`, or only hands it on.
    fn uses(&self, import: &Import, other: &Self) -> bool {
        match import.handed_on_as.as_deref() {
            None => true,
            Some("*") => items(&other.code).iter().any(|name| mentions(&self.body, name)),
            Some(name) => mentions(&self.body, name),
        }
    }
}

/// One path that a file uses, from the root of the crate.
struct Import {
    path: Module,
    /// Under which name other modules find it in this one; `*` for all names. None where it is used here.
    handed_on_as: Option<String>,
}

impl<'a> Package<'a> {
    fn read(folder: &str, files: &[(&'a str, &str)]) -> Self {
        let has_library = files.iter().any(|(path, _)| *path == format!("{folder}lib.rs"));
        let sources: BTreeMap<Module, (&str, String)> = files
            .iter()
            .filter_map(|(path, content)| {
                let module = module_of(path.strip_prefix(folder)?, has_library)?;
                Some((module, (*path, without_tests(&code_only(content)))))
            })
            .collect();
        let known: BTreeSet<Module> = sources.keys().cloned().collect();
        let with_imports = |(module, (path, code)): (Module, (&'a str, String))| {
            let (imports, body) = imports(&module, &code, &known);
            let source = Source {
                path,
                code,
                body,
                imports,
            };
            (module, source)
        };
        Self {
            sources: sources.into_iter().map(with_imports).collect(),
        }
    }

    /// The module whose file declares what this path names.
    fn home(&self, path: &[String], steps: usize) -> Option<&Module> {
        let known = (0..=path.len())
            .rev()
            .find_map(|length| self.sources.get_key_value(&path[..length]));
        let (module, source) = known?;
        let Some(name) = path.get(module.len()) else {
            return Some(module);
        };
        if steps == 0 {
            return Some(module);
        }
        let follow = |import: &Import, rest: &[String]| self.home(&[import.path.as_slice(), rest].concat(), steps - 1);
        let named = source
            .handed_on_as(name)
            .find_map(|import| follow(import, &path[module.len() + 1..]));
        let by_all_names = || {
            source
                .handed_on_as("*")
                .filter_map(|import| follow(import, &path[module.len()..]))
                .find(|home| {
                    self.sources
                        .get(*home)
                        .is_some_and(|source| declares(&source.code, name))
                })
        };
        named.or_else(by_all_names).or(Some(module))
    }
}

/// The module in a file, by the file's path in the folder of sources.
fn module_of(path: &str, has_library: bool) -> Option<Module> {
    let stem = path.strip_suffix(".rs")?;
    let mut names: Module = stem.split('/').map(str::to_owned).collect();
    match names.last().map(String::as_str) {
        Some("mod") => drop(names.pop()),
        Some("lib") if names.len() == 1 => names.clear(),
        Some("main") if names.len() == 1 && !has_library => names.clear(),
        _ => {}
    }
    Some(names)
}

/// Whether the code declares an item of this name.
fn declares(code: &str, name: &str) -> bool {
    items(code).contains(&name)
}

/// The names of the items that the code declares.
fn items(code: &str) -> Vec<&str> {
    const ITEMS: [&str; 7] = ["fn", "struct", "enum", "trait", "type", "const", "static"];
    let words = code.split(|c: char| !is_name(c)).filter(|word| !word.is_empty());
    let words: Vec<&str> = words.collect();
    let pairs = words.windows(2).filter(|pair| ITEMS.contains(&pair[0]));
    pairs.map(|pair| pair[1]).collect()
}

/// Whether the code uses this name, other than for a field, a method or a module of its own. A variable counts, too.
fn mentions(code: &str, name: &str) -> bool {
    code.match_indices(name).any(|(at, _)| {
        let (before, after) = (&code[..at], &code[at + name.len()..]);
        if before.ends_with(is_name) || after.starts_with(is_name) {
            return false;
        }
        let (before, after) = (before.trim_end(), after.trim_start());
        let is_module = before.strip_suffix("mod").is_some_and(|rest| !rest.ends_with(is_name));
        let is_field = before.ends_with('.') || after.starts_with(':') && !after.starts_with("::");
        !is_module && !is_field
    })
}

/// Everything that the code of a module uses of its own package, and the code without its declarations.
fn imports(module: &Module, code: &str, known: &BTreeSet<Module>) -> (Vec<Import>, String) {
    let inner = inner_modules(code);
    let here = |at: usize| {
        let names = inner.iter().filter(|(begin, end, _)| (*begin..*end).contains(&at));
        let names = names.map(|(_, _, name)| (*name).to_owned());
        module.iter().cloned().chain(names).collect::<Module>()
    };
    let mut found = Vec::new();
    let mut body = code.to_owned();
    for (begin, end) in declarations(code) {
        let is_public = is_public(&code[..begin]);
        for (mut path, name) in expand(&code[begin + "use".len()..end]) {
            if name == "*" {
                path.pop();
            }
            let path = absolute(&path, &here(begin), known);
            found.extend(path.map(|path| Import {
                path,
                handed_on_as: is_public.then_some(name),
            }));
        }
        body.replace_range(begin..end, &" ".repeat(end - begin));
    }
    for (at, path) in paths(&body) {
        let path = absolute(&path, &here(at), known);
        found.extend(path.map(|path| Import {
            path,
            handed_on_as: None,
        }));
    }
    (found, body)
}

/// Every path into another crate that the code names; the crate's own name is the first.
pub fn paths_into(code: &str, package: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut body = code.to_owned();
    for (begin, end) in declarations(code) {
        let tree = expand(&code[begin + "use".len()..end]).into_iter();
        found.extend(tree.map(|(path, _)| path));
        body.replace_range(begin..end, &" ".repeat(end - begin));
    }
    found.extend(paths(&body).into_iter().map(|(_, path)| path));
    found.retain(|path| path.first().is_some_and(|first| first == package));
    found
}

/// Where `use` declarations begin and end. The `use<…>` of a return type is none.
fn declarations(code: &str) -> Vec<(usize, usize)> {
    let words = code.match_indices("use").map(|(at, _)| at);
    let whole = words.filter(|&at| {
        let after = code[at + "use".len()..].chars().next();
        !code[..at].ends_with(is_name) && after.is_some_and(char::is_whitespace)
    });
    whole.filter_map(|at| Some((at, at + code[at..].find(';')?))).collect()
}

/// Whether what stands before a declaration ends with `pub` or `pub(…)`.
fn is_public(before: &str) -> bool {
    let before = before.trim_end();
    let word = match before.rfind('(') {
        Some(open) if before.ends_with(')') => &before[..open],
        _ => before,
    };
    word.ends_with("pub")
}

/// The paths of a `use` tree, each with the name that it brings in.
fn expand(tree: &str) -> Vec<(Module, String)> {
    let tree = tree.trim();
    let Some((before, inner)) = tree.split_once('{') else {
        let (path, alias) = tree
            .split_once(" as ")
            .map_or((tree, None), |(path, alias)| (path, Some(alias)));
        let path = names(path);
        let name = alias
            .map(|alias| alias.trim().to_owned())
            .or_else(|| path.last().cloned());
        return name.map(|name| (path, name)).into_iter().collect();
    };
    let inner = inner.strip_suffix('}').unwrap_or(inner);
    let prefix = names(before);
    let paths = branches(inner).into_iter().flat_map(expand);
    paths
        .map(|(path, name)| {
            let mut path = [prefix.clone(), path].concat();
            if path.last().is_some_and(|last| last == "self") {
                path.pop();
            }
            let name = match name.as_str() {
                "self" => path.last().cloned().unwrap_or_default(),
                _ => name,
            };
            (path, name)
        })
        .collect()
}

fn names(path: &str) -> Module {
    let names = path.split("::").map(str::trim).filter(|name| !name.is_empty());
    names.map(str::to_owned).collect()
}

/// The branches of a `use` tree's braces.
fn branches(inner: &str) -> Vec<&str> {
    let (mut depth, mut begin) = (0_usize, 0);
    let mut found = Vec::new();
    for (at, c) in inner.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                found.push(&inner[begin..at]);
                begin = at + 1;
            }
            _ => {}
        }
    }
    found.push(&inner[begin..]);
    found.retain(|branch| !branch.trim().is_empty());
    found
}

/// A path from the root of the crate; none where it leads into another crate.
fn absolute(path: &[String], here: &[String], known: &BTreeSet<Module>) -> Option<Module> {
    let (first, rest) = path.split_first()?;
    match first.as_str() {
        "crate" => Some(rest.to_vec()),
        "self" | "super" => {
            let begins = path.iter().position(|name| !matches!(name.as_str(), "self" | "super"));
            let (ups, names) = path.split_at(begins.unwrap_or(path.len()));
            let ups = ups.iter().filter(|name| *name == "super").count();
            let above = &here[..here.len().checked_sub(ups)?];
            Some([above, names].concat())
        }
        child => {
            let own = [here, &[child.to_owned()]].concat();
            known.contains(&own).then(|| [here, path].concat())
        }
    }
}

/// Paths of two names and more outside of declarations, with where they begin: `crate::a::B`, `node::account`.
fn paths(code: &str) -> Vec<(usize, Module)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(offset) = code[at..].find(is_name) {
        let begin = at + offset;
        let mut path = Module::new();
        at = begin;
        loop {
            let length = code[at..].find(|c: char| !is_name(c)).unwrap_or(code.len() - at);
            path.push(code[at..at + length].to_owned());
            at += length;
            match code[at..].strip_prefix("::") {
                Some(rest) if rest.starts_with(is_name) => at += "::".len(),
                _ => break,
            }
        }
        if path.len() > 1 && !code[..begin].ends_with(['.', ':']) {
            found.push((begin, path));
        }
    }
    found
}

/// Modules that stand within the file: where their braces open and close, and their names.
fn inner_modules(code: &str) -> Vec<(usize, usize, &str)> {
    let words = code
        .match_indices("mod ")
        .filter(|(at, _)| !code[..*at].ends_with(is_name));
    words
        .filter_map(|(at, word)| {
            let rest = &code[at + word.len()..];
            let (name, _) = rest.split_once('{')?;
            let begin = at + word.len() + name.len();
            let name = name.trim();
            name.chars().all(is_name).then(|| (begin, closing(code, begin), name))
        })
        .collect()
}

/// Where the brace closes that opens at `begin`.
fn closing(code: &str, begin: usize) -> usize {
    let mut depth = 0_usize;
    for (at, c) in code[begin..].char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 1 => return begin + at,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    code.len()
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edges(files: &[(&str, &str)]) -> Vec<String> {
        let graph = graph("a/src/", files);
        let edges = graph.iter().flat_map(|(from, to)| to.iter().map(move |to| (from, to)));
        edges
            .map(|(from, to)| {
                let short = |path: &&str| path.trim_start_matches("a/src/").trim_end_matches(".rs").to_owned();
                format!("{} > {}", short(from), short(to))
            })
            .collect()
    }

    #[test]
    fn declarations_and_paths_are_imports() {
        let files = [
            ("a/src/lib.rs", "mod x;\nmod y;\nmod z;\nfn f() { x::f() }"),
            (
                "a/src/x.rs",
                "use crate::{y::{self, deep::Inner as _}, z};\nuse other::Thing;",
            ),
            (
                "a/src/y.rs",
                "mod deep;\nfn f() -> impl Sized + use<> { deep::f(crate::z::ALL) }",
            ),
            ("a/src/y/deep.rs", "use super::super::z::{A, B};"),
            (
                "a/src/z.rs",
                "// use crate::x::Comment;\nconst ALL: &str = \"crate::x::Text\";",
            ),
        ];
        assert_eq!(
            edges(&files),
            [
                "lib > x",
                "x > y",
                "x > y/deep",
                "x > z",
                "y > y/deep",
                "y > z",
                "y/deep > z"
            ]
        );
    }

    #[test]
    fn what_is_handed_on_leads_to_its_file() {
        let files = [
            ("a/src/main.rs", "mod ui;\nmod page;"),
            ("a/src/page.rs", "use crate::ui::{Button, Chart, helper};"),
            (
                "a/src/ui.rs",
                "mod button;\nmod chart;\npub(crate) use button::Button;\npub use chart::*;\npub fn helper() {}",
            ),
            ("a/src/ui/button.rs", "pub struct Button;"),
            ("a/src/ui/chart.rs", "use super::Button;\npub struct Chart;"),
        ];
        assert_eq!(
            edges(&files),
            [
                "page > ui",
                "page > ui/button",
                "page > ui/chart",
                "ui/chart > ui/button"
            ]
        );
    }

    /// `room` hands on all of them, and uses one of each pair itself.
    #[test]
    fn what_is_handed_on_and_used_is_imported() {
        let files = [
            ("a/src/lib.rs", "mod room;"),
            (
                "a/src/room.rs",
                "mod at; mod list; mod quiet; mod shown; mod loud;
                pub use {at::At, list::list as all, shown::{shown, list}};
                pub use loud::*;
                pub(crate) use quiet::*;
                pub struct Room { at: At, list: u8 }
                fn f(room: Room) { all(room.shown); noise(); }",
            ),
            ("a/src/room/at.rs", "use super::Room;\npub struct At;"),
            ("a/src/room/list.rs", "pub fn list() {}"),
            ("a/src/room/loud.rs", "pub fn noise() {}"),
            ("a/src/room/quiet.rs", "pub fn hush() {}"),
            (
                "a/src/room/shown.rs",
                "use super::{At, Room};\npub fn shown() {}\npub fn list() {}",
            ),
        ];
        assert_eq!(
            edges(&files),
            [
                "room > room/at",
                "room > room/list",
                "room > room/loud",
                "room/at > room",
                "room/shown > room",
                "room/shown > room/at"
            ]
        );
    }

    #[test]
    fn modules_within_a_file_and_tests_are_seen_through() {
        let files = [
            ("a/src/lib.rs", ""),
            (
                "a/src/x.rs",
                "mod real {\n    use super::super::y::Y;\n    use super::Own;\n}\n#[cfg(test)]\nmod tests {\n    use crate::z::Z;\n}",
            ),
            ("a/src/y.rs", ""),
            ("a/src/z.rs", ""),
        ];
        assert_eq!(edges(&files), ["x > y"]);
    }
}
