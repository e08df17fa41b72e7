//! Payments whose answer is lost: never taken for rejected, never paid twice. Rule: docs/protocol.md#W56

use std::process::{Command, Output};

use serde_json::{Value, json};
use tally_chain::Height;
use tally_node::{Node, system_clock};

use crate::binary;
use crate::common::{self, ECC, PUBLIC_PHRASE, TestServer};
use crate::lossy::{self, Fault, Plan};

/// `tally wallet` behind a proxy that loses what its plan names.
pub struct Bench {
    pub server: TestServer,
    pub plan: Plan,
    url: String,
    pub folder: tempfile::TempDir,
}

impl Bench {
    pub fn new() -> Self {
        let server = TestServer::start();
        let plan = Plan::default();
        let bench = Self {
            url: lossy::before(&server.url, plan.clone()),
            server,
            plan,
            folder: tempfile::tempdir().unwrap(),
        };
        let restored = bench.run(&["restore", "--chain", "test"]);
        assert_eq!(restored.status.code(), Some(0), "{}", stderr(&restored));
        bench
    }

    pub fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = binary::tally();
        command
            .arg("wallet")
            .args(args)
            .env("TALLY_NODE", &self.url)
            .env("TALLY_WALLET", self.folder.path().join("wallet.json"))
            .env("TALLY_WALLET_PASSWORD", "correct horse")
            .env("TALLY_WALLET_PHRASE", PUBLIC_PHRASE);
        command
    }

    /// Pays five coins with this fault, while another command sends the same bytes; look-ups after that have `looks`.
    fn pay_beside_another(&self, fault: Fault, looks: &'static [Fault]) -> Output {
        self.plan.set(&[fault], &[]);
        let (mut resend, plan) = (self.command(&["resend", "--json"]), self.plan.clone());
        *self.plan.while_submitting.lock().unwrap() = Some(Box::new(move || {
            assert_eq!(done(&resend.output().unwrap())["status"], "pending");
            plan.set(&[], looks);
        }));
        self.pay("5", &[])
    }

    /// Pays ECC account 2 from ECC account 0.
    pub fn pay(&self, amount: &str, more: &[&str]) -> Output {
        let (from, to) = (ECC[0].address().to_string(), ECC[2].address().to_string());
        let args = [
            "send", "--from", &from, "--to", &to, "--amount", amount, "--yes", "--json",
        ];
        self.run(&[&args, more].concat())
    }

    /// Ids that wait in the pool for ECC account 0.
    pub fn waiting(&self) -> Vec<String> {
        let path = format!("/api/v1/accounts/{}/pending", ECC[0].address());
        let items = self.server.json(&path)["items"].as_array().unwrap().clone();
        items
            .iter()
            .map(|item| item["id"].as_str().unwrap().to_owned())
            .collect()
    }

    pub fn journal(&self) -> Value {
        let text = std::fs::read(self.folder.path().join("wallet.json.sent.json")).unwrap();
        serde_json::from_slice(&text).unwrap()
    }
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub fn done(output: &Output) -> Value {
    assert_eq!(output.status.code(), Some(0), "{}", stderr(output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The exit code and what standard error has to name.
pub fn ends(output: &Output, code: i32, parts: &[&str]) {
    let text = stderr(output);
    assert_eq!(output.status.code(), Some(code), "{text}");
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
}

#[test]
fn an_answer_that_is_lost_is_looked_for_by_the_id() {
    let bench = Bench::new();
    for (fault, amount) in [
        (Fault::AnswerLost, "1"),
        (Fault::AnswerCut, "2"),
        (Fault::AnswerReplaced, "3"),
        (Fault::RequestLost, "4"),
    ] {
        bench.plan.set(&[fault], &[]);
        let sent = done(&bench.pay(amount, &[]));
        assert_eq!(sent["status"], "pending", "{fault:?}");
        let id = sent["id"].as_str().unwrap();
        assert_eq!(bench.waiting().last().map(String::as_str), Some(id), "{fault:?}");
    }
    assert_eq!(bench.waiting().len(), 4);
    let states: Vec<_> = bench.journal()["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["state"].clone())
        .collect();
    assert_eq!(states, ["taken"; 4]);
}

#[test]
fn a_payment_of_which_nothing_is_known_is_not_made_twice() {
    let bench = Bench::new();
    // It was accepted, but neither the answer nor a look at it comes through.
    bench.plan.set(&[Fault::AnswerLost], &[Fault::AnswerReplaced]);
    let lost = bench.pay("7", &[]);
    let id = bench.waiting()[0].clone();
    ends(&lost, 8, &[&id, "may have been accepted", "tally wallet resend"]);
    assert_eq!(bench.journal()["entries"][0]["state"], "unanswered");
    let mode = std::fs::metadata(bench.folder.path().join("wallet.json.sent.json"))
        .unwrap()
        .permissions();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode) & 0o777, 0o600);

    // The same order again: it finds the first, and does not pay.
    ends(&bench.pay("7", &[]), 1, &[&id, "nothing was sent", "--again"]);
    // And once more, as it waits: the journal has it settled by now.
    ends(&bench.pay("7", &[]), 1, &[&id, "waits already", "--again"]);
    assert_eq!(bench.waiting(), std::slice::from_ref(&id));
    let second = done(&bench.pay("7", &["--again"]));
    assert_eq!(bench.waiting(), [id, second["id"].as_str().unwrap().to_owned()]);
}

#[test]
fn the_same_bytes_are_sent_again() {
    let bench = Bench::new();
    // The node never gets it.
    let never = [Fault::RequestLost, Fault::RequestLost];
    bench.plan.set(&never, &[]);
    let lost = bench.pay("5", &[]);
    let id = bench.journal()["entries"][0]["id"].as_str().unwrap().to_owned();
    ends(&lost, 8, &[&id]);
    assert_eq!(bench.waiting(), Vec::<String>::new());
    let listed = done(&bench.run(&["pending", "--json"]));
    assert_eq!((&listed[0]["id"], &listed[0]["unanswered"]), (&json!(id), &json!(true)));
    // Another payment may be made; the open one is named.
    bench.plan.set(&[], &[]);
    let rejected = bench.pay("99999999", &[]);
    ends(&rejected, 1, &[&id, "takes its place", "the account holds"]);

    // The same order sends the same bytes.
    let sent = done(&bench.pay("5", &[]));
    assert_eq!(sent["id"], json!(id));
    assert_eq!(bench.waiting(), std::slice::from_ref(&id));

    // By hand, of what is not answered and of what is; each as often as one likes.
    bench.plan.set(&never, &[]);
    ends(&bench.pay("6", &[]), 8, &["may have been accepted"]);
    let sent = done(&bench.run(&["resend", "--json"]));
    let second = sent["id"].as_str().unwrap().to_owned();
    assert_eq!(bench.waiting(), [id.clone(), second.clone()]);
    assert_eq!(done(&bench.run(&["resend", &second, "--json"]))["status"], "pending");
    bench.server.mine();
    let included = done(&bench.run(&["resend", &id, "--json"]));
    assert_eq!(
        (&included["status"], &included["confirmations"]),
        (&json!("included"), &json!(1))
    );
    let unknown = format!("0x{}", "07".repeat(32));
    ends(
        &bench.run(&["resend", &unknown]),
        1,
        &["is not among what this wallet sent"],
    );
    let nothing = bench.run(&["resend"]);
    assert_eq!(
        String::from_utf8_lossy(&nothing.stdout),
        "nothing was sent without an answer\n"
    );
}

#[test]
fn a_nonce_used_by_another_leaves_it_open_until_it_is_dismissed() {
    let bench = Bench::new();
    bench.plan.set(&[Fault::RequestLost, Fault::RequestLost], &[]);
    ends(&bench.pay("5", &[]), 8, &["may have been accepted"]);
    let id = bench.journal()["entries"][0]["id"].as_str().unwrap().to_owned();
    // Another payment of its nonce is in a block by now; that alone does not prove that the first is in none.
    bench.server.send(&ECC[0].coin(&bench.server.identity(), 0));
    bench.server.mine();
    let either = "another payment took this nonce, unless this one is in a block in which the node does not find it";
    let dismiss = format!("tally wallet pending --dismiss {id}");
    let rejected = bench.run(&["resend"]);
    ends(&rejected, 8, &[&id, "The nonce was used before: ", either, &dismiss]);
    assert_eq!(bench.journal()["entries"][0]["state"], "unanswered");
    assert_eq!(done(&bench.run(&["pending", "--json"]))[0]["unanswered"], true);

    // Without a yes it stays.
    let unconfirmed = bench.run(&["pending", "--dismiss", &id]);
    ends(
        &unconfirmed,
        1,
        &["Its nonce is used: another payment took it", "nothing was dismissed"],
    );
    assert_eq!(bench.journal()["entries"][0]["id"], json!(id));
    let dismissed = bench.run(&["pending", "--dismiss", &id, "--yes"]);
    ends(&dismissed, 0, &["Its nonce is used: another payment took it"]);
    assert_eq!(
        String::from_utf8_lossy(&dismissed.stdout),
        format!("{id} is dismissed\n")
    );
    assert_eq!(bench.journal()["entries"], json!([]));
    assert_eq!(done(&bench.run(&["pending", "--json"])), json!([]));
    let gone = bench.run(&["pending", "--dismiss", &id, "--yes"]);
    ends(
        &gone,
        1,
        &["is not among what was sent on this chain without an answer"],
    );
    // The same order is a new payment now.
    assert_ne!(done(&bench.pay("5", &[]))["id"], json!(id));
}

#[test]
fn what_was_accepted_is_not_dismissed() {
    let bench = Bench::new();
    bench.plan.set(&[Fault::AnswerLost], &[Fault::AnswerReplaced]);
    ends(&bench.pay("7", &[]), 8, &["may have been accepted"]);
    let id = bench.waiting()[0].clone();
    let kept = bench.run(&["pending", "--dismiss", &id, "--yes"]);
    ends(
        &kept,
        0,
        &[&format!("{id}, sent before without an answer, was accepted")],
    );
    assert_eq!(String::from_utf8_lossy(&kept.stdout), "");
    assert_eq!(bench.journal()["entries"][0]["state"], "taken");
    // Known as accepted, it is no payment of which nothing is known, whatever the node answers now.
    bench
        .plan
        .set(&[Fault::Problem(503, "pool-full")], &[Fault::AnswerReplaced]);
    let again = bench.run(&["resend", &id]);
    ends(
        &again,
        8,
        &[
            &id,
            "was accepted by a node before",
            "a node had it before, and now the same bytes are rejected",
        ],
    );
    assert_eq!(bench.journal()["entries"][0]["state"], "taken");
    // That message names the way to give it up, which is there where the node does not know it any more.
    assert!(stderr(&again).contains(&format!("tally wallet pending --dismiss {id}")));
    // The list of what waits does not have it.
    assert!(!stderr(&again).contains("`tally wallet pending` looks"));
    let listed = done(&bench.run(&["pending", "--json"]));
    assert!(
        listed.as_array().unwrap().iter().all(|row| row["unanswered"] != true),
        "{listed}"
    );
    bench.plan.set(&[], &[Fault::Problem(404, "unknown-transaction")]);
    let dismissed = bench.run(&["pending", "--dismiss", &id, "--yes"]);
    ends(&dismissed, 0, &["the node does not know it"]);
    assert_eq!(bench.journal()["entries"], json!([]));
}

/// The rows of `tests/submissions.json`, which the library and the browser read as well.
#[test]
fn what_an_answer_settles_is_the_same_everywhere() {
    let bench = Bench::new();
    bench.plan.set(&[Fault::RequestLost, Fault::RequestLost], &[]);
    ends(&bench.pay("5", &[]), 8, &["may have been accepted"]);
    let path = bench.folder.path().join("wallet.json.sent.json");
    let rows: Value = serde_json::from_str(include_str!("../submissions.json")).unwrap();
    for row in rows.as_array().unwrap() {
        let name = row["problem"].as_str().unwrap();
        let status = u16::try_from(row["status"].as_u64().unwrap()).unwrap();
        let fault = Fault::Problem(status, name.to_owned().leak());
        // What was rejected is sent for the first time, as far as anything can be on its way.
        for (before, expected) in [("rejected", &row["first"]), ("unanswered", &row["again"])] {
            let mut journal = bench.journal();
            journal["entries"][0]["state"] = json!(before);
            std::fs::write(&path, journal.to_string()).unwrap();
            bench.plan.set(&[fault, fault], &[]);
            let output = bench.run(&["resend", journal["entries"][0]["id"].as_str().unwrap()]);
            let (code, state) = match expected.as_str().unwrap() {
                "accepted" => (0, "taken"),
                "rejected" => (1, "rejected"),
                _ => (8, "unanswered"),
            };
            assert_eq!(
                output.status.code(),
                Some(code),
                "{name} after {before}: {}",
                stderr(&output)
            );
            assert_eq!(bench.journal()["entries"][0]["state"], state, "{name} after {before}");
        }
    }
}

#[test]
fn a_rejection_settles_nothing_of_a_copy_that_another_command_has_sent() {
    // The node has the other copy, and answers the query for the id with it.
    for fault in [
        Fault::Problem(409, "nonce-too-low"),
        Fault::Problem(429, "too-many-requests"),
    ] {
        let bench = Bench::new();
        let sent = done(&bench.pay_beside_another(fault, &[]));
        assert_eq!(bench.waiting(), [sent["id"].as_str().unwrap().to_owned()], "{fault:?}");
        assert_eq!(bench.journal()["entries"][0]["state"], "taken", "{fault:?}");
    }
    // It gives no answer, but the other command has written down that it was accepted.
    let bench = Bench::new();
    let fault = Fault::Problem(429, "too-many-requests");
    let rejected = bench.pay_beside_another(fault, &[Fault::AnswerReplaced]);
    let id = bench.waiting()[0].clone();
    let accepted = "was accepted by a node before";
    ends(
        &rejected,
        8,
        &[
            &id,
            accepted,
            "a node had it before, and now the same bytes are rejected",
        ],
    );
    assert_eq!(bench.journal()["entries"][0]["state"], "taken");
}

#[test]
fn a_used_nonce_stays_open_where_the_node_does_not_show_whether_it_has_the_payment() {
    let bench = Bench::new();
    let low = Fault::Problem(409, "nonce-too-low");
    bench.plan.set(&[low], &[Fault::AnswerReplaced]);
    let open = bench.pay("5", &[]);
    let id = bench.journal()["entries"][0]["id"].as_str().unwrap().to_owned();
    let why = "the node rejected it (T: d), and did not answer the query for its id";
    ends(&open, 8, &[&id, "may have been accepted", why]);
    assert_eq!(bench.journal()["entries"][0]["state"], "unanswered");
    // It answers that it does not have it: then it never was on its way.
    bench.plan.set(&[low], &[]);
    ends(&bench.pay("6", &[]), 1, &["T: d"]);
    assert_eq!(bench.journal()["entries"][1]["state"], "rejected");
}

#[test]
fn a_look_at_what_waits_shows_that_an_open_payment_was_accepted() {
    let bench = Bench::new();
    bench.plan.set(&[Fault::AnswerLost], &[Fault::AnswerReplaced]);
    ends(&bench.pay("7", &[]), 8, &["may have been accepted"]);
    let id = bench.waiting()[0].clone();
    bench.server.mine();
    let accepted = format!("{id}, sent before without an answer, was accepted: it is included");
    let looked = bench.run(&["pending"]);
    ends(&looked, 0, &[&accepted]);
    assert_eq!(String::from_utf8_lossy(&looked.stdout), "nothing waits\n");
    assert_eq!(bench.journal()["entries"][0]["state"], "taken");
}

#[test]
fn a_later_rejection_leaves_open_what_may_have_been_taken() {
    let bench = Bench::new();
    bench.plan.set(&[Fault::RequestLost, Fault::RequestLost], &[]);
    ends(&bench.pay("5", &[]), 8, &["may have been accepted"]);
    let id = bench.journal()["entries"][0]["id"].as_str().unwrap().to_owned();
    // Another of its nonce waits at this node; elsewhere the first may have been accepted.
    done(&bench.pay("6", &[]));
    ends(&bench.run(&["resend", &id]), 8, &[&id, "may have been accepted"]);
    // The same order sends the same bytes, with the same outcome.
    ends(&bench.pay("5", &[]), 8, &[&id, "may have been accepted"]);
    assert_eq!(bench.journal()["entries"][0]["state"], "unanswered");
    assert_eq!(bench.waiting().len(), 1);
}

#[test]
fn what_was_waited_for_is_reported_as_it_is() {
    let bench = Bench::new();
    let miner = std::thread::scope(|scope| {
        let waits = scope.spawn(|| bench.pay("1", &["--wait", "60", "--confirmations", "2"]));
        // Two blocks once it waits.
        crate::common::until("the payment waits", || (!bench.waiting().is_empty()).then_some(()));
        bench.server.mine();
        bench.server.mine();
        waits.join().unwrap()
    });
    let sent = done(&miner);
    assert_eq!(
        (&sent["status"], &sent["height"], &sent["confirmations"]),
        (&json!("included"), &json!(1), &json!(2))
    );
}

#[test]
fn the_message_names_whose_clock_is_wrong() {
    let bench = Bench::new();
    let shown = |seconds: i64| {
        let now = std::time::SystemTime::now();
        let moved = std::time::Duration::from_secs(seconds.unsigned_abs());
        let node = if seconds < 0 { now - moved } else { now + moved };
        *bench.plan.date.lock().unwrap() = Some(httpdate::fmt_http_date(node));
        stderr(&bench.pay("99999999", &[]))
    };
    for (seconds, words) in [
        (-1_205, "20 min ahead of the node's"),
        (90_005, "25 h behind the node's"),
    ] {
        let text = shown(seconds);
        assert!(
            text.contains(&format!("warning: This machine's clock is {words}")),
            "{text}"
        );
    }
    let text = shown(-30);
    assert!(!text.contains("clock"), "{text}");
}

#[test]
fn a_history_is_of_one_chain_even_where_a_reorg_comes_while_it_is_read() {
    let bench = Bench::new();
    // More than one page, all in block 1.
    let identity = bench.server.identity();
    let envelopes = (0..105).map(|nonce| ECC[0].coin(&identity, nonce)).collect();
    assert!(bench.server.node.submit_batch(envelopes).iter().all(Result::is_ok));
    bench.server.mine();
    // Two blocks of another branch arrive between the first page and the second.
    let folder = tempfile::tempdir().unwrap();
    let other = Node::open(common::config(folder.path().to_owned()), system_clock()).unwrap();
    common::mine_on(&other);
    common::mine_on(&other);
    let node = bench.server.node.clone();
    *bench.plan.before_next_page.lock().unwrap() = Some(Box::new(move || {
        let tip = other.tip();
        for record in tip.snapshot.records_from(Height(1)) {
            let bytes = tip.snapshot.block_bytes(&record.unwrap().id).unwrap().unwrap();
            node.import_block(&bytes).unwrap();
        }
        assert_eq!(node.tip().record.id, tip.record.id);
    }));
    let from = ECC[0].address().to_string();
    let read = bench.run(&["history", &from, "--json"]);
    ends(
        &read,
        0,
        &["has been undone by a branch with more total work; the list is read again"],
    );
    let lines = done(&read);
    let lines: Vec<_> = lines
        .as_array()
        .unwrap()
        .iter()
        .map(|line| (&line["direction"], &line["height"]))
        .collect();
    assert_eq!(lines, [(&json!("reward"), &json!(2)), (&json!("reward"), &json!(1))]);
}
