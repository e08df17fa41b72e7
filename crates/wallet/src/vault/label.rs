//! Names that people give to accounts, contacts and shared accounts. Rules: docs/protocol.md#W11, #W14

use super::VaultError;

/// Longest label in bytes. Rule: docs/protocol.md#W11
pub const MAX_LABEL_BYTES: usize = 64;

/// Whether a label may be kept: no longer than [`MAX_LABEL_BYTES`], and without hidden characters.
/// Rule: docs/protocol.md#W14
pub(crate) fn check_label(label: &str) -> Result<(), VaultError> {
    check_label_length(label)?;
    match tally_chain::visible::hidden(label) {
        Some(c) => Err(VaultError::LabelCharacter { code: c.into() }),
        None => Ok(()),
    }
}

/// All that is checked of a stored label: a vault from before the rule about hidden characters opens all the same (ADR 7).
/// Rule: docs/protocol.md#W11
pub(super) fn check_label_length(label: &str) -> Result<(), VaultError> {
    if label.len() > MAX_LABEL_BYTES {
        return Err(VaultError::LabelTooLong {
            len: label.len(),
            max: MAX_LABEL_BYTES,
        });
    }
    Ok(())
}
