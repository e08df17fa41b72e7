//! Looking for the accounts of a phrase that were used before. The page queries the node; this worker has the keys.

use std::collections::BTreeMap;

use tally_api::worker::wallet::{Answer, WalletError};
use tally_chain::KeyKind;
use tally_wallet::{Discovery, RsaKey, usual_label};

use super::WorkerState;
use super::convert::{sentence, vault_error};

/// A search under way.
pub(super) struct AccountScan {
    discovery: Discovery,
    /// RSA keys that were searched, until it is known whether they were used.
    keys: BTreeMap<u32, RsaKey>,
}

impl WorkerState {
    pub(super) async fn discover(&mut self, kind: KeyKind, gap: Option<u32>) -> Result<Answer, WalletError> {
        self.scan = Some(AccountScan {
            discovery: match gap {
                Some(gap) => Discovery::with_gap(kind, gap),
                None => Discovery::new(kind),
            },
            keys: BTreeMap::new(),
        });
        self.look_on().await
    }

    pub(super) async fn discovered(&mut self, used: &[bool]) -> Result<Answer, WalletError> {
        let scan = self.scan.as_mut().ok_or_else(no_search_runs)?;
        let reported = scan.discovery.report(used);
        reported.map_err(|error| WalletError::Worker(sentence(error)))?;
        let (kind, found) = (scan.discovery.kind(), scan.discovery.found());
        if self.vault()?.next_index(kind) < found {
            let mut keys = self
                .scan
                .as_mut()
                .map(|scan| std::mem::take(&mut scan.keys))
                .unwrap_or_default();
            let add = |vault: &mut tally_wallet::Vault| {
                loop {
                    let index = vault.next_index(kind);
                    let label = usual_label(kind, index);
                    match keys.remove(&index) {
                        _ if index >= found => return Ok(()),
                        Some(key) => drop(vault.add_rsa(index, key, &label)?),
                        None if kind.is_rsa() => return Ok(()),
                        None => drop(vault.add_secp256k1(&label)?),
                    }
                }
            };
            self.change(add).await?;
        }
        self.look_on().await
    }

    /// The next addresses to query, or the accounts when all was looked at.
    async fn look_on(&mut self) -> Result<Answer, WalletError> {
        let discovery = &self.scan.as_ref().ok_or_else(no_search_runs)?.discovery;
        let (kind, wanted) = (discovery.kind(), discovery.wanted());
        if wanted.is_empty() {
            self.scan = None;
            return self.opened();
        }
        let mut addresses = Vec::with_capacity(wanted.len());
        if kind.is_rsa() {
            // One at a time: each may cost a search for primes.
            let index = wanted.start;
            let vault = self.vault()?;
            let held = vault
                .accounts()
                .find(|account| account.kind() == Some(kind) && account.index() == Some(index));
            let address = match held.map(|account| account.address) {
                Some(address) => address,
                None => {
                    let search = vault.search_at(kind, index).map_err(vault_error)?;
                    let key = self.find(search).await?;
                    let address = key.public().address();
                    let scan = self.scan.as_mut().ok_or_else(no_search_runs)?;
                    scan.keys.insert(index, key);
                    address
                }
            };
            addresses.push(address.to_string());
        } else {
            let vault = self.vault()?;
            for index in wanted {
                let address = vault.secp256k1_address(index).map_err(vault_error)?;
                addresses.push(address.to_string());
            }
        }
        Ok(Answer::Wanted { addresses })
    }
}

fn no_search_runs() -> WalletError {
    WalletError::Worker("nothing is being looked for".to_owned())
}
