//! The exit codes of the process.

use tally_node::StoreError;
use tally_node::counted::counted;

use crate::cli::out::{DoneUnprinted, Unprinted};
use crate::config::ConfigError;

/// Exit codes of every `tally` command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    Success = 0,
    /// Anything without a code of its own.
    Failure = 1,
    /// The command line or the configuration is wrong; clap uses the same.
    Usage = 2,
    /// Another process holds the data directory.
    DataDirInUse = 3,
    /// The data directory belongs to another chain, or has another format.
    WrongChain = 4,
    /// `tally audit` found a fault.
    AuditFault = 5,
    /// The vault does not open: wrong password, or damaged.
    VaultLocked = 6,
    /// What a receipt claims, or a node to `tally light`, does not hold.
    Refuted = 7,
    /// A transaction was handed over, and it is not known whether the node accepted it; or it was accepted, and was not as deep in
    /// the chain as the command wants when the waiting ended.
    Unanswered = 8,
    /// What was done could not be printed; standard error names it.
    Unprinted = 9,
    /// The store failed while the node ran; what was acknowledged is on the disk, and a new start recovers it.
    StoreBroken = 10,
    /// `tally light`: nodes show different chains, each of which holds.
    NodesDiffer = 11,
    /// `tally lab`: a scenario did not end as the rules demand.
    LabFailed = 12,
    /// A second SIGINT or SIGTERM came before the end in order that the first began: what still ran was killed.
    Interrupted = 130,
    /// The reader of standard output was gone before anything was done; other tools end by SIGPIPE, which shells show so.
    ClosedPipe = 141,
}

/// Printed under every `--help`.
pub const EXIT_CODES: &str = "Exit codes:\n  \
    0  done\n  \
    1  failed\n  \
    2  wrong command line or configuration\n  \
    3  the data directory is in use by another process\n  \
    4  the data directory belongs to another chain, or has a format this program does not read\n  \
    5  `tally audit` found a fault\n  \
    6  the wallet's vault does not open: wrong password, or damaged\n  \
    7  a receipt, or the chain that a node shows, does not hold\n  \
    8  a transaction was sent, and it is not known whether the node accepted it, or it lacks confirmations that --wait requires\n  \
    9  the result could not be printed; standard error reports what was done\n \
    10  the store failed while the node ran (a full or broken disk); start it again\n \
    11  nodes show different chains\n \
     12  a scenario of `tally lab` did not end as the rules demand\n\
    130  interrupted a second time: what still ran was ended at once, and standard error reports what stays\n\
    141  the reader of the output has closed it, as with `| head`";

/// A second signal came while the nodes of `tally net up` ended in order.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "interrupted again: killed {}{}; their folders stay in {}, and a node recovers its store at its next start",
    named(.killed),
    still(.left),
    .folder.display()
)]
pub struct Interrupted {
    /// Where the nodes have their folders.
    pub folder: std::path::PathBuf,
    /// Numbers of the nodes that were killed.
    pub killed: Vec<u16>,
    /// Numbers and process ids of those that run all the same.
    pub left: Vec<(u16, u32)>,
}

fn named(nodes: &[u16]) -> String {
    match nodes {
        [] => "no node".to_owned(),
        nodes => nodes
            .iter()
            .map(|index| format!("node-{index}"))
            .collect::<Vec<_>>()
            .join(", "),
    }
}

fn still(left: &[(u16, u32)]) -> String {
    left.iter()
        .map(|(index, process)| format!("; node-{index} still runs (process {process})"))
        .collect()
}

/// `tally audit` ended with faults; they have been printed.
#[derive(Debug, thiserror::Error)]
#[error("the audit found {}", counted(*.faults, "fault", "faults"))]
pub struct AuditFault {
    pub faults: usize,
}

/// A receipt holds, but it is not about the document that was given.
#[derive(Debug, thiserror::Error)]
pub enum OtherDocument {
    #[error("the transaction anchors no document")]
    None,
    #[error("the transaction anchors another document: its SHA-256 is {anchored:x}, that of the file {found:x}")]
    Differs {
        anchored: tally_chain::B256,
        found: tally_chain::B256,
    },
}

/// `tally light`: what a node sent does not hold.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the chain that the node at {node} shows does not hold: {why}")]
pub struct NotVerified {
    /// Its URL, as messages show it.
    pub node: String,
    pub why: String,
}

/// `tally light`: nodes show chains that hold, and that do not lead to each other. One may be on a fork for a moment.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("nodes show different chains: {}", .nodes.join(", "))]
pub struct NodesDiffer {
    /// Their URLs, as messages show them, that of the chain with the most total work first.
    pub nodes: Vec<String>,
}

/// `tally lab` ended with scenarios that did not go as the rules demand; they have been printed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{failed} of {} did not end as the rules demand", counted(*.scenarios, "scenario", "scenarios"))]
pub struct LabFailed {
    /// How many.
    pub failed: usize,
    /// Of how many.
    pub scenarios: usize,
}

/// `tally lab` was stopped by a signal.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("stopped; the nodes of the sandbox have ended, and its folder is removed")]
pub struct LabStopped;

/// No clear answer came to a transaction that was handed over, not even to a second try. Rule: docs/protocol.md#W56
#[derive(Debug, thiserror::Error)]
#[error(
    "{id} {}: {why}. Do not pay again before you know: {}`tally wallet resend {id}` sends the same bytes again, which never \
     pays twice, and `tally wallet pending --dismiss {id}` gives it up{}",
    known(*.earlier),
    look(*.earlier),
    given_up(*.earlier)
)]
pub struct Unanswered {
    pub id: tally_chain::TxId,
    /// What was known of the same bytes before.
    pub earlier: tally_wallet::Earlier,
    pub why: tally_wallet::Uncertain,
}

/// A transaction was sent and accepted; when the waiting for it ended it was not as deep in the chain as the command wants. A caller that
/// took this for a failure would pay again.
#[derive(Debug, thiserror::Error)]
#[error(
    "{id} was sent; {state}. Do not pay again before you know: `tally wallet resend {id}` sends the same bytes again, which \
     never pays twice, and reports their outcome"
)]
pub struct Unsettled {
    pub id: tally_chain::TxId,
    /// What was known of it at the end.
    pub state: String,
}

/// What is known of a transaction that got no clear answer now.
fn known(earlier: tally_wallet::Earlier) -> &'static str {
    match earlier {
        tally_wallet::Earlier::Never | tally_wallet::Earlier::Open => "may have been accepted by the node",
        tally_wallet::Earlier::Accepted => {
            "was accepted by a node before, and whether this one has it now is not known"
        }
    }
}

/// How to look for it: the list of what waits names what got no answer, not what was accepted once and is unknown now.
fn look(earlier: tally_wallet::Earlier) -> &'static str {
    match earlier {
        tally_wallet::Earlier::Never | tally_wallet::Earlier::Open => "`tally wallet pending` looks for it, ",
        tally_wallet::Earlier::Accepted => "",
    }
}

/// When it can be given up.
fn given_up(earlier: tally_wallet::Earlier) -> &'static str {
    match earlier {
        tally_wallet::Earlier::Never | tally_wallet::Earlier::Open => "",
        tally_wallet::Earlier::Accepted => ", where the node does not know it any more",
    }
}

impl Exit {
    /// The code for an error that reached the top.
    pub fn of(error: &anyhow::Error) -> Self {
        error.chain().find_map(Self::of_cause).unwrap_or(Self::Failure)
    }

    fn of_cause(cause: &(dyn std::error::Error + 'static)) -> Option<Self> {
        if let Some(error) = cause.downcast_ref::<StoreError>() {
            return match error {
                StoreError::Locked { .. } => Some(Self::DataDirInUse),
                StoreError::WrongChain { .. } | StoreError::WrongFormat { .. } => Some(Self::WrongChain),
                StoreError::Broken { .. } => Some(Self::StoreBroken),
                _ => None,
            };
        }
        if cause.is::<ConfigError>() {
            return Some(Self::Usage);
        }
        if cause.is::<DoneUnprinted>() {
            return Some(Self::Unprinted);
        }
        if let Some(unprinted) = cause.downcast_ref::<Unprinted>() {
            return Some(match unprinted {
                Unprinted::Closed => Self::ClosedPipe,
                Unprinted::Failed(_) | Unprinted::NullDevice => Self::Unprinted,
            });
        }
        if cause.is::<Unanswered>() || cause.is::<Unsettled>() {
            return Some(Self::Unanswered);
        }
        if cause.is::<LabFailed>() {
            return Some(Self::LabFailed);
        }
        if cause.is::<Interrupted>() {
            return Some(Self::Interrupted);
        }
        if cause.is::<AuditFault>() {
            return Some(Self::AuditFault);
        }
        if cause.is::<tally_chain::portable::Refuted>() || cause.is::<OtherDocument>() || cause.is::<NotVerified>() {
            return Some(Self::Refuted);
        }
        if cause.is::<NodesDiffer>() {
            return Some(Self::NodesDiffer);
        }
        if let Some(tally_wallet::VaultError::Container(_)) = cause.downcast_ref::<tally_wallet::VaultError>() {
            return Some(Self::VaultLocked);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn the_code_is_found_through_context() {
        let locked = Err::<(), _>(StoreError::Locked {
            path: "here".to_owned(),
        })
        .context("cannot start");
        assert_eq!(Exit::of(&locked.expect_err("an error was given")), Exit::DataDirInUse);
        assert_eq!(Exit::of(&anyhow::anyhow!("something else")), Exit::Failure);
        assert_eq!(Exit::of(&AuditFault { faults: 2 }.into()), Exit::AuditFault);
        assert_eq!(Exit::of(&Unprinted::Closed.into()), Exit::ClosedPipe);
        assert_eq!(Exit::of(&Unprinted::NullDevice.into()), Exit::Unprinted);
        let refuted = NotVerified {
            node: "a".to_owned(),
            why: "rule H5".to_owned(),
        };
        assert_eq!(
            refuted.to_string(),
            "the chain that the node at a shows does not hold: rule H5"
        );
        assert_eq!(Exit::of(&refuted.into()), Exit::Refuted);
        let nodes = vec!["a".to_owned(), "b".to_owned()];
        assert_eq!(Exit::of(&NodesDiffer { nodes }.into()), Exit::NodesDiffer);
        let done = DoneUnprinted {
            done: "sent".to_owned(),
            source: Unprinted::Closed,
        };
        assert_eq!(Exit::of(&done.into()), Exit::Unprinted);
        let broken = StoreError::Broken {
            path: "store".into(),
            detail: "no space left".to_owned(),
        };
        assert_eq!(Exit::of(&broken.into()), Exit::StoreBroken);
    }

    #[test]
    fn what_a_second_signal_left_is_named() {
        let folder = std::path::PathBuf::from("net-local");
        let error = |killed: &[u16], left: &[(u16, u32)]| Interrupted {
            folder: folder.clone(),
            killed: killed.to_vec(),
            left: left.to_vec(),
        };
        let stays = "their folders stay in net-local, and a node recovers its store at its next start";
        assert_eq!(
            error(&[1, 3], &[]).to_string(),
            format!("interrupted again: killed node-1, node-3; {stays}")
        );
        assert_eq!(
            error(&[], &[(2, 77)]).to_string(),
            format!("interrupted again: killed no node; node-2 still runs (process 77); {stays}")
        );
        assert_eq!(Exit::of(&error(&[1], &[]).into()), Exit::Interrupted);
    }

    #[test]
    fn what_got_no_answer_is_named_as_far_as_it_is_known() {
        let text_of = |earlier| {
            let why = tally_wallet::Uncertain::NotOurs { status: 502 };
            let id = tally_chain::TxId(tally_chain::B256::repeat_byte(7));
            let error = anyhow::Error::from(Unanswered { id, earlier, why });
            assert_eq!(Exit::of(&error), Exit::Unanswered);
            let text = error.to_string();
            text.strip_prefix(&format!("{id} "))
                .and_then(|text| text.split_once(": ").map(|(known, _)| known.to_owned()))
                .unwrap_or(text)
        };
        let open = "may have been accepted by the node";
        assert_eq!(text_of(tally_wallet::Earlier::Never), open);
        assert_eq!(text_of(tally_wallet::Earlier::Open), open);
        assert_eq!(
            text_of(tally_wallet::Earlier::Accepted),
            "was accepted by a node before, and whether this one has it now is not known"
        );
    }

    #[test]
    fn the_list_of_what_waits_is_named_for_what_it_lists() {
        let text_of = |earlier| {
            let why = tally_wallet::Uncertain::NotOurs { status: 502 };
            let id = tally_chain::TxId(tally_chain::B256::repeat_byte(7));
            (Unanswered { id, earlier, why }.to_string(), id)
        };
        for earlier in [tally_wallet::Earlier::Never, tally_wallet::Earlier::Open] {
            let (text, id) = text_of(earlier);
            let ways = format!(
                "know: `tally wallet pending` looks for it, `tally wallet resend {id}` sends the same bytes again, which \
                 never pays twice, and `tally wallet pending --dismiss {id}` gives it up"
            );
            assert!(text.ends_with(&ways), "{text}");
        }
        let (text, id) = text_of(tally_wallet::Earlier::Accepted);
        let ways = format!(
            "know: `tally wallet resend {id}` sends the same bytes again, which never pays twice, and \
             `tally wallet pending --dismiss {id}` gives it up, where the node does not know it any more"
        );
        assert!(text.ends_with(&ways), "{text}");
    }
}
