//! Stand-in until the chain crate's list lands.

use std::borrow::Cow;

fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

pub fn escaped(text: &str) -> Cow<'_, str> {
    match text.chars().any(is_hidden) {
        false => Cow::Borrowed(text),
        true => Cow::Owned(
            text.chars()
                .flat_map(|c| {
                    let escaped = is_hidden(c).then(|| c.escape_unicode());
                    let same = escaped.is_none().then_some(c);
                    escaped.into_iter().flatten().chain(same)
                })
                .collect(),
        ),
    }
}

#[cfg(test)]
pub fn hidden(text: &str) -> Option<char> {
    text.chars().find(|c| is_hidden(*c))
}
