//! Regular files, read up to a limit, as [`tally_node::regular_file`] has it for all packages, and the limits that several files
//! here share.

pub use tally_node::regular_file::{NotRead, open, read, read_open, read_parts, read_text};

/// Longest file of certificates or of a key, in bytes. The certificates of all authorities that browsers know have a quarter.
pub const MAX_PEM: u64 = 1 << 20;

#[cfg(test)]
pub mod testing {
    pub use tally_testkit::pipe;
}
