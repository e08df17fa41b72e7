//! Where pages read from: the server puts a [`Pages`] into the context of each.

use std::sync::Arc;

use axum::http::{HeaderValue, StatusCode, header};
use leptos::prelude::*;
use leptos_axum::ResponseOptions;

use super::workers::{WorkError, Workers};
use crate::model::{
    AccountView, BlockEvidence, BlockPage, BlockQuery, BlockRow, ChainInfo, LabScenarioView, LabView, Listing,
    MempoolView, MiningView, NetworkView, Overview, PerformanceView, SearchAnswer, SecurityView, TransactionEvidence,
    TransactionPage, TransactionQuery, TransactionRow,
};
use crate::reads::failure::ReadFailure;

/// Why a source had no answer, as a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SourceError(String);

impl SourceError {
    /// `why`: a sentence for the reader of a page.
    pub fn new(why: String) -> Self {
        Self(why)
    }
}

/// What pages show, read from one tip of a chain each. The reads may block their thread.
pub trait Source: Send + Sync {
    /// The chain that is served. It is in memory.
    fn chain(&self) -> ChainInfo;
    /// The dashboard.
    fn overview(&self) -> Result<Overview, SourceError>;
    /// One page of the blocks table.
    fn blocks(&self, query: &BlockQuery) -> Result<Listing<BlockRow>, SourceError>;
    /// A block by height or id with one page of its transactions; `None` where there is none.
    fn block(&self, key: &str, page: u32, rows: u32) -> Result<Option<BlockPage>, SourceError>;
    /// Header and manifest of a block; `None` where there is no such id.
    fn block_evidence(&self, id: &str) -> Result<Option<BlockEvidence>, SourceError>;
    /// One page of the transactions table.
    fn transactions(&self, query: &TransactionQuery) -> Result<Listing<TransactionRow>, SourceError>;
    /// A transaction, pending or in a block; `None` where there is none.
    fn transaction(&self, id: &str) -> Result<Option<TransactionPage>, SourceError>;
    /// The bytes behind a transaction; `None` where there is no such id.
    fn transaction_evidence(&self, id: &str) -> Result<Option<TransactionEvidence>, SourceError>;
    /// An account with a part of its history, the newest without a cursor; `None` where the text is no address.
    fn account(&self, address: &str, cursor: Option<&str>, rows: u32) -> Result<Option<AccountView>, SourceError>;
    /// What a search text leads to.
    fn search(&self, text: &str) -> Result<SearchAnswer, SourceError>;
    /// The pool with one page of its transactions.
    fn mempool(&self, page: u32, rows: u32) -> Result<MempoolView, SourceError>;
    /// Mining, here and in the network.
    fn mining(&self) -> Result<MiningView, SourceError>;
    /// The node and its peers.
    fn network(&self) -> Result<NetworkView, SourceError>;
    /// What the node measured.
    fn performance(&self) -> Result<PerformanceView, SourceError>;
    /// All scenarios of the security laboratory.
    fn lab(&self) -> Result<LabView, SourceError>;
    /// One scenario of it; `None` where there is no such name.
    fn lab_scenario(&self, name: &str) -> Result<Option<LabScenarioView>, SourceError>;
    /// What the node checked about itself.
    fn security(&self) -> Result<SecurityView, SourceError>;
}

/// The context of a page: what it reads from, and the threads that read.
#[derive(Clone)]
pub struct Pages {
    source: Arc<dyn Source>,
    workers: Workers,
}

impl Pages {
    /// Reads from `source`, on the threads of `workers`.
    pub fn new(source: impl Source + 'static, workers: Workers) -> Self {
        Self {
            source: Arc::new(source),
            workers,
        }
    }
}

/// Runs one read from the source in context, beside the threads that serve.
pub async fn read<T: Send + 'static>(
    f: impl FnOnce(&dyn Source) -> Result<T, SourceError> + Send + 'static,
) -> Result<T, ReadFailure> {
    let Some(Pages { source, workers }) = use_context() else {
        return Err(ServerFnError::new("no node is connected to this server").into());
    };
    let response = use_context::<ResponseOptions>();
    match workers.run(move || f(&*source)).await {
        Ok(answer) => answer.map_err(|error| ServerFnError::new(error).into()),
        Err(error) => {
            if let (WorkError::Busy, Some(response)) = (&error, response) {
                response.set_status(StatusCode::SERVICE_UNAVAILABLE);
                response.insert_header(header::RETRY_AFTER, HeaderValue::from(WorkError::RETRY_AFTER));
            }
            Err(ServerFnError::new(error).into())
        }
    }
}

/// The chain of the source in context. It is in memory: nothing has to be waited for.
pub fn this_chain() -> Option<ChainInfo> {
    use_context::<Pages>().map(|pages| pages.source.chain())
}
