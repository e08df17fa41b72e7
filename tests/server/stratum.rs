//! Stratum as stock miners speak it: header words are put together the way that cpuminer does it, byte order included.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use alloy_primitives::hex;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::binary;
use crate::child::Child;
use crate::common::{Http, until};
#[cfg(target_os = "linux")]
use crate::endurance::leave_descriptors;
use crate::log::Log;

const PAID: &str = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";

struct Node {
    child: Child,
    client: Http,
    miners: String,
}

impl Node {
    fn start(folder: &Path) -> Self {
        Self::by(binary::tally(), &["--log-level", "error"], folder)
    }

    /// The same, and what it logs of its miners.
    fn logging(log: &Log, folder: &Path) -> Self {
        let args = [&["--log-level", "info"][..], &Log::FORMAT].concat();
        Self::by(log.command(), &args, folder)
    }

    fn by(command: Command, args: &[&str], folder: &Path) -> Self {
        let usual = ["node", "--listen", "127.0.0.1:0", "--chain", "test", "--no-mine"];
        let args = [&usual[..], &["--stratum-listen", "127.0.0.1:0"], args].concat();
        let child = Child::by(command, &args, folder);
        let client = Http::new(&child.after("interface"));
        let miners = child.after("stratum").replace("stratum+tcp://", "");
        let miners = miners.split(' ').next().unwrap().to_owned();
        Self { child, client, miners }
    }

    fn height(&self) -> u64 {
        self.client.get("/api/v1/status").json()["height"].as_u64().unwrap()
    }
}

/// One connection of a miner, and what it was sent last.
struct Miner {
    lines: BufReader<TcpStream>,
    next: u64,
    extra_1: String,
    difficulty: f64,
    job: Value,
}

impl Miner {
    fn connect(process: &Node) -> Self {
        let stream = TcpStream::connect(&process.miners).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        Self {
            lines: BufReader::new(stream),
            next: 1,
            extra_1: String::new(),
            difficulty: 0.0,
            job: Value::Null,
        }
    }

    /// Subscribed, authorized, and with a job.
    fn working(process: &Node, user: &str) -> Self {
        let mut miner = Self::connect(process);
        let subscribed = miner.request("mining.subscribe", json!(["cpuminer/2.5.1"]));
        miner.extra_1 = subscribed["result"][1].as_str().unwrap().to_owned();
        assert_eq!(subscribed["result"][2], 4);
        assert_eq!(miner.request("mining.authorize", json!([user, "x"]))["result"], true);
        miner.next_job();
        miner
    }

    fn raw(&mut self, line: &str) {
        self.lines.get_mut().write_all(line.as_bytes()).unwrap();
    }

    fn line(&mut self) -> Option<Value> {
        let mut line = String::new();
        match self.lines.read_line(&mut line) {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(serde_json::from_str(&line).unwrap()),
        }
    }

    /// Notes what the node sends.
    fn note(&mut self, message: &Value) {
        match message["method"].as_str() {
            Some("mining.notify") => self.job = message["params"].clone(),
            Some("mining.set_difficulty") => self.difficulty = message["params"][0].as_f64().unwrap(),
            _ => panic!("{message}"),
        }
    }

    fn request(&mut self, method: &str, params: Value) -> Value {
        let id = self.next;
        self.next += 1;
        self.raw(&format!(
            "{}\n",
            json!({ "id": id, "method": method, "params": params })
        ));
        loop {
            let line = self.line().expect("an answer");
            if line["id"] == json!(id) {
                return line;
            }
            self.note(&line);
        }
    }

    /// Waits for the next job.
    fn next_job(&mut self) {
        self.job = Value::Null;
        while self.job.is_null() {
            let line = self.line().expect("a job");
            self.note(&line);
        }
    }

    fn text(&self, at: usize) -> String {
        self.job[at].as_str().unwrap().to_owned()
    }

    /// A nonce whose header meets the job's own bits, or does not: what goes into mining.submit.
    fn search(&self, extra_2: &str, meets: bool) -> (String, String) {
        let coinbase = hex::decode([&self.text(2), &self.extra_1, extra_2, &self.text(3)].concat()).unwrap();
        let root = twice(&coinbase);
        assert_eq!(self.job[4], json!([]));
        let le = |text: &str| u32::from_le_bytes(hex::decode(text).unwrap().try_into().unwrap());
        let mut data = [0_u32; 20];
        data[0] = le(&self.text(5));
        for at in 0..8 {
            data[1 + at] = le(&self.text(1)[at * 8..at * 8 + 8]);
            data[9 + at] = u32::from_be_bytes(root[at * 4..at * 4 + 4].try_into().unwrap());
        }
        data[17] = le(&self.text(7));
        data[18] = le(&self.text(6));
        // Of targets as easy as those of this chain, the three digits are the highest three bytes.
        let bits = u32::from_str_radix(&self.text(6), 16).unwrap();
        assert_eq!(bits >> 24, 0x20);
        let target = bits & 0x00ff_ffff;
        for nonce in 0.. {
            data[19] = nonce;
            let bytes: Vec<u8> = data.iter().flat_map(|word| word.to_be_bytes()).collect();
            let hash = twice(&bytes);
            let top = u32::from_be_bytes([0, hash[31], hash[30], hash[29]]);
            if top != target && (top < target) == meets {
                return (self.text(7), hex::encode(nonce.to_le_bytes()));
            }
        }
        unreachable!("some nonce does")
    }

    fn submit(&mut self, user: &str, extra_2: &str, time: &str, nonce: &str) -> Value {
        let job = self.job[0].clone();
        self.request("mining.submit", json!([user, job, extra_2, time, nonce]))
    }
}

fn twice(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(Sha256::digest(bytes)).into()
}

#[test]
fn a_stock_miner_mines_blocks() {
    let folder = tempfile::tempdir().unwrap();
    let process = Node::start(folder.path());
    let user = format!("{PAID}.rig-1");
    let mut miner = Miner::working(&process, &user);
    assert!(
        miner.difficulty > 0.0 && miner.difficulty < 1e-8,
        "no share is harder than a block: {}",
        miner.difficulty
    );
    // Sixty blank lines, as some miners keep a connection alive.
    miner.raw(&"\n\r\n".repeat(30));
    for height in 1..=5 {
        let (time, nonce) = miner.search("0000002a", true);
        let answer = miner.submit(&user, "0000002a", &time, &nonce);
        assert_eq!((&answer["result"], &answer["error"]), (&json!(true), &Value::Null));
        until("the block is there", || (process.height() == height).then_some(()));
        let block = process.client.get(&format!("/api/v1/blocks/{height}")).json();
        assert_eq!(block["producer"], PAID);
        let old = miner.job[0].clone();
        while miner.job[0] == old || miner.job[8] != true {
            miner.next_job();
        }
    }
}

#[test]
fn what_a_miner_may_do_wrong_has_a_number() {
    let folder = tempfile::tempdir().unwrap();
    let process = Node::start(folder.path());
    let mut unknown = Miner::connect(&process);
    let code = |answer: &Value| answer["error"][0].as_u64().unwrap();
    assert_eq!(
        code(&unknown.request("mining.submit", json!([PAID, "1", "00000000", "00000000", "00000000"]))),
        24
    );
    let refused = unknown.request("mining.authorize", json!(["satoshi", "x"]));
    assert_eq!(code(&refused), 24);
    assert!(
        refused["error"][1]
            .as_str()
            .unwrap()
            .starts_with("the user is the address to be paid"),
        "{refused}"
    );
    assert_eq!(code(&unknown.request("mining.nothing", json!([]))), 20);
    assert_eq!(
        unknown.request("mining.configure", json!([["version-rolling"], {}]))["result"],
        json!({ "version-rolling": false })
    );

    let mut miner = Miner::working(&process, PAID);
    let mut other = Miner::working(&process, PAID);
    assert_ne!(miner.extra_1, other.extra_1, "no two search the same headers");
    // The unsolicited answers of some miners change nothing.
    miner.raw("{\"id\":7,\"result\":\"cpuminer/2.5.1\",\"error\":null}\n");
    let (time, nonce) = miner.search("00000001", true);
    assert_eq!(code(&miner.submit("somebody", "00000001", &time, &nonce)), 24);
    assert_eq!(code(&miner.submit(PAID, "1", &time, &nonce)), 20);
    assert_eq!(code(&miner.submit(PAID, "00000001", "ffffffff", &nonce)), 20);
    assert_eq!(code(&miner.submit(PAID, "00000001", &time, "zzzzzzzz")), 20);
    let (_, low) = miner.search("00000001", false);
    let low = miner.submit(PAID, "00000001", &time, &low);
    // A share is as hard as a block here, so what seals none counts for nothing.
    assert_eq!(code(&low), 23, "{low}");
    assert_eq!(process.height(), 0);
    let job = miner.job[0].clone();
    assert_eq!(miner.submit(PAID, "00000001", &time, &nonce)["result"], true);
    // The same once more: its job is stale by now.
    assert_eq!(
        code(&miner.request("mining.submit", json!([PAID, job, "00000001", time, nonce]))),
        21
    );
    // So is the other one's.
    let (time, nonce) = other.search("00000001", true);
    let late = other.submit(PAID, "00000001", &time, &nonce);
    assert_eq!(code(&late), 21, "{late}");
}

const OTHER: &str = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC";

#[test]
fn a_proxy_brings_workers_of_several_addresses_and_each_is_paid() {
    let folder = tempfile::tempdir().unwrap();
    let process = Node::start(folder.path());
    let users = [format!("{PAID}.rig1"), format!("{PAID}.rig2"), format!("{OTHER}.rig3")];
    let mut proxy = Miner::working(&process, &users[0]);
    for user in &users[1..] {
        assert_eq!(proxy.request("mining.authorize", json!([user, "x"]))["result"], true);
        proxy.next_job();
    }
    let list = process.client.get("/api/v1/mining/workers").json();
    assert_eq!(list["connected"], 3);
    for (at, (user, address)) in users
        .iter()
        .zip([PAID, PAID, OTHER])
        .chain([(&users[0], PAID)])
        .enumerate()
    {
        // A job pays one address: a worker of another one is given a job of its own first.
        let answer = loop {
            let (time, nonce) = proxy.search("0000002a", true);
            let answer = proxy.submit(user, "0000002a", &time, &nonce);
            match answer["error"][0].as_u64() {
                None => break answer,
                Some(21) => proxy.next_job(),
                Some(_) => panic!("{answer}"),
            }
        };
        assert_eq!(answer["result"], true);
        let height = at as u64 + 1;
        until("the block is there", || (process.height() == height).then_some(()));
        let block = process.client.get(&format!("/api/v1/blocks/{height}")).json();
        assert_eq!(block["producer"], address, "the block of {user}");
        let old = proxy.job[0].clone();
        while proxy.job[0] == old || proxy.job[8] != true {
            proxy.next_job();
        }
    }
    let list = process.client.get("/api/v1/mining/workers").json();
    let of = |name: &str| {
        list["items"]
            .as_array()
            .unwrap()
            .iter()
            .find(|worker| worker["name"] == name)
            .unwrap()
            .clone()
    };
    let (first, third) = (of(&users[0]), of(&users[2]));
    assert_eq!(
        (&first["shares"], &first["blocks"], &first["address"]),
        (&json!(2), &json!(2), &json!(PAID))
    );
    assert_eq!(
        (&third["shares"], &third["address"], &third["agent"]),
        (&json!(1), &json!(OTHER), &json!("cpuminer/2.5.1"))
    );
    let metrics = process.client.get("/metrics").text();
    assert!(metrics.contains("tally_stratum_workers 3"), "{metrics}");
    let page = process.client.get("/mining").text();
    assert!(
        page.contains("Connected miners: 3") && page.contains(&users[1]),
        "{page}"
    );
    drop(proxy);
    until("the workers have left", || {
        (process.client.get("/api/v1/mining/workers").json()["connected"] == 0).then_some(())
    });
}

#[test]
fn ids_come_back_as_they_were_sent() {
    let folder = tempfile::tempdir().unwrap();
    let process = Node::start(folder.path());
    for id in ["1180591620717411303424", "1.50", "\"text\"", "null", "-1"] {
        let mut miner = Miner::connect(&process);
        miner.raw(&format!(
            "{{\"id\": {id}, \"method\": \"mining.subscribe\", \"params\": []}}\n"
        ));
        let mut line = String::new();
        miner.lines.read_line(&mut line).unwrap();
        assert!(line.starts_with(&format!("{{\"id\":{id},\"result\":")), "{line}");
    }
}

#[test]
fn a_client_that_does_not_speak_stratum_is_disconnected() {
    let folder = tempfile::tempdir().unwrap();
    let process = Node::start(folder.path());
    let mut miner = Miner::connect(&process);
    miner.raw(&"GET / HTTP/1.1\n".repeat(10));
    assert!(miner.line().is_none());
    let mut miner = Miner::connect(&process);
    miner.raw(&"x".repeat(5_000));
    assert!(miner.line().is_none());
}

/// What an operator whose miners come and go looks for: which one, how much it brought, and why it is gone.
#[test]
fn the_log_names_why_a_miner_was_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let log = Log::new(folder.path());
    let process = Node::logging(&log, &folder.path().join("data"));
    let name = format!("{PAID}.rig-1");

    let mut unknown = Miner::connect(&process);
    unknown.raw(&"x".repeat(5_000));
    assert!(unknown.line().is_none());
    let line = log.wait("miner dropped");
    assert_eq!(line["level"], "INFO");
    assert_eq!(line["error"], "a line has more than 4096 bytes");
    assert_eq!(line["miner"], "none, 0 workers, 0 shares");
    assert!(line["remote"].as_str().unwrap().starts_with("127.0.0.1:"), "{line}");

    let mut miner = Miner::working(&process, &name);
    let answer = miner.submit(&name, "1", "00000000", "00000000");
    assert_eq!(answer["error"][0], 20);
    miner.raw(&"no JSON\n".repeat(10));
    assert!(miner.line().is_none());
    let dropped = || log.found("miner dropped");
    until("the second line", || (dropped().len() == 2).then_some(()));
    let line = dropped().remove(1);
    assert_eq!(
        line["error"],
        "a line is no JSON object, and nine before it were no better"
    );
    let summary = line["miner"].as_str().unwrap();
    let begins = format!("{name}, 1 worker, 0 shares; the last rejection: 20 ");
    assert!(summary.starts_with(&begins), "{summary}");
    assert_eq!(process.height(), 0, "the node goes on");

    // One that leaves by itself is none of them.
    drop(Miner::working(&process, &name));
    let line = log.wait("miner left");
    assert_eq!((&line["error"], log.found("miner dropped").len()), (&Value::Null, 2));
}

/// A processor that is kept busy with accepting what it cannot accept would be as bad as a full log.
#[cfg(target_os = "linux")]
#[test]
fn the_listener_without_descriptors_logs_that_once_a_minute_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let log = Log::new(folder.path());
    let process = Node::logging(&log, &folder.path().join("data"));
    // This connection stays open: it needs no other descriptor.
    assert_eq!(process.height(), 0);
    leave_descriptors(process.child.id(), 4);
    let waiting: Vec<_> = (0..20).map(|_| TcpStream::connect(&process.miners).unwrap()).collect();
    let line = log.wait("connections cannot be taken");
    assert_eq!((&line["level"], &line["listener"]), (&json!("WARN"), &json!("stratum")));
    assert!(line["error"].as_str().unwrap().contains("open files"), "{line}");
    assert_eq!(process.height(), 0, "the node answers");
    drop(waiting);
    Miner::working(&process, PAID);
    let lines = log.found("connections cannot be taken");
    assert_eq!(lines.len(), 1, "{lines:?}");
}
