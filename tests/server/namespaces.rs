//! Nodes on machines of their own, as far as the kernel is concerned: a network namespace each, joined by a bridge.
//!
//! A test here runs itself again in a namespace that has the bridge; where the system allows no namespaces, it prints that and
//! is skipped.

use std::ffi::OsStr;
use std::process::{Child, Command, Stdio};

use crate::binary;
use crate::child::FAST_CHAIN;
use crate::common::until;
use crate::network::{Member, agree, identity};

/// Set in the inner run.
const INNER: &str = "TALLY_TEST_IN_NAMESPACE";

fn run(line: &str) {
    let mut words = line.split(' ');
    let done = Command::new(words.next().unwrap()).args(words).output().unwrap();
    assert!(
        done.status.success(),
        "{line}: {}",
        String::from_utf8_lossy(&done.stderr)
    );
}

/// Runs `story` in a network namespace of its own, in another process that is this test again.
fn in_namespace(name: &str, story: impl Fn(&Lan)) {
    if std::env::var_os(INNER).is_some() {
        return story(&Lan::new());
    }
    let allowed = Command::new("unshare")
        .args(["--net", "ip", "link", "add", "bridge0", "type", "bridge"])
        .output()
        .is_ok_and(|done| done.status.success());
    if !allowed {
        return eprintln!(
            "SKIPPED: no network namespaces with a bridge are allowed here (or there is no ip or unshare)"
        );
    }
    let test = format!("namespaces::{name}");
    let inner = Command::new("unshare")
        .arg("--net")
        .arg(std::env::current_exe().unwrap())
        .args([&test, "--exact", "--nocapture", "--test-threads", "1"])
        .env(INNER, "1")
        .output()
        .unwrap();
    let (printed, error) = (
        String::from_utf8_lossy(&inner.stdout),
        String::from_utf8_lossy(&inner.stderr),
    );
    assert!(
        inner.status.success() && printed.contains("1 passed"),
        "{printed}{error}"
    );
}

/// The bridge, and this process at 10.77.0.254.
struct Lan;

/// A namespace with one address on the bridge. It is there as long as the process that holds it.
struct Machine {
    host: String,
    holder: Child,
}

impl Lan {
    fn new() -> Self {
        for line in [
            "ip link set lo up",
            "ip link add bridge0 type bridge",
            "ip addr add 10.77.0.254/24 dev bridge0",
            "ip link set bridge0 up",
        ] {
            run(line);
        }
        Self
    }

    fn machine(&self, number: u8) -> Machine {
        let holder = Command::new("unshare")
            .args(["--net", "sh", "-c", "echo ready; exec sleep 600"])
            .stdout(Stdio::piped())
            .spawn();
        let mut holder = holder.unwrap();
        let mut ready = [0; 6];
        std::io::Read::read_exact(holder.stdout.as_mut().unwrap(), &mut ready).unwrap();
        let (id, host) = (holder.id(), format!("10.77.0.{number}"));
        run(&format!("ip link add port{number} type veth peer name eth0 netns {id}"));
        run(&format!("ip link set port{number} master bridge0 up"));
        let machine = Machine { host, holder };
        machine.run("ip link set lo up");
        machine.run(&format!("ip addr add {}/24 dev eth0", machine.host));
        machine.run("ip link set eth0 up");
        machine.run("ip route add default via 10.77.0.254");
        machine
    }
}

impl Machine {
    fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/proc/{}/ns/net", self.holder.id()));
        command.arg(program);
        command
    }

    fn run(&self, line: &str) {
        let mut words = line.split(' ');
        let done = self.command(words.next().unwrap()).args(words).output().unwrap();
        assert!(
            done.status.success(),
            "{line}: {}",
            String::from_utf8_lossy(&done.stderr)
        );
    }

    fn node(&self, folder: &tempfile::TempDir, args: &[&str]) -> Member {
        let tally = self.command(binary::path());
        Member::start_at(tally, &self.host, folder.path(), FAST_CHAIN, args)
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

fn peers(member: &Member) -> usize {
    member.peers()["peers"].as_array().unwrap().len()
}

#[test]
fn nodes_on_a_lan_find_each_other_without_configured_peers() {
    in_namespace("nodes_on_a_lan_find_each_other_without_configured_peers", |lan| {
        let folders = [(); 3].map(|()| tempfile::tempdir().unwrap());
        let machines = [1, 2, 3].map(|number| lan.machine(number));
        let [a, b, c] = [0, 1, 2].map(|at| machines[at].node(&folders[at], &["--p2p-lan"]));
        until("each has met the two others", || {
            [&a, &b, &c].iter().all(|member| peers(member) == 2).then_some(())
        });
        let paid = c.send(&identity(), 0);
        a.mine(true);
        until("a payment is in the blocks of all", || {
            [&a, &b, &c].iter().all(|member| member.included(&paid)).then_some(())
        });
        a.mine(false);
        agree(&[&a, &b, &c], 1);
    });
}

#[test]
fn a_node_that_receives_and_cannot_send_comes_back() {
    in_namespace("a_node_that_receives_and_cannot_send_comes_back", |lan| {
        let folders = [(); 3].map(|()| tempfile::tempdir().unwrap());
        let machines = [1, 2, 3].map(|number| lan.machine(number));
        let a = machines[0].node(&folders[0], &[]);
        let b = machines[1].node(&folders[1], &["--peer", &a.addresses[0]]);
        let named = ["--peer", &a.addresses[0], "--peer", &b.addresses[0]];
        let c = machines[2].node(&folders[2], &named);
        until("all are connected", || {
            [&a, &b, &c].iter().all(|member| peers(member) == 2).then_some(())
        });
        // Packets of the third to the others are dropped from now on; packets of the others arrive.
        for other in &machines[..2] {
            machines[2].run(&format!("ip route add blackhole {}/32", other.host));
        }
        let paid = [a.send(&identity(), 0), a.send(&identity(), 1)];
        a.mine(true);
        c.mine(true);
        until("both sides have mined, and the payments are in", || {
            let mined = a.height() >= 4 && c.height() >= 4;
            (mined && paid.iter().all(|id| b.included(id))).then_some(())
        });
        c.mine(false);
        let behind = c.height();
        until("the two are ahead", || (b.height() > behind + 3).then_some(()));
        a.mine(false);
        for other in &machines[..2] {
            machines[2].run(&format!("ip route del blackhole {}/32", other.host));
        }
        agree(&[&a, &b, &c], behind);
        assert!(paid.iter().all(|id| c.included(id)));
        for member in [&a, &b, &c] {
            assert_eq!(member.peers()["bans"], serde_json::json!([]), "silence is no offence");
        }
        for member in [a, b, c] {
            member.audit(FAST_CHAIN);
        }
    });
}
