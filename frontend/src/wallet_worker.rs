//! The wallet's worker: the only place where the phrase, the keys and the vault's key are.
//!
//! One question after the other; only the search for an RSA key lets messages in between, so that it can be stopped.

use std::cell::Cell;
use std::rc::Rc;

use futures::StreamExt;
use futures::channel::mpsc;
use tally_app::model::BaseUnits;
use tally_app::wallet::protocol::{
    AccountSummary, Answer, Chain, FromWorker, KeyKind, MemoText, Order, Request, ReviewText, SearchProgress,
    SecretText, ToWorker, Trouble,
};
use tally_chain::transaction::ChainIdentity;
use tally_chain::{Address, Amount, Bytes, UnixSecs, address};
use tally_wallet::rand_core::Rng;
use tally_wallet::vault::VaultError;
use tally_wallet::{
    Account, AccountKind, ChainBinding, ContainerError, Fee, KdfParams, Memo, Payment, Phrase, PhraseLength, Review,
    RsaKey, RsaSearch, SigningKey, Step, Vault, VaultKey, payment, system_rng,
};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen_futures::spawn_local;

use crate::scope::{breathe, listen, now_ms, post};
use crate::vault_store::VaultStore;

/// The phrase that everyone knows. Rule: docs/protocol.md#W6
const PUBLIC_PHRASE: &str = "test test test test test test test test test test test junk";
/// Words that are asked back.
const ASKED: usize = 3;
/// How long a search keeps messages waiting, in milliseconds.
const SLICE_MS: f64 = 60.0;
/// The accounts that a new wallet begins with, and their labels.
const FIRST_RSA: (AccountKind, &str) = (AccountKind::Rsa2048, "RSA account");
const FIRST_ECC: &str = "ECC account";

/// Runs the worker. Called once by its script.
#[wasm_bindgen]
pub fn wallet_worker() {
    console_error_panic_hook::set_once();
    let (sender, mut questions) = mpsc::unbounded();
    let cancelled = Rc::new(Cell::new(false));
    let stop = cancelled.clone();
    listen(move |message| match message {
        // The receiver lives as long as the worker.
        ToWorker::Ask { number, request } => drop(sender.unbounded_send((number, request))),
        ToWorker::Cancel => stop.set(true),
    });
    spawn_local(async move {
        let mut desk = Desk {
            cancelled,
            chain: None,
            fresh: None,
            open: None,
            reviewed: None,
        };
        while let Some((number, request)) = questions.next().await {
            desk.cancelled.set(false);
            let outcome = desk.answer(request).await;
            post(&FromWorker::Answer { number, outcome });
        }
    });
    post(&FromWorker::Ready);
}

/// A phrase that has no vault yet.
struct Fresh {
    phrase: Phrase,
    /// Positions (from 1) that must still be typed back; none for a phrase that the user brought.
    ask: Vec<u8>,
}

struct OpenVault {
    vault: Vault,
    key: VaultKey,
}

/// What the worker holds.
struct Desk {
    cancelled: Rc<Cell<bool>>,
    chain: Option<(Chain, ChainBinding)>,
    fresh: Option<Fresh>,
    open: Option<OpenVault>,
    /// The bytes that were last read back to the user, and for which account.
    reviewed: Option<(Address, Bytes)>,
}

impl Desk {
    async fn answer(&mut self, request: Request) -> Result<Answer, Trouble> {
        match request {
            Request::Look { chain } => self.look(chain).await,
            Request::NewPhrase { words } => Ok(self.new_phrase(words)),
            Request::CheckWords { words } => self.check_words(&words),
            Request::TakePhrase { phrase } => self.take_phrase(&phrase),
            Request::Create { password } => self.create(&password).await,
            Request::Unlock { password } => self.unlock(&password).await,
            Request::AddAccount { kind } => self.add_account(kind).await,
            Request::Prepare { order } => self.prepare(&order),
            Request::Sign { from, payload } => self.sign(&from, payload),
            Request::SignTestCoins { order } => self.sign_test_coins(&order),
            Request::Forget => self.forget().await,
        }
    }

    async fn look(&mut self, chain: Chain) -> Result<Answer, Trouble> {
        let genesis = chain
            .genesis
            .parse()
            .map_err(|error| Trouble::Worker(format!("genesis: {error}")))?;
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

    fn chain(&self) -> Result<&(Chain, ChainBinding), Trouble> {
        self.chain
            .as_ref()
            .ok_or_else(|| Trouble::Worker("it was not told the chain".to_owned()))
    }

    fn identity(&self) -> Result<ChainIdentity, Trouble> {
        Ok(self.chain()?.1.identity())
    }

    fn new_phrase(&mut self, words: u8) -> Answer {
        let mut rng = system_rng();
        let length = if words == 12 {
            PhraseLength::Twelve
        } else {
            PhraseLength::TwentyFour
        };
        let phrase = Phrase::generate(length, &mut rng);
        let count = phrase.word_count() as u32;
        let mut ask: Vec<u8> = Vec::with_capacity(ASKED);
        while ask.len() < ASKED {
            let position = (rng.next_u32() % count) as u8 + 1;
            if !ask.contains(&position) {
                ask.push(position);
            }
        }
        ask.sort_unstable();
        let shown = SecretText::new(phrase.text().to_string());
        self.fresh = Some(Fresh {
            phrase,
            ask: ask.clone(),
        });
        Answer::NewPhrase { phrase: shown, ask }
    }

    fn check_words(&mut self, words: &[(u8, SecretText)]) -> Result<Answer, Trouble> {
        let fresh = self.fresh.as_mut().ok_or(Trouble::PhraseNotChecked)?;
        for position in &fresh.ask {
            let typed = words
                .iter()
                .find(|word| word.0 == *position)
                .map(|word| word.1.expose().trim().to_lowercase());
            if typed.as_deref() != fresh.phrase.words().nth(usize::from(*position) - 1) {
                return Err(Trouble::WrongWord { position: *position });
            }
        }
        fresh.ask.clear();
        Ok(Answer::Done)
    }

    fn take_phrase(&mut self, phrase: &SecretText) -> Result<Answer, Trouble> {
        let phrase = Phrase::parse(phrase.expose()).map_err(|error| Trouble::Phrase(sentence(error)))?;
        self.fresh = Some(Fresh {
            phrase,
            ask: Vec::new(),
        });
        Ok(Answer::Done)
    }

    async fn create(&mut self, password: &SecretText) -> Result<Answer, Trouble> {
        let (chain, binding) = self.chain()?.clone();
        let store = VaultStore::open().await?;
        if store.vault(&chain.genesis).await?.is_some() {
            return Err(Trouble::VaultExists);
        }
        let fresh = self
            .fresh
            .take()
            .filter(|fresh| fresh.ask.is_empty())
            .ok_or(Trouble::PhraseNotChecked)?;
        let mut vault = Vault::new(fresh.phrase, "", binding, now());
        match self.first_accounts(&mut vault).await {
            Ok(()) => {}
            Err(trouble) => {
                // The phrase stays, so that the user may try again.
                let phrase = Phrase::parse(&vault.phrase().text()).map_err(|error| Trouble::Phrase(sentence(error)))?;
                self.fresh = Some(Fresh {
                    phrase,
                    ask: Vec::new(),
                });
                return Err(trouble);
            }
        }
        let key = VaultKey::derive(password.expose(), KdfParams::default(), &mut system_rng()).map_err(container)?;
        self.open = Some(OpenVault { vault, key });
        self.save(&store).await?;
        self.opened()
    }

    async fn first_accounts(&self, vault: &mut Vault) -> Result<(), Trouble> {
        let search = vault.search(FIRST_RSA.0).map_err(vault_trouble)?;
        let index = search.index();
        let key = self.find(search).await?;
        vault.add_rsa(index, key, FIRST_RSA.1).map_err(vault_trouble)?;
        vault.add_secp256k1(FIRST_ECC).map_err(vault_trouble)?;
        Ok(())
    }

    /// Searches to the end, telling the page how it goes and listening whether it should stop.
    async fn find(&self, mut search: RsaSearch) -> Result<RsaKey, Trouble> {
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
                return Err(Trouble::Cancelled);
            }
            slice = now_ms();
        }
        match search.step() {
            Step::Found(key) => Ok(key),
            Step::Searching(_) => Err(Trouble::Worker("the search forgot its key".to_owned())),
        }
    }

    async fn unlock(&mut self, password: &SecretText) -> Result<Answer, Trouble> {
        let (chain, binding) = self.chain()?.clone();
        let bytes = VaultStore::open()
            .await?
            .vault(&chain.genesis)
            .await?
            .ok_or(Trouble::NoVault)?;
        let (vault, key) = Vault::open(&bytes, password.expose()).map_err(vault_trouble)?;
        vault.check_chain(binding.genesis).map_err(vault_trouble)?;
        self.open = Some(OpenVault { vault, key });
        self.opened()
    }

    async fn add_account(&mut self, kind: KeyKind) -> Result<Answer, Trouble> {
        let kind = of_kind(kind);
        let mut open = self.open.take().ok_or(Trouble::Locked)?;
        let added = self.add_to(&mut open.vault, kind).await;
        self.open = Some(open);
        added?;
        self.save(&VaultStore::open().await?).await?;
        self.opened()
    }

    async fn add_to(&self, vault: &mut Vault, kind: AccountKind) -> Result<(), Trouble> {
        let label = |index: u32| {
            let name = if kind.rsa_bits().is_some() {
                FIRST_RSA.1
            } else {
                FIRST_ECC
            };
            if index == 0 {
                name.to_owned()
            } else {
                format!("{name} {}", index + 1)
            }
        };
        if kind.rsa_bits().is_some() {
            let search = vault.search(kind).map_err(vault_trouble)?;
            let index = search.index();
            let key = self.find(search).await?;
            vault.add_rsa(index, key, &label(index)).map_err(vault_trouble)?;
        } else {
            let label = label(vault.next_index(kind));
            vault.add_secp256k1(&label).map_err(vault_trouble)?;
        }
        Ok(())
    }

    async fn save(&self, store: &VaultStore) -> Result<(), Trouble> {
        let OpenVault { vault, key } = self.open.as_ref().ok_or(Trouble::Locked)?;
        let bytes = vault.seal(key, &mut system_rng()).map_err(vault_trouble)?;
        store.put(&self.chain()?.0, vault.created_at().0, &bytes).await
    }

    fn opened(&self) -> Result<Answer, Trouble> {
        let open = self.open.as_ref().ok_or(Trouble::Locked)?;
        let accounts = open.vault.accounts().map(summary).collect();
        Ok(Answer::Open { accounts })
    }

    fn prepare(&mut self, order: &Order) -> Result<Answer, Trouble> {
        let identity = self.identity()?;
        let from = own_address(&order.from)?;
        let open = self.open.as_ref().ok_or(Trouble::Locked)?;
        let account = open.vault.account(from).map_err(vault_trouble)?;
        let payload = payment::build(&identity, account, &order_of(order)?).map_err(payment_trouble)?;
        // What is shown comes from the bytes, not from the order.
        let review = payment::review(&identity, from, &payload).map_err(payment_trouble)?;
        let payload = Bytes::from(payload);
        self.reviewed = Some((from, payload.clone()));
        Ok(Answer::Prepared {
            payload,
            review: Box::new(review_text(&review)),
        })
    }

    fn sign(&mut self, from: &str, payload: Bytes) -> Result<Answer, Trouble> {
        let from = own_address(from)?;
        if self
            .reviewed
            .take_if(|reviewed| *reviewed == (from, payload.clone()))
            .is_none()
        {
            return Err(Trouble::NotReviewed);
        }
        let open = self.open.as_ref().ok_or(Trouble::Locked)?;
        let key = open.vault.signing_key(from).map_err(vault_trouble)?;
        signed(&self.identity()?, from, &key, &payload)
    }

    fn sign_test_coins(&self, order: &Order) -> Result<Answer, Trouble> {
        let identity = self.identity()?;
        let phrase = Phrase::parse(PUBLIC_PHRASE).map_err(|error| Trouble::Phrase(sentence(error)))?;
        let key = phrase
            .seed("")
            .secp256k1(0)
            .map_err(|error| Trouble::Vault(sentence(error)))?;
        let key = SigningKey::Secp256k1(key);
        let account = Account {
            kind: key.kind(),
            index: 0,
            label: "PUBLIC".to_owned(),
            address: key.address(),
            public_key: key.public_key().into(),
        };
        let payload = payment::build(&identity, &account, &order_of(order)?).map_err(payment_trouble)?;
        signed(&identity, account.address, &key, &payload)
    }

    async fn forget(&mut self) -> Result<Answer, Trouble> {
        let genesis = self.chain()?.0.genesis.clone();
        VaultStore::open().await?.remove(&genesis).await?;
        self.open = None;
        self.reviewed = None;
        Ok(Answer::Done)
    }
}

fn signed(chain: &ChainIdentity, from: Address, key: &SigningKey, payload: &[u8]) -> Result<Answer, Trouble> {
    let signed = payment::sign(chain, from, key, payload, &mut system_rng()).map_err(payment_trouble)?;
    Ok(Answer::Signed {
        id: signed.id.to_string(),
        envelope: signed.envelope,
    })
}

fn order_of(order: &Order) -> Result<Payment, Trouble> {
    let price = |units: &BaseUnits| {
        let unreadable = |why: String| Trouble::Payment(format!("The fee cannot be read: {why}"));
        units
            .digits()
            .parse::<u128>()
            .map_err(|error| unreadable(error.to_string()))
    };
    Ok(Payment {
        to: address::parse(order.to.trim()).map_err(|error| Trouble::Recipient(error.to_string()))?,
        value: Amount::from_coins(order.coins.trim()).map_err(|error| Trouble::Amount(error.to_string()))?,
        memo: order.memo.clone(),
        nonce: order.nonce,
        timestamp: UnixSecs(order.timestamp),
        fee: Fee {
            max_priority_fee: price(&order.max_priority_fee)?,
            max_fee: price(&order.max_fee)?,
        },
    })
}

fn own_address(text: &str) -> Result<Address, Trouble> {
    address::parse(text).map_err(|error| Trouble::Payment(sentence(error)))
}

fn review_text(review: &Review) -> ReviewText {
    let units = |amount: Amount| BaseUnits::new(amount);
    ReviewText {
        chain_id: review.chain_id,
        genesis: review.genesis.to_string(),
        from: review.sender.to_string(),
        to: review.to.map(|to| to.to_string()),
        value: units(review.value),
        memo: match &review.memo {
            Memo::None => MemoText::None,
            Memo::Text(text) => MemoText::Text(text.clone()),
            Memo::Hex(hex) => MemoText::Hex(hex.clone()),
        },
        nonce: review.nonce,
        timestamp: review.timestamp.0,
        gas_limit: review.gas_limit,
        max_fee_per_gas: units(review.max_fee_per_gas),
        max_priority_fee_per_gas: units(review.max_priority_fee_per_gas),
        max_fee: units(review.max_fee),
        max_total: units(review.max_total),
    }
}

fn summary(account: &Account) -> AccountSummary {
    let kind = match account.kind {
        AccountKind::Rsa2048 => KeyKind::Rsa2048,
        AccountKind::Rsa3072 => KeyKind::Rsa3072,
        AccountKind::Rsa4096 => KeyKind::Rsa4096,
        AccountKind::Secp256k1 => KeyKind::Secp256k1,
    };
    AccountSummary {
        kind,
        index: account.index,
        label: account.label.clone(),
        address: account.address.to_string(),
    }
}

fn of_kind(kind: KeyKind) -> AccountKind {
    match kind {
        KeyKind::Rsa2048 => AccountKind::Rsa2048,
        KeyKind::Rsa3072 => AccountKind::Rsa3072,
        KeyKind::Rsa4096 => AccountKind::Rsa4096,
        KeyKind::Secp256k1 => AccountKind::Secp256k1,
    }
}

fn now() -> UnixSecs {
    UnixSecs((now_ms() / 1_000.0) as u64)
}

/// An error's own words as a sentence.
fn sentence(error: impl ToString) -> String {
    let text = error.to_string();
    let mut chars = text.chars();
    let first = chars
        .next()
        .map(|first| first.to_uppercase().to_string())
        .unwrap_or_default();
    format!("{first}{}.", chars.as_str())
}

fn container(error: ContainerError) -> Trouble {
    match error {
        ContainerError::WrongPassword => Trouble::WrongPassword,
        other => Trouble::Vault(sentence(other)),
    }
}

fn vault_trouble(error: VaultError) -> Trouble {
    match error {
        VaultError::Container(error) => container(error),
        other => Trouble::Vault(sentence(other)),
    }
}

fn payment_trouble(error: tally_wallet::PaymentError) -> Trouble {
    Trouble::Payment(sentence(error))
}
