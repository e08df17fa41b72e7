//! One more account of the phrase.

use std::io::IsTerminal as _;

use clap::Args;
use tally_chain::Address;
use tally_wallet::{KeyKind, Progress, RsaKey, RsaSearch, Step, Vault, usual_label};

use super::super::out::{After as _, err, errln, outln};
use super::file::VaultFile;

#[derive(Debug, Args)]
pub struct AddArgs {
    /// rsa-2048, rsa-3072, rsa-4096 or secp256k1
    kind: KeyKind,
    /// A name for it
    #[arg(long, default_value = "")]
    label: String,
}

pub fn run(file: &VaultFile, args: &AddArgs) -> anyhow::Result<()> {
    let (mut vault, change) = file.change()?;
    let (kind, added) = (args.kind, add(&mut vault, args.kind, &args.label)?);
    change.keep(&vault)?;
    Ok(outln!("{added}  {kind}").after(|| format!("{added} was added"))?)
}

/// Adds the next account of a kind; without a label it gets the usual one.
pub fn add(vault: &mut Vault, kind: KeyKind, label: &str) -> anyhow::Result<Address> {
    let usual = usual_label(kind, vault.next_index(kind));
    let label = if label.is_empty() { usual.as_str() } else { label };
    Ok(match kind {
        KeyKind::Secp256k1 => vault.add_secp256k1(label)?.address,
        kind => {
            let search = vault.search(kind)?;
            vault.add_rsa(search.index(), find_key(search), label)?.address
        }
    })
}

/// Searches an RSA key, and shows its progress on a terminal.
pub fn find_key(mut search: RsaSearch) -> RsaKey {
    let interactive = std::io::stderr().is_terminal();
    let mut shown = None;
    loop {
        match search.step() {
            Step::Found(key) => {
                if interactive {
                    errln!();
                }
                return key;
            }
            Step::Searching(Progress {
                primes,
                drawn,
                expected,
            }) if interactive => {
                let now = (primes, drawn / 16);
                if shown.replace(now) != Some(now) {
                    err!(
                        "\rsearching the RSA key: {primes} of 2 primes, {drawn} candidates (about {expected} are usual)"
                    );
                }
            }
            Step::Searching(_) => {}
        }
    }
}
