//! The wallet's worker: the only place where the phrase, the keys and the vault's key are.
//!
//! One question after the other; only the search for an RSA key lets messages in between, so that it can be stopped.
//! New wallets are in [`create`], accounts and the address book in [`accounts`], passwords and files in [`backup`],
//! the search for used accounts in [`discover`], payments in [`payments`] and [`replace`], the browser's own signatures in
//! [`web_crypto`]; [`convert`] turns the types of the
//! wallet into those of the page.

mod accounts;
mod backup;
mod convert;
mod create;
mod discover;
mod keys;
mod payments;
mod replace;
mod shared;
mod web_crypto;

use std::cell::Cell;
use std::rc::Rc;

use futures::StreamExt;
use futures::channel::mpsc;
use tally_api::worker::wallet::{Answer, Chain, FromWorker, Request, SecretText, ToWorker, WalletError};
use tally_chain::transaction::ChainIdentity;
use tally_chain::{Address, Bytes};
use tally_wallet::keystore::Imported;
use tally_wallet::vault::VaultError;
use tally_wallet::{ChainBinding, ContainerError, Phrase, Proposal, Vault, VaultKey, system_rng};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen_futures::spawn_local;

use crate::scope::{listen, post};
use crate::vault_store::VaultStore;
use convert::vault_error;
use web_crypto::BrowserKeys;

/// Runs the worker. Called once by its script.
#[wasm_bindgen]
pub fn wallet_worker() {
    console_error_panic_hook::set_once();
    let (sender, mut requests) = mpsc::unbounded();
    let cancelled = Rc::new(Cell::new(false));
    let stop = cancelled.clone();
    listen(move |message| match message {
        // The receiver lives as long as the worker.
        ToWorker::Request { number, request } => drop(sender.unbounded_send((number, request))),
        // Beside the queue: it stops the request under way, which those in the queue wait for.
        ToWorker::Cancel => stop.set(true),
    });
    spawn_local(async move {
        let mut state = WorkerState {
            cancelled,
            chain: None,
            fresh: None,
            open: None,
            scan: None,
            reviewed: None,
            found: None,
            proposal: None,
        };
        while let Some((number, request)) = requests.next().await {
            state.cancelled.set(false);
            let outcome = state.answer(request).await;
            post(&FromWorker::Answer { number, outcome });
        }
    });
    post(&FromWorker::Ready);
}

/// A phrase that has no vault yet. It is wiped when dropped.
struct Fresh {
    phrase: Phrase,
    /// Positions (from 1) that must still be typed back; none for a phrase that the user brought.
    check_words: Vec<u8>,
}

struct OpenVault {
    vault: Vault,
    key: VaultKey,
    browser_keys: BrowserKeys,
}

impl OpenVault {
    fn new(vault: Vault, key: VaultKey) -> Self {
        Self {
            vault,
            key,
            browser_keys: BrowserKeys::default(),
        }
    }
}

/// What the worker holds.
struct WorkerState {
    cancelled: Rc<Cell<bool>>,
    chain: Option<(Chain, ChainBinding)>,
    fresh: Option<Fresh>,
    open: Option<OpenVault>,
    scan: Option<discover::AccountScan>,
    /// The bytes that were last read back to the user, and for which account.
    reviewed: Option<(Address, Bytes)>,
    /// The key that was last read from a file, until it is kept or dropped.
    found: Option<Imported>,
    /// The proposal that was shown last.
    proposal: Option<Proposal>,
}

impl WorkerState {
    async fn answer(&mut self, request: Request) -> Result<Answer, WalletError> {
        match request {
            Request::Look { chain } => self.look(chain).await,
            Request::NewPhrase { words, language } => Ok(self.new_phrase(words, language)),
            Request::CheckWords { words } => self.check_words(&words),
            Request::TakePhrase { phrase, language } => self.take_phrase(&phrase, language),
            Request::DropPhrase => {
                self.fresh = None;
                Ok(Answer::Done)
            }
            Request::Create { password, passphrase } => self.create(&password, &passphrase).await,
            Request::Unlock { password } => self.unlock(&password).await,
            Request::AddAccount { kind } => self.add_account(kind).await,
            Request::Discover { kind, gap } => self.discover(kind, gap).await,
            Request::Discovered { used } => self.discovered(&used).await,
            Request::Refresh => self.refresh().await,
            Request::Edit { edit } => self.edit(edit).await,
            Request::ChangePassword { current, new } => self.change_password(&current, &new).await,
            Request::Backup => self.backup().await,
            Request::CheckBackup { file } => backup::check(&file),
            Request::RestoreBackup { file, password } => self.restore_backup(&file, &password).await,
            Request::ReadKey { file, password } => self.read_key(&file, &password),
            Request::KeepKey { label } => self.keep_key(&label).await,
            Request::DropKey => {
                self.found = None;
                Ok(Answer::Done)
            }
            Request::ExportKey {
                address,
                format,
                vault_password,
                file_password,
            } => self.export_key(&address, format, &vault_password, &file_password).await,
            Request::PublicKey { address } => self.public_key(&address),
            Request::Prepare { draft } => self.prepare(&draft),
            Request::Replace {
                from,
                envelope,
                cancel,
                timestamp,
                prices,
            } => self.replace(&from, envelope, cancel, timestamp, &prices),
            Request::Sign { from, payload } => self.sign(&from, payload).await,
            Request::PrepareTestCoins { draft } => self.prepare_test_coins(&draft),
            Request::Shared(request) => self.shared(request).await,
            Request::Forget => self.forget().await,
        }
    }

    async fn look(&mut self, chain: Chain) -> Result<Answer, WalletError> {
        let genesis = chain
            .genesis
            .parse()
            .map_err(|error| WalletError::Worker(format!("genesis: {error}")))?;
        let binding = ChainBinding {
            genesis,
            chain_id: chain.chain_id,
            name: chain.name.clone(),
        };
        let store = VaultStore::open().await?;
        let vault = store.vault(&chain.genesis).await?.is_some();
        let others = store.others(&chain.genesis).await?;
        self.chain = Some((chain, binding));
        Ok(Answer::Looked { vault, others })
    }

    fn chain(&self) -> Result<&(Chain, ChainBinding), WalletError> {
        self.chain
            .as_ref()
            .ok_or_else(|| WalletError::Worker("it does not know the chain yet".to_owned()))
    }

    fn identity(&self) -> Result<ChainIdentity, WalletError> {
        Ok(self.chain()?.1.identity())
    }

    /// The open vault.
    fn vault(&self) -> Result<&Vault, WalletError> {
        self.open.as_ref().map(|open| &open.vault).ok_or(WalletError::Locked)
    }

    /// The sealed vault as this browser keeps it.
    async fn stored(&self, store: &VaultStore) -> Result<Vec<u8>, WalletError> {
        let genesis = &self.chain()?.0.genesis;
        store.vault(genesis).await?.ok_or(WalletError::NoVault)
    }

    async fn unlock(&mut self, password: &SecretText) -> Result<Answer, WalletError> {
        let bytes = self.stored(&VaultStore::open().await?).await?;
        let (vault, key) = Vault::open(&bytes, password.expose()).map_err(vault_error)?;
        // A vault signs for one chain only (W12): here another one would make signatures that no node of this chain takes.
        vault.check_chain(self.chain()?.1.genesis).map_err(vault_error)?;
        self.open = Some(OpenVault::new(vault, key));
        self.opened()
    }

    /// Reads the vault again, after another tab changed it.
    async fn refresh(&mut self) -> Result<Answer, WalletError> {
        self.reread(&VaultStore::open().await?).await?;
        self.opened()
    }

    /// The open vault as it is stored now, which another tab may have changed.
    async fn reread(&mut self, store: &VaultStore) -> Result<&mut OpenVault, WalletError> {
        let bytes = self.stored(store).await?;
        let open = self.open.as_mut().ok_or(WalletError::Locked)?;
        match Vault::reopen(&bytes, &open.key) {
            Ok(vault) => open.vault = vault,
            // Another tab has changed the password: this tab needs the new one.
            Err(VaultError::Container(ContainerError::WrongPassword)) => {
                self.open = None;
                return Err(WalletError::Locked);
            }
            Err(error) => return Err(vault_error(error)),
        }
        self.open.as_mut().ok_or(WalletError::Locked)
    }

    /// Changes the vault as it is stored now, which another tab may have changed, and keeps the change.
    async fn change<T>(&mut self, edit: impl FnOnce(&mut Vault) -> Result<T, VaultError>) -> Result<T, WalletError> {
        let store = VaultStore::open().await?;
        let open = self.reread(&store).await?;
        let done = edit(&mut open.vault).map_err(vault_error)?;
        self.save(&store).await?;
        Ok(done)
    }

    async fn save(&self, store: &VaultStore) -> Result<(), WalletError> {
        let OpenVault { vault, key, .. } = self.open.as_ref().ok_or(WalletError::Locked)?;
        let bytes = vault.seal(key, &mut system_rng()).map_err(vault_error)?;
        store.put(&self.chain()?.0, vault.created_at().0, &bytes).await
    }

    fn opened(&self) -> Result<Answer, WalletError> {
        let vault = self.vault()?;
        Ok(Answer::Open {
            accounts: vault.accounts().map(convert::account).collect(),
            contacts: vault.contacts().iter().map(convert::contact).collect(),
        })
    }

    async fn forget(&mut self) -> Result<Answer, WalletError> {
        let genesis = self.chain()?.0.genesis.clone();
        VaultStore::open().await?.remove(&genesis).await?;
        self.open = None;
        self.reviewed = None;
        self.proposal = None;
        Ok(Answer::Done)
    }
}
