//! Real processes that are killed at any moment, whose disk fills up, and whose store breaks: nothing that was acknowledged
//! is lost, and the process prints what is wrong.
//!
//! `TALLY_KILLS` sets how often processes are killed (200 unless it is set).

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tally_chain::transaction::ChainIdentity;

use crate::binary;
use crate::child::{self, Child, FAST_CHAIN, audit, node_args};
use crate::common::{ECC, Http, hex, until};
use crate::network::{Member, end_mining, identity};

/// Pairs of a process that is killed and a thread that kills it; all of them are peers of one node that is not killed.
const VICTIMS: usize = 2;
/// Promises that are looked at after each start; all of them at the end.
const LOOKED_AT: usize = 12;

/// Small numbers that differ from run to run.
fn random(below: u64) -> u64 {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).unwrap();
    u64::from_le_bytes(bytes) % below
}

fn kills() -> usize {
    let set = std::env::var("TALLY_KILLS").ok();
    set.map_or(200, |set| set.parse().expect("TALLY_KILLS is a number"))
}

/// A node that is killed again and again, and what it has acknowledged.
struct Victim {
    folder: tempfile::TempDir,
    number: usize,
    peer: String,
    promises: Vec<String>,
}

impl Victim {
    fn args(&self) -> Vec<&str> {
        vec![
            "--mine",
            "true",
            "--peer",
            &self.peer,
            "--p2p-discover",
            "false",
            "--checkpoint-every",
            "4",
            "--checkpoint-depth",
            "2",
        ]
    }

    fn start(&self) -> Member {
        Member::start(self.folder.path(), FAST_CHAIN, &self.args())
    }

    /// Killed somewhere between its first instruction and its banner.
    fn kill_while_it_starts(&self) {
        let more = [&["--p2p-listen", "127.0.0.1:0"][..], &self.args()].concat();
        let mut child = child::start(&node_args(FAST_CHAIN, "error", &more), self.folder.path());
        std::thread::sleep(Duration::from_millis(random(150)));
        child.kill();
    }

    /// One life: looks for what was promised before, makes new promises, and is killed at any moment.
    fn live(&mut self, identity: &ChainIdentity) {
        let mut member = self.start();
        let recent = self.promises.len().saturating_sub(LOOKED_AT);
        assert_known(&member, &self.promises[recent..]);
        let account = &ECC[self.number + 1];
        let path = format!("/api/v1/accounts/{}", account.address());
        let nonce = member.json(&path)["next_nonce"].as_u64().unwrap();
        for offset in 0..random(4) {
            let body = json!({ "raw": hex(&account.coin(identity, nonce + offset)) });
            let answer = member.post("/api/v1/transactions", &body);
            // A block or a reorg may come between the question and the payment; only what is acknowledged counts.
            if answer.status == 202 {
                self.promises.push(answer.json()["id"].as_str().unwrap().to_owned());
            }
        }
        std::thread::sleep(Duration::from_millis(random(200)));
        member.kill();
    }
}

/// The node knows each of these, in its chain or in its pool.
fn assert_known(member: &Member, promises: &[String]) {
    for id in promises {
        let answer = member.get(&format!("/api/v1/transactions/{id}"));
        assert_eq!(answer.status, 200, "{id} was acknowledged: {}", answer.text());
    }
}

fn state_root(folder: &Path) -> Value {
    let audited = binary::tally()
        .args(["audit", "--json", "--chain", FAST_CHAIN, "--data-dir"])
        .arg(folder)
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&audited.stdout).unwrap();
    assert_eq!((audited.status.code(), &report["faults"]), (Some(0), &json!([])));
    report["state_root"].clone()
}

#[test]
fn hundreds_of_kills_cost_nothing_that_was_acknowledged() {
    let identity = identity();
    let folder = tempfile::tempdir().unwrap();
    // Both mine, and apart whenever a victim is down or not yet connected: its blocks are undone again and again.
    let survivor = Member::start(
        folder.path(),
        FAST_CHAIN,
        &["--mine", "true", "--p2p-discover", "false"],
    );
    let mut victims: Vec<_> = (0..VICTIMS)
        .map(|number| Victim {
            folder: tempfile::tempdir().unwrap(),
            number,
            peer: survivor.addresses[0].clone(),
            promises: Vec::new(),
        })
        .collect();
    let chain = &identity;
    std::thread::scope(|scope| {
        for victim in &mut victims {
            scope.spawn(move || {
                for kill in 0..kills().div_ceil(VICTIMS) {
                    match kill % 3 {
                        2 => victim.kill_while_it_starts(),
                        _ => victim.live(chain),
                    }
                }
            });
        }
    });
    let members: Vec<_> = victims.iter().map(Victim::start).collect();
    for (victim, member) in victims.iter().zip(&members) {
        assert!(victim.promises.len() >= kills() / 8, "{}", victim.promises.len());
        assert_known(member, &victim.promises);
    }
    end_mining(&survivor, &members.iter().collect::<Vec<_>>());
    drop((members, survivor));
    // The audit executes every block again from genesis on: it is the control.
    let roots: Vec<_> = victims.iter().map(|victim| state_root(victim.folder.path())).collect();
    let control = state_root(folder.path());
    assert!(roots.iter().all(|root| *root == control), "{roots:?}, {control}");
}

/// `tally` in a mount namespace where `folder` is a small file system of its own; none where that is not allowed.
fn on_small_disk(folder: &Path, size: &str) -> Option<Command> {
    let allowed = Command::new("unshare")
        .args(["--mount", "mount", "-t", "tmpfs", "none"])
        .arg(folder)
        .output()
        .is_ok_and(|done| done.status.success());
    if !allowed {
        eprintln!("SKIPPED: no mount namespaces are allowed here (or there is no unshare)");
        return None;
    }
    let mut command = Command::new("unshare");
    let mounted = format!(
        "mount -t tmpfs -o size={size} none '{}' && exec \"$0\" \"$@\"",
        folder.display()
    );
    command.args(["--mount", "sh", "-c", &mounted]).arg(binary::path());
    Some(command)
}

#[test]
fn a_full_disk_is_reported_and_passes() {
    let folder = tempfile::tempdir().unwrap();
    let Some(command) = on_small_disk(folder.path(), "48m") else {
        return;
    };
    let args = node_args(FAST_CHAIN, "error", &["--mine", "true"]);
    let child = Child::by(command, &args, &folder.path().join("data"));
    let client = Http::new(&child.after("interface"));
    let identity = identity();
    let pay = |nonce| {
        client.post(
            "/api/v1/transactions",
            &json!({ "raw": hex(&ECC[0].coin(&identity, nonce)) }),
        )
    };
    assert_eq!(pay(0).status, 202);
    // The file system as the process sees it. Less than 8 MiB are left.
    let filler = format!("/proc/{}/root{}/filler", child.id(), folder.path().display());
    std::fs::write(&filler, vec![1u8; 41 << 20]).unwrap();
    let refused = pay(1);
    assert_eq!(refused.status, 503, "{}", refused.text());
    assert_eq!(refused.problem(), "nothing-stored");
    let ready = client.get("/readyz");
    assert_eq!(
        (ready.status, &ready.json()["reasons"][0]["kind"]),
        (503, &json!("disk_full"))
    );
    let height = || client.get("/api/v1/status").json()["height"].as_u64().unwrap();
    until("no more blocks", || {
        let before = height();
        std::thread::sleep(Duration::from_millis(1_500));
        (height() == before).then_some(())
    });
    let stopped_at = height();
    std::fs::remove_file(&filler).unwrap();
    until("blocks again", || (height() > stopped_at).then_some(()));
    assert_eq!(client.get("/readyz").status, 200);
    assert_eq!(pay(1).status, 202);
    assert_eq!(client.get("/healthz").status, 200);
}

/// The layer of `tests/support/faults.c`; none where there is no C compiler.
fn layer(folder: &Path) -> Option<PathBuf> {
    let library = folder.join("faults.so");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/faults.c");
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .arg(&library)
        .args([source, "-ldl", "-lpthread"])
        .status();
    let Ok(status) = built else {
        eprintln!("SKIPPED: there is no C compiler here");
        return None;
    };
    assert!(status.success(), "the layer does not compile");
    Some(library)
}

#[test]
fn a_store_that_breaks_ends_the_node_with_its_own_code() {
    let (folder, identity) = (tempfile::tempdir().unwrap(), identity());
    let data = folder.path().join("data");
    let Some(library) = layer(folder.path()) else { return };
    let args = node_args(FAST_CHAIN, "error", &["--mine", "true"]);
    let mut first = child::start(&args, &data);
    first.after("interface");
    assert_eq!(first.stop().code(), Some(0));

    let log = folder.path().join("log");
    let mut command = binary::tally();
    command
        .env("LD_PRELOAD", library)
        .env("FAULTS_DIR", &data)
        .env("FAULTS_KIND", "write")
        .env("FAULTS_AT", "120")
        .env("FAULTS_ERRNO", "28")
        .env("FAULTS_FOR", "0")
        .stderr(std::fs::File::create(&log).unwrap());
    let mut child = Child::by(command, &args, &data);
    let client = Http::new(&child.after("interface"));
    let mut acknowledged = Vec::new();
    let refused = until("a payment is refused", || {
        let nonce = acknowledged.len() as u64;
        let answer = client.post(
            "/api/v1/transactions",
            &json!({ "raw": hex(&ECC[0].coin(&identity, nonce)) }),
        );
        match answer.status {
            202 => {
                acknowledged.push(answer.json()["id"].as_str().unwrap().to_owned());
                None
            }
            _ => Some(answer),
        }
    });
    assert_eq!((refused.status, refused.problem()), (503, "nothing-stored".to_owned()));
    let ready = client.get("/readyz");
    assert_eq!(
        (ready.status, &ready.json()["reasons"][0]["kind"]),
        (503, &json!("store_broken"))
    );
    let broken = Instant::now();
    assert_eq!(child.wait().code(), Some(10));
    assert!(broken.elapsed() < Duration::from_secs(20));
    let logged = std::fs::read_to_string(&log).unwrap();
    let last = logged.lines().last().unwrap();
    let store = data.join("store");
    let expected = format!(
        "tally: the store in {} is broken: cannot write: no space left",
        store.display()
    );
    assert_eq!(last, expected, "{logged}");
    assert!(logged.lines().count() < 20, "not a line for each block: {logged}");

    let member = Member::start(&data, FAST_CHAIN, &["--mine", "false"]);
    for id in &acknowledged {
        assert_eq!(member.get(&format!("/api/v1/transactions/{id}")).status, 200, "{id}");
    }
    drop(member);
    audit(FAST_CHAIN, &data).unwrap();
}

#[test]
fn what_cannot_be_opened_is_named_once_with_its_path() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error_of = |data: &Path| {
        let mut command = binary::tally();
        command.args(node_args(FAST_CHAIN, "error", &["--data-dir"]));
        let ended = command.arg(data).stdout(Stdio::null()).output().unwrap();
        assert_eq!(ended.status.code(), Some(1));
        String::from_utf8(ended.stderr).unwrap()
    };
    let line = error_of(&file);
    let expected = format!(
        "tally: cannot write {}: there is a file where a folder is needed",
        file.display()
    );
    assert!(line.starts_with(&expected) && line.lines().count() == 1, "{line}");
    let line = error_of(&file.join("below"));
    assert!(
        line.starts_with(&format!("tally: cannot write {}", file.join("below").display())),
        "{line}"
    );
    assert_eq!(line.matches("a file where a folder is needed").count(), 1, "{line}");
}
