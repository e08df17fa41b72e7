//! Cuts the module of the pages where `app/src/parts` says so. The frame of all pages stays one module, which wasm-bindgen works on;
//! every part is a module beside it, which the browser loads with what it shares with other parts.
//!
//! ```text
//! tally.wasm           the frame
//! split_<part>.wasm    what a part needs; what other parts need too is in custom sections of it
//! chunk_<n>.wasm       what several parts need, where it is large
//! parts.js             loads them
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, ensure};
use wasm_split_cli_support::{Options, transform};

use super::Files;
use super::wasm::{self, CUSTOM};

/// The script that loads the parts; the frame names it as its import.
pub const LOADER: &str = "parts.js";

/// Files that a part needs beside the frame's script and module, by its name; paths as in [`Files`].
pub type Needs = BTreeMap<String, Vec<String>>;

/// A module that was cut.
pub struct Cut {
    /// The frame, for wasm-bindgen.
    pub frame: PathBuf,
    /// The parts, and the script that loads them.
    pub files: Files,
    pub needs: Needs,
}

/// A chunk that is smaller comes within the parts that need it, in bytes as they are: loaded twice it costs less than a request.
const SMALLEST_FILE: usize = 100_000;

/// Cuts a module as the linker wrote it. `script` is the one that wasm-bindgen is going to write.
pub fn cut(linked: &Path, script: &str, out: &Path) -> Result<Cut> {
    if out.exists() {
        fs::remove_dir_all(out).with_context(|| format!("cannot clear {}", out.display()))?;
    }
    let linked = fs::read(linked).with_context(|| format!("cannot read {}", linked.display()))?;
    let (frame, main_module, link_name) = (out.join("frame.wasm"), format!("./{script}"), format!("./{LOADER}"));
    let mut options = Options::new(&linked);
    options.output_dir = out;
    options.main_out_path = &frame;
    options.main_module = &main_module;
    options.link_name = &link_name;
    let split = transform(options).map_err(|error| anyhow!("the module cannot be cut: {error:#}"))?;
    let mut modules = Files::new();
    for path in &split.split_modules {
        let module = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        modules.insert(name_of(path)?, without_customs(&module)?);
    }
    let script = fs::read_to_string(out.join(LOADER)).context("the library wrote no script that loads the parts")?;
    let (mut files, needs) = packed(&modules, split.prefetch_map)?;
    files.insert(LOADER.to_owned(), loader(&script, &files)?.into_bytes());
    Ok(Cut { frame, files, needs })
}

/// Puts the small chunks into the parts that need them: the files, and what each part needs of them. `stems` names the modules of a
/// part, each without its `.wasm`.
fn packed(modules: &Files, stems: impl IntoIterator<Item = (String, Vec<String>)>) -> Result<(Files, Needs)> {
    let (mut files, mut needs) = (Files::new(), Needs::new());
    for (part, mut stems) in stems {
        // Two builds of one source are the same.
        stems.sort();
        let own = format!("split_{part}");
        let mut module = modules.get(&own).cloned().unwrap_or_else(|| wasm::module([]));
        let mut needed = vec![LOADER.to_owned()];
        for stem in stems.iter().filter(|stem| **stem != own) {
            let chunk = modules.get(stem);
            let chunk = chunk.with_context(|| format!("part {part} needs {stem}, which was not written"))?;
            if chunk.len() < SMALLEST_FILE {
                wasm::push_custom(&mut module, stem, chunk);
            } else {
                files.insert(format!("{stem}.wasm"), chunk.clone());
                needed.push(format!("{stem}.wasm"));
            }
        }
        needed.push(format!("{own}.wasm"));
        files.insert(format!("{own}.wasm"), module);
        needs.insert(part, needed);
    }
    Ok((files, needs))
}

/// The library's script, with chunks looked for where [`packed`] has put them.
fn loader(script: &str, files: &Files) -> Result<String> {
    let mut lines = vec![include_str!("parts.js").to_owned()];
    let (mut requests, mut starts) = (0, 0);
    for line in script.lines() {
        let mut line = line.replace(
            "WebAssembly.instantiateStreaming(src, imports)",
            "instantiate(src, imports)",
        );
        if let Some((begin, stem, end)) = around(&line, "fetch(new URL(\"./", ".wasm\", import.meta.url))") {
            let call = if files.contains_key(&format!("{stem}.wasm")) {
                "file"
            } else {
                "chunk"
            };
            line = format!("{begin}{call}(\"{stem}\"){end}");
            requests += 1;
        }
        if let Some((begin, part, end)) = around(&line, "__wasm_split_load_", " = wrapAsyncCb(makeLoad(") {
            line = format!("{begin}__wasm_split_load_{part} = wrapAsyncCb(makePart(\"{part}\", {end}");
            starts += 1;
        }
        // Which parts need a chunk.
        if !line.starts_with("/*") {
            lines.push(line);
        }
    }
    ensure!(
        requests > 0 && starts > 0 && !lines[1..].iter().any(|line| line.contains("fetch(")),
        "the script that loads the parts has another form than was expected"
    );
    lines.push(String::new());
    Ok(lines.join("\n"))
}

/// What is before, between and behind two texts.
fn around<'a>(line: &'a str, begin: &str, end: &str) -> Option<(&'a str, &'a str, &'a str)> {
    let (before, rest) = line.split_once(begin)?;
    let (between, behind) = rest.split_once(end)?;
    Some((before, between, behind))
}

/// The name of a file without its extension.
fn name_of(path: &Path) -> Result<String> {
    let name = path.file_stem().and_then(|name| name.to_str());
    name.map(str::to_owned)
        .with_context(|| format!("{} has no name", path.display()))
}

/// The module without its custom sections: names, and what made it.
fn without_customs(module: &[u8]) -> Result<Vec<u8>> {
    let mut sections = wasm::sections(module)?;
    sections.retain(|section| section.id != CUSTOM);
    Ok(wasm::module(sections.iter().map(|section| (section.id, section.body))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn custom_sections_are_left_out() {
        let types = (1, &[1, 0x60, 0, 0][..]);
        let names = (CUSTOM, &b"\x04name"[..]);
        let kept = without_customs(&wasm::module([names, types, names])).expect("whole sections");
        assert_eq!(kept, wasm::module([types]));
    }

    #[test]
    fn small_chunks_come_within_the_parts_that_need_them() {
        let own = wasm::module([(1, &[0][..])]);
        let modules = Files::from([
            ("split_a".to_owned(), own.clone()),
            ("chunk_1".to_owned(), vec![7; 3]),
            ("chunk_2".to_owned(), vec![7; SMALLEST_FILE]),
        ]);
        let stems = |list: &[&str]| list.iter().map(|stem| (*stem).to_owned()).collect::<Vec<_>>();
        let of_a = ("a".to_owned(), stems(&["split_a", "chunk_2", "chunk_1"]));
        // All of it is shared.
        let of_b = ("b".to_owned(), stems(&["chunk_1"]));
        let (files, needs) = packed(&modules, [of_a, of_b]).expect("all are there");
        assert_eq!(
            files.keys().collect::<Vec<_>>(),
            ["chunk_2.wasm", "split_a.wasm", "split_b.wasm"]
        );
        assert_eq!(needs["a"], [LOADER, "chunk_2.wasm", "split_a.wasm"]);
        assert_eq!(needs["b"], [LOADER, "split_b.wasm"]);
        let within = b"\x00\x0b\x07chunk_1\x07\x07\x07";
        assert_eq!(files["split_a.wasm"], [&own, &within[..]].concat());
        assert_eq!(files["split_b.wasm"], [&wasm::module([]), &within[..]].concat());
        let missing = packed(&modules, [("c".to_owned(), stems(&["chunk_9"]))]).expect_err("it is not there");
        assert_eq!(missing.to_string(), "part c needs chunk_9, which was not written");
    }

    #[test]
    fn the_script_looks_for_chunks_where_they_are() {
        let script = concat!(
            "function makeLoad() {}\n",
            "/* a, b */\n",
            "const __chunk_1 = makeLoad(() => {\n",
            "    const src = fetch(new URL(\"./chunk_1.wasm\", import.meta.url));\n",
            "    return async (imports) => (WebAssembly.instantiateStreaming(src, imports));\n",
            "}\n, []);\n",
            "export const __wasm_split_load_a = wrapAsyncCb(makeLoad(() => {\n",
            "    const src = fetch(new URL(\"./split_a.wasm\", import.meta.url));\n",
            "}\n, [__chunk_1]));\n",
        );
        let files = Files::from([("split_a.wasm".to_owned(), Vec::new())]);
        let written = loader(script, &files).expect("the form of the library");
        let own = written.strip_prefix(include_str!("parts.js")).expect("ours is first");
        let expected = concat!(
            "\nfunction makeLoad() {}\n",
            "const __chunk_1 = makeLoad(() => {\n",
            "    const src = chunk(\"chunk_1\");\n",
            "    return async (imports) => (instantiate(src, imports));\n",
            "}\n, []);\n",
            "export const __wasm_split_load_a = wrapAsyncCb(makePart(\"a\", () => {\n",
            "    const src = file(\"split_a\");\n",
            "}\n, [__chunk_1]));\n",
        );
        assert_eq!(own, expected);
        assert!(loader("export const x = 1;\n", &files).is_err());
    }
}
