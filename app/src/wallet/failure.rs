//! Why a payment was not made.

use leptos::prelude::*;

use super::protocol::Trouble;
use crate::ui::{Notice, NoticeKind};

/// What did not work, why, and what to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub what: &'static str,
    pub why: String,
    pub next: &'static str,
}

impl Failure {
    pub fn node(why: String) -> Self {
        let next = "Nothing was sent. Look whether the node still runs, then try again.";
        Self {
            what: "The node could not be asked",
            why,
            next,
        }
    }

    pub fn refused(why: String) -> Self {
        let next =
            "No coins moved. Go back, correct it, and review it again: the nonce and the fees are then read anew.";
        Self {
            what: "The node did not take the payment",
            why,
            next,
        }
    }

    /// It was sent, and no answer says whether it was taken. Rule: docs/protocol.md#W56
    pub fn unknown(why: &str, id: &str) -> Self {
        Self {
            what: "The payment may have been taken",
            why: format!("It was signed and sent, but {why}. Its id is {id}."),
            next: "Do not make it anew. The same bytes can be sent again: they pay once, however often they are sent.",
        }
    }

    /// The worker answered something that was not asked.
    pub fn confused() -> Self {
        Trouble::Worker("it answered something else".to_owned()).into()
    }
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        Self {
            what: "The payment was not made",
            next: trouble.advice(),
            why: trouble.to_string(),
        }
    }
}

/// A failure as a box, where there is one.
#[component]
pub fn FailureNotice(#[prop(into)] failure: Signal<Option<Failure>>) -> impl IntoView {
    move || {
        failure.get().map(|failure| {
            view! {
                <Notice kind=NoticeKind::Error title=failure.what>
                    <p>{failure.why}</p>
                    <p>{failure.next}</p>
                </Notice>
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_say_what_why_and_what_next() {
        let failure = Failure::from(Trouble::Locked);
        assert_eq!(failure.what, "The payment was not made");
        assert_eq!(failure.why, "The wallet is locked.");
        assert_eq!(failure.next, "Unlock it and try again.");
    }
}
