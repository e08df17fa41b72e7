//! Tabs of one browser notify each other of what happened to the wallet. Rule: docs/protocol.md#W55

use crate::browser;

/// The channel's name; a message carries the genesis id, so that tabs of another chain do not mind.
const CHANNEL: &str = "tally-wallet";
/// Least seconds between two messages that this tab is in use.
pub const USE_EVERY: u64 = 5;

/// What one tab sends the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    /// The vault was written: read it again.
    Changed,
    /// Locked by hand: all lock.
    Locked,
    /// The wallet is in use: do not lock it after idle time.
    InUse,
}

const MESSAGES: [(Message, &str); 3] = [
    (Message::Changed, "changed"),
    (Message::Locked, "locked"),
    (Message::InUse, "in-use"),
];

/// Sends to the other tabs of this chain.
pub fn send(message: Message, genesis: &str) {
    let text = MESSAGES.iter().find(|known| known.0 == message).map(|known| known.1);
    if let Some(text) = text {
        browser::broadcast(CHANNEL, &format!("{text} {genesis}"));
    }
}

/// Receives what other tabs of this chain send, for as long as the page lives.
pub fn listen(genesis: String, then: impl Fn(Message) + 'static) {
    browser::on_broadcast(CHANNEL, move |text| {
        if let Some(message) = read(&text, &genesis) {
            then(message);
        }
    });
}

fn read(text: &str, genesis: &str) -> Option<Message> {
    let (word, of) = text.split_once(' ')?;
    let known = MESSAGES.iter().find(|known| known.1 == word && of == genesis)?;
    Some(known.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_messages_of_this_chain_are_received() {
        assert_eq!(read("locked ab", "ab"), Some(Message::Locked));
        assert_eq!(read("changed ab", "ab"), Some(Message::Changed));
        assert_eq!(read("in-use ab", "ab"), Some(Message::InUse));
        for text in ["locked cd", "locked", "", "locked ab ", "LOCKED ab", "unlock ab"] {
            assert_eq!(read(text, "ab"), None, "{text}");
        }
    }
}
