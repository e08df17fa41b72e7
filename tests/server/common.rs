//! A node with its server on a free port, payments of the PUBLIC accounts, and a plain HTTP client.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tally::config::{PUBLIC_ACCOUNT, WebConfig};
use tally::operator::TokenSource;
use tally::tokens::Access;
use tally::{Server, web};
use tally_chain::pow::Search;
use tally_chain::transaction::ChainIdentity;
use tally_chain::{Address, Amount, BlockId, Bytes, ChainSpec, UnixSecs, address};
use tally_node::{Imported, MiningConfig, Node, NodeConfig, Work, system_clock};
pub use tally_testkit::PUBLIC_PHRASE;
use tally_wallet::{Account, ChainBinding, Fee, KeyKind, Payment, Phrase, SigningKey, Vault, payment, system_rng};

pub const MINING_TOKEN: &str = "0123456789abcdef-mining";
pub const PEERS_TOKEN: &str = "0123456789abcdef-peers";

/// What payments of these tests offer.
pub const FEE: Fee = Fee {
    max_priority_fee: 1_000_000_000,
    max_fee: 20_000_000_000,
};

/// An account that can sign.
pub struct Signer {
    pub account: Account,
    key: SigningKey,
}

fn signers(kind: KeyKind, count: usize) -> Vec<Signer> {
    let phrase = Phrase::parse(PUBLIC_PHRASE).unwrap();
    let binding = ChainBinding {
        genesis: BlockId::ZERO,
        chain_id: 1,
        name: "test".to_owned(),
    };
    let mut vault = Vault::new(phrase, "", binding, UnixSecs(0));
    for _ in 0..count {
        match kind.rsa_bits() {
            None => drop(vault.add_secp256k1("").unwrap().clone()),
            Some(_) => {
                let search = vault.search(kind).unwrap();
                drop(vault.add_rsa(search.index(), search.finish(), "").unwrap().clone());
            }
        }
    }
    let accounts: Vec<_> = vault.accounts().cloned().collect();
    accounts
        .into_iter()
        .map(|account| Signer {
            key: vault.signing_key(account.address).unwrap(),
            account,
        })
        .collect()
}

/// The first secp256k1 accounts of the PUBLIC phrase.
pub static ECC: LazyLock<Vec<Signer>> = LazyLock::new(|| signers(KeyKind::Secp256k1, 4));
/// Its first RSA account.
pub static RSA: LazyLock<Signer> = LazyLock::new(|| signers(KeyKind::Rsa2048, 1).remove(0));

impl Signer {
    pub fn address(&self) -> Address {
        self.account.address
    }

    /// A signed payment.
    pub fn sign(&self, chain: &ChainIdentity, payment: &Payment) -> Bytes {
        let payload = payment::build(chain, &self.account, payment).unwrap();
        payment::sign(chain, self.address(), &self.key, &payload, &mut system_rng())
            .unwrap()
            .envelope
    }

    /// One coin to account 1, with this nonce.
    pub fn coin(&self, chain: &ChainIdentity, nonce: u64) -> Bytes {
        self.sign(chain, &coin(nonce))
    }
}

/// One coin to account 1, made now.
pub fn coin(nonce: u64) -> Payment {
    Payment {
        to: ECC[1].address(),
        value: Amount::from_coins("1").unwrap(),
        memo: String::new(),
        nonce,
        timestamp: (system_clock())(),
        fee: FEE,
    }
}

pub fn hex(bytes: &[u8]) -> String {
    alloy_primitives::hex::encode_prefixed(bytes)
}

/// A running server; it stops when it is dropped.
pub struct TestServer {
    pub node: Node,
    pub url: String,
    pub client: Http,
    pub folder: tempfile::TempDir,
    running: Option<web::Running>,
}

/// One runtime for all servers of this process, as a node has one.
pub static RUNTIME: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap()
});

/// The chain `test`, without mining.
pub fn config(data_dir: std::path::PathBuf) -> NodeConfig {
    NodeConfig {
        max_reorg_depth: 100,
        mining: MiningConfig {
            on: false,
            threads: 1,
            producer: address::parse(PUBLIC_ACCOUNT).unwrap(),
        },
        ..NodeConfig::new(data_dir, ChainSpec::built_in("test").unwrap())
    }
}

/// Mines one block on a node's tip; its height.
pub fn mine_on(node: &Node) -> u64 {
    let job = node.template(node.producer()).unwrap();
    let nonce = Search::new(&job.header, job.target).scan(0, u32::MAX).unwrap();
    let work = Work {
        template: job.id,
        extra_nonce: [0; 8],
        time: job.header.time,
        nonce,
    };
    match node.submit_work(&work).unwrap() {
        Imported::Tip(advance) => advance.joined.last().unwrap().record.height().0,
        other => panic!("not a tip: {other:?}"),
    }
}

impl TestServer {
    pub fn start() -> Self {
        Self::with(|_| {})
    }

    pub fn with(change: impl FnOnce(&mut WebConfig)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let node = Node::open(config(folder.path().to_owned()), system_clock()).unwrap();
        Self::of(node, folder, change)
    }

    /// Of a node whose data directory is in this folder.
    pub fn of(node: Node, folder: tempfile::TempDir, change: impl FnOnce(&mut WebConfig)) -> Self {
        let mut web = WebConfig {
            listen: ([127, 0, 0, 1], 0).into(),
            rate_limit_local: 0,
            ..WebConfig::default()
        };
        change(&mut web);
        let tokens = folder.path().join("tokens");
        std::fs::write(&tokens, format!("{MINING_TOKEN} mining\n{PEERS_TOKEN} peers\n")).unwrap();
        std::fs::set_permissions(&tokens, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let (tokens, _) = TokenSource::File(tokens).load().unwrap();
        let access = Access::open(folder.path(), tokens, system_clock()).unwrap();
        let running = RUNTIME
            .block_on(web::start(Server::new(node.clone(), access, web)))
            .unwrap();
        let url = format!("http://{}", running.address);
        Self {
            node,
            client: Http::new(&url),
            url,
            folder,
            running: Some(running),
        }
    }

    pub fn identity(&self) -> ChainIdentity {
        self.node.identity()
    }

    /// Mines one block with what the pool holds.
    pub fn mine(&self) -> u64 {
        mine_on(&self.node)
    }

    /// Sends a payment; the answer must be 202.
    pub fn send(&self, envelope: &[u8]) -> String {
        let answer = self
            .client
            .post("/api/v1/transactions", &json!({ "raw": hex(envelope) }));
        assert_eq!(answer.status, 202, "{}", answer.text());
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    pub fn get(&self, path: &str) -> Reply {
        self.client.get(path)
    }

    /// GET that must answer 200 with JSON.
    pub fn json(&self, path: &str) -> Value {
        let answer = self.client.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            let _ = RUNTIME.block_on(running.stop());
        }
        let _ = self.node.close();
    }
}

/// A client that takes every answer as it is.
pub struct Http {
    agent: ureq::Agent,
    url: String,
}

/// An answer, read to its end.
pub struct Reply {
    pub status: u16,
    pub headers: ureq::http::HeaderMap,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// The name of the problem; the answer must be one, whole and with its request id.
    pub fn problem(&self) -> String {
        assert_eq!(
            self.header("content-type"),
            "application/problem+json",
            "{}: {}",
            self.status,
            self.text()
        );
        let problem = self.json();
        assert_eq!(problem["status"], self.status);
        assert_eq!(problem["request_id"], self.header("x-request-id"));
        for member in ["title", "detail"] {
            assert!(
                problem[member].as_str().is_some_and(|text| !text.is_empty()),
                "{problem}"
            );
        }
        let kind = problem["type"].as_str().unwrap();
        kind.strip_prefix("/problems/")
            .unwrap_or_else(|| panic!("{kind}"))
            .to_owned()
    }
}

impl Http {
    pub fn new(url: &str) -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(60)))
            .http_status_as_error(false)
            .max_redirects(0)
            .build();
        Self {
            agent: config.into(),
            url: url.to_owned(),
        }
    }

    fn read(answer: ureq::http::Response<ureq::Body>) -> Reply {
        let (parts, mut body) = answer.into_parts();
        let body = body.with_config().limit(256 * 1024 * 1024).read_to_vec().unwrap();
        Reply {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body,
        }
    }

    pub fn get(&self, path: &str) -> Reply {
        self.get_with(path, &[])
    }

    pub fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        let mut request = self.agent.get(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Self::read(request.call().unwrap())
    }

    pub fn post(&self, path: &str, body: &Value) -> Reply {
        self.post_with(path, "application/json", body.to_string().as_bytes(), &[])
    }

    pub fn post_with(&self, path: &str, media: &str, body: &[u8], headers: &[(&str, &str)]) -> Reply {
        let mut request = self.agent.post(format!("{}{path}", self.url));
        if !media.is_empty() {
            request = request.header("content-type", media);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Self::read(request.send(body).unwrap())
    }
}

impl Http {
    /// A request of the operator's.
    pub fn operate(&self, method: &str, path: &str, token: &str, body: Option<&Value>) -> Reply {
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url))
            .header("authorization", format!("Bearer {token}"));
        let answer = match body {
            Some(body) => {
                let request = request.header("content-type", "application/json");
                self.agent.run(request.body(body.to_string()).unwrap())
            }
            None => self.agent.run(request.body(()).unwrap()),
        };
        Self::read(answer.unwrap())
    }
}

/// Polls until `ready` gives something, for at most a minute.
pub fn until<T>(what: &str, mut ready: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(found) = ready() {
            return found;
        }
        assert!(Instant::now() < deadline, "not within a minute: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
