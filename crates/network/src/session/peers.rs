//! Which peers this node has, and why those: address ranges, the address book, outbound dials, inbound slots, bans and the
//! peers' clocks. Everything here is plain data and decisions; sockets, files and time come from the caller, so that a
//! simulation runs the same code. Rules: docs/protocol.md#N8, #N10 to #N13

pub mod bans;
pub mod book;
pub mod clock;
pub mod dialer;
pub mod range;
pub mod slots;
