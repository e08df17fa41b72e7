//! `/accounts/{address}`: balance and nonce, with a proof if wanted, and history.

use axum::Json;
use axum::extract::State;
use tally_api::ProblemBody;
use tally_api::accounts::{
    AccountBody, AccountPoolBody, HistoryLine, HistoryPageBody, LineKind, MAX_WAITING, ProofLeaf, RewardBody,
    RewardProof, StateProofBody,
};
use tally_api::page::PageParams;
use tally_api::transactions::{ProofParams, TransactionPage};
use tally_chain::state_tree::{PathEnd, StateProof, account_key};
use tally_chain::{Amount, CheckedTransaction, U256};
use tally_node::{HistoryEntry, Lines, ProvenAccount, Reward, Tip};

use super::cursor::history_cursor;
use super::extract::{Params, Segment};
use super::mempool::waiting;
use super::number::page_limit;
use super::problem::{Answer, Problem};
use super::text::parse_address;
use super::transactions::located_body;
use crate::server::Shared;

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
        .read(move |node| {
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
                    key: account_key(&address),
                    value: value.map(Into::into),
                    siblings,
                    leaf: match end {
                        PathEnd::Empty => None,
                        PathEnd::Leaf { key, value_hash } => Some(ProofLeaf { key, value_hash }),
                    },
                    header_hex: tip.record.header.encode().into(),
                    manifest_hex: tip.record.manifest.encode().into(),
                }
            });
            Ok(Json(AccountBody {
                address,
                balance: known.balance,
                nonce: known.nonce,
                next_nonce: node.next_nonce(tip, &address)?,
                pending,
                pending_cost,
                contract: known.has_code(),
                code_hash: known.code_hash,
                label: allocation
                    .map(|allocation| allocation.label.clone())
                    .filter(|label| !label.is_empty()),
                height: tip.record.height().0,
                tip: tip.record.id,
                proof,
            }))
        })
        .await
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
        .read(move |node| {
            let tip = &node.tip();
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
    let limit = page_limit(&page)?;
    let cursor = history_cursor(page.cursor.as_deref())?;
    server
        .read(move |node| {
            let tip = &node.tip();
            let page = node.account_page(tip, &address, Lines::Transactions, cursor.as_ref(), limit);
            let page = page.map_err(Problem::from)?;
            let items = page.entries.iter().filter_map(|entry| match entry {
                HistoryEntry::Transaction(located) => Some(located_body(tip, located, false)),
                HistoryEntry::Reward(_) => None,
            });
            Ok(Json(TransactionPage {
                items: items.collect(),
                next: page.next.map(|cursor| cursor.to_string()),
            }))
        })
        .await
}

fn reward_body(tip: &Tip, reward: &Reward) -> RewardBody {
    let height = reward.block.height().0;
    RewardBody {
        height,
        block: reward.block.id,
        time: reward.block.header.time,
        confirmations: (tip.record.height().0 + 1).saturating_sub(height),
        value: reward.value(),
        subsidy: reward.subsidy,
        fees: reward.fees,
        proof: RewardProof::None,
    }
}

fn line(tip: &Tip, entry: &HistoryEntry) -> HistoryLine {
    match entry {
        HistoryEntry::Transaction(located) => HistoryLine {
            kind: LineKind::Transaction,
            transaction: Some(located_body(tip, located, false)),
            reward: None,
        },
        HistoryEntry::Reward(reward) => HistoryLine {
            kind: LineKind::Reward,
            transaction: None,
            reward: Some(reward_body(tip, reward)),
        },
    }
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
    let limit = page_limit(&page)?;
    let cursor = history_cursor(page.cursor.as_deref())?;
    server
        .read(move |node| {
            let tip = &node.tip();
            let page = node.account_page(tip, &address, Lines::All, cursor.as_ref(), limit);
            let page = page.map_err(Problem::from)?;
            let items = page.entries.iter().map(|entry| line(tip, entry));
            Ok(Json(HistoryPageBody {
                items: items.collect(),
                next: page.next.map(|cursor| cursor.to_string()),
            }))
        })
        .await
}
