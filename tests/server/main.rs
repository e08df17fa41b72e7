//! The server from outside: a real node behind the real router on a real port, and the real binary.

#[path = "../support/binary.rs"]
mod binary;

mod audit;
mod base_path;
mod beginning;
mod begins;
mod child;
mod cluster;
mod common;
mod corpora;
mod crash;
mod discovery;
mod edge;
mod endurance;
mod events;
mod hostile;
mod lossy;
mod memos;
mod mining;
mod namespaces;
mod network;
mod process;
mod proposals;
mod reads;
mod refusals;
mod stratum;
mod submission;
mod tls;
mod wallet;
mod warnings;
