//! Handing an envelope to a node, and reporting what became of it: written down before, sent again byte for byte where no answer
//! came, never taken for rejected without a rejection. Rule: docs/protocol.md#W56

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::json;
use tally_api::transactions::TransactionStatus;
use tally_chain::TxId;
use tally_wallet::{Earlier, Outcome, Rejection, Signed, Uncertain, Warning};

use super::super::client::{Client, Found};
use super::super::out::{After as _, errln, outln};
use super::journal::{Entry, Journal, State};
use super::warn;
use crate::exit::{Unanswered, Unsettled};

/// Time between two looks at a transaction that is waited for.
const PAUSE: Duration = Duration::from_millis(250);

/// How long to wait for a transaction that was sent.
#[derive(Debug, Args)]
pub struct Depth {
    /// Wait until it is in a block, at most this many seconds
    #[arg(long, value_name = "SECONDS")]
    wait: Option<u64>,
    /// With --wait: until it has this many confirmations
    #[arg(long, value_name = "BLOCKS", default_value_t = 1, requires = "wait")]
    confirmations: u64,
}

/// Whether the node has a transaction that got no answer: then it is settled as accepted, with a note on standard error.
pub fn was_accepted(client: &Client, journal: &Journal, id: TxId) -> anyhow::Result<bool> {
    let Some(found) = client.find(id)? else {
        return Ok(false);
    };
    journal.settle(id, State::Accepted)?;
    errln!(
        "{id}, sent before without an answer, was accepted: {}",
        found.status.sentence()
    );
    Ok(true)
}

/// The node rejected the transaction, with this reason.
#[derive(Debug, thiserror::Error)]
#[error("{problem}{}", clock(*.ahead))]
pub struct Rejected {
    pub problem: Rejection,
    /// Seconds by which this machine's clock is ahead of the node's, where the transaction's time is what is wrong.
    pub ahead: Option<i64>,
}

fn clock(ahead: Option<i64>) -> String {
    ahead.map_or_else(String::new, |ahead| format!(". {}", clock_words(ahead)))
}

/// Whose clock differs, and by how much: `ahead` in seconds, negative behind.
pub fn clock_words(ahead: i64) -> String {
    let (seconds, side) = (ahead.unsigned_abs(), if ahead < 0 { "behind" } else { "ahead of" });
    let time = match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3_600),
    };
    format!("This machine's clock is {time} {side} the node's: set the one that is wrong")
}

/// How the result is waited for and printed.
pub struct Report<'a> {
    pub depth: &'a Depth,
    pub json: bool,
    pub warnings: &'a [Warning],
}

impl<'a> Report<'a> {
    /// Without warnings.
    pub fn plain(depth: &'a Depth, json: bool) -> Self {
        let warnings = &[];
        Self { depth, json, warnings }
    }
}

/// Writes the envelope down, hands it to the node, waits as the options want, and prints what became of it.
pub fn finish(client: &Client, journal: &Journal, signed: &Signed, report: &Report<'_>) -> anyhow::Result<()> {
    let at = (tally_node::system_clock())();
    let entry = Entry::of(signed, client.status()?.genesis_id, at)?;
    // A proposal that was sent before has the same bytes.
    let earlier = match journal.earlier(entry.id)? {
        Earlier::Accepted => Earlier::Accepted,
        Earlier::Never | Earlier::Open => journal
            .add(entry.clone())
            .context("nothing was sent, since it could not be written down first")?,
    };
    settle(client, journal, &entry, earlier)?;
    print_outcome(client, entry.id, report)
}

/// Sends an entry of the journal again. One that was rejected is open from here on: what is sent now may arrive.
pub fn again(client: &Client, journal: &Journal, entry: &Entry) -> anyhow::Result<()> {
    let read = entry.state.earlier();
    let earlier = match journal.open_again(entry.id) {
        // It may have been given up since it was read.
        Ok(known) => known.unwrap_or(read),
        Err(error) if read == Earlier::Never => return Err(error),
        // It is open in the list as it is.
        Err(_) => read,
    };
    settle(client, journal, entry, earlier)
}

/// Sends the bytes of an entry until it is known what became of them, and writes that down.
fn settle(client: &Client, journal: &Journal, entry: &Entry, earlier: Earlier) -> anyhow::Result<()> {
    let outcome = match deliver(client, entry, earlier) {
        // Another command may have handed over the same bytes meanwhile.
        rejected @ Outcome::Rejected { .. } => rejected.after(journal.reject(entry.id)?),
        outcome => outcome,
    };
    match outcome {
        Outcome::Accepted { .. } | Outcome::AlreadyPending | Outcome::AlreadyIncluded { .. } => {}
        Outcome::Unknown { why } => {
            let id = entry.id;
            let earlier = match why {
                Uncertain::RejectedAfterAccepted { .. } => Earlier::Accepted,
                _ => earlier,
            };
            return Err(Unanswered { id, earlier, why }.into());
        }
        Outcome::Rejected { problem } => {
            let of_time = ["transaction-from-the-future", "transaction-expired"].contains(&problem.name.as_str());
            let ahead = client.clock_ahead().filter(|_| of_time);
            return Err(Rejected { problem, ahead }.into());
        }
    }
    // It was accepted: that this could not be written down is no failure of the payment.
    if let Err(error) = journal.settle(entry.id, State::Accepted) {
        errln!("warning: {error:#}");
    }
    Ok(())
}

/// Where the answer does not show that the node accepted it, the node is queried for the id: a copy from another command, or from another person with
/// the same proposal, may be there. Where no clear answer came and it is not there, the same bytes are sent once more.
fn deliver(client: &Client, entry: &Entry, earlier: Earlier) -> Outcome {
    let first = client.submit(entry.id, &entry.envelope).after(earlier);
    let was_rejected = match &first {
        Outcome::Rejected { .. } => true,
        Outcome::Unknown { why } => why.rejection().is_some(),
        _ => return first,
    };
    match client.find(entry.id) {
        Ok(Some(_)) => Outcome::AlreadyPending,
        // It is not in the pool: sent once more, the same bytes would be rejected once more.
        Ok(None) if was_rejected => first,
        Ok(None) => once_more(client, entry),
        Err(_) => first.unseen(),
    }
}

/// The second sending of the same bytes: the first copy may still be on its way, behind what rejects the second.
fn once_more(client: &Client, entry: &Entry) -> Outcome {
    let second = client.submit(entry.id, &entry.envelope).after(Earlier::Open);
    let is_open = matches!(second, Outcome::Unknown { .. });
    match is_open && matches!(client.find(entry.id), Ok(Some(_))) {
        true => Outcome::AlreadyPending,
        false => second,
    }
}

/// Prints how a transaction stands that the node has, once it is as deep as the options want.
pub fn print_outcome(client: &Client, id: TxId, report: &Report<'_>) -> anyhow::Result<()> {
    let found = match report.depth.wait {
        Some(seconds) => wait(client, id, report.depth.confirmations, Duration::from_secs(seconds))?,
        None => match client.find(id) {
            Ok(Some(found)) => found,
            // It was accepted a moment ago.
            _ => Found::pending(),
        },
    };
    let (height, confirmations) = (found.height(), found.confirmations());
    let printed = if report.json {
        let warnings = warn::json(report.warnings);
        outln!(
            "{}",
            json!({ "id": id, "status": found.status.word(), "height": height, "confirmations": confirmations, "warnings": warnings })
        )
    } else {
        outln!("{}", shown(id, &found))
    };
    Ok(printed.after(|| format!("sent, id {id}, {}", found.status.shown()))?)
}

/// How a transaction stands, for a person.
fn shown(id: TxId, found: &Found) -> String {
    let status = found.status.shown();
    match found.height() {
        Some(height) => format!("{id}  {status}\nin block {height}"),
        None => format!("{id}  {status}"),
    }
}

/// Queries the node until the transaction is deep enough, also where it does not answer for a while.
fn wait(client: &Client, id: TxId, confirmations: u64, most: Duration) -> anyhow::Result<Found> {
    let (deadline, seconds) = (Instant::now() + most, most.as_secs());
    loop {
        let late = Instant::now() >= deadline;
        match client.find(id) {
            Ok(Some(found)) if found.status == TransactionStatus::Failed => {
                bail!("{id} is in a block, but its execution failed")
            }
            // A later version of the node may know of outcomes that are neither success nor failure.
            Ok(Some(found)) if found.status == TransactionStatus::Unknown && found.block.is_some() => {
                let state = "it is in a block, with a status that this version does not know".to_owned();
                return Err(Unsettled { id, state }.into());
            }
            Ok(Some(found)) if found.block.is_some() && found.confirmations() >= confirmations => return Ok(found),
            Ok(Some(found)) if late => {
                let (status, depth) = (found.status.sentence(), found.confirmations());
                let state = format!("{status} with {depth} of {confirmations} confirmations after {seconds} s");
                return Err(Unsettled { id, state }.into());
            }
            Ok(None) if late => {
                let state = format!("after {seconds} s the node does not know it any more");
                return Err(Unsettled { id, state }.into());
            }
            Err(error) if late => {
                let state = format!("what became of it could not be found out ({error:#})");
                return Err(Unsettled { id, state }.into());
            }
            _ => std::thread::sleep(PAUSE),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payment_that_is_rejected_for_its_time_names_the_clock() {
        let problem = Rejection {
            name: "transaction-from-the-future".to_owned(),
            title: "T".to_owned(),
            detail: "d".to_owned(),
            request_id: None,
        };
        let ahead = Some(1_200);
        let named = Rejected { problem, ahead };
        assert_eq!(
            named.to_string(),
            "T: d. This machine's clock is 20 min ahead of the node's: set the one that is wrong"
        );
    }

    #[test]
    fn a_status_of_a_later_version_is_shown_as_not_known() {
        let id = TxId(tally_chain::B256::repeat_byte(7));
        let mut found = Found::pending();
        assert_eq!(shown(id, &found), format!("{id}  pending"));
        found.status = TransactionStatus::Unknown;
        let unknown = format!("{id}  its status is not known to this version");
        assert_eq!(shown(id, &found), unknown);
        found.block = Some(tally_api::transactions::TransactionBlock {
            id: tally_chain::BlockId(tally_chain::B256::repeat_byte(3)),
            height: 12,
            index: 0,
            time: 1,
            confirmations: 1,
        });
        assert_eq!(shown(id, &found), format!("{unknown}\nin block 12"));
    }

    #[test]
    fn a_clock_is_named_with_its_side_and_distance() {
        for (ahead, words) in [
            (1_200, "20 min ahead of"),
            (-90_000, "25 h behind"),
            (61, "61 s ahead of"),
            (-7_199, "119 min behind"),
        ] {
            assert_eq!(
                clock_words(ahead),
                format!("This machine's clock is {words} the node's: set the one that is wrong")
            );
        }
    }
}
