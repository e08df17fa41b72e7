//! Small public texts in files: proposals, shared accounts.

use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, bail};

use super::super::out::outln;
use crate::new_file;

/// Longest file that is read: a text and the white space that letters put into it.
const MAX_BYTES: u64 = 128 << 10;

/// The text of a file, or of standard input for `-`.
pub fn read_text(path: &Path) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    let unreadable = || format!("cannot read {}", path.display());
    let input: Box<dyn std::io::Read> = match path == Path::new("-") {
        true => Box::new(std::io::stdin()),
        false => Box::new(std::fs::File::open(path).with_context(unreadable)?),
    };
    input
        .take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .with_context(unreadable)?;
    if bytes.len() as u64 > MAX_BYTES {
        bail!("{} has more than {MAX_BYTES} bytes", path.display());
    }
    // PowerShell's `>` writes UTF-16.
    Ok(tally_wallet::file_text::decode(&bytes).to_string())
}

/// Writes a text to a new file, or to standard output.
pub fn write_text(path: Option<&Path>, text: &str) -> anyhow::Result<()> {
    let Some(path) = path else {
        outln!("{text}")?;
        return Ok(());
    };
    let unwritable = || format!("cannot write {}; an existing file is left alone", path.display());
    new_file::create(path, format!("{text}\n").as_bytes()).with_context(unwritable)
}
