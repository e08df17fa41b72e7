//! Accounts and the address book.

use tally_api::worker::wallet::{Answer, Edit, FromWorker, SearchProgress, WalletError};
use tally_chain::{Address, KeyKind, address};
use tally_wallet::{RsaKey, RsaSearch, Step, usual_label};

use super::WorkerState;
use super::convert::{edit_error, sentence, vault_error};
use crate::scope::{breathe, now_ms, post};

/// How long a search keeps messages waiting, in milliseconds.
const SLICE_MS: f64 = 60.0;

impl WorkerState {
    /// Adds the next account of a kind that the phrase gives.
    pub(super) async fn add_account(&mut self, kind: KeyKind) -> Result<Answer, WalletError> {
        if kind.is_rsa() {
            let search = self.vault()?.search(kind).map_err(vault_error)?;
            let index = search.index();
            let key = self.find(search).await?;
            let label = usual_label(kind, index);
            self.change(|vault| vault.add_rsa(index, key, &label).map(drop)).await?;
        } else {
            self.change(|vault| {
                let label = usual_label(kind, vault.next_index(kind));
                vault.add_secp256k1(&label).map(drop)
            })
            .await?;
        }
        self.opened()
    }

    pub(super) async fn edit(&mut self, edit: Edit) -> Result<Answer, WalletError> {
        let changed = match &edit {
            Edit::Rename { address, label } => {
                let address = of(address)?;
                self.change(|vault| vault.rename(address, label.trim())).await
            }
            Edit::Archive { address, archived } => {
                let address = of(address)?;
                self.change(|vault| vault.set_archived(address, *archived)).await
            }
            Edit::Move { address, position } => {
                let address = of(address)?;
                self.change(|vault| vault.move_to(address, *position)).await
            }
            Edit::Watch { address, label } => {
                let address = of(address)?;
                self.change(|vault| vault.watch(address, None, label.trim()).map(drop))
                    .await
            }
            Edit::Unwatch { address } => {
                let address = of(address)?;
                self.change(|vault| vault.unwatch(address)).await
            }
            Edit::AddContact { address, label } => {
                let address = of(address)?;
                self.change(|vault| vault.add_contact(address, label.trim())).await
            }
            Edit::RenameContact { address, label } => {
                let address = of(address)?;
                self.change(|vault| vault.rename_contact(address, label.trim())).await
            }
            Edit::RemoveContact { address } => {
                let address = of(address)?;
                self.change(|vault| vault.remove_contact(address)).await
            }
        };
        changed.map_err(edit_error)?;
        self.opened()
    }

    /// Searches to the end, reports progress to the page, and stops when the page requests it.
    pub(super) async fn find(&self, mut search: RsaSearch) -> Result<RsaKey, WalletError> {
        let mut slice = now_ms();
        loop {
            let Step::Searching(progress) = search.step() else {
                break;
            };
            if now_ms() - slice < SLICE_MS {
                continue;
            }
            let progress = SearchProgress {
                primes: progress.primes,
                drawn: progress.drawn,
                expected: progress.expected,
            };
            post(&FromWorker::Progress(progress));
            breathe().await;
            if self.cancelled.take() {
                return Err(WalletError::Cancelled);
            }
            slice = now_ms();
        }
        match search.step() {
            Step::Found(key) => Ok(key),
            Step::Searching(_) => Err(WalletError::Worker("the search forgot its key".to_owned())),
        }
    }
}

fn of(text: &str) -> Result<Address, WalletError> {
    address::parse(text.trim()).map_err(|error| WalletError::Edit(sentence(error)))
}
