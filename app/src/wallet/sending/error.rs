//! Why a payment was not made.

use leptos::prelude::*;

use crate::{
    ui::{Notice, NoticeKind},
    wallet::{
        protocol::WalletError,
        storage::journal::{Earlier, Purpose},
    },
};

/// What was handed in, as far as a rejection of it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handing {
    /// Only this wallet has it.
    Payment,
    /// It was to stand in the place of a payment that waits.
    Replacement,
    /// Others have it, too, and may send it.
    Proposal,
}

impl Handing {
    /// What a purpose makes of it; `shared` where others have the same payment.
    pub fn of(purpose: Purpose, shared: bool) -> Self {
        match purpose {
            _ if shared => Self::Proposal,
            Purpose::Payment | Purpose::Fill => Self::Payment,
            Purpose::SpeedUp | Purpose::Cancel => Self::Replacement,
        }
    }
}

/// Headline where it is not known whether any node accepted it.
const IN_DOUBT: &str = "The payment may have been accepted";
/// Headline where a node has acknowledged it.
const HAD_BEFORE: &str = "A node had the payment before";

/// What did not work, why, and what to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendError {
    pub what: &'static str,
    pub why: String,
    pub next: &'static str,
}

impl SendError {
    pub fn node(why: String) -> Self {
        let next = "Nothing was sent. Check whether the node still runs, then try again.";
        Self {
            what: "The request to the node failed",
            why,
            next,
        }
    }

    /// It was rejected at its first sending, so it never was on its way. What that means for coins depends on what was handed in.
    pub fn refused(why: String, handing: Handing) -> Self {
        let (what, next) = match handing {
            Handing::Payment => (
                "The node rejected the payment",
                "No coins moved. Go back, correct it, and review it again: the nonce and the fees are then read again.",
            ),
            Handing::Replacement => (
                "The node rejected the replacement",
                "The payment that it should replace is unchanged: it waits, or is in a block by now. The history shows which.",
            ),
            Handing::Proposal => (
                "The node rejected this copy",
                "Others who have the proposal may have sent it: check the account's history before you propose it again.",
            ),
        };
        Self { what, why, next }
    }

    /// The clocks differ, which is why it was rejected at its first sending.
    pub fn clocks(why: String, handing: Handing) -> Self {
        let next = match handing {
            Handing::Payment => {
                "No coins moved. Set the clock that is wrong, then go back and review the payment again."
            }
            Handing::Replacement => {
                "The payment that it should replace is unchanged. Set the clock that is wrong, then go back and review it again."
            }
            Handing::Proposal => {
                "Set the clock that is wrong. Others who have the proposal may have sent it: check the account's history before you propose it again."
            }
        };
        Self {
            what: "The clocks differ",
            why,
            next,
        }
    }

    /// It was sent before, and a later try was rejected: that shows nothing of the first. Rule: docs/protocol.md#W56
    pub fn refused_again(why: &str, id: &str, earlier: Earlier) -> Self {
        let why = why.trim_end_matches('.');
        let (what, why) = match earlier {
            Earlier::Accepted => (
                HAD_BEFORE,
                format!(
                    "A node had it before; it or another may still have it. Sent again, the node answers: {why}. Its id is {id}."
                ),
            ),
            Earlier::Never | Earlier::Open => (
                IN_DOUBT,
                format!(
                    "It was sent before, and the first copy may have been accepted. Sent again, the node answers: {why}. Its id is {id}."
                ),
            ),
        };
        Self {
            what,
            why,
            next: "Do not make it again before you have looked for it. The same bytes can be sent again: they pay once, however often they are sent. If you know that a payment is lost, you can dismiss it in the history.",
        }
    }

    /// It is not sent, since this browser did not keep it first. What that means for coins depends on what was handed in.
    /// Rule: docs/protocol.md#W54
    pub fn not_kept(why: &str, id: &str, earlier: Earlier, handing: Handing) -> Self {
        let known = match earlier {
            Earlier::Never => return Self::never_sent(why, handing),
            Earlier::Open => "It was sent before, and may have been accepted.",
            Earlier::Accepted => "A node had it before.",
        };
        Self {
            what: "The payment was not sent again",
            why: format!("It is kept in this browser before it is sent, but {why}. {known} Its id is {id}."),
            next: "Do not make it again. Allow this site to store data, free some space, and send the same bytes again.",
        }
    }

    fn never_sent(why: &str, handing: Handing) -> Self {
        let (what, next) = match handing {
            Handing::Payment => (
                "The payment was not sent",
                "No coins moved. Allow this site to store data (private windows often do not), free some space, then go back and review the payment again.",
            ),
            Handing::Replacement => (
                "The replacement was not sent",
                "The payment that it should replace is unchanged: it waits, or is in a block by now. Allow this site to store data (private windows often do not), free some space, then go back and review it again.",
            ),
            Handing::Proposal => (
                "This copy was not sent",
                "Others who have the proposal may have sent it: check the account's history before you propose it again. Allow this site to store data (private windows often do not), free some space, then send it again.",
            ),
        };
        Self {
            what,
            why: format!(
                "A payment is kept in this browser before it is sent, so that it is never paid twice, but {why}."
            ),
            next,
        }
    }

    /// It was sent, and no answer shows whether it was accepted. Rule: docs/protocol.md#W56
    pub fn unknown(why: &str, id: &str, earlier: Earlier) -> Self {
        let (what, why) = match earlier {
            Earlier::Accepted => (
                HAD_BEFORE,
                format!("It was sent again, but {why}. Whether this node has it now is not known. Its id is {id}."),
            ),
            Earlier::Never | Earlier::Open => (IN_DOUBT, format!("It was signed and sent, but {why}. Its id is {id}.")),
        };
        Self {
            what,
            why,
            next: "Do not make it again. The same bytes can be sent again: they pay once, however often they are sent.",
        }
    }

    /// The worker gave the answer to another request.
    pub fn confused() -> Self {
        WalletError::Worker("it answered something else".to_owned()).into()
    }
}

impl From<WalletError> for SendError {
    fn from(failure: WalletError) -> Self {
        Self {
            what: "The payment was not made",
            next: failure.advice(),
            why: failure.to_string(),
        }
    }
}

/// A failure as a box, where there is one.
#[component]
pub fn SendErrorNotice(#[prop(into)] failure: Signal<Option<SendError>>) -> impl IntoView {
    // It is read aloud: not again where the next try fails in the same way.
    let shown = Memo::new(move |_| failure.get());
    move || {
        shown.get().map(|failure| {
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
    fn failures_name_what_why_and_what_next() {
        let failure = SendError::from(WalletError::Locked);
        assert_eq!(failure.what, "The payment was not made");
        assert_eq!(failure.why, "The wallet is locked.");
        assert_eq!(failure.next, "Unlock it and try again.");
    }
}
