//! Counts in messages: `1 block`, `2 blocks`.

use std::fmt::Display;

/// A number and what is counted, in the form that belongs to the number.
pub fn counted<N: Display + PartialEq + From<u8>>(count: N, one: &str, many: &str) -> String {
    let noun = if count == N::from(1) { one } else { many };
    format!("{count} {noun}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_one_and_none_are_many() {
        let texts = [0_u64, 1, 2, 21].map(|count| counted(count, "entry", "entries"));
        assert_eq!(texts, ["0 entries", "1 entry", "2 entries", "21 entries"]);
    }
}
