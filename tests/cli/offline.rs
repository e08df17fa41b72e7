//! Signing without a node: the wallet warns of all that it finds by itself, and shows the program of a contract as one.
//! Rules: docs/protocol.md#W51, #W63, #W64

use std::path::PathBuf;
use std::process::{Output, Stdio};

use alloy_rlp::Encodable as _;
use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde_json::json;
use tally_chain::codec::wrap_list;
use tally_chain::hash::sha256;
use tally_chain::transaction::Payload;
use tally_chain::{Bytes, UnixSecs};
use tally_wallet::{Proposal, Signers};

use crate::binary;
use crate::process::{self, stderr, tally};

/// PUBLIC: the keys of this phrase are published.
const PUBLIC_PHRASE: &str = tally_testkit::PUBLIC_PHRASE;
/// Its second secp256k1 account; the wallet has the first.
const PUBLIC: &str = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
/// In the address book.
const ANN: &str = "0x52908400098527886E0F7030069857D2E4169EE7";
/// Nine digits at the start and seven at the end are those of Ann's.
const ALIKE: &str = "0x5290840000000000000000000000000004169ee7";

/// A restored wallet with a contact, on a machine without a network.
struct Machine {
    folder: tempfile::TempDir,
}

impl Machine {
    /// On a chain of this name.
    fn new(name: &str) -> Self {
        let machine = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        let spec = machine.path("chain.toml");
        let spec = spec.to_str().unwrap();
        let made = tally(&["chain", "init", spec, "--name", name, "--chain-id", "47110815"]);
        assert_eq!(made.status.code(), Some(0), "{}", stderr(&made));
        machine.done(&["restore", "--chain", spec]);
        machine.done(&["contacts", "add", ANN, "Ann"]);
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, args: &[&str]) -> Output {
        binary::tally()
            .arg("wallet")
            .args(args)
            .current_dir(self.folder.path())
            .env("TALLY_NODE", "http://127.0.0.1:1")
            .env("TALLY_WALLET", self.path("wallet.json"))
            .env("TALLY_WALLET_PASSWORD", "correct horse")
            .env("TALLY_WALLET_PHRASE", PUBLIC_PHRASE)
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    fn done(&self, args: &[&str]) -> Output {
        let output = self.run(args);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {}", stderr(&output));
        output
    }

    /// Writes a proposal of the secp256k1 account; what was printed.
    fn propose(&self, file: &str, to: &str, amount: &str, max_fee: &str) -> String {
        let _ = std::fs::remove_file(self.path(file));
        let args = [
            "propose",
            "--from",
            "ECC account",
            "--to",
            to,
            "--amount",
            amount,
            "--nonce",
            "0",
            "--max-fee",
            max_fee,
            "--priority-fee",
            "1",
            "--out",
            file,
        ];
        stderr(&self.done(&args))
    }

    fn proposal(&self, file: &str) -> Proposal {
        Proposal::read(&std::fs::read_to_string(self.path(file)).unwrap()).unwrap()
    }
}

/// Titles of the warnings and notes in the output.
fn titles(printed: &str) -> Vec<&str> {
    let lines = printed.lines();
    let shown = lines.filter_map(|line| line.strip_prefix("warning: ").or_else(|| line.strip_prefix("note: ")));
    shown
        .filter_map(|line| line.split_once(". "))
        .map(|(title, _)| title)
        .collect()
}

const ALIKE_TITLE: &str = "This address looks like one you know, but is another";
const FEE_TITLE: &str = "The fee is high for this amount";
const DEAR_TITLE: &str = "The fee is high";
const PUBLIC_TITLE: &str = "Everyone has the key of this account";
const OWN_TITLE: &str = "This is an account of your own";

/// Receiver, amount in coins, most for each gas in base units; what is warned of, and which warnings need a yes.
type Case = (
    &'static str,
    &'static str,
    &'static str,
    &'static [&'static str],
    &'static str,
);

/// A payment uses 4,000 to 5,000 gas: 2 gwei are some 0.00001 coins, 10,000 gwei some 0.045.
const CASES: [Case; 7] = [
    (ANN, "1", "2000000000", &[], ""),
    (ALIKE, "1", "2000000000", &[ALIKE_TITLE], "look-alike"),
    (ANN, "0.00001", "2000000000", &[FEE_TITLE], "fee-of-value"),
    (ANN, "1000", "10000000000000", &[DEAR_TITLE], "fee-high"),
    (PUBLIC, "1", "2000000000", &[PUBLIC_TITLE], "public-account"),
    (
        "ECC account",
        "1",
        "2000000000",
        &[PUBLIC_TITLE, OWN_TITLE],
        "public-account",
    ),
    (
        ALIKE,
        "0.01",
        "10000000000000",
        &[ALIKE_TITLE, FEE_TITLE, DEAR_TITLE],
        "look-alike,fee-of-value,fee-high",
    ),
];

#[test]
fn the_wallet_warns_and_needs_a_yes_without_a_node() {
    let machine = Machine::new("club");
    for (number, (to, amount, max_fee, warned, needs_yes)) in CASES.into_iter().enumerate() {
        let printed = machine.propose("proposal.txt", to, amount, max_fee);
        let expected: Vec<&str> = titles(&printed)
            .into_iter()
            .filter(|title| *title != "The address has no checksum")
            .collect();
        assert_eq!(expected, warned, "{number}: who proposes reads it as well: {printed}");
        let signed = format!("signed-{number}.txt");
        let sign = ["sign", "--offline", "proposal.txt", "--yes", "--out", &signed];
        let first = machine.run(&sign);
        let printed = stderr(&first);
        assert_eq!(titles(&printed), warned, "{number}: {printed}");
        if needs_yes.is_empty() {
            assert_eq!(first.status.code(), Some(0), "{number}: {printed}");
        } else {
            assert_eq!(first.status.code(), Some(1), "{number}: {printed}");
            let how = format!("Give --accept {needs_yes} (or --despite-warnings) if it is meant so");
            assert!(
                printed.contains("nothing was signed") && printed.contains(&how),
                "{number}: {printed}"
            );
            let other = machine.run(&[&sign[..], &["--accept", "new-contract"]].concat());
            assert_eq!(other.status.code(), Some(1), "{number}: another yes is none to this");
            assert!(!machine.path(&signed).exists(), "{number}: nothing was signed");
            machine.done(&[&sign[..], &["--accept", needs_yes]].concat());
        }
        assert!(machine.proposal(&signed).is_complete(), "{number}");
    }
    // Only where an address was typed can its checksum be missing.
    let printed = machine.propose("proposal.txt", &ANN.to_lowercase(), "1", "2000000000");
    assert_eq!(
        titles(&printed),
        Vec::<&str>::new(),
        "Ann is known, however she is written: {printed}"
    );
    let typed = "0x8ba1f109551bd432803012645ac136ddd64dba72";
    let printed = machine.propose("proposal.txt", typed, "1", "2000000000");
    assert_eq!(titles(&printed), ["The address has no checksum"], "{printed}");
}

#[test]
fn on_a_playground_a_public_account_is_warned_of_and_needs_no_yes() {
    let machine = Machine::new("local");
    machine.propose("proposal.txt", PUBLIC, "1", "2000000000");
    let signed = machine.done(&["sign", "--offline", "proposal.txt", "--yes"]);
    let printed = stderr(&signed);
    assert_eq!(titles(&printed), [PUBLIC_TITLE], "{printed}");
}

/// The text of a proposal of the same account whose payload was changed. Rule: docs/protocol.md#W63
fn changed(proposal: &Proposal, change: impl FnOnce(&mut Payload)) -> String {
    let Signers::Key(key) = proposal.signers() else {
        panic!("one key signs")
    };
    let mut payload = Payload::decode(&proposal.payload()).unwrap();
    change(&mut payload);
    let mut list = Vec::new();
    payload.chain_id.encode(&mut list);
    proposal.chain().genesis.0.encode(&mut list);
    1u64.encode(&mut list);
    key.bytes()[..].encode(&mut list);
    payload.encode()[..].encode(&mut list);
    list.extend(wrap_list(&[]));
    let bytes = wrap_list(&list);
    let check = sha256(&[b"tally/text", b"tally-proposal", &bytes]);
    let all = [&bytes[..], &check[..4]].concat();
    format!("tally-proposal-1.{}", Base64UrlUnpadded::encode_string(&all))
}

#[test]
fn a_contract_in_a_proposal_is_shown_as_its_program_and_needs_a_yes() {
    let machine = Machine::new("club");
    machine.propose("proposal.txt", "Ann", "1", "2000000000");
    // Bytes that would read as a memo if there were a receiver.
    let creation = changed(&machine.proposal("proposal.txt"), |payload| {
        payload.to = None;
        payload.data = Bytes::from_static(b"for Ann");
    });
    std::fs::write(machine.path("creation.txt"), creation).unwrap();

    let facts = |text: &str| {
        assert!(text.contains("  to       no one: a new contract is created"), "{text}");
        assert!(text.contains("  program  0x666f7220416e6e (7 bytes)"), "{text}");
        assert!(!text.contains("memo") && !text.contains("for Ann"), "{text}");
    };
    facts(&String::from_utf8(machine.done(&["show", "creation.txt"]).stdout).unwrap());
    let shown = process::json(&machine.run(&["show", "creation.txt", "--json"]));
    let review = &shown["review"];
    assert_eq!(
        (&review["to"], &review["init_code"]),
        (&json!(null), &json!("0x666f7220416e6e"))
    );
    assert_eq!(review["memo"], json!({ "form": "none" }));

    let sign = ["sign", "--offline", "creation.txt", "--yes", "--out", "signed.txt"];
    let unconfirmed = machine.run(&sign);
    let printed = stderr(&unconfirmed);
    assert_eq!(unconfirmed.status.code(), Some(1), "{printed}");
    facts(&printed);
    assert_eq!(
        titles(&printed),
        ["This creates a contract and pays no one"],
        "{printed}"
    );
    for part in [
        "There is no recipient: 7 bytes of program",
        "Give --accept new-contract (or",
    ] {
        assert!(printed.contains(part), "{part} is not in {printed}");
    }
    assert!(!machine.path("signed.txt").exists());
    machine.done(&[&sign[..], &["--accept", "new-contract"]].concat());
    assert!(machine.proposal("signed.txt").is_complete());
}

#[test]
fn a_proposal_of_another_chain_id_is_not_signed() {
    let machine = Machine::new("club");
    machine.propose("proposal.txt", "Ann", "1", "2000000000");
    // Same genesis: the id alone is another.
    let other = changed(&machine.proposal("proposal.txt"), |payload| payload.chain_id = 1);
    std::fs::write(machine.path("other.txt"), other).unwrap();
    let refused = machine.run(&["sign", "--offline", "other.txt", "--yes", "--despite-warnings"]);
    let printed = stderr(&refused);
    assert_eq!(refused.status.code(), Some(1), "{printed}");
    assert!(
        printed.contains("the proposal is for the chain id 1, not 47110815"),
        "{printed}"
    );
    assert_eq!(refused.stdout, b"");
}

#[cfg(unix)]
#[test]
fn a_signature_is_read_from_a_regular_file_of_a_signature_s_size() {
    let machine = Machine::new("club");
    machine.propose("proposal.txt", "Ann", "1", "2000000000");
    std::fs::write(machine.path("long.sig"), [b'0'; 2_049]).unwrap();
    for (signature, reason) in [
        ("/dev/null", "cannot read /dev/null: it is no regular file"),
        ("/dev/zero", "cannot read /dev/zero: it is no regular file"),
        ("long.sig", "cannot read long.sig: it has more than 2048 bytes"),
    ] {
        let refused = machine.run(&["attach", "proposal.txt", "--signature", signature]);
        let printed = stderr(&refused);
        assert_eq!(refused.status.code(), Some(1), "{printed}");
        assert!(printed.contains(reason), "{printed}");
    }
}

#[test]
fn when_a_proposal_is_valid_is_shown_and_another_day_than_today_is_named() {
    let machine = Machine::new("club");
    machine.propose("proposal.txt", "Ann", "1", "2000000000");
    let printed = stderr(&machine.done(&["sign", "--offline", "proposal.txt", "--yes"]));
    assert!(printed.contains("  valid    from "), "{printed}");
    assert_eq!(titles(&printed), Vec::<&str>::new(), "{printed}");
    // The sender of the proposal chose the time as well; the rest is as it was.
    for (timestamp, valid, named, needs_yes) in [
        (
            4_000_000_000,
            "  valid    from 2096-10-02T06:56:40Z until 2096-10-03T07:06:40Z",
            "warning: This is dated ahead. No block includes it before about 2096-10-02T06:56:40Z",
            true,
        ),
        (
            1_000_000_000,
            "  valid    from 2001-09-09T01:36:40Z until 2001-09-10T01:46:40Z",
            "note: This is too old for a block. No block includes it after 2001-09-10T01:46:40Z",
            false,
        ),
    ] {
        let other = changed(&machine.proposal("proposal.txt"), |payload| {
            payload.timestamp = UnixSecs(timestamp);
        });
        std::fs::write(machine.path("other.txt"), other).unwrap();
        let shown = String::from_utf8(machine.done(&["show", "other.txt"]).stdout).unwrap();
        assert!(shown.contains(valid), "{shown}");
        // A yes to all the rest is none to a time that others chose.
        let mut sign = vec!["sign", "--offline", "other.txt", "--yes"];
        if needs_yes {
            let refused = machine.run(&sign);
            let printed = stderr(&refused);
            assert_eq!(refused.status.code(), Some(1), "{printed}");
            assert!(
                printed.contains("nothing was signed: This is dated ahead. Give --accept dated-ahead"),
                "{printed}"
            );
            assert_eq!(refused.stdout, b"");
            sign.extend(["--accept", "dated-ahead"]);
        }
        let printed = stderr(&machine.done(&sign));
        assert!(printed.contains(valid) && printed.contains(named), "{printed}");
        assert!(printed.contains("This machine's clock shows "), "{printed}");
    }
}
