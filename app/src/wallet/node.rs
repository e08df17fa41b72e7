//! What the wallet asks of the node, through the public API: never a secret, only addresses and signed envelopes.

use serde::Deserialize;
use tally_chain::{
    Amount, B256, Bytes, Header, Manifest, address,
    state_tree::{self, PathEnd, StateProof},
};

use super::journal::Earlier;
use crate::{
    browser,
    model::{BaseUnits, BlockEvidence},
    prefs::FeeLevel,
    verify::{ChainRules, LIGHT, Sealed},
};

/// What the node says about an account.
#[cfg_attr(not(feature = "hydrate"), allow(dead_code))]
#[derive(Clone, Debug, Deserialize)]
pub struct AccountAnswer {
    pub balance: Amount,
    pub nonce: u64,
    /// The nonce that the next transaction should carry, pending ones counted.
    pub next_nonce: u64,
    /// What the waiting transactions may cost at most.
    pub pending_cost: Amount,
    /// Whether code stands here.
    pub contract: bool,
    /// A name from the chain spec.
    pub label: Option<String>,
    pub proof: Option<AccountProof>,
}

/// A block with the path to the account in its state.
#[derive(Clone, Debug, Deserialize)]
pub struct AccountProof {
    /// The encoded account; none where nothing stands under the address. Rule: docs/protocol.md#S2
    value: Option<Bytes>,
    /// Siblings from the root down.
    siblings: Vec<B256>,
    /// What ends the path; none where it ends empty. Rule: docs/protocol.md#S4
    leaf: Option<ProofLeaf>,
    header_hex: Bytes,
    manifest_hex: Bytes,
}

#[derive(Clone, Debug, Deserialize)]
struct ProofLeaf {
    key: B256,
    value_hash: B256,
}

/// What the node suggests.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct FeesAnswer {
    /// Of the next block, base units per gas.
    pub base_fee: BaseUnits,
    pub low: LevelAnswer,
    pub normal: LevelAnswer,
    pub high: LevelAnswer,
}

/// One fee level.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct LevelAnswer {
    /// Base units per gas.
    pub max_priority_fee: BaseUnits,
    /// Until it is in a block.
    pub expected_seconds: u64,
}

impl FeesAnswer {
    pub fn level(&self, level: FeeLevel) -> &LevelAnswer {
        match level {
            FeeLevel::Slow => &self.low,
            FeeLevel::Normal => &self.normal,
            FeeLevel::Fast => &self.high,
        }
    }
}

/// What an account has waiting in the node's pool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct PoolAnswer {
    /// The account's nonce in the chain.
    pub nonce: u64,
    /// The first nonce that no block could take yet.
    pub next_nonce: u64,
    /// By nonce.
    pub items: Vec<WaitingAnswer>,
}

/// One waiting transaction.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct WaitingAnswer {
    pub id: String,
    pub nonce: u64,
    /// Whether a block could take it now.
    pub pending: bool,
}

impl PoolAnswer {
    /// The nonce that is missing, and how many wait for it. Rule: docs/protocol.md#W54
    pub fn gap(&self) -> Option<(u64, usize)> {
        let behind = self.items.iter().filter(|item| item.nonce > self.next_nonce).count();
        let held = self.items.iter().any(|item| item.nonce == self.next_nonce);
        (behind > 0 && !held).then_some((self.next_nonce, behind))
    }
}

#[cfg(feature = "hydrate")]
#[derive(serde::Serialize)]
struct Submission {
    raw: Bytes,
}

/// An account, with a proof of its balance.
pub async fn account(address: &str) -> Result<AccountAnswer, String> {
    browser::get_json(&format!("/api/v1/accounts/{address}?proof=true")).await
}

pub async fn fees() -> Result<FeesAnswer, String> {
    browser::get_json("/api/v1/fees").await
}

/// Whether an account was ever used: it has or had something, or stands in the history. Rule: docs/protocol.md#W15
pub async fn is_used(address: &str) -> Result<bool, String> {
    #[derive(Deserialize)]
    struct Page {
        items: Vec<serde::de::IgnoredAny>,
    }
    let account: AccountAnswer = browser::get_json(&format!("/api/v1/accounts/{address}")).await?;
    if account.next_nonce > 0 || account.nonce > 0 || !account.balance.is_zero() {
        return Ok(true);
    }
    let history: Page = browser::get_json(&format!("/api/v1/accounts/{address}/transactions?limit=1")).await?;
    Ok(!history.items.is_empty())
}

/// What waits in the node's pool for an account.
pub async fn waiting(address: &str) -> Result<PoolAnswer, String> {
    browser::get_json(&format!("/api/v1/accounts/{address}/pending")).await
}

/// Senders and receivers of the newest hundred transactions of an account.
#[cfg(feature = "hydrate")]
pub async fn met(address: &str) -> Result<Vec<(String, Option<String>)>, String> {
    #[derive(Deserialize)]
    struct Page {
        items: Vec<Row>,
    }
    #[derive(Deserialize)]
    struct Row {
        sender: String,
        to: Option<String>,
    }
    let page: Page = browser::get_json(&format!("/api/v1/accounts/{address}/transactions?limit=100")).await?;
    Ok(page.items.into_iter().map(|row| (row.sender, row.to)).collect())
}

/// The envelope of a transaction that the node knows.
pub async fn envelope(id: &str) -> Result<Bytes, String> {
    #[derive(Deserialize)]
    struct Found {
        raw: Bytes,
    }
    let found: Found = browser::get_json(&format!("/api/v1/transactions/{id}")).await?;
    Ok(found.raw)
}

/// What became of an envelope that was handed to the node.
#[cfg_attr(not(feature = "hydrate"), allow(dead_code))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Handed {
    /// It has it: it waits, or stands in a block.
    Taken,
    /// It said that it does not take it, and no copy of it was on its way before.
    Refused(Refusal),
    /// It does not take it now; a copy that was sent before may have been taken.
    RefusedAgain(Refusal),
    /// It may have taken it; why that is not known.
    Unknown(String),
}

/// Why the node did not take an envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Stable name of the problem, such as `nonce-too-low`.
    pub name: String,
    pub text: String,
    /// What it leaves open of bytes that were sent before, to be put behind the text; empty where the text says it.
    pub leaves_open: &'static str,
    /// Seconds that this device's clock is ahead of the node's; none where the answer carried no time.
    pub ahead: Option<i64>,
}

/// Hands a signed envelope of this id to the node; `earlier` is what was known of it before. Rule: docs/protocol.md#W56
#[cfg(feature = "hydrate")]
pub async fn submit(id: &str, envelope: Bytes, earlier: Earlier) -> Handed {
    use tally_wallet::Outcome;

    let Ok(own) = id.parse() else {
        return Handed::Unknown(format!("{id} is no id"));
    };
    let answer = browser::post("/api/v1/transactions", &Submission { raw: envelope }).await;
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
    /// What an answer says after what was known `earlier`; `ahead` in seconds as in [`Refusal`].
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
            Outcome::Rejected { problem } => Self::Refused(refusal(problem)),
            Outcome::Unknown {
                why: Uncertain::RejectedLater { rejection } | Uncertain::RejectedAfterTaken { rejection },
            } => Self::RefusedAgain(refusal(rejection)),
            Outcome::Unknown { why } => Self::Unknown(why.to_string()),
        }
    }
}

/// The server sends nothing.
#[cfg(not(feature = "hydrate"))]
pub async fn submit(_id: &str, _envelope: Bytes, _earlier: Earlier) -> Handed {
    Handed::Unknown("only a browser sends".to_owned())
}

impl AccountAnswer {
    /// What may still be spent: the balance without what waiting transactions may cost.
    pub fn free(&self) -> Amount {
        self.balance.checked_sub(self.pending_cost).unwrap_or(Amount::ZERO)
    }

    /// The block that the balance is proven against.
    pub fn block(&self) -> Option<BlockEvidence> {
        self.proof.as_ref().map(|proof| BlockEvidence {
            header: proof.header_hex.clone(),
            manifest: proof.manifest_hex.clone(),
        })
    }

    /// Checks the balance in this tab: that the header is genesis or carries work that this chain allows and that is worth
    /// believing, manifest, path through the state tree, and that the block is none below `seen`, the highest one that was
    /// believed here before the question. `now` is this device's clock in Unix seconds. The height it holds at.
    /// Rule: docs/protocol.md#W57
    pub fn verify(&self, shown: &str, rules: &ChainRules, seen: u64, now: u64) -> Result<u64, Unproven> {
        let proof = self.proof.as_ref().ok_or(Unproven::NoProof)?;
        let (height, sealed) = self.prove(proof, shown, rules, now).map_err(Unproven::False)?;
        match sealed {
            _ if height < seen => Err(Unproven::Older { seen, shown: height }),
            Sealed::Light => Err(Unproven::Light),
            Sealed::Firm => Ok(height),
        }
    }

    /// The height of the block under which the balance holds, and what that block stands on.
    fn prove(&self, proof: &AccountProof, shown: &str, rules: &ChainRules, now: u64) -> Result<(u64, Sealed), String> {
        let address = address::parse(shown).map_err(|error| error.to_string())?;
        let (manifest, sealed) = proof.sealed_manifest(rules, now)?;
        let told = state_tree::Account {
            nonce: self.nonce,
            balance: self.balance,
            ..proof.decoded()?
        };
        let key = state_tree::account_key(&address);
        let value = (!told.is_empty()).then(|| told.encode());
        proof
            .path()
            .verify(&key, value.as_deref(), manifest.state_root)
            .map_err(|error| error.to_string())?;
        Ok((manifest.number.0, sealed))
    }
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

impl AccountProof {
    /// The manifest of a header that may stand where the manifest says. Rules: docs/protocol.md#C3, #H5, #M1
    fn sealed_manifest(&self, rules: &ChainRules, now: u64) -> Result<(Manifest, Sealed), String> {
        let bytes = self
            .header_hex
            .as_ref()
            .try_into()
            .map_err(|_| "the header has not 80 bytes")?;
        let header = Header::decode(bytes);
        let manifest = Manifest::decode(&self.manifest_hex).map_err(|error| error.to_string())?;
        if manifest.root() != header.manifest_root {
            return Err("the manifest is not the one in the header".to_owned());
        }
        let sealed = rules.check(&header, manifest.number, now)?;
        Ok((manifest, sealed))
    }

    /// Rule: docs/protocol.md#S4
    fn path(&self) -> StateProof {
        let end = match &self.leaf {
            Some(ProofLeaf { key, value_hash }) => PathEnd::Leaf {
                key: *key,
                value_hash: *value_hash,
            },
            None => PathEnd::Empty,
        };
        StateProof {
            siblings: self.siblings.clone(),
            end,
        }
    }

    /// The account as encoded: what the tree holds beside nonce and balance is its code.
    fn decoded(&self) -> Result<state_tree::Account, String> {
        match &self.value {
            Some(bytes) => state_tree::Account::decode(bytes).map_err(|error| error.to_string()),
            None => Ok(state_tree::Account::default()),
        }
    }
}

#[cfg(test)]
mod tests;
