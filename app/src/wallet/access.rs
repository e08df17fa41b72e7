//! The way to an open wallet, and what is done with secrets while they are typed or copied.

pub mod clipboard;
pub mod gate;
pub mod password;
pub mod secret;
pub mod unlock;
