//! Building, reading back and signing payments.

use tally_api::worker::wallet::{Answer, MemoText, PaymentDraft, Prices, ReviewText, WalletError};
use tally_chain::transaction::ChainIdentity;
use tally_chain::{Address, Bytes, UnixSecs, address};
use tally_wallet::{Account, Fee, Memo, Origin, Payment, Phrase, Review, SigningKey, payment, system_rng};

use super::WorkerState;
use super::convert::{payment_error, sentence, vault_error};

/// The phrase that everyone knows. Rule: docs/protocol.md#W6
const PUBLIC_PHRASE: &str = "test test test test test test test test test test test junk";

impl WorkerState {
    pub(super) fn prepare(&mut self, draft: &PaymentDraft) -> Result<Answer, WalletError> {
        let identity = self.identity()?;
        let from = own_address(&draft.from)?;
        let account = self.vault()?.account(from).map_err(vault_error)?;
        let payload = payment::build(&identity, account, &payment_of(draft)?).map_err(payment_error)?;
        self.read_back(&identity, from, payload)
    }

    /// What is shown comes from the bytes, not from the request; only such bytes are signed.
    pub(super) fn read_back(
        &mut self,
        chain: &ChainIdentity,
        from: Address,
        payload: Vec<u8>,
    ) -> Result<Answer, WalletError> {
        let review = payment::review(chain, from, &payload).map_err(payment_error)?;
        let payload = Bytes::from(payload);
        self.reviewed = Some((from, payload.clone()));
        Ok(Answer::Prepared {
            payload,
            review: Box::new(review_text(&review)),
        })
    }

    pub(super) async fn sign(&mut self, from: &str, payload: Bytes) -> Result<Answer, WalletError> {
        let from = own_address(from)?;
        if self
            .reviewed
            .take_if(|reviewed| *reviewed == (from, payload.clone()))
            .is_none()
        {
            return Err(WalletError::NotReviewed);
        }
        let chain = self.identity()?;
        let open = self.open.as_mut().ok_or(WalletError::Locked)?;
        let by_browser = open.browser_keys.sign(&chain, &open.vault, from, &payload).await;
        let signed = match by_browser {
            Some(signed) => signed,
            None => {
                let key = self.key_of(from)?;
                payment::sign(&chain, from, &key, &payload, &mut system_rng()).map_err(payment_error)?
            }
        };
        Ok(Answer::Signed {
            id: signed.id.to_string(),
            envelope: signed.envelope,
        })
    }

    /// A key of the wallet; of the account that gives test coins the one that everyone has.
    fn key_of(&self, from: Address) -> Result<SigningKey, WalletError> {
        let missing = match self.vault()?.signing_key(from) {
            Ok(key) => return Ok(key),
            Err(error) => vault_error(error),
        };
        let key = everyones_key()?;
        match key.address() == from {
            true => Ok(key),
            false => Err(missing),
        }
    }

    /// Test coins are looked at before they are signed, as every payment is.
    pub(super) fn prepare_test_coins(&mut self, draft: &PaymentDraft) -> Result<Answer, WalletError> {
        let identity = self.identity()?;
        let key = everyones_key()?;
        let account = Account {
            origin: Origin::Derived { index: 0 },
            label: "PUBLIC".to_owned(),
            address: key.address(),
            key: Some(key.public_key()),
            policy: None,
            archived: false,
        };
        let payload = payment::build(&identity, &account, &payment_of(draft)?).map_err(payment_error)?;
        self.read_back(&identity, account.address, payload)
    }
}

/// The key of the first account of the phrase that everyone knows. Rule: docs/protocol.md#W6
fn everyones_key() -> Result<SigningKey, WalletError> {
    let phrase = Phrase::parse(PUBLIC_PHRASE).map_err(|error| WalletError::Phrase(sentence(error)))?;
    let key = phrase.seed("").secp256k1(0);
    key.map(SigningKey::Secp256k1)
        .map_err(|error| WalletError::Vault(sentence(error)))
}

/// The prices that a page gave, as the fee of a payment.
pub(super) fn fee(prices: &Prices) -> Fee {
    Fee {
        max_priority_fee: prices.max_priority_fee,
        max_fee: prices.max_fee,
    }
}

pub(super) fn payment_of(draft: &PaymentDraft) -> Result<Payment, WalletError> {
    Ok(Payment {
        to: address::parse(draft.to.trim()).map_err(|error| WalletError::Recipient(error.to_string()))?,
        value: draft.value,
        memo: draft.memo.clone(),
        nonce: draft.nonce,
        timestamp: UnixSecs(draft.timestamp),
        fee: fee(&draft.prices),
    })
}

pub(super) fn own_address(text: &str) -> Result<Address, WalletError> {
    address::parse(text).map_err(|error| WalletError::Payment(sentence(error)))
}

pub(super) fn review_text(review: &Review) -> ReviewText {
    ReviewText {
        chain_id: review.chain_id,
        genesis: review.genesis.to_string(),
        from: review.sender.to_string(),
        to: review.to.map(|to| to.to_string()),
        value: review.value,
        memo: match &review.memo {
            Memo::None => MemoText::None,
            Memo::Text(text) => MemoText::Text(text.clone()),
            Memo::Hex(hex) => MemoText::Hex(hex.clone()),
        },
        init_code: review.init_code.clone(),
        nonce: review.nonce,
        timestamp: review.timestamp.0,
        gas_limit: review.gas_limit,
        max_fee_per_gas: review.max_fee_per_gas,
        max_priority_fee_per_gas: review.max_priority_fee_per_gas,
        max_fee: review.max_fee,
        max_total: review.max_total,
    }
}
