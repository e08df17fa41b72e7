//! The read door between a page and the node. In the browser each function is a GET request to
//! this origin; on the server it reads from the [`Source`](crate::server::Source) in context.

pub mod failure;

use leptos::{prelude::*, server_fn::codec::GetUrl};

use crate::model;
use failure::{Answers, ReadFailure};

/// What a read answers: the value, or why there is none.
pub type Read<T> = Result<T, ReadFailure>;

/// The chain that this node serves.
#[server(prefix = "/ui", endpoint = "chain", input = GetUrl, output = Answers)]
pub async fn chain() -> Read<model::ChainInfo> {
    crate::server::read(|source| Ok(source.chain())).await
}

/// The dashboard.
#[server(prefix = "/ui", endpoint = "overview", input = GetUrl, output = Answers)]
pub async fn overview() -> Read<model::Overview> {
    crate::server::read(|source| source.overview()).await
}

/// One page of the blocks table.
#[server(prefix = "/ui", endpoint = "blocks", input = GetUrl, output = Answers)]
pub async fn blocks(query: model::BlockQuery) -> Read<model::Listing<model::BlockRow>> {
    crate::server::read(move |source| source.blocks(&query)).await
}

/// A block by height or id with one page of its transactions; `None` where there is none.
#[server(prefix = "/ui", endpoint = "block", input = GetUrl, output = Answers)]
pub async fn block(key: String, page: u32, rows: u32) -> Read<Option<model::BlockPage>> {
    crate::server::read(move |source| source.block(&key, page, rows)).await
}

/// The bytes behind a block's page, for this tab to check; `None` where there is no such id.
#[server(prefix = "/ui", endpoint = "block_evidence", input = GetUrl, output = Answers)]
pub async fn block_evidence(id: String) -> Read<Option<model::BlockEvidence>> {
    crate::server::read(move |source| source.block_evidence(&id)).await
}

/// The bytes behind a transaction's page, for this tab to check; `None` where there is no such id.
#[server(prefix = "/ui", endpoint = "transaction_evidence", input = GetUrl, output = Answers)]
pub async fn transaction_evidence(id: String) -> Read<Option<model::TransactionEvidence>> {
    crate::server::read(move |source| source.transaction_evidence(&id)).await
}

/// One page of the transactions table.
#[server(prefix = "/ui", endpoint = "transactions", input = GetUrl, output = Answers)]
pub async fn transactions(query: model::TransactionQuery) -> Read<model::Listing<model::TransactionRow>> {
    crate::server::read(move |source| source.transactions(&query)).await
}

/// A transaction, pending or in a block; `None` where there is none.
#[server(prefix = "/ui", endpoint = "transaction", input = GetUrl, output = Answers)]
pub async fn transaction(id: String) -> Read<Option<model::TransactionPage>> {
    crate::server::read(move |source| source.transaction(&id)).await
}

/// An account with a part of its history, the newest without a cursor; `None` where the text is no address.
#[server(prefix = "/ui", endpoint = "account", input = GetUrl, output = Answers)]
pub async fn account(address: String, cursor: Option<String>, rows: u32) -> Read<Option<model::AccountView>> {
    crate::server::read(move |source| source.account(&address, cursor.as_deref(), rows)).await
}

/// What a search text leads to.
#[server(prefix = "/ui", endpoint = "search", input = GetUrl, output = Answers)]
pub async fn search(text: String) -> Read<model::SearchAnswer> {
    crate::server::read(move |source| source.search(&text)).await
}

/// The pool with one page of what waits in it.
#[server(prefix = "/ui", endpoint = "mempool", input = GetUrl, output = Answers)]
pub async fn mempool(page: u32, rows: u32) -> Read<model::MempoolView> {
    crate::server::read(move |source| source.mempool(page, rows)).await
}

/// Mining, here and in the network.
#[server(prefix = "/ui", endpoint = "mining", input = GetUrl, output = Answers)]
pub async fn mining() -> Read<model::MiningView> {
    crate::server::read(|source| source.mining()).await
}

/// This node and its peers.
#[server(prefix = "/ui", endpoint = "network", input = GetUrl, output = Answers)]
pub async fn network() -> Read<model::NetworkView> {
    crate::server::read(|source| source.network()).await
}

/// What this node measured.
#[server(prefix = "/ui", endpoint = "performance", input = GetUrl, output = Answers)]
pub async fn performance() -> Read<model::PerformanceView> {
    crate::server::read(|source| source.performance()).await
}

/// All scenarios of the security laboratory.
#[server(prefix = "/ui", endpoint = "lab", input = GetUrl, output = Answers)]
pub async fn lab() -> Read<model::LabView> {
    crate::server::read(|source| source.lab()).await
}

/// One scenario of it; `None` where there is no such name.
#[server(prefix = "/ui", endpoint = "lab_scenario", input = GetUrl, output = Answers)]
pub async fn lab_scenario(name: String) -> Read<Option<model::LabScenarioView>> {
    crate::server::read(move |source| source.lab_scenario(&name)).await
}

/// What this node checked about itself.
#[server(prefix = "/ui", endpoint = "security", input = GetUrl, output = Answers)]
pub async fn security() -> Read<model::SecurityView> {
    crate::server::read(|source| source.security()).await
}
