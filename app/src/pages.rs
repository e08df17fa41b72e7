//! One page, one file; what several pages share stands in `parts`.

mod account;
mod block;
mod blocks;
mod dashboard;
mod mempool;
mod mining;
mod network;
mod not_found;
mod parts;
mod performance;
mod receipt;
mod search;
mod security;
mod settings;
mod transaction;
mod transactions;

pub use account::Account;
pub use block::Block;
pub use blocks::Blocks;
pub use dashboard::Dashboard;
pub use mempool::Mempool;
pub use mining::Mining;
pub use network::Network;
pub use not_found::{Missing, NotFound};
pub use parts::{Loaded, StatusBadge};
pub use performance::Performance;
pub use receipt::Receipt;
pub use search::Search;
pub use security::Security;
pub use settings::Settings;
pub use transaction::Transaction;
pub use transactions::Transactions;
