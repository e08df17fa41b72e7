//! Rust source without what the lints must not see: comments, literals and tests.

/// The source with comments and the insides of string and character literals blanked out, line breaks kept.
pub fn code_only(source: &str) -> String {
    let chars: Vec<char> = source.chars().collect();
    let mut out = String::with_capacity(source.len());
    let mut at = 0;
    while at < chars.len() {
        let end = token_to_blank(&chars, at);
        if end > at {
            out.extend(chars[at..end].iter().map(|&c| if c == '\n' { '\n' } else { ' ' }));
            at = end;
        } else {
            out.push(chars[at]);
            at += 1;
        }
    }
    out
}

/// The end of the comment or literal that begins at `at`; `at` itself if none does.
fn token_to_blank(chars: &[char], at: usize) -> usize {
    let next = chars.get(at + 1).copied();
    match chars[at] {
        '/' if next == Some('/') => find(chars, at, |rest| rest[0] == '\n'),
        '/' if next == Some('*') => block_comment(chars, at),
        '"' => string(chars, at + 1),
        'r' if !follows_identifier(chars, at) => raw_string(chars, at),
        '\'' => character(chars, at),
        _ => at,
    }
}

fn find(chars: &[char], from: usize, stop: impl Fn(&[char]) -> bool) -> usize {
    (from..chars.len()).find(|&i| stop(&chars[i..])).unwrap_or(chars.len())
}

fn block_comment(chars: &[char], at: usize) -> usize {
    let (mut depth, mut i) = (0_usize, at);
    while i < chars.len() {
        match (chars[i], chars.get(i + 1)) {
            ('/', Some('*')) => (depth, i) = (depth + 1, i + 2),
            ('*', Some('/')) => (depth, i) = (depth - 1, i + 2),
            _ => i += 1,
        }
        if depth == 0 {
            break;
        }
    }
    i
}

fn string(chars: &[char], mut i: usize) -> usize {
    while i < chars.len() && chars[i] != '"' {
        i += if chars[i] == '\\' { 2 } else { 1 };
    }
    (i + 1).min(chars.len())
}

fn raw_string(chars: &[char], at: usize) -> usize {
    let hashes = chars[at + 1..].iter().take_while(|&&c| c == '#').count();
    if chars.get(at + 1 + hashes) != Some(&'"') {
        return at;
    }
    let closes = |rest: &[char]| rest[0] == '"' && rest.len() > hashes && rest[1..=hashes].iter().all(|&c| c == '#');
    (find(chars, at + 2 + hashes, closes) + 1 + hashes).min(chars.len())
}

/// A character literal; a lifetime is left alone.
fn character(chars: &[char], at: usize) -> usize {
    match (chars.get(at + 1), chars.get(at + 2)) {
        (Some('\\'), _) => find(chars, at + 3, |rest| rest[0] == '\'') + 1,
        (Some(_), Some('\'')) => at + 3,
        _ => at,
    }
}

fn follows_identifier(chars: &[char], at: usize) -> bool {
    // `br"…"` is a raw string too; any other letter before the `r` makes it part of a name.
    let before = at.checked_sub(1).map(|i| chars[i]);
    let name = |c: char| c.is_alphanumeric() || c == '_';
    match before {
        Some('b') => at >= 2 && name(chars[at - 2]),
        Some(c) => name(c),
        None => false,
    }
}

/// Blanks out every item under `#[cfg(test)]`. Takes what [`code_only`] gives.
pub fn without_tests(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut out = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(start) = rest.find(MARK) {
        out.push_str(&rest[..start]);
        let end = start + item_end(&rest[start..]);
        out.extend(rest[start..end].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        rest = &rest[end..];
    }
    out + rest
}

/// Where the item that begins here ends: after its matching brace, or after a `;` before any brace.
fn item_end(code: &str) -> usize {
    let mut depth = 0_usize;
    for (at, c) in code.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 1 => return at + 1,
            '}' => depth = depth.saturating_sub(1),
            ';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    code.len()
}

/// Names of the modules that stand in other files and are compiled for tests only. Takes what [`code_only`] gives.
pub fn test_modules(code: &str) -> Vec<&str> {
    code.split("#[cfg(test)]")
        .skip(1)
        .filter_map(|after| {
            let item = &after[..item_end(after)];
            let (_, name) = item.split_once("mod ")?;
            name.strip_suffix(';').map(str::trim)
        })
        .collect()
}

/// The line numbers, from 1, on which `word` stands alone (not inside a longer name).
pub fn lines_with_word(code: &str, word: &str) -> Vec<usize> {
    let name = |c: char| c.is_alphanumeric() || c == '_';
    code.lines()
        .enumerate()
        .filter(|(_, line)| {
            line.match_indices(word).any(|(at, _)| {
                let before = line[..at].chars().next_back();
                let after = line[at + word.len()..].chars().next();
                !before.is_some_and(|c| name(c) && name(word.chars().next().unwrap_or(' ')))
                    && !after.is_some_and(|c| name(c) && name(word.chars().next_back().unwrap_or(' ')))
            })
        })
        .map(|(number, _)| number + 1)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_blanked() {
        let source =
            "let a = \"f64 \\\" f64\"; // f64\n/* f64 /* f64 */ f64 */ let c = '\"'; let r = r#\"f64 \"f64\"#; f32";
        let code = code_only(source);
        assert!(!code.contains("f64"), "{code}");
        assert!(code.contains("f32"));
        assert_eq!(code.lines().count(), source.lines().count());
    }

    #[test]
    fn lifetimes_and_names_with_r_are_left_alone() {
        let source = "fn for_each<'a>(r: &'a str, br: u8) -> f64";
        assert_eq!(code_only(source), source);
    }

    #[test]
    fn test_modules_are_blanked_and_what_follows_is_kept() {
        let code = "fn a() {}\n#[cfg(test)]\nmod tests { fn b() { c.unwrap() } }\nfn d() { e.unwrap() }\n";
        assert_eq!(lines_with_word(&without_tests(code), ".unwrap()"), [4]);
        let code = "#[cfg(test)]\nmod tests;\nfn d() { e.unwrap() }\n";
        assert_eq!(lines_with_word(&without_tests(code), ".unwrap()"), [3]);
    }

    #[test]
    fn words_are_whole() {
        assert_eq!(
            lines_with_word("Instant\nInstantly\nmy_Instant\nstd::time::Instant::now()", "Instant"),
            [1, 4]
        );
    }
}
