//! Running a node: mining, network, performance, security, its laboratory, settings, and what the operator may change.

pub mod browser_miner;
mod failed;
mod lab;
mod mining;
mod network;
pub mod operator;
mod performance;
mod security;
mod settings;
mod tokens;

pub use lab::{Lab, LabScenario};
pub use mining::Mining;
pub use network::Network;
pub use performance::Performance;
pub use security::Security;
pub use settings::Settings;
pub use tokens::Tokens;
