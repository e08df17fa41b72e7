//! Tabs of one browser notify each other of what happened to the wallet. Rule: docs/protocol.md#W55

use crate::browser;

/// The channel's name; a message carries the genesis id, so that tabs of another chain do not mind.
const CHANNEL: &str = "tally-wallet";
/// Least seconds between two messages that this tab is in use.
pub const USE_EVERY: u64 = 5;

/// What one tab sends the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// The vault was written: read it again.
    Changed,
    /// Locked by hand: all lock.
    Locked,
    /// The wallet is in use: do not lock it for want of use.
    InUse,
}

const WORDS: [(Word, &str); 3] = [
    (Word::Changed, "changed"),
    (Word::Locked, "locked"),
    (Word::InUse, "in-use"),
];

/// Sends to the other tabs of this chain.
pub fn send(word: Word, genesis: &str) {
    let text = WORDS.iter().find(|known| known.0 == word).map(|known| known.1);
    if let Some(text) = text {
        browser::broadcast(CHANNEL, &format!("{text} {genesis}"));
    }
}

/// Receives what other tabs of this chain send, for as long as the page lives.
pub fn listen(genesis: String, then: impl Fn(Word) + 'static) {
    browser::on_broadcast(CHANNEL, move |text| {
        if let Some(word) = read(&text, &genesis) {
            then(word);
        }
    });
}

fn read(text: &str, genesis: &str) -> Option<Word> {
    let (word, of) = text.split_once(' ')?;
    let known = WORDS.iter().find(|known| known.1 == word && of == genesis)?;
    Some(known.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_of_this_chain_are_received() {
        assert_eq!(read("locked ab", "ab"), Some(Word::Locked));
        assert_eq!(read("changed ab", "ab"), Some(Word::Changed));
        assert_eq!(read("in-use ab", "ab"), Some(Word::InUse));
        for text in ["locked cd", "locked", "", "locked ab ", "LOCKED ab", "unlock ab"] {
            assert_eq!(read(text, "ab"), None, "{text}");
        }
    }
}
