//! The password, and the sealed vault as a file.

use tally_api::worker::wallet::{Answer, SecretText, WalletError};
use tally_chain::Bytes;
use tally_wallet::vault::VaultError;
use tally_wallet::{Changed, KdfParams, Vault, check_container, system_rng};

use super::convert::{sentence, vault_error};
use super::{OpenVault, WorkerState};
use crate::vault_store::VaultStore;

/// Checks a file that the user chose, without its password.
pub(super) fn check(file: &Bytes) -> Result<Answer, WalletError> {
    check_container(file)
        .map(|()| Answer::Done)
        .map_err(|error| WalletError::Backup(sentence(error)))
}

impl WorkerState {
    /// The new password takes the place of the old one at once; an older backup file still needs the old one.
    pub(super) async fn change_password(
        &mut self,
        current: &SecretText,
        new: &SecretText,
    ) -> Result<Answer, WalletError> {
        let store = VaultStore::open().await?;
        let bytes = self.stored(&store).await?;
        let changed = Vault::change_password(
            &bytes,
            current.expose(),
            new.expose(),
            KdfParams::default(),
            &mut system_rng(),
        );
        let Changed { vault, key, sealed } = changed.map_err(vault_error)?;
        store.put(&self.chain()?.0, vault.created_at().0, &sealed).await?;
        self.open = Some(OpenVault::new(vault, key));
        self.opened()
    }

    pub(super) async fn backup(&self) -> Result<Answer, WalletError> {
        let file = self.stored(&VaultStore::open().await?).await?;
        Ok(Answer::Backup { file: file.into() })
    }

    /// The file is kept as it is, byte for byte, once the password has opened it.
    pub(super) async fn restore_backup(&mut self, file: &Bytes, password: &SecretText) -> Result<Answer, WalletError> {
        let (chain, binding) = self.chain()?.clone();
        let store = VaultStore::open().await?;
        if store.vault(&chain.genesis).await?.is_some() {
            return Err(WalletError::VaultExists);
        }
        let backup_error = |error: VaultError| match vault_error(error) {
            WalletError::Vault(why) => WalletError::Backup(why),
            other => other,
        };
        let (vault, key) = Vault::open(file, password.expose()).map_err(backup_error)?;
        vault.check_chain(binding.genesis).map_err(backup_error)?;
        store.put(&chain, vault.created_at().0, file).await?;
        self.open = Some(OpenVault::new(vault, key));
        self.opened()
    }
}
