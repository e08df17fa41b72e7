//! What the node answers is read with the types that its clients have, and is the same text when they write it again.

use serde::Serialize;
use serde::de::DeserializeOwned;
use tally_api::ProblemBody;
use tally_api::accounts::{AccountBody, AccountPoolBody, HistoryPageBody, LineKind};
use tally_api::blocks::{BlockBody, BlockList};
use tally_api::fees::FeesBody;
use tally_api::health::{AliveBody, ReadyBody};
use tally_api::mempool::MempoolBody;
use tally_api::mining::{TemplateBody, WorkersBody};
use tally_api::peers::PeersBody;
use tally_api::status::{MinerBody, StatusBody};
use tally_api::transactions::{TransactionDetail, TransactionPage, TransactionStatus};

use crate::common::{ECC, RSA, TestServer};

fn read<T: Serialize + DeserializeOwned>(server: &TestServer, path: &str) -> T {
    let text = server.get(path).text();
    let answer: T = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}: {text}"));
    assert_eq!(serde_json::to_string(&answer).unwrap(), text, "{path}");
    answer
}

/// A chain with a block of two payments, and two payments that wait, one of them for another.
fn chain() -> TestServer {
    let server = TestServer::start();
    let identity = server.identity();
    server.send(&RSA.coin(&identity, 0));
    server.send(&ECC[0].coin(&identity, 0));
    server.mine();
    server.mine();
    server.send(&ECC[0].coin(&identity, 1));
    server.send(&ECC[0].coin(&identity, 3));
    server
}

#[test]
fn blocks_and_transactions_are_read_with_the_types_of_clients() {
    let server = chain();
    let status: StatusBody = read(&server, "/api/v1/status");
    assert_eq!((status.height, status.pending), (2, 2));
    let list: BlockList = read(&server, "/api/v1/blocks?limit=1");
    assert_eq!(list.items[0].id, status.tip.id);
    let block: BlockBody = read(&server, "/api/v1/blocks/1");
    assert_eq!(block.transactions.len(), 2);
    let page: TransactionPage = read(&server, "/api/v1/blocks/1/transactions");
    assert_eq!(page.items.len(), 2);
    let listed: TransactionPage = read(&server, "/api/v1/transactions?limit=1");
    assert!(listed.next.is_some());
    let id = block.transactions[0];
    let detail: TransactionDetail = read(&server, &format!("/api/v1/transactions/{id}?proof=true"));
    assert_eq!(detail.transaction.status, TransactionStatus::Included);
    assert!(detail.history_proof.is_some());
    let producer = block.summary.producer;
    let history: HistoryPageBody = read(&server, &format!("/api/v1/accounts/{producer}/history"));
    assert_eq!(history.items[0].kind, LineKind::Reward);
}

#[test]
fn accounts_and_what_waits_are_read_with_the_types_of_clients() {
    let server = chain();
    let address = ECC[0].address();
    let account: AccountBody = read(&server, &format!("/api/v1/accounts/{address}?proof=true"));
    assert_eq!((account.address, account.nonce, account.pending), (address, 1, 2));
    assert_eq!(account.free().checked_add(account.pending_cost), Some(account.balance));
    let history: HistoryPageBody = read(&server, &format!("/api/v1/accounts/{address}/history"));
    let transactions = history.items.iter().filter(|line| line.kind == LineKind::Transaction);
    assert_eq!(transactions.count(), 1);
    let pool: AccountPoolBody = read(&server, &format!("/api/v1/accounts/{address}/pending"));
    assert_eq!(pool.gap(), Some((2, 1)));
    let all: MempoolBody = read(&server, "/api/v1/mempool");
    assert_eq!((all.count, all.items.len()), (2, 2));
    let fees: FeesBody = read(&server, "/api/v1/fees");
    assert_eq!(fees.base_fee, all.base_fee);
}

#[test]
fn the_node_and_its_miners_are_read_with_the_types_of_clients() {
    let server = chain();
    let miner: MinerBody = read(&server, "/api/v1/mining");
    assert!(!miner.on);
    let template: TemplateBody = read(
        &server,
        &format!("/api/v1/mining/template?address={}", ECC[1].address()),
    );
    assert_eq!((template.height, template.header_hex.len()), (3, 80));
    let workers: WorkersBody = read(&server, "/api/v1/mining/workers");
    assert_eq!(workers.connected, 0);
    let peers: PeersBody = read(&server, "/api/v1/peers");
    assert!(!peers.networking);
    let alive: AliveBody = read(&server, "/healthz");
    assert_eq!(alive.status, "alive");
    let ready: ReadyBody = read(&server, "/readyz");
    assert_eq!((ready.ready, ready.height), (true, 2));
}

#[test]
fn a_problem_is_read_with_the_type_of_clients() {
    let server = TestServer::start();
    let problem: ProblemBody = read(&server, &format!("/api/v1/transactions/0x{}", "07".repeat(32)));
    assert_eq!((problem.name(), problem.status), ("unknown-transaction", 404));
    assert!(problem.request_id.is_some());
}
