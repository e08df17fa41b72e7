//! Nodes as processes that are peers over loopback.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tally_chain::{ChainSpec, genesis, transaction::ChainIdentity};

use crate::binary;
use crate::child::{Child, FAST_CHAIN, audit};
use crate::common::{ECC, Http, Reply, hex, until};
use crate::log::Log;

const TOKEN: &str = "0123456789abcdef-network";

/// A node process that others can dial; it is killed when it is dropped.
pub struct Member {
    child: Child,
    client: Http,
    /// Its addresses for others: by TCP and by QUIC.
    pub addresses: Vec<String>,
    folder: PathBuf,
}

impl Member {
    pub fn start(folder: &Path, chain: &str, args: &[&str]) -> Self {
        Self::start_at(binary::tally(), "127.0.0.1", folder, chain, args)
    }

    /// The same, and what it warns of.
    pub fn logging(log: &Log, folder: &Path, chain: &str, args: &[&str]) -> Self {
        let args = [&Log::FORMAT[..], args].concat();
        Self::with(log.command(), "warn", "127.0.0.1", folder, chain, &args)
    }

    /// A node that listens on the ports of `host` that the system chooses; `command` ends with the program.
    pub fn start_at(command: Command, host: &str, folder: &Path, chain: &str, args: &[&str]) -> Self {
        // What the conversations did stands beside a failure.
        let level = std::env::var("TALLY_TEST_LOG").unwrap_or_else(|_| "error,tally_network=debug".to_owned());
        Self::with(command, &level, host, folder, chain, args)
    }

    fn with(command: Command, level: &str, host: &str, folder: &Path, chain: &str, args: &[&str]) -> Self {
        let listen = format!("{host}:0");
        let usual = ["node", "--chain", chain, "--listen", &listen, "--log-level", level];
        let network = ["--p2p-listen", &listen, "--operator-token", TOKEN];
        let child = Child::by(command, &[&usual[..], &network[..], args].concat(), folder);
        let client = Http::new(&child.after("interface"));
        let (tcp, quic) = (child.after("network"), child.after(""));
        Self {
            client,
            child,
            addresses: vec![tcp, quic],
            folder: folder.to_owned(),
        }
    }

    pub fn client(&self) -> &Http {
        &self.client
    }

    pub fn json(&self, path: &str) -> Value {
        let answer = self.client.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()
    }

    pub fn get(&self, path: &str) -> Reply {
        self.client.get(path)
    }

    pub fn post(&self, path: &str, body: &Value) -> Reply {
        self.client.post(path, body)
    }

    pub fn height(&self) -> u64 {
        self.json("/api/v1/status")["height"].as_u64().unwrap()
    }

    pub fn tip(&self) -> String {
        self.json("/api/v1/blocks?limit=1")["items"][0]["id"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    pub fn peers(&self) -> Value {
        self.json("/api/v1/peers")
    }

    pub fn id(&self) -> String {
        self.peers()["id"].as_str().unwrap().to_owned()
    }

    pub fn operate(&self, method: &str, path: &str, body: Option<Value>) -> u16 {
        self.client.operate(method, path, TOKEN, body.as_ref()).status
    }

    pub fn mine(&self, on: bool) {
        let status = self.operate("POST", "/api/v1/mining", Some(json!({ "on": on })));
        assert_eq!(status, 200);
    }

    pub fn ban(&self, other: &Self) {
        let path = format!("/api/v1/peers/{}/ban", other.id());
        assert_eq!(self.operate("PUT", &path, Some(json!({ "secs": 600 }))), 204);
    }

    pub fn unban(&self, other: &Self) {
        assert_eq!(
            self.operate("DELETE", &format!("/api/v1/peers/{}/ban", other.id()), None),
            204
        );
    }

    pub fn send(&self, identity: &ChainIdentity, nonce: u64) -> String {
        let answer = self.client.post(
            "/api/v1/transactions",
            &json!({ "raw": hex(&ECC[0].coin(identity, nonce)) }),
        );
        assert_eq!(answer.status, 202, "{}", answer.text());
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    pub fn included(&self, id: &str) -> bool {
        included(&self.client, id)
    }

    pub fn kill(&mut self) {
        self.child.kill();
    }

    /// Ends it, and has its whole store checked.
    pub fn audit(mut self, chain: &str) {
        self.kill();
        audit(chain, &self.folder).unwrap();
    }
}

/// Whether a node has a transaction in a block.
pub fn included(client: &Http, id: &str) -> bool {
    let answer = client.get(&format!("/api/v1/transactions/{id}"));
    answer.status == 200 && !answer.json()["block"].is_null()
}

pub fn identity() -> ChainIdentity {
    genesis::identity(&ChainSpec::from_toml(&std::fs::read_to_string(FAST_CHAIN).unwrap()).unwrap())
}

pub fn agree(members: &[&Member], height: u64) {
    until("all have the same tip", || {
        let tips: Vec<_> = members.iter().map(|member| member.tip()).collect();
        (tips.iter().all(|tip| *tip == tips[0]) && members[0].height() >= height).then_some(())
    });
}

/// Ends mining, and waits until all have the same tip. One goes on alone until all follow it: where several end at once, two tips
/// of equal weight may stay beside each other. Rule: docs/protocol.md#B9
pub fn end_mining(last: &Member, others: &[&Member]) {
    let all: Vec<_> = others.iter().copied().chain([last]).collect();
    others.iter().for_each(|member| member.mine(false));
    agree(&all, 1);
    last.mine(false);
    agree(&all, 1);
}

#[test]
fn nodes_agree_one_joins_late_and_kill_9_while_it_catches_up_loses_nothing() {
    let folders: Vec<_> = (0..3).map(|_| tempfile::tempdir().unwrap()).collect();
    let identity = identity();
    let first = Member::start(folders[0].path(), FAST_CHAIN, &["--mine"]);
    let second = Member::start(folders[1].path(), FAST_CHAIN, &["--peer", &first.addresses[0]]);
    // What is sent to one is mined by the other.
    let paid: Vec<_> = (0..5).map(|nonce| second.send(&identity, nonce)).collect();
    until("the payments are in blocks of both", || {
        paid.iter()
            .all(|id| first.included(id) && second.included(id))
            .then_some(())
    });
    let peer = until("the peer is listed", || {
        first.peers()["peers"].as_array().unwrap().first().cloned()
    });
    assert_eq!((&peer["id"], &peer["inbound"]), (&json!(second.id()), &json!(true)));
    until("both know the round trip", || {
        let known = |member: &Member| member.peers()["peers"][0]["latency_ms"].is_u64();
        (known(&first) && known(&second)).then_some(())
    });

    // A third one comes by QUIC, is killed as soon as it has begun and remembers its peer, and comes again.
    let height = until("some blocks", || Some(first.height()).filter(|height| *height >= 8));
    let quic = first.addresses[1].clone();
    let mut third = Member::start(folders[2].path(), FAST_CHAIN, &["--peer", &quic]);
    until("it has begun", || (third.height() > 0).then_some(()));
    let remembered = folders[2].path().join("network/peers");
    until("it remembers its peer", || {
        std::fs::read_to_string(&remembered)
            .is_ok_and(|peers| peers.contains(&first.id()))
            .then_some(())
    });
    let before = third.height();
    third.kill();
    let third = Member::start(folders[2].path(), FAST_CHAIN, &[]);
    assert!(third.height() >= before, "what was acknowledged is still there");
    until("it has caught up", || (third.height() >= height).then_some(()));
    first.mine(false);
    agree(&[&first, &second, &third], height);
    assert_eq!(first.peers()["bans"], json!([]));
    for member in [first, second, third] {
        member.audit(FAST_CHAIN);
    }
}

#[test]
fn halves_that_both_mined_agree_on_most_work_and_lose_no_payment() {
    let folders: Vec<_> = (0..4).map(|_| tempfile::tempdir().unwrap()).collect();
    let identity = identity();
    let mut members: Vec<Member> = Vec::new();
    for folder in &folders {
        // Each dials all before it.
        let peers: Vec<_> = members
            .iter()
            .flat_map(|member| ["--peer".to_owned(), member.addresses[0].clone()])
            .collect();
        let args: Vec<_> = peers.iter().map(String::as_str).collect();
        members.push(Member::start(folder.path(), FAST_CHAIN, &args));
    }
    let [a, b, c, d] = &members[..] else {
        unreachable!("four were started")
    };
    until("all are connected with all", || {
        members
            .iter()
            .all(|member| member.peers()["peers"].as_array().unwrap().len() == 3)
            .then_some(())
    });
    for (left, right) in [(a, c), (a, d), (b, c), (b, d)] {
        left.ban(right);
        right.ban(left);
    }
    until("the halves are apart", || {
        members
            .iter()
            .all(|member| member.peers()["peers"].as_array().unwrap().len() == 1)
            .then_some(())
    });
    a.mine(true);
    c.mine(true);
    let paid = [a.send(&identity, 0), a.send(&identity, 1)];
    until("the payments are in blocks of one half", || {
        paid.iter().all(|id| b.included(id)).then_some(())
    });
    until("both halves have mined", || {
        (b.height() >= 4 && d.height() >= 4).then_some(())
    });
    // The half without the payments gets the chain with more total work.
    a.mine(false);
    let behind = b.height();
    until("the other half is ahead", || (d.height() > behind + 3).then_some(()));
    assert!(!d.included(&paid[0]));
    c.mine(false);
    for (left, right) in [(a, c), (a, d), (b, c), (b, d)] {
        left.unban(right);
        right.unban(left);
    }
    agree(&[a, b, c, d], behind);
    // They are pending again, and everywhere: the next miner includes them.
    d.mine(true);
    until("the payments are in blocks of all", || {
        members
            .iter()
            .all(|member| paid.iter().all(|id| member.included(id)))
            .then_some(())
    });
    d.mine(false);
    agree(&[a, b, c, d], behind);
    for member in members {
        member.audit(FAST_CHAIN);
    }
}

#[test]
fn a_node_of_another_chain_is_refused_by_both_sides() {
    let folder = tempfile::tempdir().unwrap();
    let chain = folder.path().join("other.toml");
    let text = std::fs::read_to_string(FAST_CHAIN).unwrap();
    std::fs::write(&chain, text.replace("symbol = \"TALLY\"", "symbol = \"OTHER\"")).unwrap();
    let ours = Member::start(&folder.path().join("ours"), FAST_CHAIN, &[]);
    let other = Member::start(
        &folder.path().join("other"),
        chain.to_str().unwrap(),
        &["--peer", &ours.addresses[0]],
    );
    for (member, banned) in [(&ours, &other), (&other, &ours)] {
        let ban = until("it is banned", || {
            member.peers()["bans"].as_array().unwrap().first().cloned()
        });
        assert_eq!(ban["id"], json!(banned.id()));
        let reason = ban["reason"].as_str().unwrap();
        assert!(reason.starts_with("is of another chain: its genesis is "), "{reason}");
        assert_eq!(member.peers()["peers"], json!([]));
    }
}

#[test]
fn silent_connections_keep_nobody_out_for_long() {
    let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let first = Member::start(folders[0].path(), FAST_CHAIN, &[]);
    let port = first.addresses[0].split('/').nth(4).unwrap();
    let silent: Vec<_> = (0..200)
        .map(|_| std::net::TcpStream::connect(format!("127.0.0.1:{port}")).unwrap())
        .collect();
    let closed = |stream: &std::net::TcpStream| {
        stream.set_nonblocking(true).unwrap();
        let mut bytes = [0; 256];
        loop {
            match std::io::Read::read(&mut &*stream, &mut bytes) {
                Ok(0) => return true,
                Ok(_) => {} // what its side of the handshake begins with
                Err(error) => return error.kind() != std::io::ErrorKind::WouldBlock,
            }
        }
    };
    until("most are sent away", || {
        (silent.iter().filter(|stream| closed(stream)).count() >= 136).then_some(())
    });
    let second = Member::start(folders[1].path(), FAST_CHAIN, &["--peer", &first.addresses[0]]);
    until("an honest one comes through", || {
        second.peers()["peers"].as_array().unwrap().first().map(|_| ())
    });
    drop(silent);
}

#[test]
fn requests_of_the_operator_about_peers_are_checked() {
    let folder = tempfile::tempdir().unwrap();
    let member = Member::start(folder.path(), FAST_CHAIN, &[]);
    let requested = |method: &str, path: &str, body: Option<Value>| {
        let answer = member.client.operate(method, path, TOKEN, body.as_ref());
        (
            answer.status,
            if answer.status < 300 {
                String::new()
            } else {
                answer.problem()
            },
        )
    };
    let peer = |status: u16, name: &str| (status, name.to_owned());
    assert_eq!(
        requested("POST", "/api/v1/peers", Some(json!({ "address": "192.0.2.7" }))),
        peer(422, "invalid-peer")
    );
    assert_eq!(
        requested("DELETE", "/api/v1/peers/nobody", None),
        peer(404, "unknown-peer")
    );
    assert_eq!(
        requested("DELETE", "/api/v1/peers/no-body", None),
        peer(422, "invalid-peer")
    );
    assert_eq!(
        requested("PUT", "/api/v1/peers/nobody/ban", Some(json!({ "secs": 0 }))),
        peer(422, "invalid-peer")
    );
    // The node itself is no peer, and what is no peer's id is not banned.
    let own = member.id();
    let with_own_name = format!("/ip4/192.0.2.7/tcp/1/p2p/{own}");
    let own_port = member.addresses[0].split("/p2p/").next().unwrap();
    for address in [&*with_own_name, own_port] {
        assert_eq!(
            requested("POST", "/api/v1/peers", Some(json!({ "address": address }))),
            peer(422, "invalid-peer"),
            "{address}"
        );
    }
    for id in [&*own, "notapeerid", "nobody"] {
        let ban = requested("PUT", &format!("/api/v1/peers/{id}/ban"), Some(json!({})));
        assert_eq!(ban, peer(422, "invalid-peer"), "{id}");
    }
    for range in ["everybody", "0.0.0.0/0", "::/8", "1.2.3.4/33", ""] {
        let ban = requested("PUT", "/api/v1/bans", Some(json!({ "range": range })));
        assert_eq!(ban, peer(422, "invalid-peer"), "{range:?}");
    }
    assert_eq!(member.peers()["bans"], json!([]));
    assert_eq!(
        member
            .client
            .post("/api/v1/peers", &json!({ "address": "/ip4/192.0.2.7/tcp/1" }))
            .status,
        401
    );
}

#[test]
fn bans_of_peers_and_of_addresses_outlast_a_restart_and_are_lifted() {
    let folder = tempfile::tempdir().unwrap();
    let mut member = Member::start(folder.path(), FAST_CHAIN, &[]);
    let peer_id = "12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp";
    let ban = format!("/api/v1/peers/{peer_id}/ban");
    assert_eq!(
        member.operate("PUT", &ban, Some(json!({ "secs": 600, "reason": "noise" }))),
        204
    );
    let range = json!({ "range": "198.51.100.9/24", "secs": 600, "reason": "more noise" });
    assert_eq!(member.operate("PUT", "/api/v1/bans", Some(range)), 204);
    let shown = |member: &Member| {
        let peers = member.peers();
        let (bans, ranges) = (&peers["bans"], &peers["range_bans"]);
        assert_eq!((&bans[0]["id"], &bans[0]["reason"]), (&json!(peer_id), &json!("noise")));
        assert_eq!(ranges[0]["range"], "198.51.100.0/24");
        assert_eq!(ranges[0]["reason"], "more noise");
        for ban in [&bans[0], &ranges[0]] {
            let left = ban["secs"].as_u64().unwrap();
            // Never shortened by a restart; the calendar is kept in whole seconds.
            assert!((500..=601).contains(&left), "{left} s are left");
        }
    };
    shown(&member);
    member.kill();
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(folder.path().join("network/bans"))
            .unwrap()
            .permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);

    let member = Member::start(folder.path(), FAST_CHAIN, &[]);
    shown(&member);
    assert_eq!(member.operate("DELETE", &ban, None), 204);
    assert_eq!(
        member.operate("DELETE", "/api/v1/bans?range=198.51.100.0%2F24", None),
        204
    );
    let peers = member.peers();
    assert_eq!((&peers["bans"], &peers["range_bans"]), (&json!([]), &json!([])));
}

#[test]
fn peers_exchange_the_time() {
    let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let first = Member::start(folders[0].path(), FAST_CHAIN, &[]);
    let second = Member::start(folders[1].path(), FAST_CHAIN, &["--peer", &first.addresses[0]]);
    let clock = until("the second has compared its clock with its configured peer's", || {
        let status = second.json("/api/v1/status");
        let compared = status["clock"]["peers"] == 1 && status["sync"]["peers"] == 1;
        compared.then(|| status["clock"].clone())
    });
    assert_eq!(clock["off"], json!(false));
    assert!(clock["offset_secs"].as_i64().unwrap().abs() <= 2, "{clock}");
    assert_eq!(clock["allowance_secs"], json!(12));
}
