//! Embeds the web assets and the list of licences in the server binary.
//!
//! `cargo xtask build` writes a site folder: `index.tsv` (what there is) and the files themselves, each with
//! its compressed forms beside it. This script turns the index into `$OUT_DIR/assets.rs`, a static table
//! that `src/` includes. Without a site folder (plain `cargo test`) the table is empty and the build passes.
//!
//! `TALLY_SITE_DIR` names the folder; without it `build/site` is taken if it exists.
//!
//! The list of licences is `build/licenses.gz`, and the offline verifier `build/verify.html.gz`, made by the same command; a build
//! without them has none to print and to write.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// The type of the table, part of the generated file so that table and type cannot drift apart.
const ASSET_TYPE: &str = r#"
/// One file of the web interface, embedded in the binary.
#[derive(Debug)]
pub struct Asset {
    /// Path in the URL, for instance `/pkg/0123456789abcdef/tally.js` or `/favicon.svg`.
    pub path: &'static str,
    /// Value of `Content-Type`.
    pub content_type: &'static str,
    /// Value of `ETag`, quotes included.
    pub etag: &'static str,
    /// True if the path changes whenever the content does, so that caches may keep it for ever.
    pub immutable: bool,
    /// The bytes as they are.
    pub raw: &'static [u8],
    /// The bytes under brotli, where that is smaller.
    pub br: Option<&'static [u8]>,
    /// The bytes under gzip, where that is smaller.
    pub gz: Option<&'static [u8]>,
}
"#;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=TALLY_SITE_DIR");
    // Which site it is, from `cargo xtask build`: two checkouts may share a target folder, and each has a site of its own.
    println!("cargo:rerun-if-env-changed=TALLY_SITE_BUILD");
    if env::var("TALLY_SITE_BUILD").is_ok_and(|build| build == "none yet") {
        // `cargo xtask build` compiles what this package depends on, and no more, while the browser side is compiled.
        panic!("there is no site yet");
    }
    // Where the list of licences is, and its digest.
    println!("cargo:rerun-if-env-changed=TALLY_LICENSES");
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR"));
    let site = env::var_os("TALLY_SITE_DIR").map_or_else(|| root.join("build/site"), |dir| root.join(dir));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));

    let code = if site.join("index.tsv").is_file() {
        // Only an existing path is watched: a missing one would make every build a rebuild.
        println!("cargo:rerun-if-changed={}", site.join("index.tsv").display());
        table(&site)
    } else {
        generate("", &[], "")
    };
    write(&out.join("assets.rs"), &code);
    write(&out.join("licenses.rs"), &licenses(&root.join("build/licenses.gz")));
    // Where the offline verifier is, and its digest.
    println!("cargo:rerun-if-env-changed=TALLY_VERIFIER");
    write(&out.join("verifier.rs"), &verifier(&root.join("build/verify.html.gz")));
}

fn write(file: &Path, code: &str) {
    fs::write(file, code).unwrap_or_else(|e| panic!("cannot write {}: {e}", file.display()));
}

/// The offline verifier as it is packed, if there is one.
fn verifier(packed: &Path) -> String {
    let page = included(packed);
    format!(
        "\n/// The page that `tally light export` writes, under gzip; none where `cargo xtask build` made none.\nstatic VERIFIER: Option<&[u8]> = {page};\n"
    )
}

/// The bytes of a file as an expression, if there is one.
fn included(file: &Path) -> String {
    if file.is_file() {
        println!("cargo:rerun-if-changed={}", file.display());
        format!("Some(include_bytes!({:?}))", file.display().to_string())
    } else {
        "None".to_owned()
    }
}

/// The list of licences as it is packed, if there is one.
fn licenses(packed: &Path) -> String {
    let list = included(packed);
    format!(
        "\n/// The list that `--licenses` prints, under gzip; none where `cargo xtask build` made no list.\nstatic LICENSES: Option<&[u8]> = {list};\n"
    )
}

/// Reads `index.tsv`: first `build <hash>`, then one line a file, `path content-type etag immutable` between tabs.
fn table(site: &Path) -> String {
    let index = site.join("index.tsv");
    let text = fs::read_to_string(&index).unwrap_or_else(|e| panic!("cannot read {}: {e}", index.display()));
    let mut lines = text.lines();
    let hash = lines
        .next()
        .and_then(|line| line.strip_prefix("build\t"))
        .unwrap_or_else(|| panic!("{} does not begin with the build's hash", index.display()));
    let rows: Vec<String> = lines.map(|line| row(site, line)).collect();
    generate(hash, &rows, &parts(site))
}

/// Reads `parts.tsv`: a line for each part of the page's code, `name file file…` between tabs.
fn parts(site: &Path) -> String {
    let list = site.join("parts.tsv");
    let text = fs::read_to_string(&list).unwrap_or_else(|e| panic!("cannot read {}: {e}", list.display()));
    let rows = text.lines().map(|line| {
        let fields: Vec<&str> = line.split('\t').collect();
        format!("    ({:?}, &{:?}),\n", fields[0], &fields[1..])
    });
    rows.collect()
}

fn row(site: &Path, line: &str) -> String {
    let fields: Vec<&str> = line.split('\t').collect();
    let [path, content_type, etag, immutable] = fields[..] else {
        panic!("index.tsv: four fields expected in {line:?}");
    };
    let file = site.join("files").join(path.trim_start_matches('/'));
    let include = |file: &Path| format!("include_bytes!({:?})", file.display().to_string());
    let packed = |suffix: &str| {
        let mut name = file.clone().into_os_string();
        name.push(suffix);
        let packed = PathBuf::from(name);
        if packed.is_file() {
            format!("Some({})", include(&packed))
        } else {
            "None".to_owned()
        }
    };
    format!(
        "    Asset {{ path: {path:?}, content_type: {content_type:?}, etag: {etag:?}, immutable: {}, raw: {}, br: {}, gz: {} }},\n",
        immutable == "1",
        include(&file),
        packed(".br"),
        packed(".gz"),
    )
}

fn generate(hash: &str, rows: &[String], parts: &str) -> String {
    let prefix = if hash.is_empty() {
        "/pkg".to_owned()
    } else {
        format!("/pkg/{hash}")
    };
    let mut code = String::from(ASSET_TYPE);
    let _ = write!(
        code,
        "\n/// Names this build of the web interface; empty when none is embedded.\npub const BUILD_HASH: &str = {hash:?};\n\
         \n/// Where this build's script, WASM, styles and workers stand: `{{PKG_PREFIX}}/tally.js` and so on.\npub const PKG_PREFIX: &str = {prefix:?};\n\
         \n/// Every embedded file, sorted by path.\npub static ASSETS: &[Asset] = &[\n{}];\n\
         \n/// What each part of the page's code needs beside `tally.js` and `tally.wasm`, by its name: files below [`PKG_PREFIX`].\n\
         pub static PARTS: &[(&str, &[&str])] = &[\n{parts}];\n",
        rows.concat(),
    );
    code
}
