//! A new wallet, from a fresh phrase or one that the user has.

use tally_api::worker::wallet::{Answer, SecretText, WalletError};
use tally_chain::{KeyKind, UnixSecs};
use tally_wallet::rand_core::Rng;
use tally_wallet::vault::check_passphrase;
use tally_wallet::{KdfParams, Language, Phrase, PhraseLength, Vault, VaultKey, system_rng, usual_label};

use super::convert::{container, sentence, vault_error};
use super::{Fresh, OpenVault, WorkerState};
use crate::scope::now_ms;
use crate::vault_store::VaultStore;

/// Words that the user types back, to show that the phrase is on paper.
const CHECKED_WORDS: usize = 3;

impl WorkerState {
    pub(super) fn new_phrase(&mut self, words: u8, language: Language) -> Answer {
        let mut rng = system_rng();
        let length = if words == 12 {
            PhraseLength::Twelve
        } else {
            PhraseLength::TwentyFour
        };
        let phrase = Phrase::generate_in(language, length, &mut rng);
        let count = phrase.word_count() as u32;
        let mut check_words: Vec<u8> = Vec::with_capacity(CHECKED_WORDS);
        while check_words.len() < CHECKED_WORDS {
            let position = (rng.next_u32() % count) as u8 + 1;
            if !check_words.contains(&position) {
                check_words.push(position);
            }
        }
        check_words.sort_unstable();
        let shown = SecretText::new(phrase.text().to_string());
        self.fresh = Some(Fresh {
            phrase,
            check_words: check_words.clone(),
        });
        Answer::NewPhrase {
            phrase: shown,
            check_words,
        }
    }

    pub(super) fn check_words(&mut self, words: &[(u8, SecretText)]) -> Result<Answer, WalletError> {
        let fresh = self.fresh.as_mut().ok_or(WalletError::PhraseNotChecked)?;
        for position in &fresh.check_words {
            let typed = words.iter().find(|word| word.0 == *position);
            let right = |word: &(u8, SecretText)| fresh.phrase.has_word(usize::from(*position), word.1.expose());
            if !typed.is_some_and(right) {
                return Err(WalletError::WrongWord { position: *position });
            }
        }
        fresh.check_words.clear();
        Ok(Answer::Done)
    }

    pub(super) fn take_phrase(
        &mut self,
        phrase: &SecretText,
        language: Option<Language>,
    ) -> Result<Answer, WalletError> {
        let phrase = match language {
            Some(language) => Phrase::parse_in(language, phrase.expose()),
            None => Phrase::parse(phrase.expose()),
        };
        let phrase = phrase.map_err(|error| WalletError::Phrase(sentence(error)))?;
        self.fresh = Some(Fresh {
            phrase,
            check_words: Vec::new(),
        });
        Ok(Answer::Done)
    }

    pub(super) async fn create(
        &mut self,
        password: &SecretText,
        passphrase: &SecretText,
    ) -> Result<Answer, WalletError> {
        check_passphrase(passphrase.expose()).map_err(|error| WalletError::Phrase(sentence(error)))?;
        let (chain, binding) = self.chain()?.clone();
        let store = VaultStore::open().await?;
        if store.vault(&chain.genesis).await?.is_some() {
            return Err(WalletError::VaultExists);
        }
        let fresh = self
            .fresh
            .take()
            .filter(|fresh| fresh.check_words.is_empty())
            .ok_or(WalletError::PhraseNotChecked)?;
        let mut vault = Vault::new(fresh.phrase, passphrase.expose(), binding, now());
        match self.first_accounts(&mut vault).await {
            Ok(()) => {}
            Err(error) => {
                // The phrase stays, so that the user may try again.
                let phrase = Phrase::parse_in(vault.phrase().language(), &vault.phrase().text());
                let phrase = phrase.map_err(|error| WalletError::Phrase(sentence(error)))?;
                self.fresh = Some(Fresh {
                    phrase,
                    check_words: Vec::new(),
                });
                return Err(error);
            }
        }
        let key = VaultKey::derive(password.expose(), KdfParams::default(), &mut system_rng()).map_err(container)?;
        self.open = Some(OpenVault::new(vault, key));
        self.save(&store).await?;
        self.opened()
    }

    async fn first_accounts(&self, vault: &mut Vault) -> Result<(), WalletError> {
        let search = vault.search(KeyKind::Rsa2048).map_err(vault_error)?;
        let index = search.index();
        let key = self.find(search).await?;
        let added = vault.add_rsa(index, key, &usual_label(KeyKind::Rsa2048, index));
        added.map_err(vault_error)?;
        let added = vault.add_secp256k1(&usual_label(KeyKind::Secp256k1, 0));
        added.map(drop).map_err(vault_error)
    }
}

fn now() -> UnixSecs {
    UnixSecs((now_ms() / 1_000.0) as u64)
}
