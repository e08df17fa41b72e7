//! The server behind the `tally` binary: settings, router, REST, command line.
//!
//! [`web::router`] puts the pages of `tally-app` and the API of [`api`] before a [`tally_node::Node`].

pub mod api;
mod chain_ids;
pub mod cli;
pub mod config;
pub mod descriptors;
pub mod exit;
pub mod logging;
mod memory;
pub mod net_guard;
mod new_file;
pub mod operator;
mod private_file;
mod regular_file;
pub mod server;
pub mod stratum;
pub mod tokens;
pub mod web;

pub use server::Server;
