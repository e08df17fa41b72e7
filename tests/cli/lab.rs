//! The security laboratory: every scenario against real nodes, in a sandbox of which nothing stays.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tally_lab::report::{Answer, Outcome, Report};
use tally_lab::{CATALOGUE, Group, Scenario, rule_link};

use crate::binary;
use crate::process::{json, stderr, tally};

/// How long a laboratory may take to begin or to end.
const PATIENCE: Duration = Duration::from_secs(60);
/// Scenarios of transactions that a wallet decides and no node: there is no honest version to send to one.
const BY_WALLET: [&str; 2] = ["key-roca", "key-shared-prime"];

/// `tally lab run` with its sandbox below this folder.
fn lab(temporary: &Path, args: &[&str]) -> Command {
    let mut command = binary::tally();
    command
        .args(["lab", "run"])
        .args(args)
        .env("TMPDIR", temporary)
        .stdin(Stdio::null());
    command
}

/// What a laboratory printed, and that it left nothing in the folder of temporary files.
fn report(temporary: &Path, args: &[&str], code: i32) -> Report {
    let output = lab(temporary, args).output().unwrap();
    assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
    let left: Vec<_> = std::fs::read_dir(temporary).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn shown(outcome: &Outcome) -> String {
    serde_json::to_string_pretty(outcome).unwrap()
}

#[test]
fn every_scenario_ends_as_the_rules_demand() {
    let (temporary, pages) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let page = pages.path().join("report.html");
    let report = report(
        temporary.path(),
        &["all", "--json", "--html", page.to_str().unwrap()],
        0,
    );
    let ran: Vec<_> = report.scenarios.iter().map(|outcome| outcome.id.as_str()).collect();
    let all: Vec<_> = CATALOGUE.iter().map(|scenario| scenario.id).collect();
    assert_eq!(ran, all);
    assert_eq!((report.held, report.failed, report.untampered), (all.len(), 0, false));
    let html = std::fs::read_to_string(&page).unwrap();
    for outcome in &report.scenarios {
        assert!(outcome.held, "{}", shown(outcome));
        assert!(
            html.contains(&format!("<article id=\"{}\">", outcome.id)),
            "{}",
            outcome.id
        );
        let accepted = |answer: &Answer| matches!(answer, Answer::Accepted { .. });
        let attacked = |answer: &Answer| matches!(answer, Answer::Refused { .. } | Answer::Offence { .. });
        let any = |which: fn(&Answer) -> bool| outcome.steps.iter().any(|step| which(&step.answer));
        if matches!(outcome.group, Group::Transactions | Group::Blocks) {
            assert!(any(attacked), "{}", shown(outcome));
            assert!(
                any(accepted) || BY_WALLET.contains(&outcome.id.as_str()),
                "{}",
                shown(outcome)
            );
        }
    }
    assert!(!html.contains("<script") && html.contains("docs/protocol.md#T3"));
}

/// Without this a scenario that sends nothing wrong, or sends it nowhere, would hold as well.
#[test]
fn a_scenario_fails_where_a_node_accepts() {
    let temporary = tempfile::tempdir().unwrap();
    let with_honest_version = |scenario: &&Scenario| {
        matches!(scenario.group, Group::Transactions | Group::Blocks) && !BY_WALLET.contains(&scenario.id)
    };
    let names: Vec<_> = CATALOGUE
        .iter()
        .filter(with_honest_version)
        .map(|scenario| scenario.id)
        .collect();
    let args = [&names[..], &["--json", "--untampered"]].concat();
    let report = report(temporary.path(), &args, 12);
    assert_eq!((report.held, report.failed, report.untampered), (0, names.len(), true));
    for outcome in &report.scenarios {
        assert!(!outcome.held, "{}", shown(outcome));
        // The node itself took what it should have rejected; nothing else went wrong.
        let wrong: Vec<_> = outcome.steps.iter().filter(|step| !step.as_expected).collect();
        assert!(matches!(wrong[0].answer, Answer::Accepted { .. }), "{}", shown(outcome));
        assert!(outcome.verdict.starts_with("accepted: "), "{}", outcome.verdict);
    }
}

/// Processes whose command line names this folder.
fn processes_of(folder: &Path) -> Vec<String> {
    let named = folder.to_str().unwrap();
    let entries = std::fs::read_dir("/proc").unwrap().map_while(Result::ok);
    let lines = entries.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    let lines = lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " "));
    lines.filter(|line| line.contains(named)).collect()
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A laboratory in the middle of its work; it is killed when it is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_stopped_laboratory_leaves_neither_nodes_nor_folders() {
    let temporary = tempfile::tempdir().unwrap();
    for signal in ["-INT", "-TERM"] {
        let mut command = lab(temporary.path(), &["node-kill", "--full", "--json"]);
        let mut running = Running(command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap());
        until("no node is started", || !processes_of(temporary.path()).is_empty());
        tally_testkit::process::signal(signal, &running.0.id().to_string());
        until("it does not end", || running.0.try_wait().unwrap().is_some());
        assert_eq!(running.0.wait().unwrap().code(), Some(1));
        until("a node outlives it", || processes_of(temporary.path()).is_empty());
        let left: Vec<_> = std::fs::read_dir(temporary.path()).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

#[test]
fn what_the_user_has_set_is_not_for_the_sandbox() {
    let (temporary, own) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut command = lab(temporary.path(), &["tx-replay", "--json"]);
    command
        .env("TALLY_DATA_DIR", own.path())
        .env("TALLY_CONFIG", own.path().join("missing.toml"))
        .env("TALLY_PEER", "no address at all");
    let output = command.output().unwrap();
    let report: Report = serde_json::from_value(json(&output)).unwrap();
    assert_eq!((report.held, report.failed), (1, 0));
    assert_eq!(std::fs::read_dir(own.path()).unwrap().count(), 0);
}

#[test]
fn the_list_has_all_scenarios_and_a_wrong_name_is_named() {
    let listed = json(&tally(&["lab", "list", "--json"]));
    let listed = listed.as_array().unwrap();
    assert_eq!(listed.len(), CATALOGUE.len());
    for (scenario, listed) in CATALOGUE.iter().zip(listed) {
        assert_eq!(
            (&listed["id"], &listed["title"]),
            (&scenario.id.into(), &scenario.title.into())
        );
        assert_eq!(listed["rules"][0], Value::from(rule_link(scenario.rules[0])));
    }
    let text = String::from_utf8(tally(&["lab", "list"]).stdout).unwrap();
    let missing: BTreeSet<_> = CATALOGUE
        .iter()
        .map(|scenario| scenario.id)
        .filter(|id| !text.contains(id))
        .collect();
    assert_eq!(missing, BTreeSet::new());
    let wrong = tally(&["lab", "run", "tx-replay", "tx-reply"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(
        stderr(&wrong).contains("there is no scenario \"tx-reply\""),
        "{}",
        stderr(&wrong)
    );
}

/// The part of docs/lab.md that is made from the catalogue.
fn table() -> String {
    let mut out = String::new();
    for group in Group::ALL {
        out.push_str(&format!(
            "\n### {}\n\n| name | scenario | rules |\n| --- | --- | --- |\n",
            group.title()
        ));
        for scenario in CATALOGUE.iter().filter(|scenario| scenario.group == group) {
            let rules = scenario
                .rules
                .iter()
                .map(|rule| format!("[{rule}](protocol.md#{rule})"));
            let rules = rules.collect::<Vec<_>>().join(", ");
            out.push_str(&format!("| `{}` | {} | {rules} |\n", scenario.id, scenario.title));
        }
    }
    out
}

#[test]
fn the_document_lists_what_the_catalogue_has() {
    const BEGIN: &str = "<!-- made from the catalogue -->\n";
    const END: &str = "\n<!-- end -->";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/lab.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (kept, after) = rest.split_once(END).unwrap();
    if std::env::var_os("TALLY_BLESS").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{}{END}{after}", table())).unwrap();
        return;
    }
    assert_eq!(kept, table(), "TALLY_BLESS=1 writes docs/lab.md anew");
}
