//! What a running node knows, in the shapes that pages show.
//!
//! Every answer is read from one tip, so its parts never contradict each other. Pages and node meet here alone: a change of the
//! node compiles no page again.

mod accounts;
mod at;
mod blocks;
mod figures;
mod lab;
mod lookup;
mod overview;
mod rows;
mod transactions;

use tally_app::model::{
    AccountView, BlockEvidence, BlockPage, BlockQuery, BlockRow, ChainInfo, LabScenarioView, LabView, Listing,
    MempoolView, MiningView, NetworkView, Overview, PerformanceView, SearchAnswer, SecurityView, TransactionEvidence,
    TransactionPage, TransactionQuery, TransactionRow,
};
use tally_app::server::{Source, SourceError};
use tally_network::NetworkSlot;
use tally_node::{Node, StoreError};

use at::At;
pub use at::ServerFacts;

/// A node, its network and the server before them, as pages read them.
#[derive(Clone)]
pub struct NodePages {
    node: Node,
    /// Its peers; empty where it runs alone.
    network: NetworkSlot,
    facts: ServerFacts,
}

impl NodePages {
    /// Pages of this node.
    pub fn new(node: Node, network: NetworkSlot, facts: ServerFacts) -> Self {
        Self { node, network, facts }
    }

    /// One read from the tip as it is now.
    fn read<T>(&self, read: impl FnOnce(&At<'_>) -> Result<T, StoreError>) -> Result<T, SourceError> {
        let at = At {
            tip: self.node.tip(),
            node: &self.node,
            network: &self.network,
            facts: &self.facts,
        };
        read(&at).map_err(|error| SourceError::new(format!("the node could not read its store: {error}")))
    }
}

impl Source for NodePages {
    fn chain(&self) -> ChainInfo {
        at::chain_of(&self.node)
    }

    fn overview(&self) -> Result<Overview, SourceError> {
        self.read(overview::overview)
    }

    fn blocks(&self, query: &BlockQuery) -> Result<Listing<BlockRow>, SourceError> {
        self.read(|at| blocks::blocks(at, query))
    }

    fn block(&self, key: &str, page: u32, rows: u32) -> Result<Option<BlockPage>, SourceError> {
        self.read(|at| blocks::block(at, key, page, rows))
    }

    fn block_evidence(&self, id: &str) -> Result<Option<BlockEvidence>, SourceError> {
        self.read(|at| blocks::block_evidence(at, id))
    }

    fn transactions(&self, query: &TransactionQuery) -> Result<Listing<TransactionRow>, SourceError> {
        self.read(|at| transactions::transactions(at, query))
    }

    fn transaction(&self, id: &str) -> Result<Option<TransactionPage>, SourceError> {
        self.read(|at| transactions::transaction(at, id))
    }

    fn transaction_evidence(&self, id: &str) -> Result<Option<TransactionEvidence>, SourceError> {
        self.read(|at| transactions::transaction_evidence(at, id))
    }

    fn account(&self, address: &str, cursor: Option<&str>, rows: u32) -> Result<Option<AccountView>, SourceError> {
        self.read(|at| accounts::account(at, address, cursor, rows))
    }

    fn search(&self, text: &str) -> Result<SearchAnswer, SourceError> {
        self.read(|at| lookup::search(at, text))
    }

    fn mempool(&self, page: u32, rows: u32) -> Result<MempoolView, SourceError> {
        self.read(|at| overview::mempool(at, page, rows))
    }

    fn mining(&self) -> Result<MiningView, SourceError> {
        self.read(figures::mining)
    }

    fn network(&self) -> Result<NetworkView, SourceError> {
        self.read(figures::network)
    }

    fn performance(&self) -> Result<PerformanceView, SourceError> {
        self.read(figures::performance)
    }

    fn lab(&self) -> Result<LabView, SourceError> {
        Ok(lab::all())
    }

    fn lab_scenario(&self, name: &str) -> Result<Option<LabScenarioView>, SourceError> {
        Ok(lab::one(name))
    }

    fn security(&self) -> Result<SecurityView, SourceError> {
        self.read(figures::security)
    }
}
