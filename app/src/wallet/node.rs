//! What the wallet asks of the node, through the public API: never a secret, only addresses and signed envelopes.

use serde::{Deserialize, Serialize};
use tally_chain::{
    Amount, B256, Bytes, Header, Manifest, address,
    pow::Target,
    state_tree::{self, PathEnd, StateProof},
};

use crate::{browser, model::BaseUnits, prefs::FeeLevel};

/// What the node says about an account.
#[derive(Clone, Debug, Deserialize)]
pub struct AccountAnswer {
    pub balance: Amount,
    pub nonce: u64,
    /// The nonce that the next transaction should carry, pending ones counted.
    pub next_nonce: u64,
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

#[derive(Serialize)]
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

/// Hands a signed envelope to the node.
pub async fn submit(envelope: Bytes) -> Result<(), String> {
    browser::send_json("/api/v1/transactions", &Submission { raw: envelope }).await
}

impl AccountAnswer {
    /// Checks the balance in this tab: header's work, manifest, path through the state tree. The height it holds at.
    pub fn verify(&self, shown: &str) -> Result<u64, String> {
        let proof = self.proof.as_ref().ok_or("the node sent no proof")?;
        let address = address::parse(shown).map_err(|error| error.to_string())?;
        let manifest = proof.sealed_manifest()?;
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
        Ok(manifest.number.0)
    }
}

impl AccountProof {
    /// The manifest of a header that carries its work. Rules: docs/protocol.md#H5, #M1
    fn sealed_manifest(&self) -> Result<Manifest, String> {
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
        let target = Target::from_bits(header.bits).map_err(|error| error.to_string())?;
        // Genesis is agreed on, not mined. Rule: docs/protocol.md#C3
        if manifest.number.0 > 0 && !target.is_met_by(&header.id()) {
            return Err("the block does not carry its work".to_owned());
        }
        Ok(manifest)
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
