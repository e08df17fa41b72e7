//! The pages of the wallet.

mod backup;
mod contacts;
mod create;
mod discover;
mod documents;
mod frame;
mod history;
mod home;
mod keys;
mod manage;
mod receive;
mod restore;
mod send;
mod shared;

pub use backup::Backup;
pub use contacts::Contacts;
pub use create::Create;
pub use documents::Documents;
pub use frame::Frame;
pub use history::{History, export};
pub use home::Home;
pub use keys::Keys;
pub use receive::Receive;
pub use restore::Restore;
pub use send::SendCoins;
pub use shared::Shared;
