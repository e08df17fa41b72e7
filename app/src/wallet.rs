//! The wallet. Everything that touches a key runs in a worker of its own; what stands here sends messages to it, and knows
//! only what is public.
//!
//! - `pages`: one page, one file
//! - `parts`: what several pages share
//! - `access`: unlocking, passwords, and secrets while they are typed or copied
//! - `session`: the state of the wallet in this tab, its worker, and the other tabs
//! - `sending`: from the warnings to the place in the chain
//! - `client`: requests to the node, and what its answers prove
//! - `storage`: what this browser keeps beside the vault

mod access;
mod client;
mod pages;
mod parts;
mod sending;
mod session;
mod storage;

pub use pages::{
    Backup, Contacts, Create, Documents, Frame, History, Home, Keys, Receive, Restore, SendCoins, Shared, export,
};
pub use session::Wallet;

use tally_api::worker::wallet as protocol;
