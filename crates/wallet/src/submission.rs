//! What became of an envelope that was handed to a node. Rule: docs/protocol.md#W56
//!
//! Pure: the caller sends the bytes and gives what came back. Only an explicit rejection is one; a time-out, a cut answer,
//! an error of the server or a page of a proxy leaves open whether the node accepted the transaction, and a payment made again
//! could then pay twice. In doubt the same bytes are sent again: a node accepts a transaction once, however often it is sent.

use std::fmt;

use serde::Deserialize;
use tally_chain::{BlockId, TxId};

/// What stands before the name in the `type` of a node's problem (RFC 9457).
const PROBLEMS: &str = "/problems/";
/// The one problem with a status of 500 or more after which it is certain that the transaction was not accepted.
const POOL_FULL: &str = "pool-full";
/// The problem of a nonce that is used on the chain: by these bytes or by others.
const NONCE_TOO_LOW: &str = "nonce-too-low";

/// What was known of an envelope before it is handed over now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Earlier {
    /// It was never handed over, or rejected each time: no node has it.
    Never,
    /// It was handed over, and what became of it is not known.
    Open,
    /// A node had it.
    Accepted,
}

/// What became of a submitted envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The node accepted it into its pool; `queued` if one with a lower nonce is missing.
    Accepted {
        /// Whether it waits for one with a lower nonce.
        queued: bool,
    },
    /// It waits in the pool already: it was sent before.
    AlreadyPending,
    /// It is in a block of the active chain already.
    AlreadyIncluded {
        /// None where the node does not name it.
        block: Option<BlockId>,
    },
    /// The node rejected it, and gave the reason.
    Rejected {
        /// The node's reason.
        problem: Rejection,
    },
    /// It is not known: the transaction may have been accepted.
    Unknown {
        /// What is known, and what is not.
        why: Uncertain,
    },
}

/// Why a node rejected a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// Stable name of the problem, such as `nonce-too-low`.
    pub name: String,
    /// One sentence about every problem of this name.
    pub title: String,
    /// What is wrong with these very bytes.
    pub detail: String,
    /// The id that the node's log has for the request.
    pub request_id: Option<String>,
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.title, self.detail)?;
        match &self.request_id {
            Some(id) => write!(f, " (request {id})"),
            None => Ok(()),
        }
    }
}

impl Rejection {
    /// What it leaves open of bytes that were handed over before, to be put behind it; empty where its own text already does.
    pub fn leaves_open(&self) -> &'static str {
        match self.name == NONCE_TOO_LOW {
            true => {
                "; another payment took this nonce, unless this one is in a block in which the node does not find it"
            }
            false => "",
        }
    }
}

/// Why it is not known whether a node accepted a transaction.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant names its fields")]
pub enum Uncertain {
    #[error("no answer came: {cause}")]
    NoAnswer { cause: String },
    #[error("the node failed while answering ({name}, status {status})")]
    NodeFailed { status: u16, name: String },
    #[error("the answer with status {status} is not one of a Tally node; a proxy may stand between")]
    NotOurs { status: u16 },
    #[error("the answer is about another transaction, {found}")]
    OtherTransaction { found: TxId },
    /// The nonce is used, by a copy of these bytes that came from elsewhere perhaps.
    #[error("the node rejected it ({rejection}), and did not answer the query for its id")]
    RejectedUnseen { rejection: Rejection },
    /// Another copy may still be on its way, sent before by this command or an earlier one, or meanwhile by another one: to it came
    /// no answer so far, or that of a proxy, or of a node that failed while it answered.
    #[error("another attempt to send it has no clear answer yet; the node rejected this one: {rejection}{}", .rejection.leaves_open())]
    RejectedLater { rejection: Rejection },
    /// The node that had it may still have it, or have handed it on.
    #[error("a node had it before, and now the same bytes are rejected: {rejection}{}", .rejection.leaves_open())]
    RejectedAfterAccepted { rejection: Rejection },
}

impl Uncertain {
    /// The rejection, where the node answered with one.
    pub fn rejection(&self) -> Option<&Rejection> {
        match self {
            Self::RejectedUnseen { rejection }
            | Self::RejectedLater { rejection }
            | Self::RejectedAfterAccepted { rejection } => Some(rejection),
            Self::NoAnswer { .. } | Self::NodeFailed { .. } | Self::NotOurs { .. } | Self::OtherTransaction { .. } => {
                None
            }
        }
    }
}

/// Members of an answer, of success and of problem alike.
#[derive(Deserialize)]
struct Body {
    id: Option<TxId>,
    /// A word (`pending`, `queued`) in an answer of success, the number of the status in a problem.
    status: Option<serde_json::Value>,
    #[serde(rename = "type")]
    kind: Option<String>,
    title: Option<String>,
    detail: Option<String>,
    request_id: Option<String>,
    block: Option<BlockId>,
}

impl Outcome {
    /// Reads the answer to `POST /api/v1/transactions` with an envelope of this id: its HTTP status and its whole body.
    pub fn of_answer(id: TxId, status: u16, body: &[u8]) -> Self {
        let Ok(body) = serde_json::from_slice::<Body>(body) else {
            return Self::unknown(Uncertain::NotOurs { status });
        };
        if let Some(found) = body.id.filter(|found| *found != id) {
            return Self::unknown(Uncertain::OtherTransaction { found });
        }
        match body.kind.as_deref().and_then(|kind| kind.strip_prefix(PROBLEMS)) {
            Some(name) if status >= 400 => Self::of_problem(name.to_owned(), status, &body),
            None if (200..300).contains(&status) && body.id.is_some() => {
                let queued = body.status.as_ref().is_some_and(|status| status == "queued");
                Self::Accepted { queued }
            }
            _ => Self::unknown(Uncertain::NotOurs { status }),
        }
    }

    /// No answer, or none that was whole: refused connections, time-outs, cut connections.
    pub fn of_failure(cause: impl fmt::Display) -> Self {
        let cause = cause.to_string();
        Self::unknown(Uncertain::NoAnswer { cause })
    }

    fn of_problem(name: String, status: u16, body: &Body) -> Self {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        match name.as_str() {
            "already-pending" => Self::AlreadyPending,
            "already-included" => Self::AlreadyIncluded { block: body.block },
            // Time-outs and failures: the work behind the answer may have been done.
            _ if status >= 500 && name != POOL_FULL => Self::unknown(Uncertain::NodeFailed { status, name }),
            _ => Self::Rejected {
                problem: Rejection {
                    name,
                    title: text(&body.title),
                    detail: text(&body.detail),
                    request_id: body.request_id.clone(),
                },
            },
        }
    }

    fn unknown(why: Uncertain) -> Self {
        Self::Unknown { why }
    }

    /// What is known together with what was known before: a rejection settles what became of these bytes only where none of
    /// them was on its way. Then the caller has to query the node for the id.
    pub fn after(self, earlier: Earlier) -> Self {
        match (self, earlier) {
            (Self::Rejected { problem: rejection }, Earlier::Open) => {
                Self::unknown(Uncertain::RejectedLater { rejection })
            }
            (Self::Rejected { problem: rejection }, Earlier::Accepted) => {
                Self::unknown(Uncertain::RejectedAfterAccepted { rejection })
            }
            (outcome, _) => outcome,
        }
    }

    /// What remains of it where the node did not answer the query for the id: a rejection for a used nonce does not show
    /// whether a copy of these very bytes, sent by another command or another person, has used it.
    pub fn unseen(self) -> Self {
        match self {
            Self::Rejected { problem: rejection } if rejection.name == NONCE_TOO_LOW => {
                Self::unknown(Uncertain::RejectedUnseen { rejection })
            }
            outcome => outcome,
        }
    }

    /// Whether the node has the transaction: it waits or stands in a block.
    pub fn is_taken(&self) -> bool {
        matches!(
            self,
            Self::Accepted { .. } | Self::AlreadyPending | Self::AlreadyIncluded { .. }
        )
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use tally_chain::B256;

    use super::*;

    const ID: TxId = TxId(B256::repeat_byte(7));

    fn answer(status: u16, body: Value) -> Outcome {
        Outcome::of_answer(ID, status, body.to_string().as_bytes())
    }

    fn problem(name: &str, status: u16) -> Value {
        json!({ "type": format!("/problems/{name}"), "title": "T", "status": status, "detail": "d", "request_id": "r" })
    }

    #[test]
    fn what_the_node_has_is_taken_however_often_it_is_sent() {
        let taken = json!({ "id": ID, "status": "pending" });
        assert_eq!(answer(202, taken), Outcome::Accepted { queued: false });
        let queued = json!({ "id": ID, "status": "queued" });
        assert_eq!(answer(202, queued), Outcome::Accepted { queued: true });
        let mut known = problem("already-pending", 409);
        known["id"] = json!(ID);
        assert_eq!(answer(409, known), Outcome::AlreadyPending);
        let block = BlockId(B256::repeat_byte(3));
        let mut included = problem("already-included", 409);
        included["block"] = json!(block);
        let outcome = answer(409, included);
        assert_eq!(outcome, Outcome::AlreadyIncluded { block: Some(block) });
        assert!(outcome.is_taken());
    }

    #[test]
    fn only_an_explicit_rejection_is_one() {
        for (name, status) in [
            ("nonce-too-low", 409),
            ("insufficient-funds", 409),
            ("transaction-from-the-future", 422),
            ("too-many-requests", 429),
            ("pool-full", 503),
        ] {
            let rejection = Rejection {
                name: name.to_owned(),
                title: "T".to_owned(),
                detail: "d".to_owned(),
                request_id: Some("r".to_owned()),
            };
            assert_eq!(rejection.to_string(), "T: d (request r)");
            let outcome = answer(status, problem(name, status));
            assert_eq!(outcome, Outcome::Rejected { problem: rejection }, "{name}");
            assert!(!outcome.is_taken());
        }
    }

    /// A row of the table that the command line and the browser read as well.
    #[derive(Deserialize)]
    struct Row {
        status: u16,
        problem: String,
        first: String,
        again: String,
    }

    fn word(outcome: &Outcome) -> &'static str {
        match outcome {
            Outcome::Rejected { .. } => "rejected",
            Outcome::Unknown { .. } => "open",
            _ => "accepted",
        }
    }

    #[test]
    fn a_rejection_ends_the_matter_only_where_nothing_was_on_its_way() {
        let rows: Vec<Row> = serde_json::from_str(include_str!("../../../tests/submissions.json")).unwrap();
        assert!(rows.iter().any(|row| row.problem == NONCE_TOO_LOW));
        for row in rows {
            for (earlier, expected) in [
                (Earlier::Never, &row.first),
                (Earlier::Open, &row.again),
                (Earlier::Accepted, &row.again),
            ] {
                let outcome = answer(row.status, problem(&row.problem, row.status)).after(earlier);
                assert_eq!(word(&outcome), expected, "{} {earlier:?}", row.problem);
            }
        }
    }

    #[test]
    fn a_used_nonce_leaves_two_things_open() {
        let again = |name: &str, earlier| match answer(409, problem(name, 409)).after(earlier) {
            Outcome::Unknown { why } => why.to_string(),
            known => panic!("{known:?}"),
        };
        let either =
            "; another payment took this nonce, unless this one is in a block in which the node does not find it";
        assert_eq!(
            again("nonce-too-low", Earlier::Open),
            format!(
                "another attempt to send it has no clear answer yet; the node rejected this one: T: d (request r){either}"
            )
        );
        assert_eq!(
            again("nonce-too-low", Earlier::Accepted),
            format!("a node had it before, and now the same bytes are rejected: T: d (request r){either}")
        );
        assert_eq!(
            again("pool-full", Earlier::Open),
            "another attempt to send it has no clear answer yet; the node rejected this one: T: d (request r)"
        );
    }

    #[test]
    fn a_used_nonce_stays_open_where_the_node_does_not_show_whether_it_has_it() {
        let Outcome::Unknown { why } = answer(409, problem("nonce-too-low", 409)).unseen() else {
            panic!("a copy may have used it");
        };
        assert_eq!(
            why.to_string(),
            "the node rejected it (T: d (request r)), and did not answer the query for its id"
        );
        assert_eq!(
            why.rejection().map(|rejection| rejection.name.as_str()),
            Some(NONCE_TOO_LOW)
        );
        let poor = || answer(409, problem("insufficient-funds", 409));
        assert_eq!(poor().unseen(), poor());
    }

    #[test]
    fn all_else_leaves_it_open() {
        for (name, status) in [
            ("timeout", 503),
            ("shutting-down", 503),
            ("internal", 500),
            ("store-failed", 500),
        ] {
            let why = Uncertain::NodeFailed {
                status,
                name: name.to_owned(),
            };
            assert_eq!(answer(status, problem(name, status)), Outcome::Unknown { why });
        }
        // A proxy's pages, a captive portal's success, another service's problem, half an answer.
        for (status, body) in [
            (502, &b"<html>Bad Gateway</html>"[..]),
            (403, b"<html>Forbidden</html>"),
            (200, b"<html>Log in</html>"),
            (200, b"{}"),
            (400, br#"{"type":"about:blank","title":"Bad Request"}"#),
            (202, br#"{"id":"0x07"#),
            (202, b""),
            (302, br#"{"id":null}"#),
        ] {
            let why = Uncertain::NotOurs { status };
            assert_eq!(
                Outcome::of_answer(ID, status, body),
                Outcome::Unknown { why },
                "{status}"
            );
        }
        let found = TxId(B256::repeat_byte(8));
        let why = Uncertain::OtherTransaction { found };
        assert_eq!(
            answer(202, json!({ "id": found, "status": "pending" })),
            Outcome::Unknown { why }
        );
        let why = Uncertain::NoAnswer {
            cause: "timed out".to_owned(),
        };
        assert_eq!(Outcome::of_failure("timed out"), Outcome::Unknown { why });
    }
}
