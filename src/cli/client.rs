//! A small client of a node's REST interface, for the wallet and the load bench.

use std::time::Duration;

use anyhow::{Context as _, bail};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tally_chain::{Address, Amount, BlockId, Bytes, RawBlock};
use tally_wallet::{ChainBinding, FeeSuggestions};

/// Talks to one node over plain HTTP: meant for a node on the same machine, or behind a tunnel.
#[derive(Clone)]
pub struct Client {
    agent: ureq::Agent,
    url: String,
}

/// What a node says of its chain.
#[derive(Debug, Deserialize)]
pub struct NodeStatus {
    pub chain: String,
    pub chain_id: u64,
    pub genesis_id: BlockId,
    pub symbol: String,
    pub height: u64,
}

impl NodeStatus {
    /// What a vault is bound to.
    pub fn binding(&self) -> ChainBinding {
        ChainBinding {
            genesis: self.genesis_id,
            chain_id: self.chain_id,
            name: self.chain.clone(),
        }
    }
}

/// An account at the tip.
#[derive(Debug, Deserialize)]
pub struct AccountState {
    pub balance: Amount,
    pub next_nonce: u64,
    pub pending: usize,
}

#[derive(Deserialize)]
struct Level {
    max_priority_fee: String,
}

#[derive(Deserialize)]
struct Fees {
    base_fee: String,
    low: Level,
    normal: Level,
    high: Level,
}

#[derive(Deserialize)]
struct ProblemText {
    title: String,
    detail: String,
    request_id: Option<String>,
}

impl Client {
    pub fn new(url: &str) -> anyhow::Result<Self> {
        if !url.starts_with("http://") {
            bail!("node {url:?}: only http:// is spoken here; reach a remote node through a tunnel");
        }
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(60)))
            .http_status_as_error(false)
            .build();
        Ok(Self {
            agent: config.into(),
            url: url.trim_end_matches('/').to_owned(),
        })
    }

    /// GET below `/api/v1`.
    pub fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        let answer = self.agent.get(format!("{}/api/v1/{path}", self.url)).call();
        self.read(answer)
    }

    /// POST of JSON below `/api/v1`.
    pub fn post<T: DeserializeOwned>(&self, path: &str, body: &Value) -> anyhow::Result<T> {
        let answer = self.agent.post(format!("{}/api/v1/{path}", self.url)).send_json(body);
        self.read(answer)
    }

    fn read<T: DeserializeOwned>(
        &self,
        answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> anyhow::Result<T> {
        let mut answer = answer.with_context(|| format!("no answer from the node at {}; is it running?", self.url))?;
        let body = answer.body_mut().with_config().limit(64 * 1024 * 1024).read_to_vec()?;
        if answer.status().is_success() {
            return serde_json::from_slice(&body).context("the node's answer is not what was expected");
        }
        match serde_json::from_slice::<ProblemText>(&body) {
            Ok(ProblemText {
                title,
                detail,
                request_id,
            }) => {
                bail!("{title}: {detail} (request {})", request_id.unwrap_or_default())
            }
            Err(_) => bail!("the node answered with status {}", answer.status()),
        }
    }

    /// The envelopes in a block of the active chain.
    pub fn block(&self, height: u64) -> anyhow::Result<Vec<Bytes>> {
        let mut answer = self
            .agent
            .get(format!("{}/api/v1/blocks/{height}?format=raw", self.url))
            .call()?;
        let limit = tally_chain::spec::MAX_BLOCK_BYTES;
        let body = answer.body_mut().with_config().limit(limit).read_to_vec()?;
        let block = RawBlock::decode(&body, limit).context("the node's block does not decode")?;
        Ok(block
            .transactions
            .iter()
            .map(|transaction| transaction.envelope().clone())
            .collect())
    }

    pub fn status(&self) -> anyhow::Result<NodeStatus> {
        self.get("status")
    }

    pub fn account(&self, address: Address) -> anyhow::Result<AccountState> {
        self.get(&format!("accounts/{address}"))
    }

    pub fn fees(&self) -> anyhow::Result<FeeSuggestions> {
        let fees: Fees = self.get("fees")?;
        let number = |text: &str| {
            text.parse::<u128>()
                .with_context(|| format!("fee {text:?} is not a number"))
        };
        Ok(FeeSuggestions {
            base_fee: number(&fees.base_fee)?,
            low: number(&fees.low.max_priority_fee)?,
            normal: number(&fees.normal.max_priority_fee)?,
            high: number(&fees.high.max_priority_fee)?,
        })
    }
}
