//! What no message repeats of the command line and of the environment: user and password in URLs, and keys and phrases that
//! were typed in the place of something else. Messages end up in logs, in bug reports and on shared screens.

/// Stands where something was left out.
const MARK: &str = "…";
/// Words in a row from which arguments could be a phrase.
const WORDS: usize = 10;
/// Shortest password, in bytes, that is looked for by itself: a shorter one would be found in ordinary words.
const SHORT: usize = 4;

/// A URL as messages show it: without user, password, query and fragment.
pub fn shown(url: &str) -> String {
    // A password may hold any sign, where nobody escaped it: what counts is the last `@`.
    let (scheme, hidden, rest) = match (url.rsplit_once('@'), url.split_once("://")) {
        (Some((before, rest)), _) => (scheme_of(before), "…@", rest),
        (None, Some((scheme, rest))) => (Some(scheme), "", rest),
        (None, None) => (None, "", url),
    };
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let authority = rest.split('/').next().unwrap_or_default();
    let port = authority.rsplit_once(':').map(|(_, port)| port);
    // Other than digits after the colon: a user and a password without a host.
    let is_port = |port: &str| port.ends_with(']') || port.bytes().all(|byte| byte.is_ascii_digit());
    let rest = if port.is_none_or(is_port) { rest } else { MARK };
    match scheme {
        Some(scheme) => format!("{scheme}://{hidden}{rest}"),
        None => format!("{hidden}{rest}"),
    }
}

/// The scheme of what stands before the `@`, if it is one.
fn scheme_of(before: &str) -> Option<&str> {
    let (scheme, _) = before.split_once("://")?;
    scheme
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric())
        .then_some(scheme)
}

/// User and password of a URL, and the password by itself.
fn credentials(url: &str) -> Vec<&str> {
    let Some((before, _)) = url.rsplit_once('@') else {
        return Vec::new();
    };
    let (is_url, user_info) = match before.split_once("://") {
        Some((_, user_info)) => (true, user_info),
        None => (false, before),
    };
    let password = user_info.split_once(':').map(|(_, password)| password);
    let whole = Some(user_info).filter(|user_info| !user_info.is_empty() && (is_url || password.is_some()));
    whole
        .into_iter()
        .chain(password.filter(|password| password.len() >= SHORT))
        .collect()
}

/// Whether a text could be a key in hex: it has far more digits than an address.
pub fn looks_like_key(text: &str) -> bool {
    const HEX_DIGITS: usize = 48;
    let digits = text
        .strip_prefix("0x")
        .or_else(|| text.strip_prefix("0X"))
        .unwrap_or(text);
    digits.len() >= HEX_DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether a text that was typed for a name could be a key or a phrase.
pub fn looks_secret(text: &str) -> bool {
    looks_like_key(text) || looks_like_phrase(text)
}

fn looks_like_phrase(text: &str) -> bool {
    !text.contains(['/', '\\']) && tally_chain::words::count(text) >= WORDS
}

/// The same of what messages name: ids and addresses have letters between their digits, and are no words.
fn reads_as_phrase(text: &str) -> bool {
    let parted = |c: char| c.is_whitespace() || c == ',' || !c.is_ascii();
    text.contains(parted) && looks_like_phrase(text)
}

/// Pieces of text that are left out of messages.
#[derive(Clone)]
pub struct Hidden {
    pieces: Vec<String>,
    arguments: Vec<String>,
}

impl Hidden {
    /// What this process was started with.
    pub fn of_process() -> Self {
        let text = |value: std::ffi::OsString| value.to_string_lossy().into_owned();
        let arguments: Vec<String> = std::env::args_os().skip(1).map(text).collect();
        // Those that may hold a URL. Passwords and phrases are not copied: no message is made of their variables.
        let named = |name: &str| {
            let ours =
                name.starts_with("TALLY_") && !["PASS", "PHRASE", "TOKEN"].iter().any(|part| name.contains(part));
            ours || name.to_ascii_lowercase().ends_with("_proxy")
        };
        let variables = std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(named));
        let variables: Vec<String> = variables.map(|(_, value)| text(value)).collect();
        Self::of(arguments, &variables)
    }

    /// Of a URL alone.
    pub fn of_url(url: &str) -> Self {
        Self::of(vec![url.to_owned()], &[])
    }

    /// Of these arguments and values of variables.
    fn of(arguments: Vec<String>, variables: &[String]) -> Self {
        let mut pieces = Vec::new();
        let values = arguments.iter().chain(variables).map(|text| value_of(text));
        for value in values {
            pieces.extend(credentials(value).into_iter().map(str::to_owned));
            // What `shown` leaves out is left out of what repeats the value as it was typed, too.
            let has_more = value.contains("://") && shown(value) != value;
            if has_more || reads_as_phrase(value) {
                pieces.push(value.to_owned());
            }
        }
        let pieces = longest_first(pieces);
        Self { pieces, arguments }
    }

    /// The same, and all that only a wrong command line repeats: keys, and a phrase whose words are arguments of their own.
    /// Elsewhere digits of that length are ids, which messages have to name.
    pub fn with_keys(self) -> Self {
        let Self { mut pieces, arguments } = self;
        let values = arguments.iter().map(|text| value_of(text));
        pieces.extend(values.filter(|value| looks_like_key(value)).map(str::to_owned));
        let is_word = |text: &str| !text.is_empty() && text.chars().all(char::is_alphabetic);
        let runs = arguments.chunk_by(|one, other| is_word(one) && is_word(other));
        for run in runs.filter(|run| run.len() >= WORDS) {
            // As the message quotes it; the bare word may stand anywhere.
            pieces.extend(run.iter().map(|word| format!("'{word}'")));
        }
        let pieces = longest_first(pieces);
        Self { pieces, arguments }
    }

    /// The text without them.
    pub fn out_of(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for piece in &self.pieces {
            text = text.replace(piece, MARK);
        }
        text
    }
}

/// The pieces, and each as `{:?}` writes it; what holds another comes before it.
fn longest_first(mut pieces: Vec<String>) -> Vec<String> {
    let quoted: Vec<String> = pieces.iter().map(|piece| format!("{piece:?}")).collect();
    pieces.extend(quoted.iter().map(|text| text[1..text.len() - 1].to_owned()));
    pieces.sort_unstable_by_key(|piece| std::cmp::Reverse(piece.len()));
    pieces
}

/// The value of an argument such as `--node=VALUE`, or all of it.
fn value_of(argument: &str) -> &str {
    match argument.split_once('=') {
        Some((name, value)) if name.starts_with("--") => value,
        _ => argument,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_what_only_its_owner_knows() {
        for (url, expected) in [
            ("https://ledger.example.org", "https://ledger.example.org"),
            ("http://127.0.0.1:8080/below", "http://127.0.0.1:8080/below"),
            ("http://[2001:db8::7]", "http://[2001:db8::7]"),
            ("http://[2001:db8::7]:8080", "http://[2001:db8::7]:8080"),
            ("https://ann:secret@host:1", "https://…@host:1"),
            ("https://ann@host", "https://…@host"),
            ("https://ann:s/e?c#r@et@host/a", "https://…@host/a"),
            ("https://ann:se cret@host", "https://…@host"),
            ("ann:secret@host:1", "…@host:1"),
            ("ann:secret@http://host", "…@http://host"),
            ("https://ann:secret", "https://…"),
            ("ann:secret", "…"),
            ("https://host/?token=secret", "https://host/"),
            ("https://host#secret", "https://host"),
            ("nonsense", "nonsense"),
        ] {
            assert_eq!(shown(url), expected, "{url}");
        }
    }

    fn texts(all: &[&str]) -> Vec<String> {
        all.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn messages_are_searched_for_what_was_typed() {
        let phrase = "legal winner thank year wave sausage worth useful legal winner thank yellow";
        let key = "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d";
        let arguments = texts(&["wallet", "--node=http://ann:se\"cret@host", key, "0x12", phrase]);
        let variables = texts(&["https://bob:hidden@other", "pw@x"]);
        let hidden = Hidden::of(arguments, &variables);
        for (text, expected) in [
            ("no answer from http://ann:se\"cret@host", "no answer from …"),
            ("node \"http://ann:se\\\"cret@host\"", "node \"…\""),
            ("user ann:se\"cret", "user …"),
            ("the password is se\"cret", "the password is …"),
            ("https://bob:hidden@other", "…"),
            ("pw@x is no URL", "pw@x is no URL"),
            ("0x12 is no address", "0x12 is no address"),
        ] {
            assert_eq!(hidden.out_of(text), expected);
        }
        assert_eq!(hidden.out_of(&format!("no {phrase:?}")), "no \"…\"");
        assert_eq!(hidden.out_of(key), key, "it may be an id");
        let address = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
        let named = Hidden::of(texts(&[address, "tally-proposal-1.a1b2c3d4e5f6a7b8c9d0e1f2"]), &[]).with_keys();
        assert_eq!(named.out_of(address), address);
        assert_eq!(named.out_of("a1b2c3"), "a1b2c3");
        assert_eq!(hidden.with_keys().out_of(&format!("'{key}'")), "'…'");

        let words: Vec<String> = phrase.split(' ').map(str::to_owned).collect();
        let arguments = [texts(&["wallet", "restore", "--yes"]), words].concat();
        let hidden = Hidden::of(arguments, &[]).with_keys();
        assert_eq!(
            hidden.out_of("unexpected argument 'legal' found"),
            "unexpected argument … found"
        );
        assert_eq!(hidden.out_of("'restore' needs more"), "'restore' needs more");
    }
}
