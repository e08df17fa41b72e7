//! Tags of components and expressions in views, as far as the checks read them: texts, comments and brackets are followed.

/// What is put on a component begins with one of these, after a space; without one it is a property.
static PREFIXES: [&str; 7] = ["on:", "attr:", "prop:", "class:", "style:", "use:", "bind:"];

/// Before a block that is a part of a value, though no `=` or `|` stands directly before it.
static BLOCK_WORDS: [&str; 5] = ["match", "if", "else", "async", "unsafe"];

/// The name of the component whose tag begins behind this `<`, without its path, and what follows the name and its types. Types in
/// angle brackets can look alike.
pub fn component(tag: &str) -> Option<(&str, &str)> {
    let end = tag
        .find(|sign: char| !(sign.is_ascii_alphanumeric() || sign == '_' || sign == ':'))
        .unwrap_or(tag.len());
    let (path, mut rest) = tag.split_at(end);
    let path = path.strip_suffix("::").unwrap_or(path);
    let name = path.rsplit("::").next()?;
    if !name.starts_with(|sign: char| sign.is_ascii_uppercase()) || name.contains(':') {
        return None;
    }
    if rest.starts_with('<') {
        rest = &rest[closing(rest)? + 1..];
    }
    rest.starts_with([' ', '\n', '{', '/', '>']).then_some((name, rest))
}

/// Whether attributes, handlers or blocks of them stand in the rest of a tag, behind its name.
pub fn put_on(tag: &str) -> bool {
    let mut open = Vec::new();
    // What stands outside of brackets since the last block, a sign in place of each text.
    let mut outside = String::new();
    let mut at = 0;
    while let Some(sign) = tag[at..].chars().next() {
        let (before, rest) = tag.split_at(at);
        if let Some(length) = literal(rest) {
            if open.is_empty() {
                outside.push('"');
            }
            at += length;
            continue;
        }
        if open.is_empty() {
            if is_end(before, rest) {
                return false;
            }
            if begins_attribute(before, rest) || (sign == '{' && is_attribute(&outside)) {
                return true;
            }
            outside.push(sign);
        }
        follow(&mut open, before, sign);
        if sign == '}' && open.is_empty() {
            outside.clear();
        }
        at += sign.len_utf8();
    }
    false
}

/// Whether a tag ends here: at a bracket that is no arrow and compares nothing.
fn is_end(before: &str, rest: &str) -> bool {
    let Some(after) = rest.strip_prefix('>') else {
        return rest.starts_with("/>");
    };
    let begins_line = before.trim_end_matches(' ').ends_with('\n');
    let compares = after.starts_with('=') || (before.ends_with(' ') && after.starts_with(' ') && !begins_line);
    !compares && !before.ends_with(['=', '-'])
}

fn begins_attribute(before: &str, rest: &str) -> bool {
    let mut names = PREFIXES.iter().filter_map(|prefix| rest.strip_prefix(*prefix));
    before.ends_with([' ', '\n']) && names.any(|name| !name.starts_with(':'))
}

/// Whether a block behind this is put on the component, and no part of the value of a property: of a closure, a branch, a macro or a
/// struct.
fn is_attribute(outside: &str) -> bool {
    let before = outside.trim_end();
    let mut words = before.split(|sign: char| !(sign.is_ascii_alphanumeric() || sign == '_'));
    let last = words.clone().next_back().unwrap_or_default();
    let is_struct = last.starts_with(|sign: char| sign.is_ascii_uppercase()) && last.contains(char::is_lowercase);
    !before.ends_with(['=', '|', '!']) && !is_struct && !words.any(|word| BLOCK_WORDS.contains(&word))
}

/// Where the bracket is closed that the text begins with.
pub fn closing(text: &str) -> Option<usize> {
    let first = text.chars().next()?;
    let mut open = vec![first];
    let mut at = first.len_utf8();
    while let Some(sign) = text[at..].chars().next() {
        let (before, rest) = text.split_at(at);
        if let Some(length) = literal(rest) {
            at += length;
            continue;
        }
        follow(&mut open, before, sign);
        if open.is_empty() {
            return Some(at);
        }
        at += sign.len_utf8();
    }
    None
}

/// The `match` or `if` that the text begins with, to where an expression ends.
pub fn expression(text: &str) -> &str {
    let mut open = Vec::new();
    let mut at = 0;
    while let Some(sign) = text[at..].chars().next() {
        let (before, rest) = text.split_at(at);
        if let Some(length) = literal(rest) {
            at += length;
            continue;
        }
        if open.is_empty() && [')', ']', '}', ',', ';'].contains(&sign) {
            return before;
        }
        let was_open = !open.is_empty();
        follow(&mut open, before, sign);
        at += sign.len_utf8();
        if was_open && open.is_empty() && sign == '}' && !text[at..].trim_start().starts_with("else") {
            return &text[..at];
        }
    }
    text
}

/// Follows brackets; angle ones only where they hold types.
fn follow(open: &mut Vec<char>, before: &str, sign: char) {
    match sign {
        '(' | '[' | '{' => open.push(sign),
        '<' if before.ends_with("::") || open.last() == Some(&'<') => open.push(sign),
        '>' if open.last() == Some(&'<') && !before.ends_with('-') => {
            open.pop();
        }
        // An angle one that is still open compared something.
        ')' | ']' | '}' => while open.pop() == Some('<') {},
        _ => {}
    }
}

/// The length of the text, the character or the comment that begins here.
fn literal(rest: &str) -> Option<usize> {
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    if let Some(raw) = rest.strip_prefix('r') {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        let text = raw[hashes..].strip_prefix('"')?;
        let end = format!("\"{}", "#".repeat(hashes));
        let length = text.find(&end).map_or(text.len(), |at| at + end.len());
        return Some(hashes + 2 + length);
    }
    let quote = rest.chars().next().filter(|sign| ['"', '\''].contains(sign))?;
    let mut next = rest.chars().skip(1);
    // A lifetime has one quote only.
    if quote == '\'' && next.next()? != '\\' && next.next()? != '\'' {
        return None;
    }
    let mut escaped = false;
    for (at, sign) in rest.char_indices().skip(1) {
        match sign {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if sign == quote => return Some(at + 1),
            _ => {}
        }
    }
    Some(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_ends_with_its_last_block() {
        for text in [
            "match a { _ => '}' }",
            "if a == (b, c) { 1 } else { 2 }",
            "if a { b(\"{\") }",
        ] {
            for rest in ["} more { }", " /> }", "; { }", ") + 1", " more"] {
                assert_eq!(expression(&format!("{text}{rest}")), text, "{rest}");
            }
        }
    }

    #[test]
    fn brackets_are_closed_behind_texts_and_types() {
        for text in [
            "(a, \"(\", ')')",
            "{ if a < b { \"}\" } }",
            "<Vec<fn() -> A>>",
            "(x.collect::<Vec<_>>())",
            "{ 'life: loop {} // }\n}",
        ] {
            assert_eq!(closing(&format!("{text} rest)}}>")), Some(text.len() - 1), "{text}");
        }
        assert_eq!(closing("(\")\""), None);
    }
}
