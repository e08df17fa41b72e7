//! An entry as its line. The hash is over the line without its last member: the bytes before `,"hash":` and a closing brace. So it
//! can be checked from the text alone, whatever a program makes of the numbers in it.

use sha2::{Digest as _, Sha256};
use tally_api::tokens::LogEntryBody;
use tally_chain::B256;

use super::Draft;
use super::check::Position;

/// Before the hash, which ends the line with a quote and a brace.
const MEMBER: &str = ",\"hash\":\"";
/// A hash as text: `0x` and 64 hex digits.
const HASH_CHARS: usize = 66;
const END: &str = "\"}";

/// The entry after this position, and its line with the line feed.
pub fn write(draft: Draft, after: Position) -> (LogEntryBody, String) {
    let mut entry = LogEntryBody {
        sequence: after.sequence.saturating_add(1),
        time: draft.time.0,
        actor: draft.actor,
        address: draft.address,
        action: draft.action.to_owned(),
        parameters: draft.parameters,
        outcome: draft.outcome.to_owned(),
        previous: after.hash,
        hash: B256::ZERO,
    };
    let whole = serde_json::to_string(&entry).expect("its members are texts, numbers and JSON");
    let (body, _) = split(&whole).expect("the hash is its last member");
    entry.hash = hash(body);
    let line = format!("{body}{MEMBER}{:#x}{END}\n", entry.hash);
    (entry, line)
}

/// What stands before the member `hash`, and the text of the hash.
fn split(line: &str) -> Option<(&str, &str)> {
    let rest = line.strip_suffix(END)?;
    let (body, hash) = rest.split_at_checked(rest.len().checked_sub(HASH_CHARS)?)?;
    Some((body.strip_suffix(MEMBER)?, hash))
}

fn hash(body: &str) -> B256 {
    let hasher = Sha256::new().chain_update(body).chain_update(b"}");
    B256::new(hasher.finalize().into())
}

/// The entry of a line without its line feed; none where it is no entry.
pub fn read(line: &[u8]) -> Option<LogEntryBody> {
    serde_json::from_slice(line).ok()
}

/// Whether the hash in this line is the one of the line.
pub fn holds(line: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(line) else {
        return false;
    };
    split(text).is_some_and(|(body, found)| format!("{:#x}", hash(body)) == found)
}
