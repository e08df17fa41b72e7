//! The table of targets.

use std::path::Path;
use std::sync::OnceLock;

use crate::target::Target;
use crate::{chain, light, server, session, signatures, state, stratum, wallet};

const TARGETS: &[&[Target]] = &[
    chain::TARGETS,
    light::TARGETS,
    signatures::TARGETS,
    state::TARGETS,
    wallet::TARGETS,
    session::TARGETS,
    server::TARGETS,
    stratum::TARGETS,
];

static CHOSEN: OnceLock<&Target> = OnceLock::new();

fn all() -> impl Iterator<Item = &'static Target> {
    TARGETS.iter().copied().flatten()
}

/// Chooses the target that `TALLY_FUZZ` names. With `TALLY_FUZZ_LIST` it prints the names instead, with `TALLY_FUZZ_SEEDS` it
/// writes the seeds into a folder for each target, and ends.
#[allow(clippy::exit, reason = "libFuzzer has `main`; these two variables do not fuzz")]
pub fn init() {
    if std::env::var_os("TALLY_FUZZ_LIST").is_some() {
        all().for_each(|target| println!("{}", target.name));
        std::process::exit(0);
    }
    if let Some(folder) = std::env::var_os("TALLY_FUZZ_SEEDS") {
        all().for_each(|target| write_seeds(Path::new(&folder), target));
        std::process::exit(0);
    }
    let name = std::env::var("TALLY_FUZZ").expect("TALLY_FUZZ names the target");
    let target = all().find(|target| target.name == name);
    let target = target.unwrap_or_else(|| panic!("there is no target {name:?}"));
    CHOSEN.get_or_init(|| target);
}

fn write_seeds(folder: &Path, target: &Target) {
    let folder = folder.join(target.name);
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    for (number, seed) in (target.seeds)().into_iter().enumerate() {
        std::fs::write(folder.join(format!("{number:02}")), seed).expect("the seed can be written");
    }
}

pub fn run(data: &[u8]) {
    (CHOSEN.get().expect("init has chosen").run)(data);
}
