//! Text from outside, and which of its characters cannot be seen or change how the rest is seen. Rule: docs/protocol.md#W8
//!
//! One list for pages, API, wallet, chain specs and logs: a text that one of them shows as it is and another as hex lets
//! a person sign or read what another sees differently.

use std::borrow::Cow;

/// Joins emoji into one picture.
const JOINER: char = '\u{200d}';
/// Selects the coloured picture of the character before it.
const PICTURE: char = '\u{fe0f}';
/// The frame of a key cap, after a digit, `#` or `*`.
const KEY_CAP: char = '\u{20e3}';

/// The first character that cannot be seen, turns the direction of writing, or fakes a space.
///
/// The joiner and the picture selector are let through where they make an emoji, and only there.
pub fn hidden(text: &str) -> Option<char> {
    hidden_places(text).next().map(|(_, found)| found)
}

/// A payment's data as text, where it is text without hidden characters and not empty. Rule: docs/protocol.md#W8
pub fn memo(data: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(data).ok()?;
    (!text.is_empty() && hidden(text).is_none()).then_some(text)
}

/// The text on one line, with `\u{…}` in place of every hidden character: for logs and messages.
pub fn escaped(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut done = 0;
    for (at, found) in hidden_places(text) {
        out.push_str(&text[done..at]);
        out.extend(found.escape_unicode());
        done = at + found.len_utf8();
    }
    match done {
        0 => Cow::Borrowed(text),
        _ => Cow::Owned(out + &text[done..]),
    }
}

fn hidden_places(text: &str) -> impl Iterator<Item = (usize, char)> {
    text.char_indices()
        .filter(|(at, c)| is_hidden(*c) && !makes_emoji(&text[..*at], *c, &text[at + c.len_utf8()..]))
}

/// Whether the joiner or the picture selector stands where it makes an emoji.
fn makes_emoji(before: &str, c: char, after: &str) -> bool {
    let next = after.chars().next();
    let mut back = before.chars().rev();
    match c {
        JOINER => {
            // A skin tone or a picture selector belongs to the emoji before it.
            let joined = back.find(|c| *c != PICTURE && !is_skin_tone(*c));
            joined.is_some_and(is_emoji) && next.is_some_and(is_emoji)
        }
        PICTURE => match back.next() {
            Some('0'..='9' | '#' | '*') => next == Some(KEY_CAP),
            last => last.is_some_and(is_emoji),
        },
        _ => false,
    }
}

fn is_skin_tone(c: char) -> bool {
    matches!(c, '\u{1f3fb}'..='\u{1f3ff}')
}

/// Characters with an emoji picture, by their blocks.
fn is_emoji(c: char) -> bool {
    matches!(c,
        '\u{a9}' | '\u{ae}' | '\u{203c}' | '\u{2049}' | '\u{2122}' | '\u{2139}' | '\u{2190}'..='\u{21ff}'
        | '\u{2300}'..='\u{23ff}' | '\u{24c2}' | '\u{25a0}'..='\u{27bf}' | '\u{2934}'..='\u{2935}' | '\u{2b00}'..='\u{2bff}'
        | '\u{3030}' | '\u{303d}' | '\u{3297}' | '\u{3299}' | '\u{1f000}'..='\u{1faff}')
}

/// Whether a character by itself cannot be seen, turns the direction, or fakes a space.
///
/// The no-break spaces (U+00A0, U+202F) and the ideographic space (U+3000) are seen as the spaces they are, and French,
/// Japanese and Chinese texts need them.
pub(crate) fn is_hidden(c: char) -> bool {
    c.is_control()
        || is_format(c)
        || is_blank(c)
        || matches!(c,
            // Variation selectors, and marks that are drawn as nothing (Unicode: default ignorable).
            '\u{34f}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{2065}' | '\u{fe00}'..='\u{fe0f}'
            // Line and paragraph separators.
            | '\u{2028}'..='\u{2029}'
            // Private use, noncharacters, specials, and planes that hold no characters: a font may draw anything.
            | '\u{e000}'..='\u{f8ff}' | '\u{fdd0}'..='\u{fdef}' | '\u{fff0}'..='\u{ffff}' | '\u{34000}'..='\u{10ffff}')
        || u32::from(c) & 0xfffe == 0xfffe
}

/// Unicode's category Cf: the directions and joiners among them.
fn is_format(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}'..='\u{891}' | '\u{8e2}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{206f}' | '\u{feff}'
        | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1345f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}')
}

/// Letters and signs that are drawn as nothing, and spaces of other widths than a space's.
fn is_blank(c: char) -> bool {
    matches!(c,
        '\u{115f}'..='\u{1160}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{205f}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}'
        | '\u{16fe4}' | '\u{1d159}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_text_is_shown() {
        for text in [
            "für Käse 🧀",
            "10 €\u{a0}net, 1\u{202f}000 F",
            "家賃\u{3000}十一月",
            "שכר דירה",
            "إيجار",
            "किराया",
            "👨‍👩‍👧‍👦 ❤️ 👩🏽‍🚀 🏳️‍🌈 1️⃣ #️⃣ ☎️ ❤️‍🔥",
            "e\u{301}\u{323}",
            "𝒳 𠀀 𰀀",
        ] {
            assert_eq!(hidden(text), None, "{text}");
            assert_eq!(memo(text.as_bytes()), Some(text));
            assert_eq!(escaped(text), text);
        }
    }

    #[test]
    fn every_hidden_character_of_the_audit_is_found() {
        let ranges = [
            ('\0', '\u{1f}'),
            ('\u{7f}', '\u{9f}'),
            ('\u{ad}', '\u{ad}'),
            ('\u{34f}', '\u{34f}'),
            ('\u{61c}', '\u{61c}'),
            ('\u{115f}', '\u{1160}'),
            ('\u{17b4}', '\u{17b5}'),
            ('\u{180b}', '\u{180f}'),
            ('\u{2000}', '\u{200f}'),
            ('\u{2028}', '\u{202e}'),
            ('\u{2060}', '\u{206f}'),
            ('\u{2800}', '\u{2800}'),
            ('\u{3164}', '\u{3164}'),
            ('\u{e000}', '\u{f8ff}'),
            ('\u{fdd0}', '\u{fdef}'),
            ('\u{fe00}', '\u{fe0f}'),
            ('\u{feff}', '\u{feff}'),
            ('\u{ffa0}', '\u{ffa0}'),
            ('\u{fff0}', '\u{ffff}'),
            ('\u{1bca0}', '\u{1bca3}'),
            ('\u{1d173}', '\u{1d17a}'),
            ('\u{1fffe}', '\u{1ffff}'),
            ('\u{e0000}', '\u{10ffff}'),
        ];
        for c in ranges.into_iter().flat_map(|(from, to)| from..=to) {
            assert_eq!(hidden(&format!("a{c}b")), Some(c), "U+{:04X}", u32::from(c));
        }
    }

    #[test]
    fn joiners_and_selectors_hide_nothing_outside_emoji() {
        for text in [
            "pay\u{200d}bob",
            "a\u{fe0f}",
            "1\u{fe0f}0",
            "\u{200d}👧",
            "👧\u{200d}",
            "👧\u{200d}\u{200d}👧",
            "👧\u{fe0f}\u{fe0f}",
            "🏽\u{200d}👧",
        ] {
            assert!(hidden(text).is_some(), "{text:?}");
        }
    }

    #[test]
    fn a_log_line_stays_one_line() {
        let hostile = "blocks?a\nFAKE\u{1b}[31m\u{202e}x";
        let shown = escaped(hostile);
        assert_eq!(shown, r"blocks?a\u{a}FAKE\u{1b}[31m\u{202e}x");
        assert_eq!(escaped(&shown), shown);
    }

    proptest::proptest! {
        #[test]
        fn what_is_escaped_is_seen_whole(text in "\\PC*|.*|[\\x00-\\x20\\u200b-\\u200f👧❤\\ufe0fa1]*") {
            let shown = escaped(&text);
            proptest::prop_assert_eq!(hidden(&shown), None);
            proptest::prop_assert_eq!(hidden(&text).is_none(), shown == text);
            proptest::prop_assert_eq!(memo(text.as_bytes()).is_some(), !text.is_empty() && hidden(&text).is_none());
        }
    }
}
