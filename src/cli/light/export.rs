//! `tally light export`: the verifier of receipts, proofs and headers as one page, which this binary carries.

use std::io::Read as _;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Args;
use flate2::read::GzDecoder;
use sha2::{Digest as _, Sha256};

use crate::cli::out::{After as _, outln};
use crate::new_file;

include!(concat!(env!("OUT_DIR"), "/verifier.rs"));

/// Who opens the page trusts this binary, and no server: a page that a node sends cannot protect from that node.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Where to write it; an existing file is not overwritten
    #[arg(long, value_name = "FILE", default_value = "verify.html")]
    out: PathBuf,
}

pub fn run(args: &ExportArgs) -> anyhow::Result<()> {
    let Some(packed) = VERIFIER else {
        bail!("this program was built without the verifier's page: `cargo xtask build` makes one that has it");
    };
    let mut page = Vec::new();
    GzDecoder::new(packed)
        .read_to_end(&mut page)
        .context("the verifier's page in this program is damaged")?;
    let (out, sha256) = (args.out.display(), alloy_primitives::hex::encode(Sha256::digest(&page)));
    new_file::create(&args.out, &page).with_context(|| format!("cannot write {out}"))?;
    let printed = outln!(
        "{out}\nSHA-256 {sha256}\n\
         Compare that with the release notes of version {}. The page opens in any browser, without a network.",
        env!("CARGO_PKG_VERSION")
    );
    Ok(printed.after(|| format!("the verifier was written to {out}"))?)
}
