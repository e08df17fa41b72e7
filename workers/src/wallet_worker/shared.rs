//! Shared accounts, and proposals that collect signatures. Rules: docs/protocol.md#W60 to #W66

use tally_api::worker::wallet::{Answer, PaymentDraft, ProposalView, SharedRequest, SignerView, WalletError};
use tally_chain::{PublicKey, address};
use tally_wallet::keystore::{self, Found};
use tally_wallet::{Proposal, ProposalError, SharedAccount, SharedError, Vault, system_rng};

use super::WorkerState;
use super::convert::{edit_error, sentence, vault_error};
use super::payments::{own_address, payment_of, review_text};

impl WorkerState {
    pub(super) async fn shared(&mut self, request: SharedRequest) -> Result<Answer, WalletError> {
        match request {
            SharedRequest::Create { name, required, keys } => {
                let vault = self.vault()?;
                let keys = keys.iter().map(|text| public_key(vault, text));
                let keys = keys.collect::<Result<Vec<_>, _>>()?;
                let shared = SharedAccount::new(name.trim(), required, &keys).map_err(shared_error)?;
                self.take_up(&shared).await
            }
            SharedRequest::TakeUp { text } => {
                let shared = SharedAccount::read(&text).map_err(shared_error)?;
                self.take_up(&shared).await
            }
            SharedRequest::HandOn { address } => self.hand_on(&address),
            SharedRequest::Propose { draft } => self.propose(&draft),
            SharedRequest::Read { text } => {
                let proposal = Proposal::read(&text).map_err(proposal_error)?;
                self.show(proposal)
            }
            SharedRequest::Combine { text } => {
                let other = Proposal::read(&text).map_err(proposal_error)?;
                let mut proposal = self.shown()?.clone();
                proposal.combine(&other).map_err(proposal_error)?;
                self.show(proposal)
            }
            SharedRequest::Sign { text } => self.sign_proposal(&text),
            SharedRequest::Complete { text } => {
                let signed = self.shown_as(&text)?.complete().map_err(proposal_error)?;
                Ok(Answer::Signed {
                    id: signed.id.to_string(),
                    envelope: signed.envelope,
                })
            }
        }
    }

    async fn take_up(&mut self, shared: &SharedAccount) -> Result<Answer, WalletError> {
        let kept = self.change(|vault| vault.add_shared(shared).map(drop));
        kept.await.map_err(edit_error)?;
        self.opened()
    }

    fn hand_on(&self, address: &str) -> Result<Answer, WalletError> {
        let account = self.vault()?.account(own_address(address)?).map_err(vault_error)?;
        let policy = account.policy.clone().ok_or(WalletError::NoPublicKey)?;
        let shared = SharedAccount::of(account.label.clone(), policy).map_err(shared_error)?;
        Ok(Answer::SharedText { text: shared.write() })
    }

    fn propose(&mut self, draft: &PaymentDraft) -> Result<Answer, WalletError> {
        let identity = self.identity()?;
        let account = self.vault()?.account(own_address(&draft.from)?).map_err(vault_error)?;
        let proposal = Proposal::build(&identity, account, &payment_of(draft)?).map_err(proposal_error)?;
        self.show(proposal)
    }

    /// The proposal that was shown last: nothing else is signed.
    fn shown(&self) -> Result<&Proposal, WalletError> {
        self.proposal.as_ref().ok_or(WalletError::NotReviewed)
    }

    /// The same, if it is what the page has before it: another tab or a late answer changes nothing.
    fn shown_as(&self, text: &str) -> Result<&Proposal, WalletError> {
        self.shown()
            .ok()
            .filter(|proposal| proposal.write() == text)
            .ok_or(WalletError::NotReviewed)
    }

    /// Shows a proposal, and remembers what was shown.
    fn show(&mut self, proposal: Proposal) -> Result<Answer, WalletError> {
        proposal.check_chain(&self.identity()?).map_err(proposal_error)?;
        let vault = self.vault()?;
        let review = proposal.review().map_err(proposal_error)?;
        let signers = proposal.who().into_iter().map(|(key, signed)| SignerView {
            kind: key.kind(),
            address: key.address().to_string(),
            signed,
            own: vault.account(key.address()).is_ok_and(|account| account.can_sign()),
        });
        let view = ProposalView {
            text: proposal.write(),
            payload: proposal.payload().into(),
            review: review_text(&review),
            required: proposal.required(),
            signers: signers.collect(),
        };
        self.proposal = Some(proposal);
        Ok(Answer::Proposal(Box::new(view)))
    }

    fn sign_proposal(&mut self, text: &str) -> Result<Answer, WalletError> {
        let mut proposal = self.shown_as(text)?.clone();
        let vault = self.vault()?;
        for (key, signed) in proposal.who() {
            if signed || proposal.is_complete() {
                continue;
            }
            if let Ok(own) = vault.signing_key(key.address()) {
                proposal.sign(&own, &mut system_rng()).map_err(proposal_error)?;
            }
        }
        self.show(proposal)
    }
}

/// A public key by the account of the wallet that has it, or as text.
fn public_key(vault: &Vault, text: &str) -> Result<PublicKey, WalletError> {
    let text = text.trim();
    if let Ok(address) = address::parse(text) {
        let account = vault.account(address).map_err(vault_error).map_err(edit_error)?;
        return account.key.clone().ok_or(WalletError::NoPublicKey);
    }
    let refused = |why: String| WalletError::Edit(format!("A key cannot be used: {why}"));
    match keystore::read(text.as_bytes(), "")
        .map_err(|error| refused(sentence(error)))?
        .key
    {
        Found::Public(key) => Ok(key),
        Found::Private(_) => Err(refused(
            "this is a private key. Keep it to yourself, and give its public key.".to_owned(),
        )),
    }
}

fn shared_error(error: SharedError) -> WalletError {
    WalletError::Edit(sentence(error))
}

fn proposal_error(error: ProposalError) -> WalletError {
    WalletError::Payment(sentence(error))
}
