//! Which chain a node follows, where it is kept, and who is paid.

use std::path::{Path, PathBuf};

use tally_chain::spec::{MAX_SPEC_BYTES, SpecError};
use tally_chain::{Address, ChainSpec, address};
use tally_node::{MiningConfig, miner::threads_here};

use super::{ConfigError, PUBLIC_ACCOUNT};
use crate::regular_file;

/// A built-in chain by its name, else a spec by its path. What is written as a path is one, even where nothing is there.
pub fn chain_spec(name: &str) -> Result<ChainSpec, ConfigError> {
    let path = Path::new(name);
    let written_as_path = name.contains(['/', '\\']) || name.ends_with(".toml");
    match ChainSpec::built_in(name) {
        Err(SpecError::UnknownBuiltIn { .. }) if written_as_path || path.is_file() => read_spec(path),
        other => Ok(other?),
    }
}

/// A byte order mark does not count as part of a spec.
const BOM: &str = "\u{feff}";
/// Longest file of a chain spec, in bytes.
const MAX_SPEC_FILE: u64 = (MAX_SPEC_BYTES + BOM.len()) as u64;

/// Reads a chain spec file.
pub fn read_spec(path: &Path) -> Result<ChainSpec, ConfigError> {
    let bytes = regular_file::read(path, MAX_SPEC_FILE).map_err(|source| ConfigError::SpecRead {
        path: path.to_owned(),
        source,
    })?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let bytes = error.as_bytes();
        let path = path.to_owned();
        match bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
            true => ConfigError::SpecUtf16 { path },
            false => ConfigError::SpecNotUtf8 {
                path,
                at: error.utf8_error().valid_up_to(),
            },
        }
    })?;
    // UTF-16 without its mark is valid UTF-8 where all of it is ASCII.
    if text.contains('\0') {
        return Err(ConfigError::SpecUtf16 { path: path.to_owned() });
    }
    Ok(ChainSpec::from_toml(text.strip_prefix(BOM).unwrap_or(&text))?)
}

/// Where the chain of this name is kept unless configured otherwise.
pub fn default_data_dir(chain: &str) -> Result<PathBuf, ConfigError> {
    let folders = directories::ProjectDirs::from("", "", "tally").ok_or(ConfigError::NoDataDir)?;
    // The name of a spec is free text; it must not lead out of the folder.
    let safe = |c: char| {
        if c.is_alphanumeric() || c == '-' || c == '_' {
            c
        } else {
            '_'
        }
    };
    Ok(folders.data_dir().join(chain.chars().map(safe).collect::<String>()))
}

pub(super) fn mining(
    spec: &ChainSpec,
    on: Option<bool>,
    threads: Option<usize>,
    to: Option<&str>,
) -> Result<MiningConfig, ConfigError> {
    let on = on.unwrap_or(spec.name == "local");
    let public = address::parse(PUBLIC_ACCOUNT)?;
    let funded = spec.allocations.iter().any(|allocation| allocation.address == public);
    let producer = match to {
        Some(text) => address::parse(text)?,
        None if funded => public,
        None if on => {
            return Err(ConfigError::NoProducer {
                chain: spec.name.clone(),
            });
        }
        None => Address::ZERO,
    };
    let max = threads_here();
    match threads {
        Some(0) => Err(ConfigError::NoThreads),
        Some(found) if found > max => Err(ConfigError::TooManyThreads { found, max }),
        threads => Ok(MiningConfig {
            on,
            threads: threads.unwrap_or(1),
            producer,
        }),
    }
}
