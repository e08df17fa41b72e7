//! A payment that equals one that waits, or of which nothing is known, needs a yes. Rule: docs/protocol.md#W58

use std::process::Output;

use crate::common::ECC;
use crate::lossy::Fault;
use crate::submission::{Bench, done, ends};

/// An equal payment waits, and nothing was signed.
fn equal_waits(output: &Output, id: &str) {
    ends(
        output,
        1,
        &[
            id,
            "nothing was signed",
            "an equal payment (receiver and amount) waits already",
            "--again",
        ],
    );
}

#[test]
fn an_equal_payment_is_found_whatever_its_memo() {
    let bench = Bench::new();
    let id = |output: &Output| done(output)["id"].as_str().unwrap().to_owned();
    let first = id(&bench.pay("7", &["--memo", "tea"]));
    equal_waits(&bench.pay("7", &["--memo", "coffee"]), &first);
    equal_waits(&bench.pay("7", &[]), &first);
    id(&bench.pay("8", &["--memo", "tea"]));
    // Where nothing moves, the memo is what is sent.
    let note = id(&bench.pay("0", &["--memo", "a note"]));
    id(&bench.pay("0", &["--memo", "another note"]));
    equal_waits(&bench.pay("0", &["--memo", "a note"]), &note);
    id(&bench.pay("7", &["--memo", "coffee", "--again"]));
    assert_eq!(bench.waiting().len(), 5);
}

#[test]
fn where_more_wait_than_can_be_compared_a_yes_is_needed() {
    let bench = Bench::new();
    let identity = bench.server.identity();
    let envelopes = (0..101).map(|nonce| ECC[0].coin(&identity, nonce)).collect();
    assert!(bench.server.node.submit_batch(envelopes).iter().all(Result::is_ok));
    let unknown = "it could not be found out whether an equal payment waits already: 101 of this account wait";
    ends(&bench.pay("7", &[]), 1, &["nothing was signed", unknown, "--again"]);
    done(&bench.pay("7", &["--again"]));
}

#[test]
fn every_path_that_signs_looks_for_an_equal_payment() {
    let bench = Bench::new();
    let (from, to) = (ECC[0].address().to_string(), ECC[2].address().to_string());
    let first = done(&bench.pay("7", &[]))["id"].as_str().unwrap().to_owned();
    let second = done(&bench.pay("7", &["--again"]))["id"].as_str().unwrap().to_owned();

    // A proposal of the same account, from any writer: writing it warns, signing it needs a yes.
    let file = |name: &str| bench.folder.path().join(name).display().to_string();
    let (unsigned, signed) = (file("proposal.txt"), file("signed.txt"));
    let proposed = bench.run(&[
        "propose", "--from", &from, "--to", &to, "--amount", "7", "--memo", "tea", "--out", &unsigned,
    ]);
    ends(&proposed, 0, &["warning: an equal payment", &first]);
    equal_waits(&bench.run(&["sign", &unsigned, "--yes", "--out", &signed]), &first);
    assert!(!std::path::Path::new(&signed).exists());
    let again = bench.run(&["sign", &unsigned, "--yes", "--again", "--out", &signed]);
    ends(&again, 0, &["signed with"]);

    // Another in the place of one of two that are equal.
    equal_waits(&bench.run(&["speed-up", &second, "--yes"]), &first);
    let faster = bench.run(&["speed-up", &second, "--yes", "--again", "--json"]);
    let second = done(&faster)["id"].as_str().unwrap().to_owned();
    // Cancelling ones are equal, too, and pay nothing as often as one likes.
    for id in [first, second] {
        ends(&bench.run(&["cancel", &id, "--yes"]), 0, &[]);
    }
}

#[test]
fn an_equal_payment_of_which_nothing_is_known_needs_a_yes_as_well() {
    let bench = Bench::new();
    bench.plan.set(&[Fault::RequestLost, Fault::RequestLost], &[]);
    ends(&bench.pay("5", &[]), 8, &["may have been accepted"]);
    let id = bench.journal()["entries"][0]["id"].as_str().unwrap().to_owned();
    bench.plan.set(&[], &[]);
    // Another takes its nonce here; elsewhere the first may have been accepted.
    done(&bench.pay("6", &[]));
    let memo = ["--memo", "tea"];
    let in_doubt = [&id[..], "nothing was signed", "may have been accepted", "--again"];
    ends(&bench.pay("5", &memo), 1, &in_doubt);
    let (from, to) = (ECC[0].address().to_string(), ECC[2].address().to_string());
    let unsigned = bench.folder.path().join("proposal.txt").display().to_string();
    let alone = [
        "propose",
        "--from",
        &from,
        "--to",
        &to,
        "--amount",
        "5",
        "--nonce",
        "1",
        "--max-fee",
        "20000000000",
        "--priority-fee",
        "1000000000",
        "--out",
        &unsigned,
    ];
    ends(&bench.run(&alone), 0, &["warning: an equal payment", &id]);
    // Without a node the journal knows it all the same.
    ends(&bench.run(&["sign", "--offline", &unsigned, "--yes"]), 1, &in_doubt);
    done(&bench.pay("5", &["--memo", "tea", "--again"]));
}
