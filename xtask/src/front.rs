//! The browser side: its modules for wasm32, then wasm-bindgen's glue.

mod parts;
mod wasm;

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use wasm_bindgen_cli_support::Bindgen;

use crate::workspace::{Profile, Workspace, cargo, succeed};

/// What the browser runs.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// Files by their path under this build's `/pkg/<hash>/`.
pub type Files = BTreeMap<String, Vec<u8>>;

/// A module that the browser loads.
pub struct Module {
    /// Of its files.
    pub name: &'static str,
    pub package: &'static str,
}

/// What the browser loads: a page does without the code that makes and keeps keys, the workers do without the pages, and the
/// light client, which is loaded first, without both. The audit is loaded where a reader begins one.
pub const MODULES: [Module; 4] = [
    Module::new("tally", "tally-page"),
    Module::new("workers", "tally-workers"),
    Module::new("light", "tally-light"),
    Module::new("audit", "tally-auditor"),
];

/// The module of the offline verifier. No page loads it: it is in `verify.html`, which `tally light export` writes.
pub const VERIFIER: Module = Module::new("verify", "tally-verify");

impl Module {
    const fn new(name: &'static str, package: &'static str) -> Self {
        Self { name, package }
    }

    /// What Cargo needs to know to look at this module alone.
    pub fn selection(&self) -> [&'static str; 4] {
        ["--package", self.package, "--target", TARGET]
    }
}

/// What Cargo needs to know for all modules together. Compiled in one build, they share their dependencies, whose features differ
/// otherwise, and the linker has both processors.
fn all() -> Vec<&'static str> {
    let packages = MODULES.iter().chain([&VERIFIER]);
    let packages = packages.flat_map(|module| ["--package", module.package]);
    packages.chain(["--target", TARGET]).collect()
}

/// The module that is cut into parts.
const CUT: &str = "tally";

pub use parts::Needs;

/// Compiles all modules, for [`bind_all`] and [`verifier`].
pub fn compile(workspace: &Workspace, profile: Profile) -> Result<()> {
    succeed(command(workspace, "build", profile).args(all()))
}

/// Makes `NAME.js` and `NAME.wasm` of each module (and what glue snippets the dependencies bring), and the parts of the one that is
/// cut; returns what each part needs beside.
pub fn bind_all(workspace: &Workspace, profile: Profile) -> Result<(Files, Needs)> {
    let (mut files, mut needs) = (Files::new(), Needs::new());
    for module in MODULES {
        let (name, mut wasm) = (module.name, compiled(workspace, profile, &module));
        let mut made = Files::new();
        if name == CUT {
            let cut = parts::cut(&wasm, &format!("{name}.js"), &target(workspace).join("parts"))?;
            (wasm, made, needs) = (cut.frame, cut.files, cut.needs);
        }
        let out = target(workspace).join("bindgen").join(name);
        if out.exists() {
            fs::remove_dir_all(&out).with_context(|| format!("cannot clear {}", out.display()))?;
        }
        bind(&wasm, name, profile, &out)?;
        collect(&out, "", &mut made)?;
        ensure!(
            profile == Profile::Dev || !names(&made, &workspace.root),
            "{name}: the module names the folder {}",
            workspace.root.display()
        );
        files.extend(plain_names(name, made)?);
    }
    Ok((files, needs))
}

/// The verifier's script and module: `verify.js`, which defines the global `wasm_bindgen`, and `verify.wasm`.
pub fn verifier(workspace: &Workspace, profile: Profile) -> Result<Files> {
    let name = VERIFIER.name;
    let wasm = compiled(workspace, profile, &VERIFIER);
    let out = target(workspace).join("bindgen").join(name);
    if out.exists() {
        fs::remove_dir_all(&out).with_context(|| format!("cannot clear {}", out.display()))?;
    }
    let mut bindgen = bindgen(&wasm, name, profile);
    // A script that is written into a page is no module, and loads nothing by an address of its own.
    bindgen.no_modules(true)?.omit_default_module_path(true);
    bindgen.generate(&out).context("wasm-bindgen")?;
    let mut made = Files::new();
    collect(&out, "", &mut made)?;
    ensure!(
        profile == Profile::Dev || !names(&made, &workspace.root),
        "{name}: the module names the folder {}",
        workspace.root.display()
    );
    let wasm = made.remove(&format!("{name}_bg.wasm"));
    made.insert(
        format!("{name}.wasm"),
        wasm.with_context(|| format!("wasm-bindgen wrote no {name}_bg.wasm"))?,
    );
    Ok(made)
}

/// Clippy over what only the browser compiles; a warning is an error.
pub fn lint(workspace: &Workspace) -> Result<()> {
    if let Some(rustc) = other_rustc(workspace) {
        println!("SKIP: the browser side is built with {rustc}, which has no clippy of its own here");
        return Ok(());
    }
    // The release profile, so that this and the build share what runs on the building machine.
    succeed(
        command(workspace, "clippy", Profile::Release)
            .args(all())
            .args(["--", "-D", "warnings"]),
    )
}

/// Vectors that no browser loads: they have to come out in WASM as they do natively.
const VECTORS: Module = Module::new("vectors", "tally-wasm-tests");

/// Runs vectors of the ledger and of signatures as WASM, in Node; a part of them, or all.
pub fn wasm_tests(workspace: &Workspace, options: &[String]) -> Result<()> {
    let corpora = match env::var_os("TALLY_CORPORA") {
        Some(folder) => PathBuf::from(folder),
        None => workspace.root.join("../shared/corpora"),
    };
    if !corpora.exists() {
        println!(
            "SKIP: corpora not found: {}; TALLY_CORPORA names their folder",
            corpora.display()
        );
        return Ok(());
    }
    succeed(command(workspace, "build", Profile::Release).args(VECTORS.selection()))?;
    let wasm = compiled(workspace, Profile::Release, &VECTORS);
    let out = target(workspace).join("bindgen").join(VECTORS.name);
    let mut bindgen = Bindgen::new();
    bindgen.input_path(wasm).out_name(VECTORS.name).typescript(false);
    bindgen.nodejs(true)?;
    bindgen.generate(&out).context("wasm-bindgen")?;
    let script = workspace.root.join("wasm/run.mjs");
    let module = out.join(format!("{}.js", VECTORS.name));
    succeed(Command::new("node").arg(script).arg(module).arg(corpora).args(options))
}

/// Where Cargo has left a module.
fn compiled(workspace: &Workspace, profile: Profile, module: &Module) -> PathBuf {
    let folder = if profile == Profile::Release {
        "wasm-release"
    } else {
        "debug"
    };
    let file = format!("{}.wasm", module.package.replace('-', "_"));
    target(workspace).join(TARGET).join(folder).join(file)
}

/// A folder of its own: the server's features and perhaps another rustc must not rebuild each other's work.
fn target(workspace: &Workspace) -> PathBuf {
    workspace.target.join("front")
}

fn command(workspace: &Workspace, verb: &str, profile: Profile) -> Command {
    let mut command = cargo();
    command
        .current_dir(&workspace.root)
        .args([verb, "--locked", "--lib", "--target-dir"])
        .arg(target(workspace))
        .args(["--config", &rustflags()]);
    if profile == Profile::Release {
        command.args(["--profile", "wasm-release"]);
    }
    if let Some(rustc) = other_rustc(workspace) {
        command.env("RUSTC", rustc);
    }
    command
}

/// The set-up names another rustc here when the usual one has no wasm32 target.
fn other_rustc(workspace: &Workspace) -> Option<String> {
    let rustc = fs::read_to_string(workspace.root.join("build/wasm-rustc")).ok()?;
    Some(rustc.trim().to_owned())
}

/// Flags of the browser side; `.cargo/config.toml` has those of the server's. Paths of the building machine have no place in what is
/// served, and would change the build's hash. Cargo compiles our own packages with paths relative to the workspace; with a flag that names it, every checkout would compile all
/// dependencies for itself.
fn rustflags() -> String {
    let home = env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo")));
    let mut flags = vec![
        "-Ctarget-feature=+simd128".to_owned(),
        "--cfg=erase_components".to_owned(),
    ];
    flags.extend(home.map(|home| format!("--remap-path-prefix={}=cargo", home.display())));
    let quoted: Vec<String> = flags.iter().map(|flag| format!("{flag:?}")).collect();
    format!("target.{TARGET}.rustflags=[{}]", quoted.join(","))
}

fn bind(wasm: &Path, name: &str, profile: Profile, out: &Path) -> Result<()> {
    let mut bindgen = bindgen(wasm, name, profile);
    bindgen.web(true)?.omit_default_module_path(false);
    bindgen.keep_lld_exports(name == CUT);
    bindgen.generate(out).context("wasm-bindgen")
}

/// What all modules have in common.
fn bindgen(wasm: &Path, name: &str, profile: Profile) -> Bindgen {
    let mut bindgen = Bindgen::new();
    bindgen
        .input_path(wasm)
        .out_name(name)
        .typescript(false)
        .remove_name_section(profile == Profile::Release)
        .remove_producers_section(true)
        .debug(profile == Profile::Dev)
        .keep_debug(false);
    bindgen
}

fn collect(folder: &Path, prefix: &str, files: &mut Files) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &format!("{name}/"), files)?;
        } else {
            files.insert(name, fs::read(entry.path())?);
        }
    }
    Ok(())
}

/// Does a file name that folder? Its bytes would differ from checkout to checkout.
fn names(files: &Files, folder: &Path) -> bool {
    let folder = folder.as_os_str().as_encoded_bytes();
    let mut contents = files.values();
    contents.any(|bytes| bytes.windows(folder.len()).any(|part| part == folder))
}

/// wasm-bindgen writes `NAME_bg.wasm`; Leptos requests `NAME.wasm`, and so may a worker's plain `init()`.
fn plain_names(name: &str, mut files: Files) -> Result<Files> {
    let (written, plain, script_name) = (format!("{name}_bg.wasm"), format!("{name}.wasm"), format!("{name}.js"));
    let wasm = files
        .remove(&written)
        .with_context(|| format!("wasm-bindgen wrote no {written}"))?;
    let script = files
        .remove(&script_name)
        .with_context(|| format!("wasm-bindgen wrote no {script_name}"))?;
    let script = String::from_utf8(script).with_context(|| format!("{script_name} is not UTF-8"))?;
    ensure!(
        script.contains(&written),
        "{script_name} does not name its WASM file as expected"
    );
    files.insert(script_name, script.replace(&written, &plain).into_bytes());
    files.insert(plain, wasm);
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wasm_takes_the_name_that_leptos_requests() {
        let mut files = Files::new();
        files.insert("tally_bg.wasm".into(), b"\0asm".to_vec());
        files.insert("tally.js".into(), b"new URL('tally_bg.wasm', import.meta.url)".to_vec());
        let files = plain_names("tally", files).expect("both files are there");
        assert_eq!(files["tally.wasm"], b"\0asm");
        assert_eq!(files["tally.js"], b"new URL('tally.wasm', import.meta.url)");
        assert_eq!(files.len(), 2);
    }
}
