//! A wallet of a new phrase, or of one that its user has.

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use tally_wallet::vault::check_passphrase;
use tally_wallet::{KeyKind, Language, Phrase, PhraseLength, Vault, system_rng};
use zeroize::Zeroizing;

use super::super::client::Client;
use super::super::out::{self, After as _, Unprinted, once, outln};
use super::add::add;
use super::file::VaultFile;
use super::{discover, secrets};
use crate::config::chain_spec;

/// Why a new wallet was not kept.
const UNSEEN: &str = "the recovery phrase could not be shown, so no wallet was kept";

#[derive(Debug, Args)]
pub struct NewArgs {
    /// Words of the phrase
    #[arg(long, value_enum, default_value_t = Words::Twelve)]
    words: Words,
    /// Word list: english, chinese-simplified, chinese-traditional, czech, french, italian, japanese, korean,
    /// portuguese or spanish
    #[arg(long, default_value = "english")]
    language: Language,
    /// Add a passphrase to the phrase, from TALLY_WALLET_PASSPHRASE or from a prompt. Without it the accounts are lost
    #[arg(long)]
    passphrase: bool,
    /// Bind the wallet to this chain without a node: a built-in name or the path of a spec
    #[arg(long, value_name = "NAME|FILE")]
    chain: Option<String>,
}

#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// Word list, where the words do not determine it: english, chinese-simplified and so on
    #[arg(long)]
    language: Option<Language>,
    /// A passphrase belongs to the phrase; it comes from TALLY_WALLET_PASSPHRASE, or from a prompt
    #[arg(long)]
    passphrase: bool,
    #[command(flatten)]
    find: discover::FindArgs,
    /// Bind the wallet to this chain without a node: a built-in name or the path of a spec
    #[arg(long, value_name = "NAME|FILE")]
    chain: Option<String>,
}

/// Lengths of a new phrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Words {
    #[value(name = "12")]
    Twelve,
    #[value(name = "24")]
    TwentyFour,
}

pub fn new(file: &VaultFile, client: &Client, args: &NewArgs) -> anyhow::Result<()> {
    let length = match args.words {
        Words::Twelve => PhraseLength::Twelve,
        Words::TwentyFour => PhraseLength::TwentyFour,
    };
    file.check_free()?;
    // A wallet whose phrase was never seen would be lost with its first broken disk. Before the prompt for a password.
    out::check_seen().context(UNSEEN)?;
    let phrase = Phrase::generate_in(args.language, length, &mut system_rng());
    let shown = phrase.text();
    let new = NewWallet::make(client, args.chain.as_deref(), phrase, args.passphrase, None)?;
    // Seen first, then kept: whatever ends this command in between leaves a phrase without a wallet, which loses nothing.
    show_phrase(&shown).context(UNSEEN)?;
    new.keep(file)
        .context("no wallet was kept; the recovery phrase above restores it (`tally wallet restore`)")?;
    Ok(kept(file).after(|| format!("the wallet is kept in {}", file.path().display()))?)
}

pub fn restore(file: &VaultFile, client: &Client, args: &RestoreArgs) -> anyhow::Result<()> {
    file.check_free()?;
    let read = |text: &str| match args.language {
        Some(language) => Phrase::parse_in(language, text),
        None => Phrase::parse(text),
    };
    let whole = |text: &str| read(text).is_ok();
    let text = secrets::phrase("TALLY_WALLET_PHRASE", "Recovery phrase: ", whole)?;
    let phrase = read(&text)?;
    NewWallet::make(client, args.chain.as_deref(), phrase, args.passphrase, Some(&args.find))?.keep(file)?;
    Ok(kept(file).after(|| format!("the wallet is kept in {}", file.path().display()))?)
}

/// A wallet that is not kept yet.
struct NewWallet {
    vault: Vault,
    password: Zeroizing<String>,
}

impl NewWallet {
    /// Makes the accounts of a phrase, and reads what protects them.
    fn make(
        client: &Client,
        chain: Option<&str>,
        phrase: Phrase,
        passphrase: bool,
        find: Option<&discover::FindArgs>,
    ) -> anyhow::Result<Self> {
        let binding = match chain {
            Some(name) => {
                let spec = chain_spec(name)?;
                let identity = tally_chain::genesis::identity(&spec);
                tally_wallet::ChainBinding {
                    genesis: identity.genesis,
                    chain_id: identity.chain_id,
                    name: spec.name,
                }
            }
            None => client.status()?.binding(),
        };
        outln!("Wallet for chain {} (genesis {})", binding.name, binding.genesis)?;
        let passphrase = secrets::passphrase(passphrase)?;
        check_passphrase(&passphrase)?;
        let password = secrets::new_password()?;
        let now = (tally_node::system_clock())();
        let mut vault = Vault::new(phrase, &passphrase, binding, now);
        for kind in [KeyKind::Rsa2048, KeyKind::Secp256k1] {
            let address = add(&mut vault, kind, "")?;
            outln!("{address}  {kind}")?;
        }
        if let (Some(find), None) = (find, chain) {
            discover::find(&mut vault, client, find)?;
        }
        Ok(Self { vault, password })
    }

    /// Writes it to its file, where none is by now.
    fn keep(self, file: &VaultFile) -> anyhow::Result<()> {
        file.create(&self.vault, &self.password)
    }
}

fn show_phrase(phrase: &str) -> Result<(), Unprinted> {
    once!("\nThe recovery phrase, shown this once. Write it down; anyone who has it has the money:\n\n  {phrase}\n")
}

fn kept(file: &VaultFile) -> Result<(), Unprinted> {
    outln!("Kept encrypted in {}", file.path().display())
}
