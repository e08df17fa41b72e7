//! The server from outside: a real node behind the real router on a real port, and the real binary.

#[path = "../support/binary.rs"]
mod binary;

mod answers;
mod audit;
mod base_path;
mod beginning;
mod begins;
mod child;
mod clocks;
mod cluster;
mod common;
mod corpora;
mod crash;
mod discovery;
mod edge;
mod endurance;
mod equal;
mod events;
mod forks;
mod hostile;
mod inside;
mod light;
mod light_client;
mod log;
mod long;
mod lossy;
mod memos;
mod metrics;
mod mining;
mod namespaces;
mod network;
mod private;
mod process;
mod proposals;
mod reads;
mod receipts;
mod refusals;
mod replay;
mod stratum;
mod submission;
mod syncing;
mod tls;
mod tokens;
mod wallet;
mod warnings;
