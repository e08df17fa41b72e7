//! Scenarios that send transactions to a node's REST interface.

use tally_api::submit::{RawBody, SubmittedBody};
use tally_chain::Bytes;
use tally_lab::report::Answer;
use tally_lab::transactions::Act;

use super::mining;
use super::notes::Notes;
use super::process::Node;
use super::sandbox::Lab;

/// Sends an envelope; what the node says where it takes it.
pub fn submit(node: &Node, envelope: &Bytes) -> anyhow::Result<String> {
    let taken: SubmittedBody = node.client.post("transactions", &RawBody::of(envelope))?;
    Ok(format!("{} is {}", taken.id, taken.status.word()))
}

/// Does the steps of a scenario.
pub async fn play(lab: &mut Lab, acts: Vec<Act>, notes: &mut Notes) -> anyhow::Result<()> {
    let site = lab.take_shared().await?;
    let untampered = lab.options.untampered;
    let played = acts
        .into_iter()
        .try_for_each(|act| step(&site.node, act, untampered, notes));
    lab.give_back(site);
    played
}

fn step(node: &Node, act: Act, untampered: bool, notes: &mut Notes) -> anyhow::Result<()> {
    match act {
        Act::Take { what, envelope } => notes.accepts(what, submit(node, &envelope)),
        Act::Refuse {
            what,
            envelope,
            honest,
            kind,
        } => {
            let sent = if untampered { &honest } else { &envelope };
            notes.refuses(what, kind, submit(node, sent))
        }
        Act::Mine => notes.accepts("a block of what waits is mined", mining::mine(node)),
        tried @ Act::Tried { .. } => {
            watch(vec![tried], notes);
            Ok(())
        }
    }
}

/// Writes down steps that need no node.
pub fn watch(acts: Vec<Act>, notes: &mut Notes) {
    for act in acts {
        let Act::Tried { what, found, refused } = act else {
            continue;
        };
        let expected = refused.clone().unwrap_or_else(|| "done".to_owned());
        let as_expected = found.as_ref().err() == refused.as_ref();
        let answer = match found {
            Ok(detail) => Answer::Observed { detail },
            Err(detail) => Answer::Refused {
                kind: "wallet".to_owned(),
                detail,
            },
        };
        notes.add(what, answer, expected, as_expected);
    }
}
