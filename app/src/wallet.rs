//! The wallet's pages. Everything that touches a key runs in a worker of its own; these pages talk
//! to it in messages, and know only what is public.

mod backup;
mod balances;
mod caution;
mod client;
mod clipboard;
mod confirm;
mod contacts;
mod create;
mod discover;
mod documents;
pub mod export;
mod failure;
mod fees;
mod follow;
mod frame;
mod history;
mod home;
mod journal;
mod keys;
mod manage;
mod node;
mod password;
mod pending;
mod receive;
mod requests;
mod restore;
mod review;
mod scan;
mod secret;
mod send;
mod shared;
mod state;
mod submit;
mod tabs;
mod test_coins;
mod unlock;

pub use backup::Backup;
pub use clipboard::Wiped;
pub use contacts::Contacts;
pub use create::Create;
pub use documents::Documents;
pub use frame::Frame;
pub use history::History;
pub use home::Home;
pub use keys::Keys;
pub use receive::Receive;
pub use restore::Restore;
pub use send::SendCoins;
pub use shared::Shared;
pub use state::Wallet;

use tally_api::worker::wallet as protocol;
