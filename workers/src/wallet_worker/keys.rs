//! Keys from outside and for outside: files that are read, shown, kept; keys that go out encrypted.
//! Rule: docs/protocol.md#W25

use tally_api::worker::wallet::{Answer, FoundKey, KeyFormat, PublicKeyTexts, SecretText, WalletError};
use tally_chain::{Address, address};
use tally_wallet::keystore::{self, Found, Imported, KeystoreError};
use tally_wallet::{Account, Vault, system_rng};

use super::WorkerState;
use super::convert::{edit_error, sentence, vault_error};
use crate::vault_store::VaultStore;

impl WorkerState {
    /// Reads a key file and remembers its key until it is kept or dropped; the page learns what is public of it.
    pub(super) fn read_key(&mut self, file: &SecretText, password: &SecretText) -> Result<Answer, WalletError> {
        self.found = None;
        let vault = self.vault()?;
        let found = keystore::read(file.expose().as_bytes(), password.expose()).map_err(key_error)?;
        let private = matches!(found.key, Found::Private(_));
        let address = found.address();
        let held = vault.account(address);
        // A key for an account that was only watched is welcome.
        let held = held.is_ok_and(|account| !private || account.can_sign());
        let answer = Answer::KeyFound(FoundKey {
            format: found.format.to_string(),
            private,
            kind: found.kind(),
            address: address.to_string(),
            warnings: found.warnings.iter().map(ToString::to_string).collect(),
            held,
        });
        self.found = Some(found);
        Ok(answer)
    }

    /// Keeps the key that was read and shown last.
    pub(super) async fn keep_key(&mut self, label: &str) -> Result<Answer, WalletError> {
        let Imported { key, .. } = self.found.take().ok_or(WalletError::NoKeyRead)?;
        let label = label.trim();
        let kept = self.change(|vault| match key {
            Found::Private(key) => vault.import(key, label).map(drop),
            Found::Public(key) => vault.watch(key.address(), Some(key), label).map(drop),
        });
        kept.await.map_err(edit_error)?;
        self.opened()
    }

    /// A private key as an encrypted file, for one who has given the wallet's password again.
    pub(super) async fn export_key(
        &self,
        address: &str,
        format: KeyFormat,
        vault_password: &SecretText,
        file_password: &SecretText,
    ) -> Result<Answer, WalletError> {
        let address = own(address)?;
        self.vault()?;
        let stored = self.stored(&VaultStore::open().await?).await?;
        let (vault, _) = Vault::open(&stored, vault_password.expose()).map_err(vault_error)?;
        let key = vault.signing_key(address).map_err(vault_error)?;
        let mut rng = system_rng();
        let (text, end) = match format {
            KeyFormat::Web3 => (keystore::write_web3(&key, file_password.expose(), &mut rng), "json"),
            KeyFormat::Pkcs8 => (keystore::write_pkcs8(&key, file_password.expose(), &mut rng), "pem"),
        };
        Ok(Answer::KeyFile {
            name: format!("tally-key-{address}.{end}"),
            text: text.map_err(key_error)?,
        })
    }

    pub(super) fn public_key(&self, address: &str) -> Result<Answer, WalletError> {
        let address = own(address)?;
        let account: &Account = self.vault()?.account(address).map_err(vault_error)?;
        let key = account.key.as_ref().ok_or(WalletError::NoPublicKey)?;
        Ok(Answer::PublicKey(PublicKeyTexts {
            pem: keystore::write_spki(key),
            hex: keystore::write_hex_public(key).trim_end().to_owned(),
        }))
    }
}

fn own(text: &str) -> Result<Address, WalletError> {
    address::parse(text).map_err(|error| WalletError::Edit(sentence(error)))
}

fn key_error(error: KeystoreError) -> WalletError {
    match error {
        KeystoreError::WrongPassword => WalletError::WrongFilePassword,
        other => {
            let advice = other.advice();
            WalletError::KeyFile(format!("{} {advice}", sentence(other)))
        }
    }
}
