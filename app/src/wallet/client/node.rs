//! What the wallet requests of the node, through the public API: never a secret, only addresses and signed envelopes.

use tally_api::accounts::{AccountBody, AccountPoolBody, ProofLeaf, StateProofBody};
use tally_api::fees::FeesBody;
use tally_api::transactions::{TransactionDetail, TransactionPage};
use tally_api::worker::light::BlockVerdict;
use tally_chain::{
    Bytes, Header, Manifest, address,
    state_tree::{self, PathEnd, StateProof},
};

use crate::{browser, model::BlockEvidence, wallet::storage::journal::Earlier};

/// An account, with a proof of its balance.
pub async fn account(address: &str) -> Result<AccountBody, String> {
    browser::get_json(&format!("/api/v1/accounts/{address}?proof=true")).await
}

pub async fn fees() -> Result<FeesBody, String> {
    browser::get_json("/api/v1/fees").await
}

/// Whether an account was ever used: it has or had something, or stands in the history. Rule: docs/protocol.md#W15
pub async fn is_used(address: &str) -> Result<bool, String> {
    let account: AccountBody = browser::get_json(&format!("/api/v1/accounts/{address}")).await?;
    if account.next_nonce > 0 || account.nonce > 0 || !account.balance.is_zero() {
        return Ok(true);
    }
    let history: TransactionPage =
        browser::get_json(&format!("/api/v1/accounts/{address}/transactions?limit=1")).await?;
    Ok(!history.items.is_empty())
}

/// What waits in the node's pool for an account.
pub async fn waiting(address: &str) -> Result<AccountPoolBody, String> {
    browser::get_json(&format!("/api/v1/accounts/{address}/pending")).await
}

/// Senders and receivers of the newest hundred transactions of an account.
#[cfg(feature = "hydrate")]
pub async fn met(address: &str) -> Result<Vec<(String, Option<String>)>, String> {
    use tally_api::page::MAX_PAGE;

    let page: TransactionPage =
        browser::get_json(&format!("/api/v1/accounts/{address}/transactions?limit={MAX_PAGE}")).await?;
    let parties = page.items.into_iter().map(|row| (row.sender, row.to));
    Ok(parties
        .map(|(sender, to)| (sender.to_string(), to.map(|to| to.to_string())))
        .collect())
}

/// The envelope of a transaction that the node knows.
pub async fn envelope(id: &str) -> Result<Bytes, String> {
    let found: TransactionDetail = browser::get_json(&format!("/api/v1/transactions/{id}")).await?;
    Ok(found.raw)
}

/// What became of an envelope that was handed to the node.
#[cfg_attr(
    not(feature = "hydrate"),
    allow(dead_code, reason = "the server renders, and never calls it")
)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Handed {
    /// The node has it: it waits, or is in a block.
    Accepted,
    /// The node rejected it, and no copy was sent before.
    Rejected(Refusal),
    /// The node rejects it now; a copy that was sent before may have been accepted.
    RejectedAgain(Refusal),
    /// The node may have accepted it; why that is not known.
    Unknown(String),
}

/// Why the node rejected an envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Stable name of the problem, such as `nonce-too-low`.
    pub name: String,
    pub text: String,
    /// What it leaves open of bytes that were sent before, to be put behind the text; empty where the text has it.
    pub leaves_open: &'static str,
    /// Seconds that this device's clock is ahead of the node's; none where the answer carried no time.
    pub ahead: Option<i64>,
}

/// Hands a signed envelope of this id to the node; `earlier` is what was known of it before. Rule: docs/protocol.md#W56
#[cfg(feature = "hydrate")]
pub async fn submit(id: &str, envelope: Bytes, earlier: Earlier) -> Handed {
    use tally_api::submit::RawBody;
    use tally_wallet::Outcome;

    let Ok(own) = id.parse() else {
        return Handed::Unknown(format!("{id} is no id"));
    };
    let answer = browser::post("/api/v1/transactions", &RawBody::of(&envelope)).await;
    match &answer {
        Ok(answer) => Handed::of(
            Outcome::of_answer(own, answer.status, &answer.body),
            earlier,
            answer.ahead,
        ),
        Err(why) => Handed::of(Outcome::of_failure(why), earlier, None),
    }
}

#[cfg(any(feature = "hydrate", test))]
impl Handed {
    /// What an answer comes to after what was known `earlier`; `ahead` in seconds as in [`Refusal`].
    pub fn of(outcome: tally_wallet::Outcome, earlier: Earlier, ahead: Option<i64>) -> Self {
        use tally_wallet::{Outcome, Rejection, Uncertain};

        let refusal = |rejection: Rejection| Refusal {
            text: rejection.to_string(),
            leaves_open: rejection.leaves_open(),
            name: rejection.name,
            ahead,
        };
        match outcome.after(earlier.into()) {
            Outcome::Accepted { .. } | Outcome::AlreadyPending | Outcome::AlreadyIncluded { .. } => Self::Accepted,
            Outcome::Rejected { problem } => Self::Rejected(refusal(problem)),
            Outcome::Unknown {
                why: Uncertain::RejectedLater { rejection } | Uncertain::RejectedAfterAccepted { rejection },
            } => Self::RejectedAgain(refusal(rejection)),
            Outcome::Unknown { why } => Self::Unknown(why.to_string()),
        }
    }
}

/// The server sends nothing.
#[cfg(not(feature = "hydrate"))]
pub async fn submit(_id: &str, _envelope: Bytes, _earlier: Earlier) -> Handed {
    Handed::Unknown("only a browser sends".to_owned())
}

/// The block that the balance is proven against.
pub fn proven_block(account: &AccountBody) -> Option<BlockEvidence> {
    account.proof.as_ref().map(|proof| BlockEvidence {
        header: proof.header_hex.clone(),
        manifest: proof.manifest_hex.clone(),
    })
}

/// Checks the balance in this tab: manifest, path through the state tree, by `verdict` that the block is on the chain that was
/// verified from genesis on, and that it is none below `least`, the tip that was verified before the request. The height it
/// holds at. Rule: docs/protocol.md#W57
pub fn verify(account: &AccountBody, shown: &str, verdict: &BlockVerdict, least: u64) -> Result<u64, Unproven> {
    let proof = account.proof.as_ref().ok_or(Unproven::NoProof)?;
    let height = prove(account, proof, shown).map_err(Unproven::False)?;
    match verdict {
        BlockVerdict::Refuted(why) => Err(Unproven::False(why.clone())),
        BlockVerdict::Unknown(why) => Err(Unproven::Unverified(why.clone())),
        BlockVerdict::OnChain if height < least => Err(Unproven::Older {
            seen: least,
            shown: height,
        }),
        BlockVerdict::OnChain => Ok(height),
    }
}

/// The height of the block under which the balance holds.
fn prove(account: &AccountBody, proof: &StateProofBody, shown: &str) -> Result<u64, String> {
    let address = address::parse(shown).map_err(|error| error.to_string())?;
    let manifest = manifest(proof)?;
    let claimed = state_tree::Account {
        nonce: account.nonce,
        balance: account.balance,
        ..decoded(proof)?
    };
    let key = state_tree::account_key(&address);
    let value = (!claimed.is_empty()).then(|| claimed.encode());
    path(proof)
        .verify(&key, value.as_deref(), manifest.state_root)
        .map_err(|error| error.to_string())?;
    Ok(manifest.number.0)
}

/// Why a balance is not verified.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unproven {
    #[error("the node sent no proof")]
    NoProof,
    #[error("the node answers from block {shown}, and this browser has verified block {seen}")]
    Older { seen: u64, shown: u64 },
    /// There is no verified chain to compare its block with.
    #[error("{0}")]
    Unverified(String),
    #[error("{0}")]
    False(String),
}

/// The manifest of the block. Rules: docs/protocol.md#H1, #M1
fn manifest(proof: &StateProofBody) -> Result<Manifest, String> {
    let bytes = proof
        .header_hex
        .as_ref()
        .try_into()
        .map_err(|_| "the header has not 80 bytes")?;
    let header = Header::decode(bytes);
    let manifest = Manifest::decode(&proof.manifest_hex).map_err(|error| error.to_string())?;
    match manifest.root() == header.manifest_root {
        true => Ok(manifest),
        false => Err("the manifest is not the one in the header".to_owned()),
    }
}

/// Rule: docs/protocol.md#S4
fn path(proof: &StateProofBody) -> StateProof {
    let end = match &proof.leaf {
        Some(ProofLeaf { key, value_hash }) => PathEnd::Leaf {
            key: *key,
            value_hash: *value_hash,
        },
        None => PathEnd::Empty,
    };
    StateProof {
        siblings: proof.siblings.clone(),
        end,
    }
}

/// The account as encoded: what the tree holds beside nonce and balance is its code.
fn decoded(proof: &StateProofBody) -> Result<state_tree::Account, String> {
    match &proof.value {
        Some(bytes) => state_tree::Account::decode(bytes).map_err(|error| error.to_string()),
        None => Ok(state_tree::Account::default()),
    }
}

#[cfg(test)]
mod tests;
