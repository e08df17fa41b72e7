//! The real binary as a process: killed at any moment, stopped in order, started twice.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};
use tally_chain::ChainSpec;
use tally_chain::genesis;

use crate::binary;
use crate::child::{self, Child, FAST_CHAIN, FullPipe, node_args, signal};
use crate::common::{ECC, Http, RSA, hex, until};
use crate::events::Stream;

/// A node process; it is killed when it is dropped.
struct Process {
    child: Child,
    url: String,
    client: Http,
}

impl Process {
    fn start(folder: &Path) -> Self {
        let child = child::start(&node_args(FAST_CHAIN, "warn", &["--mine"]), folder);
        let url = child.after("interface");
        Self {
            client: Http::new(&url),
            child,
            url,
        }
    }

    fn json(&self, path: &str) -> Value {
        let answer = self.client.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()
    }

    fn kill(mut self) {
        self.child.kill();
    }

    /// SIGTERM, as a service manager does it.
    fn stop(mut self) -> Option<i32> {
        self.child.stop().code()
    }
}

/// Small numbers that differ from run to run.
fn random(below: u64) -> u64 {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).unwrap();
    u64::from_le_bytes(bytes) % below
}

#[test]
fn what_was_acknowledged_survives_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let spec = ChainSpec::from_toml(&std::fs::read_to_string(FAST_CHAIN).unwrap()).unwrap();
    let identity = genesis::identity(&spec);
    // What the node has sent: block ids by height, and transactions seen in blocks.
    let mut blocks: BTreeMap<u64, String> = BTreeMap::new();
    let mut included: BTreeMap<String, u64> = BTreeMap::new();
    for _ in 0..5 {
        let node = Process::start(folder.path());
        for (height, id) in &blocks {
            let block = node.json(&format!("/api/v1/blocks/{id}"));
            assert_eq!((&block["height"], &block["active"]), (&json!(height), &json!(true)));
        }
        for (id, height) in &included {
            assert_eq!(
                node.json(&format!("/api/v1/transactions/{id}"))["block"]["height"],
                *height,
                "{id}"
            );
        }
        let nonce = node.json(&format!("/api/v1/accounts/{}", ECC[0].address()))["next_nonce"]
            .as_u64()
            .unwrap();
        let mut stream = Stream::open(&node.url, None);
        for offset in 0..20 {
            let body = json!({ "raw": hex(&ECC[0].coin(&identity, nonce + offset)) });
            assert_eq!(node.client.post("/api/v1/transactions", &body).status, 202);
        }
        let wanted = 2 + random(4);
        let mut seen = 0;
        while seen < wanted {
            let event = stream.next().expect("the stream lasts as long as the node");
            if event.name == "block" {
                let height = event.data["height"].as_u64().unwrap();
                blocks.insert(height, event.data["id"].as_str().unwrap().to_owned());
                for id in node.json(&format!("/api/v1/blocks/{height}"))["transactions"]
                    .as_array()
                    .unwrap()
                {
                    included.insert(id.as_str().unwrap().to_owned(), height);
                }
                seen += 1;
            }
        }
        // Not right after a block, but anywhere in the work on the next one.
        let moment = std::time::Instant::now() + std::time::Duration::from_millis(random(400));
        while std::time::Instant::now() < moment {
            node.client.get("/api/v1/status");
        }
        node.kill();
    }
    assert!(!included.is_empty(), "payments were included between the kills");

    let node = Process::start(folder.path());
    let height = node.json("/api/v1/status")["height"].as_u64().unwrap();
    assert!(height >= *blocks.keys().last().unwrap());
    assert_eq!(node.stop(), Some(0));
    let audit = binary::tally()
        .args(["audit", "--json", "--chain", FAST_CHAIN, "--data-dir"])
        .arg(folder.path())
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&audit.stdout).unwrap();
    assert_eq!((audit.status.code(), &report["faults"]), (Some(0), &json!([])));
    assert!(report["height"].as_u64().unwrap() >= height);
}

#[test]
fn the_pool_survives_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let spec = ChainSpec::from_toml(&std::fs::read_to_string(FAST_CHAIN).unwrap()).unwrap();
    let identity = genesis::identity(&spec);
    let node = Process::start(folder.path());
    // Nonce 1 waits for nonce 0: it stays in the pool, whatever is mined.
    let body = json!({ "raw": hex(&RSA.coin(&identity, 1)) });
    let id = node.client.post("/api/v1/transactions", &body).json()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    node.kill();
    let node = Process::start(folder.path());
    assert_eq!(node.json(&format!("/api/v1/transactions/{id}"))["status"], "queued");
    let body = json!({ "raw": hex(&RSA.coin(&identity, 0)) });
    assert_eq!(node.client.post("/api/v1/transactions", &body).status, 202);
    until("both are in blocks", || {
        (node.json(&format!("/api/v1/transactions/{id}"))["status"] == "included").then_some(())
    });
    assert_eq!(node.stop(), Some(0));
}

#[test]
fn a_second_process_gets_one_line_of_error() {
    let folder = tempfile::tempdir().unwrap();
    let node = Process::start(folder.path());
    let mut second = binary::tally();
    let second = second
        .args(node_args(FAST_CHAIN, "warn", &[]))
        .arg("--data-dir")
        .arg(folder.path())
        .output()
        .unwrap();
    assert_eq!(second.status.code(), Some(3));
    let error = String::from_utf8(second.stderr).unwrap();
    assert_eq!(error.lines().count(), 1, "{error}");
    assert!(
        error.starts_with("tally: data directory ") && error.contains("is in use by another process"),
        "{error}"
    );
    assert_eq!(node.json("/healthz")["status"], "alive", "the first one goes on");
    assert_eq!(node.stop(), Some(0));

    let mut other = binary::tally();
    let other = other
        .args(node_args("test", "warn", &["--data-dir"]))
        .arg(folder.path());
    let other = other.output().unwrap();
    assert_eq!(
        other.status.code(),
        Some(4),
        "{}",
        String::from_utf8_lossy(&other.stderr)
    );
    let usage = binary::tally().args(["node", "--mine-threads", "0"]).output().unwrap();
    assert_eq!(usage.status.code(), Some(2));
}

#[test]
fn more_threads_than_processors_are_rejected_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let most = std::thread::available_parallelism().unwrap().get();
    let file = folder.path().join("node.toml");
    std::fs::write(&file, format!("mine-threads = {}\n", most + 1)).unwrap();
    let many = (most + 1).to_string();
    for given in [["--mine-threads", &many], ["--config", file.to_str().unwrap()]] {
        let data = folder.path().join("data");
        let mut node = binary::tally();
        let node = node
            .args(node_args(FAST_CHAIN, "warn", &given))
            .arg("--data-dir")
            .arg(&data);
        let node = node.output().unwrap();
        assert_eq!(node.status.code(), Some(2), "{given:?}");
        assert_eq!(
            String::from_utf8(node.stderr).unwrap(),
            format!("tally: mine-threads is {many}, this machine has processors for {most}\n")
        );
        assert!(!data.exists(), "nothing was begun");
    }
}

#[test]
fn the_banner_shows_where_everything_is_and_the_log_holds_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = binary::tally();
    command.args(node_args(FAST_CHAIN, "trace", &["--no-mine", "--log-format", "json"]));
    // A file: no one reads a pipe while the node runs, and a full one would stop it.
    let log = folder.path().join("log");
    command
        .arg("--data-dir")
        .arg(folder.path())
        .stdout(Stdio::piped())
        .stderr(std::fs::File::create(&log).unwrap());
    let mut child = command.spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut banner = Vec::new();
    while banner
        .last()
        .is_none_or(|line: &String| !line.trim_start().starts_with("operator "))
    {
        banner.push(out.next().unwrap().unwrap());
    }
    let text = banner.join("\n");
    for part in [
        "interface   http://127.0.0.1:",
        "API ",
        "data ",
        "chain       test (chain id 8549)",
        "genesis ",
        "mining      off",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    // This output is no terminal: the banner names the token's file, and the link without the token.
    let file = folder.path().join("operator-token");
    let kept = std::fs::read_to_string(&file).unwrap();
    let token = kept.trim();
    assert_eq!(token.len(), 64);
    assert!(!text.contains(token), "{text}");
    let line = banner.last().unwrap();
    assert!(
        line.ends_with(&format!("with the token in {}", file.display())),
        "{line}"
    );
    let (url, _) = line.split_once("/#operator=TOKEN ").unwrap();
    let url = url.split_whitespace().last().unwrap();
    let switch = Http::new(url).post_with(
        "/api/v1/mining",
        "application/json",
        b"{\"threads\":1}",
        &[("authorization", &format!("Bearer {token}"))],
    );
    assert_eq!(switch.status, 200, "{}", switch.text());
    signal("-INT", &child.id().to_string());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let log = std::fs::read_to_string(log).unwrap();
    assert!(!log.contains(token), "the token is in the log");
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}")))
        .collect();
    assert!(lines.iter().any(|line| line["message"] == "serving"), "{log}");
}

#[test]
fn an_output_that_is_not_read_holds_up_neither_the_start_nor_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = FullPipe::new();
    // Its log goes where the test reads.
    let shell = pipe.shell("2>&1 >\"$FULL\"");
    let args = node_args(FAST_CHAIN, "info", &[]);
    let mut child = Child::by(shell, &args, folder.path());
    let mut lines = std::iter::from_fn(|| child.line());
    assert!(lines.any(|line| line.contains("serving")), "the node does not serve");
    assert_eq!(child.stop().code(), Some(0));
}

#[test]
fn an_error_that_nothing_reads_does_not_hold_up_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    let pipe = FullPipe::new();
    let shell = pipe.shell("2>\"$FULL\"");
    let args = ["node", "--chain", FAST_CHAIN, "--listen", &listen];
    let mut child = Child::by(shell, &args, folder.path());
    // Its standard output closes when it ends, without a banner before.
    assert_eq!(child.line(), None);
    assert_eq!(child.stop().code(), Some(1), "it cannot listen, and shows that");
}

#[test]
fn a_wrong_command_line_ends_though_nothing_reads_what_is_wrong_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = FullPipe::new();
    // Printed in colours, and without what may be a key.
    let key = format!("--no-such-option={}", "5e".repeat(32));
    for wrong in [
        &["node", "--no-such-option"][..],
        &["node", key.as_str()],
        &["net", "up", "--nodes", "many"],
    ] {
        let mut child = Child::by(pipe.shell("2>\"$FULL\""), wrong, folder.path());
        assert_eq!(child.line(), None, "{wrong:?}");
        assert_eq!(child.stop().code(), Some(2), "{wrong:?}");
    }
}
