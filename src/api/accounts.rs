//! `/accounts/{address}`: balance and nonce, with a proof if wanted, and history.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use tally_chain::state_tree::{PathEnd, StateProof, account_key};
use tally_chain::{Amount, CheckedTransaction, U256};
use tally_node::{HistoryEntry, Lines, ProvenAccount, Reward, Tip};
use utoipa::ToSchema;

use super::cursor::history_cursor;
use super::extract::{Params, Segment};
use super::mempool::{WaitingBody, waiting};
use super::number::PageParams;
use super::problem::{Answer, Problem, ProblemBody};
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
                let mut costs = pool.by_sender(&address).map(CheckedTransaction::max_cost);
                let sum = costs.try_fold(Amount::ZERO, Amount::checked_add);
                (node.tip(), pool.count_of(&address), sum.unwrap_or(Amount(U256::MAX)))
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
            let (count, first) = node.with_pool(|pool| {
                let first: Vec<_> = pool.entries_of(&address).take(MAX_WAITING).cloned().collect();
                (pool.count_of(&address), first)
            });
            Ok(Json(AccountPoolBody {
                nonce,
                next_nonce,
                count,
                items: first.iter().map(waiting).collect(),
            }))
        })
        .await
}

/// Transactions that an account sent or received, newest first
///
/// The cursor is bound to the account and to the newest block that was shown. Where that block has left the chain, the problem
/// `history-changed` names it.
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
    let cursor = history_cursor(page.cursor.as_deref())?;
    server
        .read(move |node, tip| {
            let page = node.account_page(tip, &address, Lines::Transactions, cursor.as_ref(), limit);
            let page = page.map_err(Problem::from)?;
            let items = page.entries.iter().filter_map(|entry| match entry {
                HistoryEntry::Transaction(located) => Some(TransactionBody::located(tip, located, false)),
                HistoryEntry::Reward(_) => None,
            });
            Ok(Json(TransactionPage {
                items: items.collect(),
                next: page.next.map(|cursor| cursor.to_string()),
            }))
        })
        .await
}

/// What a line of a history is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum LineKind {
    Transaction,
    Reward,
}

/// What the answer proves of a reward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RewardProof {
    /// Nothing: it is this node's word. No commitment of a block has its reward.
    None,
}

/// What the producer of a block received.
#[derive(Debug, Serialize, ToSchema)]
pub struct RewardBody {
    /// Of the block.
    pub height: u64,
    /// Id of the block.
    pub block: String,
    /// Of the block, Unix seconds.
    pub time: u32,
    /// Blocks that confirm it, its own counted.
    pub confirmations: u64,
    /// Subsidy and fees together, base units.
    #[schema(example = "50000000000000000000")]
    pub value: String,
    /// New coins, base units.
    pub subsidy: String,
    /// Priority fees of the block's transactions, base units.
    pub fees: String,
    pub proof: RewardProof,
}

impl RewardBody {
    fn of(tip: &Tip, reward: &Reward) -> Self {
        let height = reward.block.height().0;
        Self {
            height,
            block: reward.block.id.to_string(),
            time: reward.block.header.time,
            confirmations: (tip.record.height().0 + 1).saturating_sub(height),
            value: reward.value().to_string(),
            subsidy: reward.subsidy.to_string(),
            fees: reward.fees.to_string(),
            proof: RewardProof::None,
        }
    }
}

/// A line of an account's history: of `transaction` and `reward`, the one that `kind` names.
#[derive(Debug, Serialize, ToSchema)]
pub struct HistoryLine {
    pub kind: LineKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transaction: Option<TransactionBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reward: Option<RewardBody>,
}

impl HistoryLine {
    fn of(tip: &Tip, entry: &HistoryEntry) -> Self {
        match entry {
            HistoryEntry::Transaction(located) => Self {
                kind: LineKind::Transaction,
                transaction: Some(TransactionBody::located(tip, located, false)),
                reward: None,
            },
            HistoryEntry::Reward(reward) => Self {
                kind: LineKind::Reward,
                transaction: None,
                reward: Some(RewardBody::of(tip, reward)),
            },
        }
    }
}

/// A page of an account's history.
#[derive(Debug, Serialize, ToSchema)]
pub struct HistoryPageBody {
    pub items: Vec<HistoryLine>,
    /// `cursor` of the next page; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// History of an account, newest first: what it sent and received, and rewards of the blocks that it produced
///
/// A block's reward stands before its transactions; genesis has none. Payments by contracts are no lines. The cursor is bound
/// to the account and to the newest block that was shown. Where that block has left the chain, the problem `history-changed`
/// names it.
#[utoipa::path(get, path = "/accounts/{address}/history", operation_id = "account_history", tag = "chain",
    params(("address" = String, Path, description = "0x and 40 hex digits", example = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"), PageParams),
    responses(
        (status = 200, description = "A page of lines", body = HistoryPageBody),
        (status = "default", description = "A problem", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub async fn history(
    State(server): State<Shared>,
    Segment(text): Segment,
    Params(page): Params<PageParams>,
) -> Answer<Json<HistoryPageBody>> {
    let address = parse_address("address", &text)?;
    let limit = page.limit()?;
    let cursor = history_cursor(page.cursor.as_deref())?;
    server
        .read(move |node, tip| {
            let page = node.account_page(tip, &address, Lines::All, cursor.as_ref(), limit);
            let page = page.map_err(Problem::from)?;
            let items = page.entries.iter().map(|entry| HistoryLine::of(tip, entry));
            Ok(Json(HistoryPageBody {
                items: items.collect(),
                next: page.next.map(|cursor| cursor.to_string()),
            }))
        })
        .await
}
