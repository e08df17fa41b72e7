//! What a node lives through: outputs without a reader, few descriptors, silent clients, text that forges log lines.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;
use tally_chain::{ChainSpec, genesis};

use crate::binary;
use crate::child::{Child, FAST_CHAIN, audit, node_args, signal};
use crate::common::{ECC, Http, hex, until};

const USUAL: [&str; 6] = ["node", "--chain", "test", "--no-mine", "--listen", "127.0.0.1:0"];

/// `tally` by way of a shell that first does `before`.
fn after(before: &str) -> Command {
    let mut shell = Command::new("sh");
    shell
        .args(["-c", &format!("{before} && exec \"$0\" \"$@\"")])
        .arg(binary::path());
    shell
}

/// Log lines at every request: they are what cannot be written.
fn chatty(client: &Http) {
    for _ in 0..50 {
        assert_eq!(client.get("/api/v1/nothing").status, 404);
    }
}

#[test]
fn a_node_outlives_its_outputs() {
    // A full disk under the log.
    let folder = tempfile::tempdir().unwrap();
    let mut node = Child::by(
        after("exec 2>/dev/full"),
        &[&USUAL[..], &["--log-level", "debug"]].concat(),
        folder.path(),
    );
    let client = Http::new(&node.after("interface"));
    chatty(&client);
    assert_eq!(client.get("/healthz").status, 200);
    assert_eq!(node.stop().code(), Some(0));

    // Nowhere to write the banner, and a log whose reader leaves.
    for out in ["exec >/dev/full", "exec >&-"] {
        let folder = tempfile::tempdir().unwrap();
        let mut command = after(out);
        command
            .args(USUAL)
            .args(["--log-level", "debug", "--log-format", "json", "--data-dir"]);
        let mut node = command.arg(folder.path()).stderr(Stdio::piped()).spawn().unwrap();
        let log = BufReader::new(node.stderr.take().unwrap());
        let serving = log
            .lines()
            .map_while(Result::ok)
            .find(|line| line.contains("\"serving\""))
            .expect("it serves");
        let serving: serde_json::Value = serde_json::from_str(&serving).unwrap();
        // The reader is gone with `log`.
        let client = Http::new(&format!("http://{}", serving["address"].as_str().unwrap()));
        chatty(&client);
        assert_eq!(client.get("/healthz").status, 200, "{out}");
        signal("-TERM", &node.id().to_string());
        assert_eq!(node.wait().unwrap().code(), Some(0), "{out}");
    }
}

#[test]
fn a_log_that_nobody_reads_stops_no_request() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = binary::tally();
    command
        .args(USUAL)
        .args(["--log-level", "debug", "--data-dir"])
        .arg(folder.path());
    // A pipe that stays open and full: its reader sleeps.
    let mut node = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let held = node.stderr.take().unwrap();
    let mut lines = BufReader::new(node.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok);
    let url = lines
        .find_map(|line| Some(line.trim().strip_prefix("interface")?.trim().to_owned()))
        .unwrap();
    let client = Http::new(url.trim_end_matches('/'));
    let path = format!("/api/v1/{}", "x".repeat(900));
    let begun = Instant::now();
    for _ in 0..6_000 {
        client.get(&path);
    }
    assert_eq!(client.get("/healthz").status, 200);
    assert!(begun.elapsed() < Duration::from_secs(50), "{:?}", begun.elapsed());
    signal("-TERM", &node.id().to_string());
    assert_eq!(node.wait().unwrap().code(), Some(0));
    drop(held);
}

#[test]
fn silent_connections_leave_room_for_those_with_requests() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let limited = format!("ulimit -n 256 && exec 2>{}", log.display());
    let mut node = Child::by(
        after(&limited),
        &[&USUAL[..], &["--log-level", "warn"]].concat(),
        folder.path(),
    );
    let url = node.after("interface");
    let address = url.replace("http://", "");
    let client = || Http::new(&url);
    let silent: Vec<_> = (0..600).filter_map(|_| TcpStream::connect(&address).ok()).collect();
    assert!(silent.len() > 300, "{} connections", silent.len());
    for _ in 0..20 {
        let begun = Instant::now();
        assert_eq!(client().get("/healthz").status, 200);
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    }
    assert_eq!(client().get("/api/v1/status").status, 200);
    drop(silent);
    assert_eq!(node.stop().code(), Some(0));
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.lines().count() <= 3, "{log}");
}

#[test]
fn the_soft_limit_of_descriptors_is_raised() {
    let folder = tempfile::tempdir().unwrap();
    let mut node = Child::by(after("ulimit -Sn 64 && ulimit -Hn 512"), &USUAL, folder.path());
    let client = Http::new(&node.after("interface"));
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", node.id())).unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    assert_eq!(line.split_whitespace().nth(3), Some("512"), "{line}");
    assert_eq!(client.get("/healthz").status, 200);
    assert_eq!(node.stop().code(), Some(0));
}

/// Leaves a process so few descriptors more than it has now, whatever it could have.
#[cfg(target_os = "linux")]
pub fn leave_descriptors(process: u32, more: u64) {
    let open = std::fs::read_dir(format!("/proc/{process}/fd")).unwrap();
    let numbers = open.map(|entry| entry.unwrap().file_name().to_str().unwrap().parse::<u64>().unwrap());
    let taken: BTreeSet<u64> = numbers.collect();
    // The limit is one of numbers: those that are free below it are what is left, wherever the others are.
    let limit = (0..)
        .filter(|number| !taken.contains(number))
        .nth(usize::try_from(more).unwrap())
        .unwrap();
    let process = i32::try_from(process).unwrap();
    rlimit::prlimit(process, rlimit::Resource::NOFILE, Some((limit, limit)), None).unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn a_node_that_has_no_descriptor_left_goes_on_and_answers_again() {
    const CANNOT_TAKE: &str = "connections cannot be taken";
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let args = node_args(FAST_CHAIN, "warn", &["--mine"]);
    let mut node = Child::by(after(&format!("exec 2>{}", log.display())), &args, folder.path());
    let url = node.after("interface");
    let address = url.replace("http://", "");
    let read_log = || std::fs::read_to_string(&log).unwrap();
    // This connection stays open: it needs no other descriptor.
    let client = Http::new(&url);
    let height = || client.get("/api/v1/status").json()["height"].as_u64().unwrap();
    height();
    leave_descriptors(node.id(), 8);
    let silent: Vec<_> = (0..200).map(|_| TcpStream::connect(&address).unwrap()).collect();
    until("there are no descriptors", || {
        read_log().contains(CANNOT_TAKE).then_some(())
    });

    let spec = ChainSpec::from_toml(&std::fs::read_to_string(FAST_CHAIN).unwrap()).unwrap();
    let body = json!({ "raw": hex(&ECC[0].coin(&genesis::identity(&spec), 0)) });
    let taken = client.post("/api/v1/transactions", &body);
    assert_eq!(taken.status, 202, "{}", taken.text());
    let path = format!("/api/v1/transactions/{}", taken.json()["id"].as_str().unwrap());
    until("the payment is in a block", || {
        client.get(&path).json()["block"]["height"].as_u64()
    });
    let before = height();
    until("blocks go on", || (height() >= before + 2).then_some(()));

    drop(silent);
    assert_eq!(
        Http::new(&url).get("/healthz").status,
        200,
        "there are descriptors again"
    );
    assert_eq!(Http::new(&url).get("/readyz").status, 200);
    let log = read_log();
    let lines = log.lines().filter(|line| line.contains(CANNOT_TAKE));
    assert_eq!(lines.count(), 1, "one line a minute: {log}");
    assert!(!log.contains("the store does not work"), "{log}");
    assert_eq!(node.stop().code(), Some(0));
    assert_eq!(audit(FAST_CHAIN, folder.path()), Ok(()));
}

/// The log of a node that got requests with hostile names.
fn log_of_evil_names(folder: &Path, format: &str) -> String {
    let log = folder.join("log");
    let args = [&USUAL[..], &["--log-level", "debug", "--log-format", format]].concat();
    let mut node = Child::by(after(&format!("exec 2>{}", log.display())), &args, folder);
    let client = Http::new(&node.after("interface"));
    for path in [
        "/api/v1/blocks?a%0aFAKE%1b%5b31m",
        "/api/v1/FAKE%0aFAKE%1b%5b31m",
        "/api/v1/blocks/%e2%80%ae%0aFAKE",
        "/account/%0aFAKE%1b%5b2J",
        "/api/v1/accounts/FAKE%0d%0aFAKE",
    ] {
        client.get(path);
    }
    client.post_with(
        "/api/v1/transactions",
        "application/json",
        b"{\"a\\nFAKE\\u001b[31m\\u202e\":1}",
        &[],
    );
    client.get_with("/api/v1/status", &[("host", "FAKE.evil.example")]);
    assert_eq!(node.stop().code(), Some(0));
    std::fs::read_to_string(log).unwrap()
}

#[test]
fn names_from_outside_do_not_forge_log_lines() {
    let folder = tempfile::tempdir().unwrap();
    let text = log_of_evil_names(folder.path(), "text");
    assert!(text.contains("FAKE"), "{text}");
    for line in text.lines() {
        // Every line begins with the time at which it was written.
        assert!(
            line.starts_with("20") && line.as_bytes().get(4) == Some(&b'-'),
            "{line:?}"
        );
        assert!(
            !line
                .chars()
                .any(|c| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c)),
            "{line:?}"
        );
    }
    let folder = tempfile::tempdir().unwrap();
    let json = log_of_evil_names(folder.path(), "json");
    assert!(json.contains("FAKE") && json.is_ascii(), "{json}");
    for line in json.lines() {
        let value: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
        assert!(value["timestamp"].is_string(), "{line}");
    }
}

#[test]
fn an_everyday_start_is_quiet() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let args = [&USUAL[..], &["--p2p-listen", "127.0.0.1:0"]].concat();
    let mut node = Child::by(after(&format!("exec 2>{}", log.display())), &args, folder.path());
    node.after("interface");
    until("it serves", || {
        std::fs::read_to_string(&log).unwrap().contains("serving").then_some(())
    });
    assert_eq!(node.stop().code(), Some(0));
    let log = std::fs::read_to_string(log).unwrap();
    let loud = log
        .lines()
        .find(|line| line.contains("libp2p") || line.contains(" WARN ") || line.contains("ERROR"));
    assert_eq!(loud, None, "{log}");
}
