//! `/accounts/{address}`: balance and nonce, with a proof if wanted, and history.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use tally_chain::state_tree::{PathEnd, StateProof, account_key};
use tally_chain::{Amount, CheckedTransaction, U256};
use tally_node::ProvenAccount;
use utoipa::ToSchema;

use super::cursor::{Cursor as _, HistoryCursor};
use super::extract::{Params, Segment};
use super::mempool::{WaitingBody, waiting};
use super::number::PageParams;
use super::problem::{Answer, ProblemBody};
use super::text::{hex, parse_address};
use super::transactions::{ProofParams, TransactionBody, TransactionPage};
use crate::server::Shared;

/// What ends the path of a state proof: nothing, or a leaf.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProofLeaf {
    pub key: String,
    pub value_hash: String,
}

/// Shows an account, or that there is none, under the tip's state root.
#[derive(Debug, Serialize, ToSchema)]
pub struct StateProofBody {
    /// The account's key in the state tree.
    pub key: String,
    /// The encoded account; null where there is none.
    pub value: Option<String>,
    /// Siblings from the root down.
    pub siblings: Vec<String>,
    /// The leaf at the end of the path; null where it ends empty.
    pub leaf: Option<ProofLeaf>,
    /// Header and manifest of the tip, whose `state_root` the proof leads to.
    pub header_hex: String,
    pub manifest_hex: String,
}

/// An account at the tip. One that never received anything is empty, not unknown.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountBody {
    #[schema(example = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266")]
    pub address: String,
    /// Base units.
    #[schema(example = "1000000000000000000000000")]
    pub balance: String,
    /// Transactions of this account that are in blocks.
    pub nonce: u64,
    /// What its next transaction should carry, waiting ones counted.
    pub next_nonce: u64,
    /// Transactions of it that wait in this node's pool.
    pub pending: usize,
    /// What those may cost at most, base units: so much of the balance is spoken for.
    #[schema(example = "0")]
    pub pending_cost: String,
    /// Whether it is a contract.
    pub contract: bool,
    pub code_hash: String,
    /// A name from the chain spec. PUBLIC marks accounts whose keys everybody has.
    pub label: Option<String>,
    /// Height at which this was read.
    pub height: u64,
    /// Id of the block at that height.
    pub tip: String,
    /// Only with `proof=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proof: Option<StateProofBody>,
}

/// One account
#[utoipa::path(get, path = "/accounts/{address}", operation_id = "account", tag = "chain",
    params(("address" = String, Path, description = "0x and 40 hex digits", example = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"), ProofParams),
    responses(
        (status = 200, description = "The account", body = AccountBody),
        (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub async fn one(
    State(server): State<Shared>,
    Segment(text): Segment,
    Params(params): Params<ProofParams>,
) -> Answer<Json<AccountBody>> {
    let address = parse_address("address", &text)?;
    server
        .read(move |node, _| {
            // Tip and pool of one moment: what has just left the pool is in the balance.
            let (tip, pending, pending_cost) = node.with_pool(|pool| {
                let costs = || pool.by_sender(&address).map(CheckedTransaction::max_cost);
                let sum = costs().try_fold(Amount::ZERO, Amount::checked_add);
                (node.tip(), costs().count(), sum.unwrap_or(Amount(U256::MAX)))
            });
            let tip = &*tip;
            let ProvenAccount { account, proof } = node.proven_account(tip, &address)?;
            let known = account.unwrap_or_default();
            let allocation = node
                .spec()
                .allocations
                .iter()
                .find(|allocation| allocation.address == address);
            let value = account.map(|account| account.encode());
            let proof = params.proof.then(|| {
                let StateProof { siblings, end } = proof;
                StateProofBody {
                    key: account_key(&address).to_string(),
                    value: value.as_deref().map(hex),
                    siblings: siblings.iter().map(ToString::to_string).collect(),
                    leaf: match end {
                        PathEnd::Empty => None,
                        PathEnd::Leaf { key, value_hash } => Some(ProofLeaf {
                            key: key.to_string(),
                            value_hash: value_hash.to_string(),
                        }),
                    },
                    header_hex: hex(&tip.record.header.encode()),
                    manifest_hex: hex(&tip.record.manifest.encode()),
                }
            });
            Ok(Json(AccountBody {
                address: address.to_string(),
                balance: known.balance.to_string(),
                nonce: known.nonce,
                next_nonce: node.next_nonce(tip, &address)?,
                pending,
                pending_cost: pending_cost.to_string(),
                contract: known.has_code(),
                code_hash: known.code_hash.to_string(),
                label: allocation
                    .map(|allocation| allocation.label.clone())
                    .filter(|label| !label.is_empty()),
                height: tip.record.height().0,
                tip: tip.record.id.to_string(),
                proof,
            }))
        })
        .await
}

/// Most waiting transactions in one answer.
const MAX_WAITING: usize = 100;

/// What an account has waiting in this node's pool.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountPoolBody {
    /// Transactions of this account that are in blocks.
    pub nonce: u64,
    /// The first nonce that no block could take yet: where a gap is, the one that is missing.
    pub next_nonce: u64,
    /// All that wait; `items` has at most 100 of them.
    pub count: usize,
    /// Lowest nonce first.
    pub items: Vec<WaitingBody>,
}

/// Transactions of an account that wait in this node's pool, by nonce
#[utoipa::path(get, path = "/accounts/{address}/pending", tag = "payments",
    params(("address" = String, Path, description = "0x and 40 hex digits", example = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266")),
    responses(
        (status = 200, description = "What waits", body = AccountPoolBody),
        (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub async fn pending(State(server): State<Shared>, Segment(text): Segment) -> Answer<Json<AccountPoolBody>> {
    let address = parse_address("address", &text)?;
    server
        .read(move |node, tip| {
            let nonce = node.account(tip, &address)?.nonce;
            let next_nonce = node.next_nonce(tip, &address)?;
            Ok(Json(node.with_pool(|pool| {
                let entries = pool.by_sender(&address).filter_map(|waiting| pool.entry(&waiting.id()));
                AccountPoolBody {
                    nonce,
                    next_nonce,
                    count: pool.by_sender(&address).count(),
                    items: entries.take(MAX_WAITING).map(waiting).collect(),
                }
            })))
        })
        .await
}

/// Transactions that an account sent or received, newest first
#[utoipa::path(get, path = "/accounts/{address}/transactions", operation_id = "account_transactions", tag = "chain",
    params(("address" = String, Path, description = "0x and 40 hex digits", example = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"), PageParams),
    responses(
        (status = 200, description = "A page of transactions", body = TransactionPage),
        (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub async fn transactions(
    State(server): State<Shared>,
    Segment(text): Segment,
    Params(page): Params<PageParams>,
) -> Answer<Json<TransactionPage>> {
    let address = parse_address("address", &text)?;
    let limit = page.limit()?;
    let cursor = HistoryCursor::decode(page.cursor.as_deref())?;
    server
        .read(move |node, tip| {
            let page = node.account_history(tip, &address, cursor.map(|HistoryCursor(key)| key), limit)?;
            let items = page.entries.iter().filter_map(|located| {
                let included = located.included.as_ref()?;
                Some(TransactionBody::included(
                    tip,
                    &located.transaction,
                    &included.block,
                    included.index,
                    &included.receipt,
                ))
            });
            Ok(Json(TransactionPage {
                items: items.collect(),
                next: page.next.map(|key| HistoryCursor(key).encode()),
            }))
        })
        .await
}
