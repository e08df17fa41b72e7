//! Limits of texts and files that people type, bring and hand on. They stand below wallet, pages and command line, so that a
//! form shows the same limit as the code behind it enforces.

/// Longest memo that a wallet attaches, in bytes of UTF-8. Rule: docs/protocol.md#W8
pub const MAX_MEMO_BYTES: usize = 1_024;
/// Longest sealed vault and longest backup file, in bytes. Rule: docs/protocol.md#W11
pub const MAX_CONTAINER_BYTES: usize = 2 << 20;
/// Longest key file, in bytes. Rule: docs/protocol.md#W20
pub const MAX_KEY_FILE_BYTES: usize = 65_536;
/// Longest text of a proposal or of a shared account, in bytes. Rule: docs/protocol.md#W61
pub const MAX_TEXT_BYTES: usize = 65_536;
/// Fewest characters of a new password, of a vault or of a key file. Rule: docs/protocol.md#W25
pub const MIN_PASSWORD_CHARS: usize = 8;
