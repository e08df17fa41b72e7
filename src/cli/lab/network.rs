//! Scenarios of hostile peers. Rules: docs/protocol.md#N1 to #N13

use std::time::{Duration, Instant};

use tally_api::peers::PeersBody;
use tally_chain::hash::sha256;
use tally_chain::{BlockId, Bytes, Header, Height, RawTransaction, ReferenceVerifier, U256, Weight};
use tally_lab::blocks::PRODUCER;
use tally_lab::report::Answer;
use tally_lab::{Secp256k1Signer, Signer as _};
use tally_network::wire::limits::MAX_INBOUND;
use tally_network::wire::{Claim, Message};
use tokio::time::sleep;

use super::mining::{self, Job};
use super::notes::Notes;
use super::peer::{Peer, Stock, offence, show};
use super::process::{Node, PATIENCE, until};
use super::sandbox::{Lab, Site};

/// Inbound connections that a node keeps. Rule: docs/protocol.md#N8
const MAX_CONNECTIONS: usize = 128;
/// Connections that are tried at once: more than a node keeps.
const CONNECTIONS: usize = 160;
/// Inventories of one bad transaction each.
const INVENTORIES: u64 = 12;
/// A node's list of peers is no older than this.
const STATUS_AGE: Duration = Duration::from_millis(600);
/// How long an answer may take while a node is flooded.
const SOON: Duration = Duration::from_secs(5);

/// A claim of genesis alone.
fn nothing(genesis: BlockId) -> Claim {
    Claim {
        tip: genesis,
        height: Height(0),
        weight: Weight::default(),
    }
}

/// Waits for what the node notes of a peer, with so many points at least, and writes it down.
async fn noted(node: &Node, peer: &str, what: &str, least: u64, begins: &str, notes: &mut Notes) -> anyhow::Result<()> {
    let answer = until("the node's word on a peer", || Ok(offence(node, peer, least))).await?;
    let held = matches!(&answer, Answer::Offence { detail, .. } if detail.starts_with(begins));
    notes.add(
        what,
        answer,
        format!("{least} points or more, because it {begins}…"),
        held,
    );
    Ok(())
}

/// An honest peer is still served: its block becomes the tip.
async fn still_serves(lab: &Lab, site: &mut Site, notes: &mut Notes) -> anyhow::Result<()> {
    let block = site.branch.mine(PRODUCER, lab.now(), &[])?;
    let answer = show(&site.node, &lab.identity(), &[block]).await?;
    let accepted = matches!(answer, Answer::Accepted { .. });
    notes.add("an honest peer shows a block", answer, "accepted", accepted);
    Ok(())
}

pub async fn garbage(lab: &mut Lab, notes: &mut Notes) -> anyhow::Result<()> {
    let mut site = lab.take_shared().await?;
    let genesis = lab.identity().genesis;
    let mut peer = Peer::greet(&site.node, genesis, nothing(genesis)).await?;
    let bytes: Vec<u8> = (0..32u8).flat_map(|at| sha256(&[b"garbage", &[at]]).0).collect();
    peer.send_frame(&bytes).await?;
    noted(
        &site.node,
        &peer.id(),
        "a kilobyte of random bytes",
        100,
        "sent bytes that are no message",
        notes,
    )
    .await?;
    let mut peer = Peer::greet(&site.node, genesis, nothing(genesis)).await?;
    peer.send_bytes(&u32::MAX.to_be_bytes()).await?;
    let ended = peer.is_ended(PATIENCE).await;
    let detail = if ended {
        "the node has ended the connection"
    } else {
        "the node waits for them"
    };
    notes.sees(
        "a frame of 4,294,967,295 bytes is announced",
        detail,
        "the connection ends",
        ended,
    );
    let served = still_serves(lab, &mut site, notes).await;
    lab.give_back(site);
    served
}

pub async fn other_chain(lab: &mut Lab, notes: &mut Notes) -> anyhow::Result<()> {
    let mut site = lab.take_shared().await?;
    let other = BlockId(sha256(&[b"another genesis"]));
    let peer = Peer::greet(&site.node, other, nothing(other)).await?;
    noted(
        &site.node,
        &peer.id(),
        "a peer of another genesis says hello",
        100,
        "is of another chain",
        notes,
    )
    .await?;
    let served = still_serves(lab, &mut site, notes).await;
    lab.give_back(site);
    served
}

pub async fn headers(lab: &mut Lab, notes: &mut Notes) -> anyhow::Result<()> {
    let mut site = lab.take_shared().await?;
    let genesis = lab.identity().genesis;
    let mut peer = Peer::greet(&site.node, genesis, nothing(genesis)).await?;
    let header = tally_chain::genesis::block(&lab.bench.spec).header;
    let many: Vec<Header> = (0..2_000).map(|nonce| Header { nonce, ..header }).collect();
    for request in 1..=10 {
        // Once the node has ended the conversation, nothing more can be sent.
        if peer.send(request, Message::Headers(many.clone())).await.is_err() {
            break;
        }
    }
    let what = "2,000 headers in each of up to ten messages, none of them requested";
    noted(&site.node, &peer.id(), what, 100, "sent an answer to no request", notes).await?;
    let served = still_serves(lab, &mut site, notes).await;
    lab.give_back(site);
    served
}

pub async fn false_claim(lab: &mut Lab, notes: &mut Notes) -> anyhow::Result<()> {
    let mut site = lab.take_shared().await?;
    let genesis = lab.identity().genesis;
    let claim = Claim {
        tip: BlockId(sha256(&[b"a tip that is not there"])),
        height: Height(1_000_000),
        weight: Weight(site.branch.weight().0 * U256::from(1_000)),
    };
    let peer = Peer::greet(&site.node, genesis, claim).await?;
    let serving = peer.serve(Stock {
        clock: lab.now(),
        ..Stock::default()
    });
    let what = "a peer claims a thousand times our work and has no headers";
    noted(
        &site.node,
        &serving.id,
        what,
        100,
        "claimed more total work than it has shown",
        notes,
    )
    .await?;
    let served = still_serves(lab, &mut site, notes).await;
    lab.give_back(site);
    served
}

pub async fn transactions(lab: &mut Lab, id: &str, notes: &mut Notes) -> anyhow::Result<()> {
    let mut site = lab.take_shared().await?;
    let genesis = lab.identity().genesis;
    let (alice, bob) = (Secp256k1Signer::of(id, 0), Secp256k1Signer::of(id, 1).address());
    let mut peer = Peer::greet(&site.node, genesis, nothing(genesis)).await?;
    let mut wrong = Vec::new();
    for nonce in 0..INVENTORIES {
        let envelope = alice.envelope(&lab.bench.identity, &lab.bench.ten(nonce, bob));
        let id = RawTransaction::decode(envelope.clone())?
            .check(&lab.identity(), &ReferenceVerifier)?
            .id();
        let mut bytes = envelope.to_vec();
        if let Some(last) = bytes.last_mut() {
            *last ^= 1;
        }
        wrong.push(Bytes::from(bytes));
        peer.send(0, Message::Inventory(vec![id])).await?;
    }
    let serving = peer.serve(Stock {
        envelopes: wrong,
        clock: lab.now(),
        ..Stock::default()
    });
    let what = "transactions are announced one by one, and sent with wrong signatures when the node requests them";
    noted(&site.node, &serving.id, what, 100, "sent an invalid transaction", notes).await?;
    let next = site.node.client.account(alice.address())?.next_nonce;
    let detail = format!("Alice's next nonce is {next}: {next} of them are in the pool");
    notes.sees(
        "the node is asked for Alice's account",
        detail,
        "none of them is in the pool",
        next == 0,
    );
    let served = still_serves(lab, &mut site, notes).await;
    lab.give_back(site);
    served
}

pub async fn connections(lab: &mut Lab, notes: &mut Notes) -> anyhow::Result<()> {
    let mut site = lab.take_shared().await?;
    let node = &site.node;
    let tried = (0..CONNECTIONS).map(|_| Peer::connect(node));
    let connected = futures::future::join_all(tried).await;
    let kept: Vec<Peer> = connected.into_iter().flatten().collect();
    let count = || anyhow::Ok(node.client.get::<PeersBody>("peers")?.peers.len());
    until("the list of peers", || Ok((count()? > 0).then_some(()))).await?;
    sleep(STATUS_AGE).await;
    let listed = count()?;
    let held = kept.len() <= MAX_CONNECTIONS && listed <= MAX_INBOUND;
    notes.sees(
        format!("{CONNECTIONS} connections from one machine, silent"),
        format!("{} were opened, {listed} are in the list of peers", kept.len()),
        format!("at most {MAX_CONNECTIONS} connections, and {MAX_INBOUND} peers"),
        held,
    );
    let begun_read = Instant::now();
    let tip = node.tip()?;
    let took = begun_read.elapsed();
    let detail = format!(
        "the tip is at height {}, answered in {} ms",
        tip.height,
        took.as_millis()
    );
    notes.sees(
        "the node is asked for its status meanwhile",
        detail,
        "an answer within 5 s",
        took < SOON,
    );
    drop(kept);
    let served = still_serves(lab, &mut site, notes).await;
    lab.give_back(site);
    served
}

pub async fn clocks(lab: &mut Lab, notes: &mut Notes) -> anyhow::Result<()> {
    const A_DAY: u64 = 86_400;
    let site = lab.take_shared().await?;
    let genesis = lab.identity().genesis;
    let wrong = Stock {
        clock: lab.now().saturating_add(A_DAY),
        ..Stock::default()
    };
    let mut peers = Vec::new();
    for _ in 0..6 {
        let peer = Peer::greet(&site.node, genesis, nothing(genesis)).await?;
        peers.push(peer.serve(wrong.clone()));
    }
    until("the six clocks", || {
        let listed = site.node.client.get::<PeersBody>("peers")?.peers;
        let read = |id: &str| {
            listed
                .iter()
                .any(|peer| peer.id == id && peer.clock_offset_secs.is_some())
        };
        Ok(peers.iter().all(|peer| read(&peer.id)).then_some(()))
    })
    .await?;
    let clock = site.node.status()?.clock;
    let detail = match clock.off {
        true => "the node believes that its own clock is wrong".to_owned(),
        false => format!(
            "the node has read all six, of which {} count, and keeps its clock",
            clock.peers
        ),
    };
    notes.sees(
        "six peers that came by themselves claim that it is tomorrow",
        detail,
        "the node keeps its clock",
        !clock.off,
    );
    let job = Job::of(&site.node.client)?;
    let tomorrow = job.time().saturating_add(u32::try_from(A_DAY)?);
    notes.refuses(
        "a block of tomorrow is handed in",
        "block-from-the-future",
        job.submit(&site.node.client, tomorrow, true),
    )?;
    notes.accepts("a block of today is handed in", mining::mine(&site.node))?;
    drop(peers);
    lab.give_back(site);
    Ok(())
}
