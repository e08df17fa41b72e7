//! The read door between a page and the node. In the browser each function is a GET request to
//! this origin; on the server it is a plain call into [`crate::server`].

use leptos::{prelude::*, server_fn::codec::GetUrl};
use tally_api::{ProblemBody, problem::readable};

use crate::model;

/// What a read answers: the value, or a message for the reader.
pub type Read<T> = Result<T, ServerFnError>;

/// A failed read in a sentence: a problem of the node's limits with its detail; of an answer that no node made, such as a proxy's
/// page, what can be read of it.
pub fn failure(error: &ServerFnError) -> String {
    let ServerFnError::Deserialization(message) = error else {
        return error.to_string();
    };
    // Leptos quotes the whole answer, with escapes, behind these words.
    let quoted = message.split_once("missing delimiter in ").map(|(_, answer)| answer);
    let answer = quoted.map_or_else(|| message.clone(), unquoted);
    match ProblemBody::of_node(answer.as_bytes()) {
        Some(problem) => problem.sentence(),
        None => format!(
            "the answer is not one of a Tally node; a proxy may stand between: {}",
            readable(answer.as_bytes())
        ),
    }
}

/// The text of a literal as Rust's `Debug` writes it. Escapes of hidden characters stay.
fn unquoted(literal: &str) -> String {
    let literal = literal.strip_prefix('"').unwrap_or(literal);
    let mut chars = literal.strip_suffix('"').unwrap_or(literal).chars();
    let mut text = String::with_capacity(literal.len());
    while let Some(c) = chars.next() {
        match (c, (c == '\\').then(|| chars.next()).flatten()) {
            (_, Some('n' | 'r' | 't')) => text.push(' '),
            (_, Some(escaped @ ('"' | '\\' | '\''))) => text.push(escaped),
            (_, Some(other)) => text.extend([c, other]),
            (_, None) => text.push(c),
        }
    }
    text
}

/// The chain that this node serves.
#[server(prefix = "/ui", endpoint = "chain", input = GetUrl)]
pub async fn chain() -> Read<model::ChainInfo> {
    crate::server::read(crate::server::chain).await
}

/// The dashboard.
#[server(prefix = "/ui", endpoint = "overview", input = GetUrl)]
pub async fn overview() -> Read<model::Overview> {
    crate::server::read(crate::server::overview).await
}

/// One page of the blocks table.
#[server(prefix = "/ui", endpoint = "blocks", input = GetUrl)]
pub async fn blocks(query: model::BlockQuery) -> Read<model::Listing<model::BlockRow>> {
    crate::server::read(move |at| crate::server::blocks(at, &query)).await
}

/// A block by height or id with one page of its transactions; `None` where there is none.
#[server(prefix = "/ui", endpoint = "block", input = GetUrl)]
pub async fn block(key: String, page: u32, rows: u32) -> Read<Option<model::BlockPage>> {
    crate::server::read(move |at| crate::server::block(at, &key, page, rows)).await
}

/// The bytes behind a block's page, for this tab to check; `None` where there is no such id.
#[server(prefix = "/ui", endpoint = "block_evidence", input = GetUrl)]
pub async fn block_evidence(id: String) -> Read<Option<model::BlockEvidence>> {
    crate::server::read(move |at| crate::server::block_evidence(at, &id)).await
}

/// The bytes behind a transaction's page, for this tab to check; `None` where there is no such id.
#[server(prefix = "/ui", endpoint = "transaction_evidence", input = GetUrl)]
pub async fn transaction_evidence(id: String) -> Read<Option<model::TransactionEvidence>> {
    crate::server::read(move |at| crate::server::transaction_evidence(at, &id)).await
}

/// One page of the transactions table.
#[server(prefix = "/ui", endpoint = "transactions", input = GetUrl)]
pub async fn transactions(query: model::TransactionQuery) -> Read<model::Listing<model::TransactionRow>> {
    crate::server::read(move |at| crate::server::transactions(at, &query)).await
}

/// A transaction, pending or in a block; `None` where there is none.
#[server(prefix = "/ui", endpoint = "transaction", input = GetUrl)]
pub async fn transaction(id: String) -> Read<Option<model::TransactionPage>> {
    crate::server::read(move |at| crate::server::transaction(at, &id)).await
}

/// An account with a part of its history, the newest without a cursor; `None` where the text is no address.
#[server(prefix = "/ui", endpoint = "account", input = GetUrl)]
pub async fn account(address: String, cursor: Option<String>, rows: u32) -> Read<Option<model::AccountView>> {
    crate::server::read(move |at| crate::server::account(at, &address, cursor.as_deref(), rows)).await
}

/// What a search text leads to.
#[server(prefix = "/ui", endpoint = "search", input = GetUrl)]
pub async fn search(text: String) -> Read<model::SearchAnswer> {
    crate::server::read(move |at| crate::server::search(at, &text)).await
}

/// The pool with one page of what waits in it.
#[server(prefix = "/ui", endpoint = "mempool", input = GetUrl)]
pub async fn mempool(page: u32, rows: u32) -> Read<model::MempoolView> {
    crate::server::read(move |at| crate::server::mempool(at, page, rows)).await
}

/// Mining, here and in the network.
#[server(prefix = "/ui", endpoint = "mining", input = GetUrl)]
pub async fn mining() -> Read<model::MiningView> {
    crate::server::read(crate::server::mining).await
}

/// This node and its peers.
#[server(prefix = "/ui", endpoint = "network", input = GetUrl)]
pub async fn network() -> Read<model::NetworkView> {
    crate::server::read(crate::server::network).await
}

/// What this node measured.
#[server(prefix = "/ui", endpoint = "performance", input = GetUrl)]
pub async fn performance() -> Read<model::PerformanceView> {
    crate::server::read(crate::server::performance).await
}

/// What this node checked about itself.
#[server(prefix = "/ui", endpoint = "security", input = GetUrl)]
pub async fn security() -> Read<model::SecurityView> {
    crate::server::read(crate::server::security).await
}

#[cfg(test)]
mod tests {
    use leptos::server_fn::error::FromServerFnError as _;

    use super::*;

    #[test]
    fn what_a_proxy_answers_to_a_read_is_shown_as_text() {
        let page = "<html>\r\n<h1>502 Bad Gateway</h1>\r\n<hr>nginx\r\n</html>\r\n";
        let error: ServerFnError = ServerFnError::de(page.into());
        assert_eq!(
            failure(&error),
            "the answer is not one of a Tally node; a proxy may stand between: 502 Bad Gateway nginx"
        );
        // What the node rejects before a read begins is a problem.
        let busy = r#"{"type":"/problems/busy","title":"T","status":503,"detail":"the node is \"busy\"","limit":64}"#;
        let busy: ServerFnError = ServerFnError::de(busy.into());
        assert_eq!(failure(&busy), "the node is \"busy\"");
        let long: ServerFnError = ServerFnError::de("x".repeat(100_000).into());
        assert!(failure(&long).len() < 500);
        // The node's own words stay.
        let own = ServerFnError::new("the node is busy");
        assert_eq!(failure(&own), own.to_string());
    }
}
