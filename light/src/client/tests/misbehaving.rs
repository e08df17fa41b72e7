//! Nodes that change their minds, claim what they cannot prove, or give no answers.

use tally_chain::history::NODE_BYTES;
use tally_chain::light::forge::{Next, SealMethod};

use super::*;

fn header_requests(node: &Node<'_>) -> usize {
    let headers = node.paths.iter().filter(|path| path.starts_with("light/headers"));
    headers.count()
}

/// Verdicts count as long as the revision that they were given in.
#[test]
fn the_revision_rises_with_all_that_ends_verdicts() {
    let mut fork = CHAIN.fork(140, 2);
    assert!(fork.push_many(20, 10, &mut Budget(u64::MAX)));
    let (mut client, mut node) = (client(), Node::new(&CHAIN, 10));
    let mut last = client.state().revision;
    let mut rises = |client: &Client| {
        let before = std::mem::replace(&mut last, client.state().revision);
        before != last
    };
    node.serve(&mut client, NOW);
    assert!(rises(&client), "the first tip");
    for height in [115, 150] {
        node.height = height;
        client.look();
        node.serve(&mut client, NOW);
        assert!(!rises(&client), "verdicts stay while the tip is followed");
    }
    // The same tip with a false claim of its total work.
    node.change = |path, mut bytes| {
        if path == "light/tip" {
            bytes[80 + 20] += 1;
        }
        bytes
    };
    client.look();
    node.serve(&mut client, NOW);
    assert_eq!(failure(&client), ("F11".to_owned(), Some(150), None));
    assert!(rises(&client), "nothing is verified now");
    node.change = |_, bytes| bytes;
    let due = client.due().unwrap();
    node.serve(&mut client, due);
    assert_eq!(client.state().phase, Phase::Verified);
    assert!(rises(&client), "it is verified again");
    let mut other = Node::new(&fork, 158);
    client.look();
    other.serve(&mut client, NOW);
    assert_eq!(
        (client.state().phase, height_of(&client)),
        (Phase::Verified, Some((Level::AllHeaders, 158)))
    );
    assert!(rises(&client), "a reorg");
    client.forget();
    assert!(rises(&client), "forgotten");
}

#[test]
fn a_height_that_no_page_takes_stands_in_the_text_alone() {
    let (mut client, mut node) = (client(), Node::new(&CHAIN, 50));
    node.change = |path, bytes| match path {
        "light/tip" => {
            let mut claim = TipClaim::decode(&bytes).unwrap();
            claim.manifest.number = Height(1 << 53);
            claim.header.manifest_root = claim.manifest.root();
            claim.encode()
        }
        _ => bytes,
    };
    node.serve(&mut client, NOW);
    assert_eq!(failure(&client), ("F1".to_owned(), None, None));
    let Phase::Failed(failure) = client.state().phase else {
        unreachable!("seen above")
    };
    let expected = "the tip has height 9007199254740992, at most 1099511627776 is verified";
    assert_eq!(failure.what, expected);
    let evidence: serde_json::Value = serde_json::from_str(&failure.evidence).unwrap();
    assert_eq!(evidence["height"], serde_json::Value::Null);
}

/// A sample was verified, and the headers before it do not hold: the same tip does not settle that.
#[test]
fn headers_that_do_not_hold_stay_a_failure_until_they_do() {
    let (mut client, mut node) = (client(), Node::new(&CHAIN, LONG));
    node.change = |path, mut bytes| {
        if path.starts_with("light/headers") {
            bytes[40] ^= 1;
        }
        bytes
    };
    node.serve(&mut client, NOW);
    assert_eq!(failure(&client).0, "H5");
    let revision = client.state().revision;
    // Once by what was kept, once from genesis on.
    assert_eq!(header_requests(&node), 2);
    let mut now = NOW;
    for round in 0..12 {
        now = client.due().unwrap().max(now + 1);
        if round % 3 == 0 {
            client.look();
        }
        node.serve(&mut client, now);
        assert_eq!(failure(&client).0, "H5", "round {round}");
    }
    assert_eq!(client.state().revision, revision, "nothing changes meanwhile");
    // Pauses grow: 10, 20, 40 seconds and so on.
    assert!(header_requests(&node) <= 9, "{:?}", node.paths);
    assert!(
        now - NOW >= 10_000 * ((1 << (header_requests(&node) - 2)) - 1),
        "{:?}",
        node.paths
    );
    node.change = |_, bytes| bytes;
    while client.state().phase != Phase::Verified {
        now = client.due().unwrap().max(now + 1);
        node.serve(&mut client, now);
    }
    assert!(client.state().revision > revision);
    client.check_all();
    node.serve(&mut client, now);
    assert_eq!(height_of(&client), Some((Level::AllHeaders, LONG)));
}

/// The node shows a tip, and says of the headers before it that it does not know that tip.
#[test]
fn a_part_without_an_answer_waits() {
    for name in ["unknown-block", "tip-too-old", "busy"] {
        let (mut client, mut node) = (client(), Node::new(&CHAIN, LONG));
        node.problem = Some(("light/headers", name));
        node.serve(&mut client, NOW);
        assert_eq!(
            (header_requests(&node), client.due()),
            (1, Some(NOW + 10_000)),
            "{name}"
        );
        assert_eq!(client.state().phase, Phase::Verified);
        node.serve(&mut client, NOW + 9_999);
        assert_eq!(header_requests(&node), 1, "{name}");
        node.serve(&mut client, NOW + 10_000);
        assert_eq!(header_requests(&node), 2, "{name}");
    }
}

#[test]
fn what_another_tab_has_kept_stays_where_it_is_worth_more() {
    let kept = |chain: &Chain<'_>, height: u64, prepare: fn(&mut Client)| {
        let (mut client, mut node) = (client(), Node::new(chain, height));
        prepare(&mut client);
        node.serve(&mut client, NOW);
        client.take_kept().unwrap()
    };
    let (short, long) = (kept(&CHAIN, 50, |_| {}), kept(&CHAIN, 53, |_| {}));
    assert!(short.gives_way_to(&long) && !long.gives_way_to(&short));
    assert!(
        !short.gives_way_to(&short),
        "it may say anew whether the check was stopped"
    );
    // Of the same total work the first stays.
    let mut fork = CHAIN.fork(49, 2);
    let time = CHAIN.at(50).time;
    assert!(fork.push(Next::at(time), SealMethod::Mined(&mut Budget(u64::MAX))));
    let other = kept(&fork, 50, |_| {});
    assert_eq!(other.weight(), short.weight());
    assert!(other.gives_way_to(&short) && short.gives_way_to(&other));
    // Of the same tip that of which more was checked.
    let by_checked = [
        kept(&CHAIN, LONG, Client::stop),
        kept(&CHAIN, LONG, |_| {}),
        kept(&CHAIN, LONG, Client::check_all),
    ];
    for (at, less) in by_checked.iter().enumerate() {
        for more in &by_checked[at + 1..] {
            assert!(less.gives_way_to(more) && !more.gives_way_to(less));
        }
    }
}

/// Rule F10 is about a chain that holds: a claim that nothing shows makes nobody forget one with more work.
#[test]
fn a_claim_of_less_work_is_proven_before_it_counts() {
    let (mut client, mut node) = (client(), Node::new(&CHAIN, 80));
    node.serve(&mut client, NOW);
    let mut older = Node::new(&CHAIN, 60);
    let changes: [(Change, &str, &str); 3] = [
        (
            |path, bytes| match path.starts_with("light/chain") {
                true => bytes[..1_000].to_vec(),
                false => bytes,
            },
            "F3",
            "the proof ends among its headers too early",
        ),
        (
            |path, mut bytes| {
                if path.starts_with("light/chain") {
                    bytes[10] ^= 1;
                }
                bytes
            },
            "F3",
            "the proof is of the chain with genesis ",
        ),
        (|_, bytes| bytes, "F10", "the total work of the chain is "),
    ];
    let mut now = NOW;
    for (change, rule, what) in changes {
        older.change = change;
        client.look();
        now = client.due().unwrap().max(now);
        older.serve(&mut client, now);
        let Phase::Failed(failure) = client.state().phase else {
            panic!("{:?}", client.state().phase)
        };
        assert_eq!(failure.rule, rule);
        assert!(failure.what.starts_with(what), "{}", failure.what);
        assert_eq!(height_of(&client), Some((Level::AllHeaders, 80)));
    }
}

#[test]
fn a_tip_that_is_not_read_leaves_what_the_verified_one_shows() {
    let (mut client, mut node) = (client(), Node::new(&CHAIN, 50));
    node.serve(&mut client, NOW);
    node.problem = Some(("light/tip", "busy"));
    node.paths.clear();
    client.look();
    assert_eq!(node.check(&mut client, &CHAIN, 30, NOW), BlockVerdict::OnChain);
    assert_eq!(node.paths, ["light/tip", "light/ancestor?height=30"]);
    let revision = client.state().revision;
    // What is above that tip has to wait for another, and is checked again when it is there.
    let above = node.check(&mut client, &CHAIN, 52, NOW);
    let why = "the node gave no answer about its newest block".to_owned();
    assert_eq!(above, BlockVerdict::Unknown(why));
    (node.problem, node.height) = (None, 53);
    let due = client.due().unwrap();
    node.serve(&mut client, due);
    assert_eq!(client.state().revision, revision + 1);
    assert_eq!(node.check(&mut client, &CHAIN, 52, due), BlockVerdict::OnChain);
    client.look();
    node.serve(&mut client, due);
    assert_eq!(client.state().revision, revision + 1, "once");
    // Of a node that is silent all checks get the same verdict, after one wait.
    node.problem = Some(("light/ancestor", "silent"));
    node.paths.clear();
    for (number, height) in [(1, 20), (2, 21)] {
        let manifest = CHAIN.manifest(Height(height)).unwrap().encode();
        client.check(number, &CHAIN.at(height).encode(), &manifest);
    }
    node.serve(&mut client, due);
    assert_eq!(node.paths, ["light/ancestor?height=20"]);
    let mut verdicts = client.take_verdicts();
    verdicts.sort_by_key(|(number, _)| *number);
    let silent = BlockVerdict::Unknown("nothing came for 30 s".to_owned());
    assert_eq!(verdicts, [(1, silent.clone()), (2, silent)]);
}

/// One that gets no answer makes the client look at the tip, and so does one whose proof does not hold.
#[test]
fn checks_that_never_get_a_verdict_bring_no_revision_after_the_other() {
    let (mut client, mut node) = (client(), Node::new(&CHAIN, 50));
    node.serve(&mut client, NOW);
    let first = client.state().revision;
    node.change = |path, bytes| match path.starts_with("light/ancestor") && path.contains("height=20") {
        true => vec![0; NODE_BYTES],
        false => bytes,
    };
    let mut round = |client: &mut Client, now: u64| {
        for (number, height, problem) in [(1, 10, Some(("light/ancestor", "internal"))), (2, 20, None)] {
            node.problem = problem;
            let manifest = CHAIN.manifest(Height(height)).unwrap().encode();
            client.check(number, &CHAIN.at(height).encode(), &manifest);
            node.serve(client, now);
        }
        client.take_verdicts();
        client.state().revision
    };
    let rounds: Vec<_> = (0..5).map(|_| round(&mut client, NOW) - first).collect();
    assert_eq!(rounds, [1, 1, 1, 1, 1], "once");
    assert_eq!(round(&mut client, NOW + 10_000) - first, 2, "again after a pause");
    assert_eq!(round(&mut client, NOW + 20_000) - first, 2, "the next one is longer");
}
