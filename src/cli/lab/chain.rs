//! Scenarios in which several chains compete for a node. Rule: docs/protocol.md#B9

use tally_api::transactions::TransactionStatus;
use tally_chain::{Address, Bytes, RawTransaction, ReferenceVerifier, TxId};
use tally_lab::blocks::PRODUCER;
use tally_lab::report::Answer;
use tally_lab::{Branch, Sealed, Secp256k1Signer, Signer as _};
use tally_node::counted::counted;

use super::notes::Notes;
use super::peer::{Peer, Stock, show};
use super::process::{Node, until};
use super::sandbox::{Lab, MAX_REORG_DEPTH, Site};
use super::{mining, transactions};

/// Who mines the attacker's blocks: with the honest producer some of them would be the very same blocks.
const ATTACKER: Address = Address::repeat_byte(0x1b);

/// So many blocks without transactions.
fn empty_blocks(lab: &Lab, branch: &mut Branch, count: usize, producer: Address) -> anyhow::Result<Vec<Sealed>> {
    let mined = (0..count).map(|_| branch.mine(producer, lab.now(), &[]));
    Ok(mined.collect::<Result<_, _>>()?)
}

fn id_of(lab: &Lab, envelope: &Bytes) -> anyhow::Result<TxId> {
    let raw = RawTransaction::decode(envelope.clone())?;
    Ok(raw.check(&lab.identity(), &ReferenceVerifier)?.id())
}

/// Where a node has a transaction, in words.
fn stands(node: &Node, id: TxId) -> anyhow::Result<String> {
    Ok(match node.client.find(id)? {
        None => "unknown to the node".to_owned(),
        Some(found) => match found.height() {
            Some(height) => {
                let confirmations = counted(found.confirmations(), "confirmation", "confirmations");
                format!("in block {height}, with {confirmations}")
            }
            None => found.status.word().to_owned(),
        },
    })
}

/// Shows blocks that have to become the node's chain.
async fn accepted(lab: &Lab, node: &Node, what: &str, blocks: &[Sealed], notes: &mut Notes) -> anyhow::Result<()> {
    let answer = show(node, &lab.identity(), blocks).await?;
    let taken = matches!(answer, Answer::Accepted { .. });
    notes.add(what, answer, "accepted", taken);
    Ok(())
}

/// Shows blocks that have no more work than the node's chain: nothing may change.
async fn ignored(lab: &Lab, node: &Node, what: &str, blocks: &[Sealed], notes: &mut Notes) -> anyhow::Result<()> {
    let before = node.tip()?;
    let stock = Stock {
        clock: lab.now(),
        ..Stock::of(blocks)
    };
    let identity = lab.identity();
    let mut peer = Peer::greet(node, identity.genesis, stock.claim(&identity)).await?;
    // The second answer comes after whatever the first look at the claim has begun.
    peer.settled(&stock).await?;
    peer.settled(&stock).await?;
    let after = node.tip()?;
    let detail = format!("the tip is {} at height {}", after.id, after.height);
    notes.sees(
        what,
        detail,
        format!("the tip stays {}", before.id),
        after.id == before.id,
    );
    Ok(())
}

pub async fn double_spend(lab: &mut Lab, id: &str, notes: &mut Notes) -> anyhow::Result<()> {
    let mut site = lab.take_forks().await?;
    let ended = spend_twice(lab, id, &mut site, notes).await;
    lab.give_back_forks(site);
    ended
}

async fn spend_twice(lab: &Lab, id: &str, site: &mut Site, notes: &mut Notes) -> anyhow::Result<()> {
    let node = &site.node;
    let (mallory, merchant, herself) = (
        Secp256k1Signer::of(id, 0),
        Secp256k1Signer::of(id, 1).address(),
        Secp256k1Signer::of(id, 2).address(),
    );
    let bench = &lab.bench;
    let paid = mallory.envelope(&bench.identity, &bench.ten(0, merchant));
    let back = mallory.envelope(&bench.identity, &bench.ten(0, herself));
    let payment = id_of(lab, &paid)?;
    let fork = site.branch.clone();

    let first = site.branch.mine(PRODUCER, lab.now(), std::slice::from_ref(&paid))?;
    let second = empty_blocks(lab, &mut site.branch, 1, PRODUCER)?.remove(0);
    accepted(
        lab,
        node,
        "Mallory pays the merchant; a block follows",
        &[first, second],
        notes,
    )
    .await?;
    let seen = stands(node, payment)?;
    notes.sees(
        "the merchant looks",
        &seen,
        "2 confirmations",
        seen.ends_with("with 2 confirmations"),
    );

    let mut secret = fork;
    let mut hidden = vec![secret.mine(ATTACKER, lab.now(), &[back])?];
    ignored(
        lab,
        node,
        "Mallory's secret branch with one block less is shown",
        &hidden,
        notes,
    )
    .await?;
    hidden.extend(empty_blocks(lab, &mut secret, 2, ATTACKER)?);
    accepted(lab, node, "her branch with one block more is shown", &hidden, notes).await?;
    site.branch = secret;
    let seen = stands(node, payment)?;
    let gone = seen == "unknown to the node";
    notes.sees(
        "the merchant looks again",
        seen,
        "the payment is in no block and can be in none",
        gone,
    );
    notes.refuses(
        "the merchant sends it again",
        "nonce-too-low",
        transactions::submit(node, &paid),
    )
}

pub async fn equal_work(lab: &mut Lab, notes: &mut Notes) -> anyhow::Result<()> {
    let mut site = lab.take_forks().await?;
    let ended = two_of_one_height(lab, &mut site, notes).await;
    lab.give_back_forks(site);
    ended
}

async fn two_of_one_height(lab: &Lab, site: &mut Site, notes: &mut Notes) -> anyhow::Result<()> {
    let mut other = site.branch.clone();
    let first = empty_blocks(lab, &mut site.branch, 1, PRODUCER)?;
    accepted(lab, &site.node, "a block", &first, notes).await?;
    let mut twin = empty_blocks(lab, &mut other, 1, ATTACKER)?;
    ignored(
        lab,
        &site.node,
        "another block at the same height, with the same work",
        &twin,
        notes,
    )
    .await?;
    twin.extend(empty_blocks(lab, &mut other, 1, ATTACKER)?);
    accepted(lab, &site.node, "the other branch with one block more", &twin, notes).await?;
    site.branch = other;
    Ok(())
}

pub async fn rewrite(lab: &mut Lab, notes: &mut Notes) -> anyhow::Result<()> {
    let mut site = lab.take_forks().await?;
    let ended = deep(lab, &mut site, notes).await;
    lab.give_back_forks(site);
    ended
}

async fn deep(lab: &Lab, site: &mut Site, notes: &mut Notes) -> anyhow::Result<()> {
    let mut too_deep = site.branch.clone();
    let mut blocks = empty_blocks(lab, &mut site.branch, 1, PRODUCER)?;
    let mut just_so = site.branch.clone();
    blocks.extend(empty_blocks(lab, &mut site.branch, 3, PRODUCER)?);
    accepted(lab, &site.node, "four blocks", &blocks, notes).await?;

    let before = site.node.tip()?.id;
    let rewritten = empty_blocks(lab, &mut too_deep, 6, ATTACKER)?;
    let identity = lab.identity();
    let stock = Stock {
        clock: lab.now(),
        ..Stock::of(&rewritten)
    };
    let serving = Peer::greet(&site.node, identity.genesis, stock.claim(&identity))
        .await?
        .serve(stock);
    let line = until("the node's word on a deep fork", || {
        let meant = "its chain forks deeper than this node follows";
        let mine = |line: &super::process::Line| line.text("peer") == serving.id;
        let logged = site.node.logged(|line| mine(line) && line.text("message") == meant);
        let taken = site.node.tip()?.id != before;
        Ok(match (logged, taken) {
            (Some(line), _) => Some(format!(
                "{meant}: {} blocks, at most {}",
                line.text("depth"),
                line.text("max")
            )),
            (None, true) => Some("the heavier chain was taken over".to_owned()),
            (None, false) => None,
        })
    })
    .await?;
    let stayed = site.node.tip()?.id == before;
    let refused = stayed && line.ends_with(&format!("4 blocks, at most {MAX_REORG_DEPTH}"));
    let expected = format!("the tip stays: forks deeper than {MAX_REORG_DEPTH} blocks are not followed");
    notes.sees(
        "six blocks of more work that leave the chain four blocks deep",
        line,
        expected,
        refused,
    );
    drop(serving);

    let shallow = empty_blocks(lab, &mut just_so, 4, ATTACKER)?;
    accepted(
        lab,
        &site.node,
        "four blocks of more work that leave it three blocks deep",
        &shallow,
        notes,
    )
    .await?;
    site.branch = just_so;
    Ok(())
}

pub async fn partition(lab: &mut Lab, id: &str, notes: &mut Notes) -> anyhow::Result<()> {
    let people = |index| Secp256k1Signer::of(id, index);
    let bench = &lab.bench;
    let pays = |from: u8| people(from).envelope(&bench.identity, &bench.ten(0, people(3).address()));
    let (left, right) = (
        Node::start(&lab.place, "left", &[]).await?,
        Node::start(&lab.place, "right", &[]).await?,
    );
    let (on_left, on_right) = (pays(0), pays(1));
    let (left_id, right_id) = (id_of(lab, &on_left)?, id_of(lab, &on_right)?);
    notes.accepts("on the left side Alice pays", transactions::submit(&left, &on_left))?;
    notes.accepts("the left side mines a block", mining::mine(&left))?;
    notes.accepts("on the right side Bob pays", transactions::submit(&right, &on_right))?;
    for _ in 0..3 {
        notes.accepts("the right side mines a block", mining::mine(&right))?;
    }
    let apart = left.tip()?.id != right.tip()?.id;
    notes.sees(
        "both sides compare their tips",
        if apart { "they differ" } else { "they agree" },
        "they differ",
        apart,
    );

    left.stop().await?;
    let peer = right.address.to_string();
    let left = Node::start(&lab.place, "left", &["--peer", &peer]).await?;
    let tip = until("one tip on both sides", || {
        let (ours, theirs) = (left.tip()?, right.tip()?);
        Ok((ours.id == theirs.id).then_some(ours))
    })
    .await?;
    let detail = format!("both have {} at height {}", tip.id, tip.height);
    notes.sees(
        "the line is there again",
        detail,
        "the side with more work, height 3",
        tip.height == 3,
    );
    let seen = stands(&left, right_id)?;
    notes.sees(
        "the left side looks for Bob's payment",
        &seen,
        "in a block",
        seen.starts_with("in block"),
    );
    let pending = left.client.find(left_id)?.map(|found| found.status);
    let seen = stands(&left, left_id)?;
    let waits = pending == Some(TransactionStatus::Pending);
    notes.sees(
        "and for Alice's, whose block is gone",
        seen,
        "pending: it waits for the next block",
        waits,
    );
    notes.accepts("the next block is mined", mining::mine(&left))?;
    let seen = stands(&left, left_id)?;
    notes.sees("Alice's payment", &seen, "in block 4", seen.starts_with("in block 4"));
    Ok(())
}
