//! Errors: problems of RFC 9457 with a stable type.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tally_chain::visible;

/// Media type of RFC 9457.
pub const MEDIA_TYPE: &str = "application/problem+json";
/// How the types of a node's problems begin.
const OURS: &str = "/problems/";
/// The type of a problem that no node made (RFC 9457).
const BLANK: &str = "about:blank";
/// Bytes of an answer in which a text to show is looked for.
const MAX_SEARCHED: usize = 16 * 1_024;
/// Most characters of a text that no node made.
const MAX_SHOWN: usize = 300;

/// A problem as it travels (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[error("{title}: {detail}{}", request_id.as_ref().map(|id| format!(" (request {id})")).unwrap_or_default())]
pub struct ProblemBody {
    /// Stable path that names the kind of problem; the page behind it explains it.
    #[serde(rename = "type")]
    #[cfg_attr(feature = "openapi", schema(example = "/problems/nonce-too-low"))]
    pub kind: String,
    /// One sentence about every problem of this kind.
    #[cfg_attr(feature = "openapi", schema(example = "The nonce was used before"))]
    pub title: String,
    /// The HTTP status of the answer.
    #[cfg_attr(feature = "openapi", schema(example = 409))]
    pub status: u16,
    /// This very occurrence.
    #[cfg_attr(feature = "openapi", schema(example = "nonce is 3, the account is already at 5"))]
    pub detail: String,
    /// The id that the node's log has for this request; also in the header `x-request-id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "5f0c6a5b1e0d4c7a"))]
    pub request_id: Option<String>,
    /// The field at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "nonce"))]
    pub field: Option<Value>,
    /// The limit that was passed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<Value>,
    /// What the request had.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<Value>,
    /// What it should have had.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<Value>,
    /// Further members that belong to the type.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

impl ProblemBody {
    /// The stable name, the last part of the type: `nonce-too-low`.
    pub fn name(&self) -> &str {
        self.kind.rsplit('/').next().unwrap_or_default()
    }

    /// Reads an answer with the status of an error, from its HTTP status and its body, whatever sent it. A proxy answers with a
    /// problem that lacks members, with other JSON, with HTML or with nothing: that is a problem of the type `about:blank`, with
    /// what can be read of it, as [`readable`] shows it.
    pub fn of_answer(status: u16, body: &[u8]) -> Self {
        Self::of_node(body).unwrap_or_else(|| Self::foreign(status, body))
    }

    /// Reads a problem that a node made; none where the body is anything else.
    pub fn of_node(body: &[u8]) -> Option<Self> {
        let problem: Self = serde_json::from_slice(body).ok()?;
        problem.kind.starts_with(OURS).then_some(problem)
    }

    fn foreign(status: u16, body: &[u8]) -> Self {
        Self {
            kind: BLANK.to_owned(),
            title: format!("the answer with status {status} is not one of a Tally node; a proxy may stand between"),
            status,
            detail: readable(body),
            request_id: None,
            field: None,
            limit: None,
            found: None,
            expected: None,
            more: Map::new(),
        }
    }

    /// What a page shows of it: this very occurrence, and of an answer that no node made what that means. As [`line`] shows it:
    /// anything can call itself the answer of a node.
    pub fn sentence(&self) -> String {
        match self.kind == BLANK {
            true => format!("{}: {}", self.title, line(&self.detail)),
            false => line(&self.detail),
        }
    }
}

/// The members in which programs put their errors, as far as they are texts; none where there is no such text.
fn error_texts(json: &Value) -> Option<String> {
    if let Value::String(text) = json {
        return Some(text.clone());
    }
    let members = ["title", "detail", "message", "error"];
    let texts = members.iter().filter_map(|name| json.get(name)?.as_str());
    let texts: Vec<&str> = texts.filter(|text| !text.trim().is_empty()).collect();
    (!texts.is_empty()).then(|| texts.join(": "))
}

/// A text as it is; of HTML what stands between its tags.
fn words(text: &str) -> String {
    let mut rest = text.trim_start();
    if !rest.starts_with('<') {
        return rest.to_owned();
    }
    let mut words = String::new();
    while let Some((before, tag)) = rest.split_once('<') {
        words.push_str(before);
        words.push(' ');
        let (tag, after) = tag.split_once('>').unwrap_or((tag, ""));
        let is = |name: &str| {
            tag.get(..name.len())
                .is_some_and(|begin| begin.eq_ignore_ascii_case(name))
        };
        // What these hold is not for readers.
        rest = match ["style", "script"].into_iter().find(|&name| is(name)) {
            Some(name) => from_end_tag(after, name),
            None => after,
        };
    }
    words + rest
}

/// The text from the end tag of this element on, in upper or lower case; empty where it is not closed.
fn from_end_tag<'a>(text: &'a str, name: &str) -> &'a str {
    let end = format!("</{name}");
    let mut places = text.as_bytes().windows(end.len());
    let found = places.position(|place| place.eq_ignore_ascii_case(end.as_bytes()));
    found.map_or("", |at| &text[at..])
}

/// What can be read of an answer that no node made: of JSON the texts of its error, or all of it where it has none in a known
/// place; of HTML what stands between its tags; else the text. As [`line`] shows it; a sentence where there is no text.
pub fn readable(body: &[u8]) -> String {
    let searched = &body[..body.len().min(MAX_SEARCHED)];
    let text = String::from_utf8_lossy(searched);
    let found = match serde_json::from_slice::<Value>(body) {
        Ok(json) => error_texts(&json).unwrap_or_else(|| text.into_owned()),
        Err(_) => words(&text),
    };
    match line(&found) {
        shown if !shown.is_empty() => shown,
        _ if searched.len() < body.len() => format!("its first {MAX_SEARCHED} bytes have no text"),
        _ => "it has no text".to_owned(),
    }
}

/// A text on one line, with `\u{…}` in place of hidden characters, and cut behind at most 300 characters, never within such an
/// escape; `…` stands where it was cut.
pub fn line(text: &str) -> String {
    let joined = text.split_whitespace().collect::<Vec<_>>().join(" ");
    // No more characters than these can be shown: an escape is longer than what it stands for.
    let begin: String = joined.chars().take(MAX_SHOWN + 1).collect();
    let escaped = visible::escaped(&begin);
    let is_whole = begin.len() == joined.len() && escaped.chars().count() <= MAX_SHOWN;
    match is_whole {
        true => escaped.into_owned(),
        false => cut(&begin) + "…",
    }
}

/// The longest beginning whose characters, escapes included, are at most [`MAX_SHOWN`].
fn cut(text: &str) -> String {
    let ends = text.char_indices().map(|(at, c)| at + c.len_utf8());
    // What follows decides whether a joiner is part of an emoji, so each beginning is escaped as a whole.
    let mut longest = String::new();
    for end in ends {
        let escaped = visible::escaped(&text[..end]);
        if escaped.chars().count() > MAX_SHOWN {
            break;
        }
        longest = escaped.into_owned();
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nodes_problem_is_read_as_it_is() {
        let body =
            br#"{"type":"/problems/nonce-too-low","title":"T","status":409,"detail":"d","request_id":"r","found":3}"#;
        let problem = ProblemBody::of_answer(409, body);
        assert_eq!((problem.name(), problem.sentence().as_str()), ("nonce-too-low", "d"));
        assert_eq!(problem.to_string(), "T: d (request r)");
        assert_eq!(problem.found, Some(3.into()));
    }

    #[test]
    fn the_detail_of_what_calls_itself_a_node_hides_nothing_and_is_cut() {
        let shown = |detail: &str| {
            let body = serde_json::json!({"type": "/problems/busy", "title": "T", "status": 503, "detail": detail});
            ProblemBody::of_answer(503, body.to_string().as_bytes()).sentence()
        };
        assert_eq!(shown("a\u{202e}b"), "a\\u{202e}b");
        assert_eq!(shown(&"x".repeat(3 << 20)), "x".repeat(MAX_SHOWN) + "…");
        let proxy = "ä".repeat(MAX_SEARCHED);
        let twice_cut = ProblemBody::of_answer(503, proxy.as_bytes());
        assert_eq!(twice_cut.sentence(), twice_cut.to_string());
    }

    #[test]
    fn what_a_proxy_answers_keeps_its_status_and_its_text() {
        let nginx = "<html>\r\n<head><title>502 Bad Gateway</title><STYLE>h1{}</STYLE><style>\nh1 {}</style></head>\r\n<body>\r\n\
             <center><h1>upstream</h1></center>\r\n</body>";
        let problem = r#"{"title":"Bad Gateway","detail":"the upstream \u202etimed out"}"#;
        for (status, body, text) in [
            (502, problem, "Bad Gateway: the upstream \\u{202e}timed out"),
            (
                429,
                r#"{"type":"https://proxy.example/problems/unknown-transaction","title":"Slow down","status":429}"#,
                "Slow down",
            ),
            (
                503,
                r#"{"error":"no healthy upstream","code":7}"#,
                "no healthy upstream",
            ),
            (503, r#"{"code":7}"#, r#"{"code":7}"#),
            (
                502,
                r#"{"error":{"message":"no route"}}"#,
                r#"{"error":{"message":"no route"}}"#,
            ),
            (502, r#"{"error":"","code":7}"#, r#"{"error":"","code":7}"#),
            (503, "\"\"", "it has no text"),
            (
                502,
                "<STYLE>h1{}</STYLE><Script>a</sCRIPT ><h1>Bad Gateway",
                "Bad Gateway",
            ),
            (503, "\"down\"", "down"),
            (502, nginx, "502 Bad Gateway upstream"),
            (
                504,
                "upstream a < b\r\n\ttimed out\u{1b}[2J",
                "upstream a < b timed out\\u{1b}[2J",
            ),
            (502, "", "it has no text"),
            (502, "<html>\n</html>", "it has no text"),
        ] {
            let read = ProblemBody::of_answer(status, body.as_bytes());
            let title =
                format!("the answer with status {status} is not one of a Tally node; a proxy may stand between");
            assert_eq!(
                (read.status, read.name(), &read.title),
                (status, "about:blank", &title),
                "{body}"
            );
            assert_eq!(read.detail, text, "{body}");
            assert_eq!(read.to_string(), format!("{title}: {text}"));
            assert_eq!(read.sentence(), read.to_string());
        }
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let long = "ä".repeat(MAX_SEARCHED);
        let detail = ProblemBody::of_answer(500, long.as_bytes()).detail;
        assert_eq!(detail, format!("{}…", "ä".repeat(MAX_SHOWN)));
        let torn = ProblemBody::of_answer(500, b"\xff\xfe").detail;
        assert_eq!(torn, "\\u{fffd}\\u{fffd}");
        let styled = format!("<style>{}", "h1{}".repeat(MAX_SEARCHED));
        assert_eq!(readable(styled.as_bytes()), "its first 16384 bytes have no text");
    }

    #[test]
    fn what_is_shown_is_short_with_its_escapes_and_none_is_cut_in_two() {
        // 9 characters each: 33 of them fit.
        let tags = "\u{e0001}".repeat(MAX_SHOWN);
        assert_eq!(line(&tags), "\\u{e0001}".repeat(33) + "…");
        assert_eq!(line(&"\u{e0001}".repeat(33)), "\\u{e0001}".repeat(33));
        let last = "x".repeat(MAX_SHOWN - 8) + "\u{e0001}";
        assert_eq!(line(&last), "x".repeat(MAX_SHOWN - 8) + "…");
        let fits = "x".repeat(MAX_SHOWN - 9) + "\u{e0001}";
        assert_eq!(line(&fits), "x".repeat(MAX_SHOWN - 9) + "\\u{e0001}");
        let whole = "x".repeat(MAX_SHOWN);
        assert_eq!(line(&whole), whole);
        assert_eq!(line(&format!("{whole}y")), format!("{whole}…"));
    }
}
