//! What tests of this crate stand a router on.

use std::path::Path;

use tally_node::{Node, system_clock};

use super::{Server, Shared};
use crate::config::{NodeOptions, WebConfig};
use crate::operator::TokenSource;
use crate::tokens::Access;

/// A server on the chain `test`, its node's store in this folder. Close its node at the end.
pub fn server(folder: &Path, web: WebConfig) -> Shared {
    let options = NodeOptions {
        chain: Some("test".to_owned()),
        data_dir: Some(folder.to_owned()),
        ..NodeOptions::default()
    };
    let config = options.resolve().expect("valid settings");
    let node = Node::open(config.node, system_clock()).expect("a node");
    let token = TokenSource::inline("0123456789abcdef".to_owned()).expect("long enough");
    let (tokens, _) = token.load().expect("one token");
    let access = Access::open(folder, tokens, system_clock()).expect("no tokens and no log yet");
    Server::new(node, access, web)
}
