//! Why a read failed, as a sentence for the reader, and how answers and failures travel.

use std::convert::Infallible;
use std::fmt;

use leptos::server_fn::codec::Post;
use leptos::server_fn::error::{FromServerFnError, ServerFnError, ServerFnErrorEncoding, ServerFnErrorErr};
use leptos::server_fn::{Bytes, ContentType, Decodes, Encodes, Format, FormatType};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::error::Category;
use tally_api::ProblemBody;
use tally_api::problem::{line, readable};

/// How the sentence about an answer begins that no node made.
const NOT_OURS: &str = "the answer is not one of a Tally node; a proxy may stand between";
/// How the sentence about JSON of another shape begins.
const OTHER_VERSION: &str = "the node may be of another version: reload the page";
/// How the sentence about half an answer begins.
const BROKEN_OFF: &str = "the answer broke off";

/// Why a read failed; shown, it is a sentence for the reader.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReadFailure {
    /// The node, or the way to it, as server functions name it.
    Named(ServerFnError),
    /// What came cannot be read: what is known of it, in a sentence.
    Unreadable(String),
}

impl fmt::Display for ReadFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Anything can call itself the answer of a node: nothing of it is hidden, and none of it is long.
            Self::Named(error) => f.write_str(&line(&error.to_string())),
            Self::Unreadable(sentence) => f.write_str(sentence),
        }
    }
}

impl From<ServerFnError> for ReadFailure {
    fn from(error: ServerFnError) -> Self {
        Self::Named(error)
    }
}

impl FromServerFnError for ReadFailure {
    type Encoder = FailureEncoding;

    fn from_server_fn_error(value: ServerFnErrorErr) -> Self {
        match value {
            // From `parse`, or from the browser, whose words begin otherwise.
            ServerFnErrorErr::Deserialization(why) if is_sentence(&why) => Self::Unreadable(why),
            ServerFnErrorErr::Deserialization(why) => Self::Unreadable(broken_off(&why)),
            other => Self::Named(ServerFnError::from_server_fn_error(other)),
        }
    }
}

/// How the answer of a read travels.
pub type Answers = Post<AnswerEncoding>;

/// JSON; what is not, is named as far as it can be read.
pub struct AnswerEncoding;

impl ContentType for AnswerEncoding {
    const CONTENT_TYPE: &'static str = "application/json";
}

impl FormatType for AnswerEncoding {
    const FORMAT_TYPE: Format = Format::Text;
}

impl<T: Serialize> Encodes<T> for AnswerEncoding {
    type Error = serde_json::Error;

    fn encode(output: &T) -> Result<Bytes, Self::Error> {
        serde_json::to_vec(output).map(Bytes::from)
    }
}

impl<T: DeserializeOwned> Decodes<T> for AnswerEncoding {
    type Error = String;

    fn decode(bytes: Bytes) -> Result<T, Self::Error> {
        parse(&bytes)
    }
}

/// A failed read as server functions write it, whole where a proxy wrote something else: their own decoder loses a part of that.
pub struct FailureEncoding;

impl ContentType for FailureEncoding {
    const CONTENT_TYPE: &'static str = ServerFnErrorEncoding::CONTENT_TYPE;
}

impl FormatType for FailureEncoding {
    const FORMAT_TYPE: Format = ServerFnErrorEncoding::FORMAT_TYPE;
}

impl Encodes<ReadFailure> for FailureEncoding {
    type Error = fmt::Error;

    fn encode(failure: &ReadFailure) -> Result<Bytes, Self::Error> {
        let named: ServerFnError = match failure {
            ReadFailure::Named(error) => error.clone(),
            ReadFailure::Unreadable(sentence) => ServerFnError::Deserialization(sentence.clone()),
        };
        ServerFnErrorEncoding::encode(&named)
    }
}

impl Decodes<ReadFailure> for FailureEncoding {
    type Error = Infallible;

    fn decode(bytes: Bytes) -> Result<ReadFailure, Self::Error> {
        let named: Result<ServerFnError, String> = ServerFnErrorEncoding::decode(bytes.clone());
        Ok(named.map_or_else(|_| ReadFailure::Unreadable(not_named(&bytes)), ReadFailure::Named))
    }
}

/// Reads the body of an answer of success.
///
/// # Errors
/// A sentence: the JSON has another shape, it broke off, or it is none.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    let (text, rest) = text(body).ok_or_else(|| not_ours(body))?;
    let read = serde_json::from_str(text).map_err(|error| match error.classify() {
        Category::Data => format!("{OTHER_VERSION} ({})", line(&error.to_string())),
        Category::Eof if !body.trim_ascii().is_empty() => broken_off(&error.to_string()),
        Category::Eof | Category::Syntax | Category::Io => not_ours(body),
    })?;
    if rest.is_empty() { Ok(read) } else { Err(not_ours(body)) }
}

/// The body as text, and what is left of a character in which it broke off; none where it is no text, and so no JSON. What the
/// server put into the page is read from text too: with a second reader, from bytes, generated for each type, the pages would be a
/// tenth larger.
fn text(body: &[u8]) -> Option<(&str, &[u8])> {
    match std::str::from_utf8(body) {
        Ok(text) => Some((text, &[])),
        Err(error) if error.error_len().is_some() => None,
        Err(error) => {
            let (text, rest) = body.split_at(error.valid_up_to());
            Some((std::str::from_utf8(text).ok()?, rest))
        }
    }
}

/// The sentence about an answer of which only a part came.
pub fn broken_off(why: &str) -> String {
    format!("{BROKEN_OFF} ({})", line(why))
}

/// An answer with the status of an error that is not in the form of server functions: a problem of the node's limits, or what
/// something between wrote.
fn not_named(body: &[u8]) -> String {
    ProblemBody::of_node(body).map_or_else(|| not_ours(body), |problem| problem.sentence())
}

fn not_ours(body: &[u8]) -> String {
    format!("{NOT_OURS}: {}", readable(body))
}

fn is_sentence(why: &str) -> bool {
    [NOT_OURS, OTHER_VERSION, BROKEN_OFF]
        .iter()
        .any(|begin| why.starts_with(begin))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As a read of the browser fails by an answer with the status of an error.
    fn failed(body: &str) -> String {
        ReadFailure::de(Bytes::from(body.to_owned())).to_string()
    }

    /// As a read of the browser fails by an answer of success.
    fn unread(body: &[u8]) -> String {
        let why = <AnswerEncoding as Decodes<Option<ProblemBody>>>::decode(Bytes::copy_from_slice(body))
            .expect_err("it is no such answer");
        ReadFailure::from_server_fn_error(ServerFnErrorErr::Deserialization(why)).to_string()
    }

    #[test]
    fn what_a_proxy_answers_to_a_read_is_shown_as_text() {
        for (page, text) in [
            (
                "<html>\r\n<h1>502 Bad Gateway</h1>\r\n<hr>nginx\r\n</html>\r\n",
                "502 Bad Gateway nginx",
            ),
            // Server functions divide at this sign.
            (
                "<title>host | 502: Bad gateway</title><h1>Error | 502</h1>",
                "host | 502: Bad gateway Error | 502",
            ),
            ("no healthy upstream", "no healthy upstream"),
            (r#"{"error":"no upstream"}"#, "no upstream"),
            ("", "it has no text"),
        ] {
            assert_eq!(failed(page), format!("{NOT_OURS}: {text}"));
        }
        assert!(failed(&"x".repeat(100_000)).len() < 500);
        assert!(failed(&"\u{e0001}|".repeat(100_000)).len() < 500);
        // What the node rejects before a read begins is a problem.
        let busy =
            r#"{"type":"/problems/busy","title":"T","status":503,"detail":"the node is \"busy\" | full","limit":64}"#;
        assert_eq!(failed(busy), "the node is \"busy\" | full");
    }

    #[test]
    fn the_nodes_own_words_stay() {
        for own in [
            ServerFnError::new("the node | is busy"),
            ServerFnError::Args("missing field `id`".to_owned()),
        ] {
            let failure = ReadFailure::from(own.clone());
            assert_eq!(failure.to_string(), own.to_string());
            assert_eq!(failure.ser(), own.ser());
            assert_eq!(ReadFailure::de(failure.ser()), failure);
        }
    }

    #[test]
    fn what_calls_itself_a_nodes_words_hides_nothing_and_is_cut() {
        let shown = |words: String| ReadFailure::de(ReadFailure::from(ServerFnError::new(words)).ser()).to_string();
        let hidden = shown("a\u{202e}b".to_owned());
        assert!(hidden.ends_with(": a\\u{202e}b"), "{hidden}");
        assert_eq!(shown("x".repeat(3 << 20)).chars().count(), 301);
        let problem =
            serde_json::json!({"type": "/problems/busy", "title": "T", "status": 503, "detail": "a\u{202e}b"});
        assert_eq!(failed(&problem.to_string()), "a\\u{202e}b");
    }

    #[test]
    fn an_answer_of_success_that_cannot_be_read_is_named_for_what_it_is() {
        let whole = br#"{"type":"/problems/busy","title":"T","status":503,"detail":"d"}"#;
        let read: ProblemBody = parse(whole).expect("JSON of this shape");
        assert_eq!(read.detail, "d");
        for (body, begin) in [
            (r#"{"type":"/problems/busy"}"#, "missing field `title`"),
            (r#""old""#, "invalid type"),
        ] {
            let shown = unread(body.as_bytes());
            assert!(shown.starts_with(&format!("{OTHER_VERSION} ({begin}")), "{shown}");
        }
        let long = format!("\"{}\"", "\u{202e}".repeat(100_000));
        assert!(unread(long.as_bytes()).len() < 500);
        for length in [1, 10, whole.len() - 1] {
            let shown = unread(&whole[..length]);
            assert!(shown.starts_with(BROKEN_OFF), "{shown}");
        }
        let within_a_character = "{\"type\":\"é".as_bytes();
        let shown = unread(&within_a_character[..within_a_character.len() - 1]);
        assert!(shown.starts_with(BROKEN_OFF), "{shown}");
        for bytes in [&b"{\"type\":\"\xff\"}"[..], b"null\xff", b"null\xc3"] {
            let shown = unread(bytes);
            assert!(shown.starts_with(NOT_OURS), "{shown}");
        }
        for (body, text) in [
            ("<html><h1>Log in</h1>", "Log in"),
            ("  \n", "it has no text"),
            ("Hello", "Hello"),
        ] {
            assert_eq!(unread(body.as_bytes()), format!("{NOT_OURS}: {text}"));
        }
    }

    #[test]
    fn a_body_that_the_browser_could_not_read_to_its_end_broke_off() {
        let error = ServerFnErrorErr::Deserialization("TypeError: network error".to_owned());
        assert_eq!(
            ReadFailure::from_server_fn_error(error).to_string(),
            "the answer broke off (TypeError: network error)"
        );
    }
}
