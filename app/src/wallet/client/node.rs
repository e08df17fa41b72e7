//! What the wallet requests of the node, through the public API: never a secret, only addresses and signed envelopes.

use tally_api::accounts::{AccountBody, AccountPoolBody, ProofLeaf, StateProofBody};
use tally_api::fees::FeesBody;
use tally_api::transactions::{TransactionDetail, TransactionPage};
use tally_chain::{
    Bytes, Header, Manifest, address,
    state_tree::{self, PathEnd, StateProof},
};

use crate::{
    browser,
    model::BlockEvidence,
    verify::{ChainRules, LIGHT, Sealed},
    wallet::storage::journal::Earlier,
};

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
    Taken,
    /// The node rejected it, and no copy was sent before.
    Rejected(Refusal),
    /// The node rejects it now; a copy that was sent before may have been accepted.
    RejectedAgain(Refusal),
    /// The node may have accepted it; why that is not known.
    Unknown(String),
}

/// Why the node did not take an envelope.
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
            Outcome::Accepted { .. } | Outcome::AlreadyPending | Outcome::AlreadyIncluded { .. } => Self::Taken,
            Outcome::Rejected { problem } => Self::Rejected(refusal(problem)),
            Outcome::Unknown {
                why: Uncertain::RejectedLater { rejection } | Uncertain::RejectedAfterTaken { rejection },
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

/// Checks the balance in this tab: that the header is genesis or carries work that this chain allows and that
/// counts, manifest, path through the state tree, and that the block is not below `seen`, the highest one that was
/// verified here before the request. `now` is this device's clock in Unix seconds. The height it holds at.
/// Rule: docs/protocol.md#W57
pub fn verify(account: &AccountBody, shown: &str, rules: &ChainRules, seen: u64, now: u64) -> Result<u64, Unproven> {
    let proof = account.proof.as_ref().ok_or(Unproven::NoProof)?;
    let (height, sealed) = prove(account, proof, shown, rules, now).map_err(Unproven::False)?;
    match sealed {
        _ if height < seen => Err(Unproven::Older { seen, shown: height }),
        Sealed::Light => Err(Unproven::Light),
        Sealed::Firm => Ok(height),
    }
}

/// The height of the block under which the balance holds, and what that block stands on.
fn prove(
    account: &AccountBody,
    proof: &StateProofBody,
    shown: &str,
    rules: &ChainRules,
    now: u64,
) -> Result<(u64, Sealed), String> {
    let address = address::parse(shown).map_err(|error| error.to_string())?;
    let (manifest, sealed) = sealed_manifest(proof, rules, now)?;
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
    Ok((manifest.number.0, sealed))
}

/// Why a balance is not verified.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unproven {
    #[error("the node sent no proof")]
    NoProof,
    #[error("the node answers from block {shown}, and showed block {seen} before")]
    Older { seen: u64, shown: u64 },
    #[error("{}", LIGHT)]
    Light,
    #[error("{0}")]
    False(String),
}

/// The manifest of a header that may stand at the height in the manifest. Rules: docs/protocol.md#C3, #H5, #M1
fn sealed_manifest(proof: &StateProofBody, rules: &ChainRules, now: u64) -> Result<(Manifest, Sealed), String> {
    let bytes = proof
        .header_hex
        .as_ref()
        .try_into()
        .map_err(|_| "the header has not 80 bytes")?;
    let header = Header::decode(bytes);
    let manifest = Manifest::decode(&proof.manifest_hex).map_err(|error| error.to_string())?;
    if manifest.root() != header.manifest_root {
        return Err("the manifest is not the one in the header".to_owned());
    }
    let sealed = rules.check(&header, manifest.number, now)?;
    Ok((manifest, sealed))
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
