//! `tally --licenses`: what of others is in this program, and on which terms.

use std::io::Read as _;

use anyhow::{Context as _, bail};
use flate2::read::GzDecoder;

use super::out::out;

include!(concat!(env!("OUT_DIR"), "/licenses.rs"));

/// Prints the list that the build has made: packages with version, licence and repository, then each licence text once.
pub fn print() -> anyhow::Result<()> {
    let Some(packed) = LICENSES else {
        bail!("this program was built without the list of licences: `cargo xtask build` makes one that has it");
    };
    let mut list = String::new();
    GzDecoder::new(packed)
        .read_to_string(&mut list)
        .context("the list of licences in this program is damaged")?;
    Ok(out!("{list}")?)
}
