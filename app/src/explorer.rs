//! The explorer: blocks, transactions, accounts, the pool and receipts. One page, one file; their addresses with a query stand
//! in `query`, their tables in `tables`.

mod account;
mod block;
mod blocks;
pub mod dashboard;
mod mempool;
mod query;
mod receipt;
mod search;
mod tables;
mod transaction;
mod transactions;

pub use account::Account;
pub use block::Block;
pub use blocks::Blocks;
pub use dashboard::Dashboard;
pub use mempool::Mempool;
pub use receipt::Receipt;
pub use search::Search;
pub use transaction::Transaction;
pub use transactions::Transactions;
