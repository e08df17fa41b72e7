//! `tally wallet`: the same vault and the same signing as in the browser.

mod accounts;
mod add;
mod backup;
mod contacts;
mod create;
mod discover;
mod equal;
mod file;
mod history;
mod journal;
mod keys;
mod level;
mod list;
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

use std::path::PathBuf;

use clap::{Args, Subcommand};
use tally_wallet::Replacement;

use super::client::{Client, NodeArgs};
use file::VaultFile;

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
    /// The password comes from TALLY_WALLET_PASSWORD, or from a prompt.
    New(create::NewArgs),
    /// Make the wallet of a phrase again; the phrase comes from TALLY_WALLET_PHRASE, or from a prompt
    ///
    /// The command looks up at the node which accounts were used before, unless --chain names the chain without a node.
    Restore(create::RestoreArgs),
    /// Add one more account
    Add(add::AddArgs),
    /// Look for accounts of the phrase that were used before
    Find(discover::FindArgs),
    /// Give an account another label
    Rename(accounts::RenameArgs),
    /// Archive an account: it is kept, but not offered
    Archive(accounts::AccountArgs),
    /// Restore an archived account
    Unarchive(accounts::AccountArgs),
    /// Move an account to another place in the list
    Move(accounts::MoveArgs),
    /// Watch an account without its key
    Watch(accounts::WatchArgs),
    /// Stop watching an account
    Unwatch(accounts::AccountArgs),
    /// The address book
    #[command(subcommand)]
    Contacts(contacts::ContactsCommand),
    /// Change the password: both come from TALLY_WALLET_PASSWORD and TALLY_WALLET_NEW_PASSWORD, or from prompts
    Password,
    /// Copy the encrypted vault to a backup file
    Backup(backup::BackupArgs),
    /// Restore a backup file as this wallet's vault
    RestoreBackup(backup::RestoreBackupArgs),
    /// List the wallet's accounts
    List(list::ListArgs),
    /// Show balances: of the wallet's accounts, or of the addresses given
    Balance(list::BalanceArgs),
    /// Keep a key that another program made, or watch a public key; shows what the file holds, and waits for confirmation
    Import(keys::ImportArgs),
    /// Write a private key as an encrypted file, or a public key, for other programs
    Export(keys::ExportArgs),
    /// Send a payment; shows what will be signed, and waits for confirmation
    Send(send::SendArgs),
    /// Get coins from an account whose keys are published, on chains that have such accounts
    TestCoins(test_coins::TestCoinsArgs),
    /// Print what an account sent, received and mined, as CSV or JSON
    History(history::HistoryArgs),
    /// Put the SHA-256 of a document on the chain, signed; the document stays where it is
    Anchor(send::AnchorArgs),
    /// Accounts that several keys control
    #[command(subcommand)]
    Shared(shared::SharedCommand),
    /// Write a proposal: a payment to be signed by others, or by this wallet on another machine
    Propose(proposal::ProposeArgs),
    /// Show what a proposal pays, and who has signed it
    Show(proposal::ShowArgs),
    /// Sign a proposal with the keys of this wallet that its policy has; shows what it pays, and waits for confirmation
    Sign(proposal::SignArgs),
    /// Combine the signatures of several copies of a proposal
    Combine(proposal::CombineArgs),
    /// Print the digest that the signers of a proposal sign, for other programs
    Digest(proposal::DigestArgs),
    /// Add a signature that another program made over the digest
    Attach(proposal::AttachArgs),
    /// Send a proposal that has enough signatures
    Submit(proposal::SubmitArgs),
    /// List what waits in the node's pool and what was sent without an answer, and name missing nonces
    Pending(pending::PendingArgs),
    /// Send payments without an answer again, byte for byte; that never pays twice
    Resend(pending::ResendArgs),
    /// Replace a waiting payment by the same one with a higher fee
    SpeedUp(pending::ReplaceArgs),
    /// Replace a waiting payment by an empty one to yourself
    Cancel(pending::ReplaceArgs),
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
        WalletCommand::New(args) => create::new(&file, &client, &args),
        WalletCommand::Restore(args) => create::restore(&file, &client, &args),
        WalletCommand::Add(args) => add::run(&file, &args),
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
        WalletCommand::List(args) => list::list(&file, &args),
        WalletCommand::Balance(args) => list::balance(&file, &client, &args),
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
