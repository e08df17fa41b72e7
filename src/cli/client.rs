//! A small client of a node's REST interface, for the wallet and the load bench.

mod operate;
mod proxy;
mod stream;
mod tls;

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, bail};
use clap::Args;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tally_api::ProblemBody;
use tally_api::accounts::AccountBody;
use tally_api::fees::FeesBody;
use tally_api::status::StatusBody;
use tally_api::submit::RawBody;
use tally_api::transactions::{TransactionBlock, TransactionDetail, TransactionStatus};
use tally_chain::{Address, BlockId, Bytes, RawBlock, TxId, visible};
use tally_wallet::{ChainBinding, FeeSuggestions, Outcome};
use tls::{TlsConnector, Trust};
use ureq::http::Uri;
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::{ConnectProxyConnector, Connector as _, TcpConnector};

use super::hidden::{self, Hidden};
use operate::Authorization;
pub use operate::{Method, Operator};
pub use stream::{Bounds, Expected};

/// Longest answer that is read, in bytes.
const MAX_ANSWER: u64 = 64 * 1024 * 1024;

/// Which node is used, and whose certificate is trusted where it serves HTTPS.
#[derive(Debug, Clone, Args)]
pub struct NodeArgs {
    /// The node to use: http:// or https://, with the base path that it serves under if it has one
    #[arg(
        long,
        global = true,
        env = "TALLY_NODE",
        // It may hold a password, and help is shown to others.
        hide_env_values = true,
        default_value = "http://127.0.0.1:8080",
        value_name = "URL"
    )]
    node: String,
    /// Trust the authorities in this PEM file, in place of the system's
    #[arg(
        long,
        global = true,
        env = "TALLY_CACERT",
        value_name = "FILE",
        conflicts_with = "pin"
    )]
    cacert: Option<PathBuf>,
    /// Trust this one certificate, by its SHA-256 in hex; a node with a certificate of its own prints it at its start
    #[arg(long, global = true, env = "TALLY_PIN", value_name = "SHA256", value_parser = tls::parse_pin)]
    pin: Option<[u8; 32]>,
    /// File with a token to send along: its first line that is no comment, up to a space. For nodes that show nothing without one
    /// [default: none; for `tally token` operator-token in the data directory of the chain local]
    #[arg(long, global = true, env = "TALLY_TOKEN_FILE", value_name = "FILE")]
    token_file: Option<PathBuf>,
}

impl NodeArgs {
    /// The same, with this file where none is named and the node is on this machine: another node's operator would get a token of
    /// this one, with all that it may do.
    ///
    /// # Errors
    /// That of `usual`, where it is needed; where a token file has to be named.
    pub fn or_token_file(&self, usual: impl FnOnce() -> anyhow::Result<PathBuf>) -> anyhow::Result<Self> {
        let mut args = self.clone();
        if args.token_file.is_none() {
            anyhow::ensure!(
                is_this_machine(&args.node),
                "the node is not on this machine: name a file with a token for it by --token-file"
            );
            args.token_file = Some(usual()?);
        }
        Ok(args)
    }

    fn token(&self) -> anyhow::Result<Option<Authorization>> {
        self.token_file.as_deref().map(Authorization::read).transpose()
    }

    fn trust(&self) -> Trust {
        match (&self.cacert, self.pin) {
            (_, Some(pin)) => Trust::Pin(pin),
            (Some(path), None) => Trust::Authority(path.clone()),
            (None, None) => Trust::System,
        }
    }
}

/// Whether a node's URL names this machine: localhost, or a loopback address.
fn is_this_machine(url: &str) -> bool {
    let host = url.parse::<Uri>().ok().and_then(|uri| uri.host().map(str::to_owned));
    host.is_some_and(|host| {
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
    })
}

/// Several nodes, for commands that compare them.
#[derive(Debug, Clone, Args)]
pub struct NodesArgs {
    /// A node's URL, http:// or https://, with its base path if it has one; repeat it to compare several nodes
    #[arg(
        long = "node",
        env = "TALLY_NODE",
        // It may hold a password, and help is shown to others.
        hide_env_values = true,
        default_value = "http://127.0.0.1:8080",
        value_name = "URL"
    )]
    nodes: Vec<String>,
    /// Trust the authorities in this PEM file, in place of the system's
    #[arg(long, env = "TALLY_CACERT", value_name = "FILE", conflicts_with = "pins")]
    cacert: Option<PathBuf>,
    /// Trust this one certificate, by its SHA-256 in hex; of several nodes, one for each in their order
    #[arg(long = "pin", env = "TALLY_PIN", value_name = "SHA256", value_parser = tls::parse_pin)]
    pins: Vec<[u8; 32]>,
}

impl NodesArgs {
    /// A client of each node, in their order.
    pub fn clients(&self) -> anyhow::Result<Vec<Client>> {
        let (nodes, pins) = (self.nodes.len(), self.pins.len());
        anyhow::ensure!(
            pins <= 1 || pins == nodes,
            "{pins} certificates are pinned for {nodes} nodes: one, or one for each, is needed"
        );
        let clients = self.nodes.iter().enumerate().map(|(number, node)| {
            let trust = match (self.pins.get(number).or(self.pins.first()), &self.cacert) {
                (Some(pin), _) => Trust::Pin(*pin),
                (None, Some(path)) => Trust::Authority(path.clone()),
                (None, None) => Trust::System,
            };
            Client::with(node, &trust, None)
        });
        clients.collect()
    }
}

/// A client of one node over HTTP or HTTPS.
#[derive(Clone)]
pub struct Client {
    agent: ureq::Agent,
    url: String,
    /// The URL as messages show it: it may hold a password.
    shown: String,
    hidden: Hidden,
    /// ` through the proxy …`, where one stands between.
    route: String,
    /// Seconds by which this machine's clock was ahead of the node's in its last answer.
    ahead: Arc<AtomicI64>,
}

/// No answer of the node has shown its clock yet.
const NO_CLOCK: i64 = i64::MIN;

/// Text of a node that stands beside what is signed, on one line: it writes nothing over it.
fn plain(text: &str) -> String {
    visible::escaped(text).into_owned()
}

/// A node's answer about its chain.
#[derive(Debug)]
pub struct NodeStatus {
    pub chain: String,
    pub chain_id: u64,
    pub genesis_id: BlockId,
    pub symbol: String,
    pub height: u64,
}

impl NodeStatus {
    fn of(status: &StatusBody) -> Self {
        Self {
            chain: plain(&status.chain),
            chain_id: status.chain_id,
            genesis_id: status.genesis_id,
            symbol: plain(&status.symbol),
            height: status.height,
        }
    }

    /// What a vault is bound to.
    pub fn binding(&self) -> ChainBinding {
        ChainBinding {
            genesis: self.genesis_id,
            chain_id: self.chain_id,
            name: self.chain.clone(),
        }
    }
}

/// A transaction that the node has.
#[derive(Debug)]
pub struct Found {
    pub status: TransactionStatus,
    pub block: Option<TransactionBlock>,
    /// The envelope.
    pub raw: Bytes,
}

impl Found {
    /// One that the node accepted a moment ago.
    pub fn pending() -> Self {
        Self {
            status: TransactionStatus::Pending,
            block: None,
            raw: Bytes::new(),
        }
    }

    pub fn height(&self) -> Option<u64> {
        self.block.as_ref().map(|block| block.height)
    }

    /// Blocks that confirm it, its own counted; 0 while it waits.
    pub fn confirmations(&self) -> u64 {
        self.block.as_ref().map_or(0, |block| block.confirmations)
    }
}

impl From<TransactionDetail> for Found {
    fn from(detail: TransactionDetail) -> Self {
        Self {
            status: detail.transaction.status,
            block: detail.transaction.block,
            raw: detail.raw,
        }
    }
}

impl Client {
    /// Of the node that the command line names.
    pub fn to(args: &NodeArgs) -> anyhow::Result<Self> {
        Self::with(&args.node, &args.trust(), args.token()?)
    }

    /// Of a node by its URL, with what the system trusts.
    pub fn new(url: &str) -> anyhow::Result<Self> {
        Self::with(url, &Trust::System, None)
    }

    fn with(url: &str, trust: &Trust, authorization: Option<Authorization>) -> anyhow::Result<Self> {
        let shown = hidden::shown(url);
        let unusable =
            || format!("node {shown:?}: a URL such as http://127.0.0.1:8080 or https://ledger.example.org is needed");
        let uri: Uri = url.parse().with_context(unusable)?;
        if !matches!(uri.scheme_str(), Some("http" | "https"))
            || uri.host().is_none_or(str::is_empty)
            || uri.query().is_some()
        {
            bail!("{}", unusable());
        }
        let route = proxy::to(&uri, |name| std::env::var(name).ok())?;
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(60)))
            .http_status_as_error(false)
            .proxy(route.proxy)
            // Nothing signed follows a redirect to somewhere else.
            .max_redirects(0);
        let config = match authorization {
            Some(authorization) => config.middleware(authorization).build(),
            None => config.build(),
        };
        let agent = match uri.scheme_str() {
            Some("https") => {
                let connector =
                    ().chain(ConnectProxyConnector::default())
                        .chain(TcpConnector::default())
                        .chain(TlsConnector::new(trust)?);
                ureq::Agent::with_parts(config, connector, DefaultResolver::default())
            }
            _ => config.into(),
        };
        Ok(Self {
            agent,
            url: url.trim_end_matches('/').to_owned(),
            shown: shown.trim_end_matches('/').to_owned(),
            hidden: Hidden::of_url(url),
            route: route.note,
            ahead: Arc::new(AtomicI64::new(NO_CLOCK)),
        })
    }

    /// GET of a path for supervisors: the status and the answer.
    pub fn probe(&self, path: &str) -> anyhow::Result<(u16, String)> {
        let answer = self.agent.get(format!("{}{path}", self.url)).call();
        let mut answer = answer.map_err(|error| self.unreached(&error))?;
        let text = answer.body_mut().with_config().limit(MAX_ANSWER).read_to_string()?;
        Ok((answer.status().as_u16(), text))
    }

    /// GET below `/api/v1`.
    pub fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        let answer = self.agent.get(format!("{}/api/v1/{path}", self.url)).call();
        self.read(answer)
    }

    /// POST of JSON below `/api/v1`.
    pub fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> anyhow::Result<T> {
        let answer = self.agent.post(format!("{}/api/v1/{path}", self.url)).send_json(body);
        self.read(answer)
    }

    fn read<T: DeserializeOwned>(
        &self,
        answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> anyhow::Result<T> {
        let mut answer = answer.map_err(|error| self.unreached(&error))?;
        self.compare_clocks(&answer);
        let body = answer.body_mut().with_config().limit(MAX_ANSWER).read_to_vec()?;
        if answer.status().is_success() {
            return serde_json::from_slice(&body).context("the node's answer is not what was expected");
        }
        Err(refusal(answer.status(), &body))
    }

    fn unreached(&self, error: &ureq::Error) -> anyhow::Error {
        let (node, route) = (&self.shown, &self.route);
        anyhow::Error::msg(self.hidden.out_of(&error.to_string()))
            .context(format!("no answer from the node at {node}{route}; is it running?"))
    }

    /// Keeps how far the two clocks are apart, by the answer's `date`.
    fn compare_clocks<T>(&self, answer: &ureq::http::Response<T>) {
        let date = answer.headers().get("date").and_then(|date| date.to_str().ok());
        let Some(node) = date.and_then(|date| httpdate::parse_http_date(date).ok()) else {
            return;
        };
        let ahead = match SystemTime::now().duration_since(node) {
            Ok(ahead) => i64::try_from(ahead.as_secs()),
            Err(behind) => i64::try_from(behind.duration().as_secs()).map(|seconds| -seconds),
        };
        self.ahead.store(ahead.unwrap_or(NO_CLOCK), Ordering::Relaxed);
    }

    /// Seconds by which this machine's clock is ahead of the node's, negative if it is behind; to the second only.
    pub fn clock_ahead(&self) -> Option<i64> {
        Some(self.ahead.load(Ordering::Relaxed)).filter(|ahead| *ahead != NO_CLOCK)
    }

    /// Hands an envelope to the node. Rule: docs/protocol.md#W56
    pub fn submit(&self, id: TxId, envelope: &Bytes) -> Outcome {
        let answer = self
            .agent
            .post(format!("{}/api/v1/transactions", self.url))
            .send_json(RawBody::of(envelope));
        let mut answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                let cause = self.hidden.out_of(&error.to_string());
                return Outcome::of_failure(format!("{cause}{}", self.route));
            }
        };
        self.compare_clocks(&answer);
        match answer.body_mut().with_config().limit(MAX_ANSWER).read_to_vec() {
            Ok(body) => Outcome::of_answer(id, answer.status().as_u16(), &body),
            Err(error) => Outcome::of_failure(error),
        }
    }

    /// A transaction that waits in the pool or stands in a block; none if the node does not know it.
    pub fn find(&self, id: TxId) -> anyhow::Result<Option<Found>> {
        match self.get::<TransactionDetail>(&format!("transactions/{id}")) {
            Ok(found) => Ok(Some(found.into())),
            Err(error) => match error.downcast_ref::<ProblemBody>() {
                Some(problem) if problem.name() == "unknown-transaction" => Ok(None),
                _ => Err(error),
            },
        }
    }

    /// The envelopes in a block of the active chain.
    pub fn block(&self, height: u64) -> anyhow::Result<Vec<Bytes>> {
        let mut answer = self
            .agent
            .get(format!("{}/api/v1/blocks/{height}?format=raw", self.url))
            .call()
            .map_err(|error| self.unreached(&error))?;
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
        Ok(NodeStatus::of(&self.get("status")?))
    }

    pub fn account(&self, address: Address) -> anyhow::Result<AccountBody> {
        self.get(&format!("accounts/{address}"))
    }

    pub fn fees(&self) -> anyhow::Result<FeeSuggestions> {
        let fees: FeesBody = self.get("fees")?;
        Ok(FeeSuggestions {
            base_fee: fees.base_fee,
            low: fees.low.max_priority_fee,
            normal: fees.normal.max_priority_fee,
            high: fees.high.max_priority_fee,
        })
    }
}

/// An answer without success, of a node or of what stands before it.
fn refusal(status: ureq::http::StatusCode, body: &[u8]) -> anyhow::Error {
    ProblemBody::of_answer(status.as_u16(), body).into()
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::net::TcpListener;

    use super::*;

    /// A server that answers one request with these bytes.
    fn answering(answer: String) -> Client {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a client");
            let head = BufReader::new(stream.try_clone().expect("a socket")).lines();
            head.map_while(Result::ok)
                .take_while(|line| !line.is_empty())
                .for_each(drop);
            stream.write_all(answer.as_bytes()).expect("the client reads");
        });
        Client::new(&url).expect("a URL")
    }

    #[test]
    fn what_a_proxy_answers_is_shown_with_its_status_and_its_text() {
        for (kind, body, text) in [
            (
                "application/problem+json",
                r#"{"title":"Bad Gateway","detail":"no route"}"#,
                "Bad Gateway: no route",
            ),
            (
                "application/json",
                r#"{"message":"no healthy upstream"}"#,
                "no healthy upstream",
            ),
            (
                "text/html",
                "<html><h1>502\r\nBad Gateway</h1>\u{1b}[2J</html>",
                "502 Bad Gateway \\u{1b}[2J",
            ),
            ("text/plain", "", "it has no text"),
        ] {
            let length = body.len();
            let head = format!("HTTP/1.1 502 Bad Gateway\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n");
            let error = answering(format!("{head}connection: close\r\n\r\n{body}"))
                .find(TxId(tally_chain::B256::ZERO))
                .expect_err("a proxy does not know it");
            let shown =
                format!("the answer with status 502 is not one of a Tally node; a proxy may stand between: {text}");
            assert_eq!(error.to_string(), shown);
        }
    }

    #[test]
    fn an_answer_of_a_node_writes_nothing_over_what_is_shown() {
        let zero = BlockId::ZERO;
        let status = serde_json::json!({
            "version": "0", "chain": "local\u{9b}H", "chain_id": 1, "genesis_id": zero, "spec_hash": tally_chain::B256::ZERO,
            "symbol": "T\u{1b}[2J\n  to  0x", "decimals": 18, "spacing": 10,
            "tip": { "id": zero, "height": 0, "time": 0, "weight": "1" }, "height": 0, "supply": "0", "transactions": 0,
            "pending": 0,
            "mining": { "on": false, "threads": 1, "address": Address::ZERO, "hash_rate": 0.0, "paused": null },
            "sync": { "complete": true, "peers": 0 }, "not_ready": [],
            "clock": { "offset_secs": null, "peers": 0, "allowance_secs": 1, "behind_chain_secs": null, "off": false },
            "heavier_fork": null, "now": 0, "started": 0, "begins": null,
        });
        let status: StatusBody = serde_json::from_value(status).expect("a status");
        let status = NodeStatus::of(&status);
        assert_eq!(status.symbol, "T\\u{1b}[2J\\u{a}  to  0x");
        assert_eq!(status.binding().name, "local\\u{9b}H");
        let status: TransactionStatus = serde_json::from_value("included\r".into()).expect("a word of a later version");
        assert_eq!((status, status.word()), (TransactionStatus::Unknown, "unknown"));
    }
}
