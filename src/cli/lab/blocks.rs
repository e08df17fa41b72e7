//! Scenarios that show blocks to a node: by a peer, or as a miner's work.

use tally_lab::blocks::attack;
use tally_lab::report::Answer;

use super::mining::Job;
use super::notes::Notes;
use super::sandbox::{Lab, Site};
use super::{peer, transactions};

/// How far ahead of its time a block is dated, in seconds.
const AN_HOUR: u32 = 3_600;

/// Tampered blocks that a peer shows, then the honest one at the same place.
pub async fn shown(lab: &mut Lab, id: &str, notes: &mut Notes) -> anyhow::Result<()> {
    let mut site = lab.take_shared().await?;
    let shown = show_all(lab, id, &mut site, notes).await;
    lab.give_back(site);
    shown
}

async fn show_all(lab: &Lab, id: &str, site: &mut Site, notes: &mut Notes) -> anyhow::Result<()> {
    let made = attack(id, &lab.bench, &site.branch)?;
    let made = made.ok_or_else(|| anyhow::anyhow!("nothing is made for {id}"))?;
    if let Some(acts) = tally_lab::old::demonstration(id) {
        transactions::watch(acts, notes);
    }
    let identity = lab.identity();
    for attempt in &made.attempts {
        let sent = if lab.options.untampered {
            &made.honest
        } else {
            &attempt.block
        };
        let before = site.node.tip()?.id;
        let answer = peer::show(&site.node, &identity, std::slice::from_ref(sent)).await?;
        let expected = attempt.fault.offence(&attempt.block);
        let noted = matches!(&answer, Answer::Offence { detail, .. } if *detail == expected);
        let stayed = site.node.tip()?.id == before;
        notes.add(
            format!("a peer shows {}", attempt.what),
            answer,
            format!("the tip stays, and the peer {expected}"),
            noted && stayed,
        );
    }
    let answer = peer::show(&site.node, &identity, std::slice::from_ref(&made.honest)).await?;
    let accepted = matches!(answer, Answer::Accepted { .. });
    notes.add(
        "another peer shows the same block as it was",
        answer,
        "accepted",
        accepted,
    );
    super::sandbox::follow(&site.node.client, &mut site.branch)
}

/// Work that a miner hands in, and the same template with honest work.
pub async fn mined(lab: &mut Lab, id: &str, notes: &mut Notes) -> anyhow::Result<()> {
    let site = lab.take_shared().await?;
    let handed = hand_in(lab, id, &site, notes);
    lab.give_back(site);
    handed
}

fn hand_in(lab: &Lab, id: &str, site: &Site, notes: &mut Notes) -> anyhow::Result<()> {
    let node = &site.node;
    // So that the median is that of blocks of now, and not of genesis.
    for _ in 0..2 {
        notes.accepts("a miner hands in an honest block", super::mining::mine(node))?;
    }
    let job = Job::of(&node.client)?;
    let (what, kind, time, works) = match id {
        "block-future" => (
            "a block that is dated an hour ahead",
            "block-from-the-future",
            job.time() + AN_HOUR,
            true,
        ),
        "block-past" => (
            "a block with the time of the median before it",
            "block-too-early",
            job.earliest() - 1,
            true,
        ),
        _ => (
            "a block with a nonce that is none",
            "not-enough-work",
            job.time(),
            false,
        ),
    };
    let answer = match lab.options.untampered {
        true => job.submit(&node.client, job.time(), true),
        false => job.submit(&node.client, time, works),
    };
    notes.refuses(format!("a miner hands in {what}"), kind, answer)?;
    notes.accepts(
        "the same template with the node's time and with work",
        job.submit(&node.client, job.time(), true),
    )
}
