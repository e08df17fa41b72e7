//! What no message repeats of the command line and of the environment: user and password in URLs, and keys and phrases that
//! were typed in the place of something else. Messages end up in logs, in bug reports and on shared screens.

/// Stands where something was left out.
const MARK: &str = "…";
/// Words in a row from which arguments could be a phrase.
const WORDS: usize = 10;
/// Shortest password, and user with password, in bytes, that is looked for by itself: a shorter one would be found in ordinary
/// words.
const SHORT: usize = 4;
/// Shortest user without a password that is looked for by itself. Tokens are longer, names are often words of messages.
const TOKEN: usize = 8;

/// A URL as messages show it: without user, password, query and fragment; nothing of a key or a phrase in a URL's place.
pub fn shown(url: &str) -> String {
    if looks_secret(url) {
        return MARK.to_owned();
    }
    // A password may hold any sign, where no program escaped it: what counts is the last `@`.
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

/// Text that is left out, and what stands in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Piece {
    text: String,
    shown: String,
}

impl Piece {
    /// Left out wherever it stands.
    fn anywhere(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            shown: MARK.to_owned(),
        }
    }

    /// Left out where it stands as the user of a URL.
    fn as_user(begins: &str, user_info: &str) -> Self {
        Self {
            text: format!("{begins}{user_info}@"),
            shown: format!("{begins}{MARK}@"),
        }
    }

    /// The same as `{:?}` writes it.
    fn quoted(&self) -> Self {
        let quoted = format!("{:?}", self.text);
        Self {
            text: quoted[1..quoted.len() - 1].to_owned(),
            shown: self.shown.clone(),
        }
    }
}

/// User and password of a URL, in their place and by themselves, and the password by itself.
fn credentials(url: &str) -> Vec<Piece> {
    let Some((before, _)) = url.rsplit_once('@') else {
        return Vec::new();
    };
    let (begins, user_info) = match before.split_once("://") {
        Some((_, user_info)) => ("//", user_info),
        None => ("", before),
    };
    let password = user_info.split_once(':').map(|(_, password)| password);
    // Without a scheme and a password it is no URL.
    if user_info.is_empty() || (begins.is_empty() && password.is_none()) {
        return Vec::new();
    }
    let least = if password.is_some() { SHORT } else { TOKEN };
    let alone = [Some(user_info).filter(|all| all.len() >= least), password];
    let alone = alone.into_iter().flatten().filter(|text| text.len() >= SHORT);
    let mut pieces = vec![Piece::as_user(begins, user_info)];
    pieces.extend(alone.map(Piece::anywhere));
    pieces
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
    pieces: Vec<Piece>,
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
            pieces.extend(credentials(value));
            // What `shown` leaves out is left out of what repeats the value as it was typed, too.
            let has_more = value.contains("://") && shown(value) != value;
            if has_more || reads_as_phrase(value) {
                pieces.push(Piece::anywhere(value));
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
        pieces.extend(values.filter(|value| looks_like_key(value)).map(Piece::anywhere));
        let is_word = |text: &str| !text.is_empty() && text.chars().all(char::is_alphabetic);
        let runs = arguments.chunk_by(|one, other| is_word(one) && is_word(other));
        for run in runs.filter(|run| run.len() >= WORDS) {
            // As the message quotes it; the bare word may stand anywhere.
            pieces.extend(run.iter().map(|word| Piece::anywhere(&format!("'{word}'"))));
        }
        let pieces = longest_first(pieces);
        Self { pieces, arguments }
    }

    /// The text without them.
    pub fn out_of(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for Piece { text: piece, shown } in &self.pieces {
            text = text.replace(piece, shown);
        }
        text
    }
}

/// The pieces, and each as `{:?}` writes it; what holds another comes before it.
fn longest_first(mut pieces: Vec<Piece>) -> Vec<Piece> {
    let quoted: Vec<Piece> = pieces.iter().map(Piece::quoted).collect();
    pieces.extend(quoted);
    pieces.sort_unstable_by_key(|piece| std::cmp::Reverse(piece.text.len()));
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
    fn a_short_user_is_left_out_in_its_place_only() {
        let sentence = "no answer from the node at all; inform an admin";
        for url in [
            "https://a@host",
            "https://node@host",
            "https://admin@host",
            "https://a:@host",
            "https://a:b@host",
            "a:b@host",
        ] {
            let hidden = Hidden::of_url(url);
            assert_eq!(hidden.out_of(sentence), sentence, "{url}");
            let (before, host) = url.rsplit_once('@').expect("each has a user");
            let begins = before.split_once("://").map_or("", |_| "//");
            let user = before.rsplit_once('/').map_or(before, |(_, user)| user);
            let text = format!("user {begins}{user}@{host} is not known");
            assert_eq!(
                hidden.out_of(&text),
                format!("user {begins}…@host is not known"),
                "{url}"
            );
            assert!(
                !hidden
                    .out_of(&format!("in {url:?}"))
                    .contains(&format!("{begins}{user}@")),
                "{url}"
            );
        }
        assert_eq!(Hidden::of_url("https://a@host").out_of("data@host"), "data@host");
        // Tokens and passwords are left out wherever they stand.
        for (url, text, expected) in [
            ("https://f0a1b2c3@host", "token f0a1b2c3", "token …"),
            ("https://a:word@host", "with word", "with …"),
            ("https://ann:pw@host", "with ann:pw, and pw", "with …, and pw"),
        ] {
            assert_eq!(Hidden::of_url(url).out_of(text), expected, "{url}");
        }
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
