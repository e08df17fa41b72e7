//! What the light client, or an audit, has shown to those who wait for it.

/// What an audit has shown, as the seal and the marks see it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Audited {
    /// Nothing so far.
    #[default]
    Nothing,
    /// Everything up to the block with this id.
    Executed(String),
    /// A block breaks a rule; which, and where.
    Fault(String),
}

/// Why the proof of a receipt shows nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    not(feature = "hydrate"),
    allow(dead_code, reason = "the server renders, and never verifies")
)]
pub enum Unproved {
    /// It does not hold; why.
    False(String),
    /// This browser could not verify it; why.
    NotHere(String),
}
