//! The site folder: everything the server embeds, with one index.
//!
//! ```text
//! build/site/index.tsv             build <hash>, then: path, content type, etag, immutable, between tabs
//! build/site/parts.tsv             what each part of the pages' code needs: name, then files below pkg/<hash>/
//! build/site/files/pkg/<hash>/…    script, WASM, styles, workers: one build, plain names, relative imports
//! build/site/files/…               public/ as it is
//! ```
//!
//! The hash is taken over all files of a build, so a page, its workers and their imports can never mix two builds,
//! and everything under `/pkg/` may be cached for ever. `NAME.br` and `NAME.gz` stand beside what they shrink.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::SystemTime;

use anyhow::{Context, Result, bail};
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use crate::budget;
use crate::front::{self, Files, Needs};
use crate::workspace::{Profile, Workspace};

/// These come first in the one style sheet, in this order; the other files of `style/` follow by name.
const FIRST_STYLES: [&str; 5] = ["reset.css", "tokens.css", "base.css", "layout.css", "components.css"];

/// Below this a compressed form is not worth a second copy, in bytes.
const SMALLEST_TO_PACK: usize = 256;

/// Builds the web side into `build/site`.
pub fn build(workspace: &Workspace, profile: Profile) -> Result<()> {
    let (mut pkg, needs) = front::bind_all(workspace, profile)?;
    pkg.insert("tally.css".to_owned(), styles(&workspace.root.join("style"))?);
    pkg.extend(folder(&workspace.root.join("workers/js"))?);
    let public = folder(&workspace.root.join("public"))?;

    let site = workspace.root.join("build/site");
    let hash = build_hash(&pkg);
    let files: Files = pkg
        .into_iter()
        .map(|(name, bytes)| (format!("/pkg/{hash}/{name}"), bytes))
        .chain(public.into_iter().map(|(name, bytes)| (format!("/{name}"), bytes)))
        .collect();
    let index = index(&hash, &files)?;
    if fs::read_to_string(site.join("index.tsv")).is_ok_and(|old| old == index) {
        println!("site {hash}: unchanged");
        return report(&site, &hash, &files, &needs, profile);
    }
    let first = !site.exists();
    let lists = [("index.tsv", index.as_str()), ("parts.tsv", &parts(&needs))];
    write(&site, &lists, &files, profile)?;
    if first {
        // The server's build script cannot watch what does not exist yet: make it due once.
        let script = File::options().append(true).open(workspace.root.join("build.rs"))?;
        script
            .set_modified(SystemTime::now())
            .context("cannot touch build.rs")?;
    }
    report(&site, &hash, &files, &needs, profile)
}

/// Which site the server is to embed: where it is, and the first line of its index, `build <hash>`.
pub fn name(workspace: &Workspace) -> Result<String> {
    let site = workspace.root.join("build/site");
    let index = fs::read_to_string(site.join("index.tsv")).context("cannot read the site's index")?;
    Ok(format!(
        "{} {}",
        site.display(),
        index.lines().next().unwrap_or_default()
    ))
}

fn styles(folder_path: &Path) -> Result<Vec<u8>> {
    let mut sheets = folder(folder_path)?;
    sheets.retain(|name, _| name.ends_with(".css"));
    let mut all = Vec::new();
    let mut add = |name: &str, bytes: Vec<u8>| {
        all.extend_from_slice(format!("/* {name} */\n").as_bytes());
        all.extend(bytes);
        all.push(b'\n');
    };
    for name in FIRST_STYLES {
        if let Some(bytes) = sheets.remove(name) {
            add(name, bytes);
        }
    }
    for (name, bytes) in sheets {
        add(&name, bytes);
    }
    Ok(all)
}

/// All files below a folder by their relative path; none if there is no such folder. Hidden files are left out.
fn folder(path: &Path) -> Result<Files> {
    let mut files = Files::new();
    let mut pending = vec![(path.to_path_buf(), String::new())];
    while let Some((path, prefix)) = pending.pop() {
        if !path.is_dir() {
            continue;
        }
        for entry in fs::read_dir(&path).with_context(|| format!("cannot read {}", path.display()))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with('.') {
                continue;
            }
            if entry.file_type()?.is_dir() {
                pending.push((entry.path(), format!("{prefix}{name}/")));
            } else {
                files.insert(format!("{prefix}{name}"), fs::read(entry.path())?);
            }
        }
    }
    Ok(files)
}

/// Sixteen hex digits over the names and contents of a build.
fn build_hash(files: &Files) -> String {
    let mut hash = Sha256::new();
    for (name, bytes) in files {
        hash.update((name.len() as u64).to_be_bytes());
        hash.update(name);
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    }
    hex16(&hash.finalize())
}

/// The first eight bytes of a digest as sixteen hex digits.
pub fn hex16(digest: &[u8]) -> String {
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

fn index(hash: &str, files: &Files) -> Result<String> {
    let mut text = format!("build\t{hash}\n");
    for (path, bytes) in files {
        let kind = content_type(path)?;
        let etag = hex16(&Sha256::digest(bytes));
        let immutable = u8::from(path.starts_with("/pkg/"));
        text.push_str(&format!("{path}\t{kind}\t\"{etag}\"\t{immutable}\n"));
    }
    Ok(text)
}

/// A line for each part of the pages' code.
fn parts(needs: &Needs) -> String {
    let lines = needs
        .iter()
        .map(|(part, files)| format!("{part}\t{}\n", files.join("\t")));
    lines.collect()
}

fn content_type(path: &str) -> Result<&'static str> {
    Ok(match path.rsplit('.').next().unwrap_or_default() {
        "css" => "text/css; charset=utf-8",
        "html" => "text/html; charset=utf-8",
        "ico" => "image/x-icon",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "json" => "application/json",
        "png" => "image/png",
        "svg" => "image/svg+xml",
        "txt" => "text/plain; charset=utf-8",
        "wasm" => "application/wasm",
        "webmanifest" => "application/manifest+json",
        "woff2" => "font/woff2",
        _ => bail!("{path}: no content type is known for this extension (xtask/src/site.rs)"),
    })
}

/// Writes a whole new folder beside the old one, then puts it in its place.
fn write(site: &Path, lists: &[(&str, &str)], files: &Files, profile: Profile) -> Result<()> {
    let fresh = site.with_extension("new");
    if fresh.exists() {
        fs::remove_dir_all(&fresh)?;
    }
    for (path, bytes) in files {
        let file = fresh.join("files").join(path.trim_start_matches('/'));
        let parent = file.parent().context("every file stands in a folder")?;
        fs::create_dir_all(parent)?;
        fs::write(&file, bytes)?;
        if profile == Profile::Release {
            for (suffix, packed) in [(".br", brotli(bytes)?), (".gz", gzip(bytes)?)] {
                if bytes.len() >= SMALLEST_TO_PACK && packed.len() < bytes.len() {
                    let mut name = file.clone().into_os_string();
                    name.push(suffix);
                    fs::write(name, packed)?;
                }
            }
        }
    }
    for (name, list) in lists {
        fs::write(fresh.join(name), list)?;
    }
    if site.exists() {
        fs::remove_dir_all(site)?;
    }
    fs::rename(&fresh, site).with_context(|| format!("cannot write {}", site.display()))
}

fn brotli(bytes: &[u8]) -> Result<Vec<u8>> {
    let params = brotli::enc::BrotliEncoderParams {
        quality: 11,
        lgwin: 22,
        ..Default::default()
    };
    let mut packed = Vec::new();
    brotli::BrotliCompress(&mut &bytes[..], &mut packed, &params)?;
    Ok(packed)
}

/// The bytes under gzip, the same for the same bytes.
pub fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

fn report(site: &Path, hash: &str, files: &Files, needs: &Needs, profile: Profile) -> Result<()> {
    println!("site {hash}: {} files", files.len());
    let folder = format!("/pkg/{hash}/");
    let mut packed = BTreeMap::new();
    for (path, bytes) in files {
        let Some(name) = path.strip_prefix(&folder) else {
            continue;
        };
        let file = site.join("files").join(format!("{}.br", path.trim_start_matches('/')));
        let size = fs::metadata(file).map_or(bytes.len() as u64, |file| file.len());
        println!("  {name}  {} KB, sent {} KB", bytes.len() / 1000, size / 1000);
        packed.insert(name, size);
    }
    match profile {
        Profile::Release => budget::check(&packed, needs),
        Profile::Dev => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(list: &[(&str, &str)]) -> Files {
        list.iter()
            .map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()))
            .collect()
    }

    #[test]
    fn hash_covers_names_and_contents() {
        let hash = build_hash(&files(&[("a.js", "1"), ("b.js", "2")]));
        assert_eq!(hash.len(), 16);
        assert_ne!(hash, build_hash(&files(&[("a.js", "1"), ("b.js", "3")])));
        assert_ne!(hash, build_hash(&files(&[("a.js", "1"), ("c.js", "2")])));
        assert_ne!(hash, build_hash(&files(&[("a.js", "1b.js2")])));
    }

    #[test]
    fn index_marks_only_hashed_paths_as_immutable() {
        let text = index("00ff", &files(&[("/pkg/00ff/tally.js", ""), ("/favicon.svg", "")])).expect("types are known");
        assert_eq!(
            text,
            "build\t00ff\n\
             /favicon.svg\timage/svg+xml\t\"e3b0c44298fc1c14\"\t0\n\
             /pkg/00ff/tally.js\ttext/javascript; charset=utf-8\t\"e3b0c44298fc1c14\"\t1\n"
        );
    }

    #[test]
    fn a_file_of_unknown_type_is_refused() {
        let error = index("00ff", &files(&[("/notes.docx", "")])).expect_err("no type for docx");
        assert_eq!(
            error.to_string(),
            "/notes.docx: no content type is known for this extension (xtask/src/site.rs)"
        );
    }

    #[test]
    fn styles_follow_the_declared_order() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        for name in ["wallet.css", "components.css", "tokens.css", "notes.md"] {
            fs::write(dir.path().join(name), format!(".{name}")).expect("written");
        }
        let sheet = String::from_utf8(styles(dir.path()).expect("readable")).expect("UTF-8");
        assert_eq!(
            sheet,
            "/* tokens.css */\n.tokens.css\n/* components.css */\n.components.css\n/* wallet.css */\n.wallet.css\n"
        );
    }

    #[test]
    fn a_site_is_replaced_as_a_whole_and_packed() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let site = dir.path().join("site");
        let long = "tally ".repeat(200);
        let list = |text| [("index.tsv", text)];
        write(
            &site,
            &list("build\told\n"),
            &files(&[("/old.txt", "x")]),
            Profile::Release,
        )
        .expect("written");
        write(
            &site,
            &list("build\tnew\n"),
            &files(&[("/new.txt", &long)]),
            Profile::Release,
        )
        .expect("written");
        assert_eq!(
            fs::read_to_string(site.join("index.tsv")).expect("index"),
            "build\tnew\n"
        );
        assert!(!site.join("files/old.txt").exists());
        let packed = fs::read(site.join("files/new.txt.br")).expect("brotli form");
        let mut unpacked = Vec::new();
        brotli::BrotliDecompress(&mut &packed[..], &mut unpacked).expect("brotli");
        assert_eq!(unpacked, long.as_bytes());
        assert!(site.join("files/new.txt.gz").exists());
    }
}
