//! One list of warnings for every command that signs. Rule: docs/protocol.md#W51

use serde_json::Value;
use tally_chain::address;
use tally_wallet::{Fee, Payment};

use crate::common::{ECC, RSA, TestServer, coin};
use crate::wallet::{Cli, SOMEBODY};

/// Nine digits at the start and seven at the end are those of SOMEBODY, whom the address book knows.
const ALIKE: &str = "0x5290840000000000000000000000000004169ee7";

/// The names that a command needs accepted before it signs; it must end without a signature.
fn needed_names(cli: &Cli<'_>, args: &[&str]) -> String {
    let output = cli.run(args, "correct horse");
    let printed = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{args:?}: {printed}");
    assert!(printed.contains("nothing was signed"), "{args:?}: {printed}");
    let names = printed
        .split_once("Give --accept ")
        .and_then(|(_, rest)| rest.split_once(" (or"));
    names.unwrap_or_else(|| panic!("{args:?}: {printed}")).0.to_owned()
}

#[test]
fn every_command_that_signs_warns_of_the_same() {
    let server = TestServer::start();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).display().to_string();
    let cli = Cli::restored(&server);
    let added = cli.run(&["contacts", "add", SOMEBODY, "Ann"], "correct horse");
    assert_eq!(added.status.code(), Some(0));

    // Another program of the same account pays whom its owner did not mean, and dearly: some 0.045 coins at most.
    let dear = Payment {
        to: address::parse(ALIKE).unwrap(),
        fee: Fee {
            max_priority_fee: 1_000_000_000,
            max_fee: 10_000_000_000_000,
        },
        ..coin(0)
    };
    let waiting = server.send(&ECC[0].sign(&server.identity(), &dear));
    let from = RSA.address().to_string();
    let proposal = file("proposal.txt");
    let propose = [
        "propose", "--from", &from, "--to", ALIKE, "--amount", "1", "--out", &proposal,
    ];
    let proposed = cli.run(&propose, "correct horse");
    let printed = String::from_utf8(proposed.stderr).unwrap();
    assert_eq!(proposed.status.code(), Some(0), "{printed}");
    assert!(
        printed.contains("warning: This address looks like one you know, but is another"),
        "{printed}"
    );

    let signed = [
        (
            &["send", "--from", &from, "--to", ALIKE, "--amount", "1", "--yes"][..],
            "look-alike",
        ),
        (&["sign", &proposal, "--yes"], "look-alike"),
        (&["sign", "--offline", &proposal, "--yes"], "look-alike"),
        (&["speed-up", &waiting, "--yes"], "look-alike,fee-high"),
        (&["cancel", &waiting, "--yes"], "fee-high"),
    ];
    for (args, names) in signed {
        assert_eq!(needed_names(&cli, args), names, "{args:?}");
    }
    // Nothing of it went to the node, and a yes to these names is enough.
    let pool = server.json(&format!("/api/v1/accounts/{from}"));
    assert_eq!(pool["pending"], 0, "{pool}");
    for (args, names) in &signed[1..3] {
        let accepted = [*args, &["--accept", *names][..]].concat();
        let output = cli.run(&accepted, "correct horse");
        assert_eq!(output.status.code(), Some(0), "{accepted:?}");
        assert!(output.stdout.starts_with(b"tally-proposal-1."), "{accepted:?}");
    }

    // What these two pay goes to accounts of the wallet's own, which are PUBLIC.
    let document = file("contract.pdf");
    std::fs::write(&document, b"the contract").unwrap();
    for args in [
        &["anchor", &document, "--from", &from, "--yes", "--json"][..],
        &["test-coins", "--json"],
    ] {
        let sent = cli.json(args);
        let names: Vec<&Value> = sent["warnings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| &one["name"])
            .collect();
        assert_eq!(names, ["public-account", "own-account"], "{args:?}: {sent}");
    }
}
