//! `tally wallet`: the same vault and the same signing as in the browser.

mod accounts;
mod backup;
mod contacts;
mod discover;
mod equal;
mod file;
mod history;
mod journal;
mod keys;
mod pending;
mod proposal;
mod recipient;
mod secrets;
mod send;
mod shared;
mod submit;
mod test_coins;
mod text;
mod warn;

use std::io::IsTerminal as _;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;
use tally_chain::{Address, address};
use tally_wallet::vault::check_passphrase;
use tally_wallet::{
    Account, FeeLevel, KeyKind, Language, Phrase, PhraseLength, Progress, PublicKey, Replacement, RsaKey, RsaSearch,
    Step, Vault, system_rng, usual_label,
};
use zeroize::Zeroizing;

use super::client::{Client, NodeArgs};
use super::out::{self, After as _, Unprinted, err, errln, once, outln};
use crate::config::chain_spec;
use file::VaultFile;

/// Why a new wallet was not kept.
const UNSEEN: &str = "the recovery phrase could not be shown, so no wallet was kept";

#[derive(Debug, Args)]
pub struct WalletArgs {
    /// The vault file [default: the user's configuration directory, tally/wallet.json]
    #[arg(long, global = true, env = "TALLY_WALLET", value_name = "FILE")]
    vault: Option<PathBuf>,
    #[command(flatten)]
    node: NodeArgs,
    #[command(subcommand)]
    command: WalletCommand,
}

#[derive(Debug, Subcommand)]
enum WalletCommand {
    /// Make a new wallet: a phrase, an RSA-2048 account and a secp256k1 account
    ///
    /// The password is asked for, or taken from TALLY_WALLET_PASSWORD.
    New {
        /// Words of the phrase
        #[arg(long, value_enum, default_value_t = Words::Twelve)]
        words: Words,
        /// Word list: english, chinese-simplified, chinese-traditional, czech, french, italian, japanese, korean,
        /// portuguese or spanish
        #[arg(long, default_value = "english")]
        language: Language,
        /// Add a passphrase to the phrase: asked for, or taken from TALLY_WALLET_PASSPHRASE. Forgetting it loses the
        /// accounts
        #[arg(long)]
        passphrase: bool,
        /// Bind the wallet to this chain without asking a node: a built-in name or the path of a spec
        #[arg(long, value_name = "NAME|FILE")]
        chain: Option<String>,
    },
    /// Make the wallet of a phrase again; the phrase is asked for, or taken from TALLY_WALLET_PHRASE
    ///
    /// Accounts that were used before are looked for on the node, unless --chain names the chain without one.
    Restore {
        /// Word list, where the words do not tell it: english, chinese-simplified and so on
        #[arg(long)]
        language: Option<Language>,
        /// A passphrase belongs to the phrase: asked for, or taken from TALLY_WALLET_PASSPHRASE
        #[arg(long)]
        passphrase: bool,
        #[command(flatten)]
        find: discover::FindArgs,
        /// Bind the wallet to this chain without asking a node: a built-in name or the path of a spec
        #[arg(long, value_name = "NAME|FILE")]
        chain: Option<String>,
    },
    /// Add one more account
    Add {
        /// rsa-2048, rsa-3072, rsa-4096 or secp256k1
        kind: KeyKind,
        /// A name for it
        #[arg(long, default_value = "")]
        label: String,
    },
    /// Look for accounts of the phrase that were used before
    Find(discover::FindArgs),
    /// Give an account another label
    Rename(accounts::RenameArgs),
    /// Put an account away: it is kept, but not offered
    Archive(accounts::AccountArgs),
    /// Take an archived account back
    Unarchive(accounts::AccountArgs),
    /// Move an account to another place in the list
    Move(accounts::MoveArgs),
    /// Look at an account without its key
    Watch(accounts::WatchArgs),
    /// Stop looking at a watched account
    Unwatch(accounts::AccountArgs),
    /// The address book
    #[command(subcommand)]
    Contacts(contacts::ContactsCommand),
    /// Change the password: asked for, or taken from TALLY_WALLET_PASSWORD and TALLY_WALLET_NEW_PASSWORD
    Password,
    /// Copy the encrypted vault to a backup file
    Backup(backup::BackupArgs),
    /// Take a backup file as this wallet's vault
    RestoreBackup(backup::RestoreBackupArgs),
    /// List the wallet's accounts
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show balances: of the wallet's accounts, or of the addresses given
    Balance {
        /// Addresses; without any, the wallet's own
        addresses: Vec<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Keep a key that another program made, or watch a public key; shows what the file holds and asks first
    Import(keys::ImportArgs),
    /// Write a private key as an encrypted file, or a public key, for other programs
    Export(keys::ExportArgs),
    /// Send a payment; shows what will be signed and asks first
    Send(send::SendArgs),
    /// Get coins from an account whose keys everybody knows, on chains that have such accounts
    TestCoins(test_coins::TestCoinsArgs),
    /// Print what an account sent, received and mined, as CSV or JSON
    History(history::HistoryArgs),
    /// Put the SHA-256 of a document on the chain, signed; the document stays where it is
    Anchor(send::AnchorArgs),
    /// Accounts that several keys vouch for
    #[command(subcommand)]
    Shared(shared::SharedCommand),
    /// Write a payment that others sign, or this wallet on another machine
    Propose(proposal::ProposeArgs),
    /// Show what a proposal pays, and who has signed it
    Show(proposal::ShowArgs),
    /// Sign a proposal with the keys of this wallet that it asks for; shows what it pays and asks first
    Sign(proposal::SignArgs),
    /// Put the signatures of several copies of a proposal together
    Combine(proposal::CombineArgs),
    /// Print the digest that the signers of a proposal sign, for other programs
    Digest(proposal::DigestArgs),
    /// Add a signature that another program made over the digest
    Attach(proposal::AttachArgs),
    /// Send a proposal that enough have signed
    Submit(proposal::SubmitArgs),
    /// List what waits in the node's pool and what was sent without an answer, and name missing nonces
    Pending(pending::PendingArgs),
    /// Send once more, byte for byte, what was sent without an answer; that never pays twice
    Resend(pending::ResendArgs),
    /// Send a waiting payment again for a higher fee, in the place of the first
    SpeedUp(pending::ReplaceArgs),
    /// Put an empty payment to oneself in the place of a waiting one
    Cancel(pending::ReplaceArgs),
}

/// Lengths of a new phrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Words {
    #[value(name = "12")]
    Twelve,
    #[value(name = "24")]
    TwentyFour,
}

/// Fee levels on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Level {
    Low,
    Normal,
    High,
}

impl From<Level> for FeeLevel {
    fn from(level: Level) -> Self {
        match level {
            Level::Low => Self::Low,
            Level::Normal => Self::Normal,
            Level::High => Self::High,
        }
    }
}

impl WalletArgs {
    /// Whether ids of transactions are arguments of this command.
    pub fn takes_ids(&self) -> bool {
        matches!(
            self.command,
            WalletCommand::Pending(_) | WalletCommand::Resend(_) | WalletCommand::SpeedUp(_) | WalletCommand::Cancel(_)
        )
    }
}

pub fn run(args: WalletArgs) -> anyhow::Result<()> {
    let file = VaultFile::at(args.vault)?;
    let client = Client::to(&args.node)?;
    match args.command {
        WalletCommand::New {
            words,
            language,
            passphrase,
            chain,
        } => {
            let length = match words {
                Words::Twelve => PhraseLength::Twelve,
                Words::TwentyFour => PhraseLength::TwentyFour,
            };
            file.check_free()?;
            // A wallet whose phrase was never seen would be lost with its first broken disk. Before a password is asked for.
            out::check_seen().context(UNSEEN)?;
            let phrase = Phrase::generate_in(language, length, &mut system_rng());
            let shown = phrase.text();
            let new = NewWallet::make(&client, chain.as_deref(), phrase, passphrase, None)?;
            // Seen first, then kept: whatever ends this command in between leaves a phrase without a wallet, which loses nothing.
            show_phrase(&shown).context(UNSEEN)?;
            new.keep(&file)
                .context("no wallet was kept; the recovery phrase above brings it back (`tally wallet restore`)")?;
            Ok(kept(&file).after(|| format!("the wallet is kept in {}", file.path().display()))?)
        }
        WalletCommand::Restore {
            language,
            passphrase,
            find,
            chain,
        } => {
            file.check_free()?;
            let read = |text: &str| match language {
                Some(language) => Phrase::parse_in(language, text),
                None => Phrase::parse(text),
            };
            let whole = |text: &str| read(text).is_ok();
            let text = secrets::phrase("TALLY_WALLET_PHRASE", "Recovery phrase: ", whole)?;
            let phrase = read(&text)?;
            NewWallet::make(&client, chain.as_deref(), phrase, passphrase, Some(&find))?.keep(&file)?;
            Ok(kept(&file).after(|| format!("the wallet is kept in {}", file.path().display()))?)
        }
        WalletCommand::Add { kind, label } => {
            let (mut vault, change) = file.change()?;
            let added = add(&mut vault, kind, &label)?;
            change.keep(&vault)?;
            Ok(outln!("{added}  {kind}").after(|| format!("{added} was added"))?)
        }
        WalletCommand::Find(args) => discover::run(&file, &client, &args),
        WalletCommand::Rename(args) => accounts::rename(&file, &args),
        WalletCommand::Archive(args) => accounts::archive(&file, &args, true),
        WalletCommand::Unarchive(args) => accounts::archive(&file, &args, false),
        WalletCommand::Move(args) => accounts::move_to(&file, &args),
        WalletCommand::Watch(args) => accounts::watch(&file, &args),
        WalletCommand::Unwatch(args) => accounts::unwatch(&file, &args),
        WalletCommand::Contacts(command) => contacts::run(&file, &command),
        WalletCommand::Password => backup::password(&file),
        WalletCommand::Backup(args) => backup::backup(&file, &args),
        WalletCommand::RestoreBackup(args) => backup::restore(&file, &args),
        WalletCommand::List { json } => list(&file, json),
        WalletCommand::Balance { addresses, json } => balance(&file, &client, &addresses, json),
        WalletCommand::Import(args) => keys::import(&file, &args),
        WalletCommand::Export(args) => keys::export(&file, &args),
        WalletCommand::Send(args) => send::run(&file, &client, &args),
        WalletCommand::TestCoins(args) => test_coins::run(&file, &client, &args),
        WalletCommand::History(args) => history::run(&file, &client, &args),
        WalletCommand::Anchor(args) => send::anchor(&file, &client, &args),
        WalletCommand::Shared(command) => shared::run(&file, &command),
        WalletCommand::Propose(args) => proposal::propose(&file, &client, &args),
        WalletCommand::Show(args) => proposal::show(&args),
        WalletCommand::Sign(args) => proposal::sign(&file, &client, &args),
        WalletCommand::Combine(args) => proposal::combine(&args),
        WalletCommand::Digest(args) => proposal::digest(&args),
        WalletCommand::Attach(args) => proposal::attach(&args),
        WalletCommand::Submit(args) => proposal::submit(&file, &client, &args),
        WalletCommand::Pending(args) => pending::list(&file, &client, &args),
        WalletCommand::Resend(args) => pending::resend(&file, &client, &args),
        WalletCommand::SpeedUp(args) => pending::run(&file, &client, &args, Replacement::SpeedUp),
        WalletCommand::Cancel(args) => pending::run(&file, &client, &args, Replacement::Cancel),
    }
}

/// A wallet that is not kept yet.
struct NewWallet {
    vault: Vault,
    password: Zeroizing<String>,
}

impl NewWallet {
    /// Makes the accounts of a phrase, and asks for what protects them.
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

fn add(vault: &mut Vault, kind: KeyKind, label: &str) -> anyhow::Result<Address> {
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

/// Searches an RSA key, and says on a terminal how far it is.
fn find_key(mut search: RsaSearch) -> RsaKey {
    let talk = std::io::stderr().is_terminal();
    let mut told = None;
    loop {
        match search.step() {
            Step::Found(key) => {
                if talk {
                    errln!();
                }
                return key;
            }
            Step::Searching(Progress {
                primes,
                drawn,
                expected,
            }) if talk => {
                let now = (primes, drawn / 16);
                if told.replace(now) != Some(now) {
                    err!(
                        "\rsearching the RSA key: {primes} of 2 primes, {drawn} candidates (about {expected} are usual)"
                    );
                }
            }
            Step::Searching(_) => {}
        }
    }
}

fn list(file: &VaultFile, json: bool) -> anyhow::Result<()> {
    let (vault, _) = file.open()?;
    if json {
        // Addresses as people read them, with their checksum: docs/protocol.md#A1
        let shown = |account: &Account| {
            json!({
                "origin": account.origin.name(),
                "kind": account.kind(),
                "index": account.index(),
                "label": account.label,
                "address": account.address.to_string(),
                "public_key": account.key.as_ref().map(PublicKey::bytes),
                "archived": account.archived,
            })
        };
        let accounts: Vec<_> = vault.accounts().map(shown).collect();
        let shown = json!({ "chain": vault.chain(), "accounts": accounts });
        outln!("{}", serde_json::to_string_pretty(&shown)?)?;
        return Ok(());
    }
    outln!("chain {} (genesis {})", vault.chain().name, vault.chain().genesis)?;
    for account in vault.accounts() {
        let kind = account.kind().map_or("?", KeyKind::name);
        let origin = match account.index() {
            Some(index) => index.to_string(),
            None => account.origin.name().to_owned(),
        };
        let archived = if account.archived { "  (archived)" } else { "" };
        outln!(
            "{}  {kind:<9} {origin:>8}  {}{archived}",
            account.address,
            account.label
        )?;
    }
    Ok(())
}

fn balance(file: &VaultFile, client: &Client, addresses: &[String], json: bool) -> anyhow::Result<()> {
    let status = client.status()?;
    let addresses: Vec<Address> = match addresses {
        [] => {
            let (vault, _) = file.open()?;
            vault.check_chain(status.genesis_id)?;
            vault.accounts().map(|account| account.address).collect()
        }
        given => given
            .iter()
            .map(|text| address::parse(text))
            .collect::<Result<_, _>>()?,
    };
    let mut rows = Vec::new();
    for address in addresses {
        let account = client.account(address)?;
        if !json {
            let pending = if account.pending > 0 {
                format!("  ({} pending)", account.pending)
            } else {
                String::new()
            };
            outln!("{address}  {} {}{pending}", account.balance.to_coins(), status.symbol)?;
        }
        rows.push(json!({ "address": address.to_string(), "balance": account.balance, "coins": account.balance.to_coins(), "pending": account.pending }));
    }
    if json {
        outln!("{}", serde_json::to_string_pretty(&rows)?)?;
    }
    if rows.is_empty() {
        bail!("the wallet has no account");
    }
    Ok(())
}
