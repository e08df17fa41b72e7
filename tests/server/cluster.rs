//! `tally net up`: several nodes with one command, one of them killed; and a node killed while it changes to another branch.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;
use tally::config::NodeOptions;
use tally_network::session::offence::Offence;

use crate::binary;
use crate::child::{self, Child, FAST_CHAIN, FullPipe, audit, signal};
use crate::common::{ECC, Http, hex, until};
use crate::network::{Member, agree, identity, included};

struct Cluster(Child);

impl Cluster {
    fn up(folder: &Path, nodes: &str) -> Self {
        Self(child::start(&Self::args(nodes), folder))
    }

    fn args(nodes: &str) -> Vec<&str> {
        let cluster = ["net", "up", "--nodes", nodes, "--miners", "2", "--chain", FAST_CHAIN];
        [&cluster[..], &["--port", "0", "--p2p-port", "0"]].concat()
    }

    /// What follows `start` in the next line that begins so; lines before it are gone.
    fn after(&self, start: &str) -> String {
        self.0.after(start)
    }

    /// Kills a node with -9; its address once it runs again.
    fn kill(&self, folder: &Path, node: usize) -> Http {
        signal("-KILL", &process_of(&folder.join(format!("node-{node}"))));
        self.after(&format!("node-{node} | ended (signal: 9 (SIGKILL)), starting again"));
        Http::new(&self.after(&format!("node-{node} |   interface")))
    }

    /// Ends all nodes in order, and has every store checked.
    fn stop(&mut self, folder: &Path, nodes: usize) {
        assert!(self.0.stop().success());
        (1..=nodes).for_each(|node| audit(FAST_CHAIN, &folder.join(format!("node-{node}"))).unwrap());
    }
}

/// The process that has this folder open as its data directory.
fn process_of(folder: &Path) -> String {
    find_process(folder).expect("the node runs")
}

fn find_process(folder: &Path) -> Option<String> {
    let folder = folder.to_str().unwrap();
    let mut processes = std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().into_string().ok());
    processes.find(|process| {
        let line = std::fs::read_to_string(format!("/proc/{process}/cmdline")).unwrap_or_default();
        line.split('\0').any(|argument| argument == folder)
    })
}

/// The figures that the dashboard for Grafana shows.
fn dashboard_figures() -> BTreeSet<String> {
    let text = include_str!("../../deploy/grafana.json");
    let words = text.split(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'));
    words
        .filter(|word| word.starts_with("tally_"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_example_configurations_are_understood() {
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy");
    for (file, peers) in [
        ("lan/anna.toml", 0),
        ("lan/ben.toml", 1),
        ("lan/cem.toml", 2),
        ("public-seed.toml", 0),
    ] {
        let options = NodeOptions {
            config: Some(deploy.join(file)),
            ..NodeOptions::default()
        };
        let config = options.resolve().unwrap_or_else(|error| panic!("{file}: {error}"));
        let p2p = config.p2p.unwrap();
        assert_eq!(p2p.listen.unwrap().port(), 9333, "{file}");
        assert_eq!(p2p.peers.len(), peers, "{file}");
    }
}

fn tip(client: &Http) -> (u64, String) {
    let answer = client.get("/api/v1/blocks?limit=1").json();
    let block = &answer["items"][0];
    (
        block["height"].as_u64().unwrap(),
        block["id"].as_str().unwrap().to_owned(),
    )
}

fn agree_beyond(clients: &[Http], height: u64) {
    until("all have the same tip", || {
        let tips: Vec<_> = clients.iter().map(tip).collect();
        (tips.iter().all(|tip| *tip == tips[0]) && tips[0].0 > height).then_some(())
    });
}

#[test]
fn a_cluster_of_four_starts_with_one_command_and_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let mut cluster = Cluster::up(folder.path(), "4");
    let mut clients: Vec<_> = (1..=4)
        .map(|node| Http::new(&cluster.after(&format!("node-{node} |   interface"))))
        .collect();
    cluster.after("4 nodes are up");
    agree_beyond(&clients, 4);
    until("all are connected with all", || {
        let peers = |client: &Http| client.get("/api/v1/peers").json()["peers"].as_array().unwrap().len();
        clients.iter().all(|client| peers(client) == 3).then_some(())
    });
    let metrics = clients[0].get("/metrics").text();
    assert!(metrics.contains("tally_peers_inbound 3"), "{metrics}");
    // No peer misbehaved: a zero for each kind, so that an alarm on the rate sees the first.
    for offence in Offence::NAMES {
        let sample = format!("tally_peer_offences_total{{offence=\"{offence}\"}} 0\n");
        assert!(metrics.contains(&sample), "{sample} is not in {metrics}");
    }
    for figure in dashboard_figures() {
        let known = metrics.contains(&format!("{figure} ")) || metrics.contains(&format!("{figure}{{"));
        assert!(known, "{figure} of the dashboard is not in the metrics");
    }

    clients[2] = cluster.kill(folder.path(), 3);
    let (height, _) = tip(&clients[0]);
    agree_beyond(&clients, height);

    cluster.stop(folder.path(), 4);
}

#[test]
fn a_cluster_that_cannot_run_prints_why_and_ends() {
    let folder = tempfile::tempdir().unwrap();
    let mut cluster = Cluster::up(&folder.path().join("x"), "2");
    cluster.after("2 nodes are up");
    // Its folders are taken.
    let mut second = Cluster::up(&folder.path().join("x"), "2");
    let why = second.after("node-1 | tally:");
    assert!(why.contains("store"), "{why}");
    assert_eq!(second.0.wait().code(), Some(1));
    // What it started does not outlive it, whatever happens to it.
    cluster.0.kill();
    let taken = folder.path().join("x/node-1");
    until("the nodes are gone", || audit(FAST_CHAIN, &taken).ok());
}

/// A process that is stopped, and goes on when this is dropped.
struct Stopped(String);

impl Stopped {
    fn stop(process: String) -> Self {
        signal("-STOP", &process);
        Self(process)
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        let _ = Command::new("kill")
            .args(["-CONT", &self.0])
            .stderr(Stdio::null())
            .status();
    }
}

#[test]
fn a_second_signal_ends_a_cluster_at_once_and_prints_what_stays() {
    let folder = tempfile::tempdir().unwrap();
    let mut both_outputs = Command::new("sh");
    both_outputs.args(["-c", "exec \"$0\" \"$@\" 2>&1"]).arg(binary::path());
    let mut cluster = Cluster(Child::by(both_outputs, &Cluster::args("2"), folder.path()));
    cluster.after("2 nodes are up");
    // It does not end in order, whatever signal it gets.
    let _stopped = Stopped::stop(process_of(&folder.path().join("node-1")));
    let process = cluster.0.id().to_string();
    signal("-INT", &process);
    cluster.after("ending 2 nodes in order; Ctrl-C again ends them at once");
    cluster.after("node-2 | ended (exit status: 0)");
    signal("-INT", &process);
    cluster.after("node-1 | ended (signal: 9 (SIGKILL))");
    let stays = cluster.after("tally: interrupted again: killed");
    let shown = folder.path().display();
    assert_eq!(
        stays,
        format!("node-1; their folders stay in {shown}, and a node recovers its store at its next start")
    );
    assert_eq!(cluster.0.wait().code(), Some(130));
    audit(FAST_CHAIN, &folder.path().join("node-1")).unwrap();
}

#[test]
fn outputs_that_are_not_read_hold_up_neither_nodes_nor_signals() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = FullPipe::new();
    let shell = pipe.shell(">\"$FULL\" 2>&1");
    let mut cluster = Cluster(Child::by(shell, &Cluster::args("2"), folder.path()));
    let node = |index: usize| folder.path().join(format!("node-{index}"));
    // It is started once the first serves.
    until("both nodes run", || find_process(&node(2)));
    let _stopped = Stopped::stop(process_of(&node(1)));
    signal("-INT", &cluster.0.id().to_string());
    until("node 2 has ended in order", || {
        find_process(&node(2)).is_none().then_some(())
    });
    assert_eq!(cluster.0.stop().code(), Some(130), "the second signal ends it at once");
}

#[test]
fn kill_9_while_a_node_changes_to_a_branch_of_more_work_loses_nothing() {
    let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
    // Two histories of the same chain, each mined alone.
    let first = Member::start(folders[0].path(), "test", &["--mine"]);
    let mut second = Member::start(folders[1].path(), "test", &["--mine"]);
    until("a long branch", || (second.height() >= 60).then_some(()));
    second.mine(false);
    let behind = second.height();
    until("a chain with more total work", || {
        (first.height() >= behind + 40).then_some(())
    });
    first.mine(false);
    // Killed again and again: as soon as it has dialled, while blocks come, when the tip moves.
    for blocks in [0, 5, 30, 59] {
        second.kill();
        second = Member::start(folders[1].path(), "test", &["--peer", &first.addresses[0]]);
        assert!(
            second.height() >= behind,
            "what was acknowledged is still there, or a chain with more total work"
        );
        until("it is on its way", || {
            let done = second.peers()["sync"]["blocks_done"].as_u64();
            (done.is_some_and(|done| done >= blocks) || second.height() >= first.height()).then_some(())
        });
    }
    second.kill();
    second = Member::start(folders[1].path(), "test", &["--peer", &first.addresses[0]]);
    agree(&[&first, &second], behind + 40);
    for member in [first, second] {
        member.audit("test");
    }
}

/// What the nodes of a cluster report of themselves, and what their operators may request.
struct Soak<'a> {
    folder: &'a Path,
    clients: Vec<Http>,
    /// Ids of the nodes as others know them.
    names: Vec<String>,
    nonce: u64,
    /// Payments that a node has acknowledged.
    paid: Vec<String>,
}

impl Soak<'_> {
    fn pay(&mut self, at: usize) {
        let raw = hex(&ECC[0].coin(&identity(), self.nonce));
        let answer = self.clients[at].post("/api/v1/transactions", &json!({ "raw": raw }));
        assert_eq!(answer.status, 202, "{}", answer.text());
        self.nonce += 1;
        self.paid.push(answer.json()["id"].as_str().unwrap().to_owned());
    }

    fn operate(&self, at: usize, method: &str, path: &str) {
        let file = self.folder.join(format!("node-{}/operator-token", at + 1));
        let token = std::fs::read_to_string(file).unwrap();
        let body = (method == "PUT").then(|| json!({ "secs": 3_600 }));
        let answer = self.clients[at].operate(method, path, token.trim(), body.as_ref());
        assert_eq!(answer.status, 204, "{}", answer.text());
    }

    /// The first nodes have nothing to do with the others, or all with all again.
    fn halves(&self, apart: bool) {
        let method = if apart { "PUT" } else { "DELETE" };
        let middle = self.clients.len() / 2;
        for (left, right) in (0..middle).flat_map(|left| (middle..self.clients.len()).map(move |right| (left, right))) {
            for (at, other) in [(left, right), (right, left)] {
                self.operate(at, method, &format!("/api/v1/peers/{}/ban", self.names[other]));
            }
        }
    }

    fn height(&self, at: usize) -> u64 {
        tip(&self.clients[at]).0
    }

    fn grows(&self, at: usize) {
        let before = self.height(at);
        until("the chain grows", || (self.height(at) > before).then_some(()));
    }

    fn included(&self, id: &str) -> bool {
        self.clients.iter().all(|client| included(client, id))
    }
}

/// Twelve seconds of it; `TALLY_SOAK_SECS=600` for ten minutes.
#[test]
fn a_cluster_under_load_with_kills_and_partitions_agrees_and_loses_nothing_acknowledged() {
    let secs = std::env::var("TALLY_SOAK_SECS").map_or(12, |secs| secs.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let mut cluster = Cluster::up(folder.path(), "4");
    let clients: Vec<_> = (1..=4)
        .map(|node| Http::new(&cluster.after(&format!("node-{node} |   interface"))))
        .collect();
    cluster.after("4 nodes are up");
    let name = |client: &Http| client.get("/api/v1/peers").json()["id"].as_str().unwrap().to_owned();
    let mut soak = Soak {
        folder: folder.path(),
        names: clients.iter().map(name).collect(),
        clients,
        nonce: 0,
        paid: Vec::new(),
    };
    let begun = Instant::now();
    let (mut kills, mut partitions) = (0, 0);
    while begun.elapsed() < Duration::from_secs(secs) {
        for round in 0..4 {
            (0..4).for_each(|at| soak.pay((at + round) % 4));
            // Right after a payment was acknowledged.
            let victim = (kills + round) % 4;
            soak.clients[victim] = cluster.kill(folder.path(), victim + 1);
            kills += 1;
        }
        soak.grows(0);
        soak.halves(true);
        partitions += 1;
        // Both halves go on: the first has the miners, so the other one's payments wait until the halves meet.
        (0..4).for_each(|at| soak.pay(at));
        soak.grows(1);
        soak.halves(false);
    }
    for id in &soak.paid {
        until("what was acknowledged is in all chains", || {
            soak.included(id).then_some(())
        });
    }
    agree_beyond(&soak.clients, 0);
    eprintln!(
        "{} payments, {kills} kills, {partitions} partitions in {secs} s",
        soak.nonce
    );
    cluster.stop(folder.path(), 4);
}
