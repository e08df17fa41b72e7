//! What the wallet asks of the node, through the public API: never a secret, only addresses and signed envelopes.

use serde::{Deserialize, Serialize};
use tally_chain::{
    Amount, B256, Bytes, Header, Manifest, address,
    pow::Target,
    state_tree::{self, PathEnd, StateProof},
};

use crate::{browser, model::BaseUnits, prefs::FeeLevel};

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

/// Hands a signed envelope to the node.
pub async fn submit(envelope: Bytes) -> Result<(), String> {
    browser::send_json("/api/v1/transactions", &Submission { raw: envelope }).await
}

impl AccountAnswer {
    /// What may still be spent: the balance without what waiting transactions may cost.
    pub fn free(&self) -> Amount {
        self.balance.checked_sub(self.pending_cost).unwrap_or(Amount::ZERO)
    }

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

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tally_chain::pow::Search;
    use tally_chain::{BlockId, Height};

    use super::*;

    const HELD: &str = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
    const OTHER: &str = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";

    /// What a node answers about the only account there is, which holds `balance`, in a sealed block 7.
    fn answer(balance: u64) -> AccountAnswer {
        let account = state_tree::Account {
            nonce: 3,
            balance: "500".parse().unwrap(),
            ..Default::default()
        };
        let key = state_tree::account_key(&address::parse(HELD).unwrap());
        let value_hash = state_tree::value_hash(&account.encode());
        let manifest = Manifest {
            number: Height(7),
            producer: Default::default(),
            state_root: state_tree::root_of(&[(key, value_hash)]),
            transactions_root: B256::ZERO,
            receipts_root: B256::ZERO,
            history_root: B256::ZERO,
            gas_limit: 1,
            gas_used: 0,
            base_fee: 1,
            extra: Bytes::new(),
            seal: Bytes::new(),
        };
        let bits = 0x2000_ffff;
        let mut header = Header {
            version: 1,
            parent: BlockId::ZERO,
            manifest_root: manifest.root(),
            time: 1,
            bits,
            nonce: 0,
        };
        header.nonce = Search::new(&header, Target::from_bits(bits).unwrap())
            .scan(0, 100_000)
            .unwrap();
        let proof = json!({
            "key": key, "value": Bytes::from(account.encode()), "siblings": [],
            "leaf": { "key": key, "value_hash": value_hash },
            "header_hex": Bytes::copy_from_slice(&header.encode()), "manifest_hex": Bytes::from(manifest.encode()),
        });
        let told = json!({
            "balance": balance.to_string(), "nonce": 3, "next_nonce": 3, "pending_cost": "100", "contract": false,
            "label": null, "proof": proof,
        });
        serde_json::from_value(told).unwrap()
    }

    #[test]
    fn a_balance_that_the_state_proves_is_verified() {
        assert_eq!(answer(500).verify(HELD), Ok(7));
    }

    #[test]
    fn what_waits_is_spoken_for() {
        assert_eq!(answer(500).free().to_string(), "400");
        assert_eq!(answer(99).free(), Amount::ZERO);
    }

    #[test]
    fn another_balance_or_another_account_is_not() {
        let key = state_tree::account_key(&address::parse(HELD).unwrap());
        assert_eq!(
            answer(501).verify(HELD),
            Err(state_tree::StateProofError::WrongValue { key }.to_string())
        );
        let key = state_tree::account_key(&address::parse(OTHER).unwrap());
        assert_eq!(
            answer(500).verify(OTHER),
            Err(state_tree::StateProofError::Absent { key }.to_string())
        );
    }

    #[test]
    fn a_header_without_its_work_proves_nothing() {
        let mut told = answer(500);
        let proof = told.proof.as_mut().unwrap();
        let mut header = proof.header_hex.to_vec();
        let target = Target::from_bits(0x2000_ffff).unwrap();
        while target.is_met_by(&Header::decode(header.as_slice().try_into().unwrap()).id()) {
            header[76] = header[76].wrapping_add(1);
        }
        proof.header_hex = header.into();
        assert_eq!(told.verify(HELD), Err("the block does not carry its work".to_owned()));
    }

    #[test]
    fn a_gap_is_a_nonce_that_others_wait_for() {
        let pool = |next_nonce, nonces: &[u64]| PoolAnswer {
            nonce: 3,
            next_nonce,
            items: nonces
                .iter()
                .map(|&nonce| WaitingAnswer {
                    id: nonce.to_string(),
                    nonce,
                    pending: nonce < next_nonce,
                })
                .collect(),
        };
        assert_eq!(pool(3, &[]).gap(), None);
        assert_eq!(pool(5, &[3, 4]).gap(), None);
        assert_eq!(pool(5, &[3, 4, 6, 8]).gap(), Some((5, 2)));
        // The next one is there, but waits for coins.
        assert_eq!(pool(5, &[3, 4, 5, 6]).gap(), None);
    }

    #[test]
    fn no_proof_is_said_so() {
        let mut told = answer(500);
        told.proof = None;
        assert_eq!(told.verify(HELD), Err("the node sent no proof".to_owned()));
    }
}
