//! Lines of a miner, without its socket: whatever it sends, the answers are lines of JSON, or the conversation ends.

use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use serde_json::value::RawValue;
use tally::stratum::Session;

use crate::session::with_node;
use crate::target::Target;

pub const TARGETS: &[Target] = &[Target {
    name: "stratum",
    run: lines,
    seeds,
}];

/// Longest line that the node sends for one of a miner's, in bytes: its id goes back, and a job has a coinbase and a branch.
const MAX_SENT: usize = 32 * 1_024;

fn seeds() -> Vec<Vec<u8>> {
    const WORKER: &str = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266.rig-1";
    let subscribe = r#"{"id":1,"method":"mining.subscribe","params":["cpuminer/2.5.1"]}"#;
    let authorize = format!(r#"{{"id":2,"method":"mining.authorize","params":["{WORKER}","x"]}}"#);
    let submit =
        format!(r#"{{"id":4,"method":"mining.submit","params":["{WORKER}","1","00000000","00000001","0000002a"]}}"#);
    let others = [
        r#"{"id":1180591620717411303424,"method":"mining.suggest_difficulty","params":[0.0001]}"#,
        r#"{"id":"a","method":"mining.configure","params":[["version-rolling"],{"version-rolling.mask":"1fffe000"}]}"#,
        r#"{"id":null,"method":"mining.extranonce.subscribe","params":[]}"#,
        r#"{"id":5,"result":null,"error":null}"#,
        "",
        "GET / HTTP/1.1",
    ];
    vec![
        [subscribe, authorize.as_str(), submit.as_str(), submit.as_str()]
            .join("\n")
            .into_bytes(),
        [authorize.as_str(), subscribe, others[0], submit.as_str()]
            .join("\n")
            .into_bytes(),
        others.join("\n").into_bytes(),
    ]
}

fn lines(data: &[u8]) {
    let begun = Instant::now();
    let client = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    let mut session = with_node(|node| Session::new(node.clone(), client, [0, 0, 0, 1], begun));
    // The socket's side ends a conversation at bytes that are no text.
    let texts = data
        .split(|byte| *byte == b'\n')
        .map_while(|line| std::str::from_utf8(line).ok());
    for (place, line) in (1_u64..).zip(texts) {
        // Time passes, so that the pace of shares is looked at, too.
        let now = begun + Duration::from_secs(7 * place);
        let going_on = session.handle_line(line, now);
        match place % 5 {
            0 => session.refresh(now),
            3 => session.new_tip(),
            _ => {}
        }
        for sent in session.outputs() {
            assert!(!sent.contains('\n') && sent.len() <= MAX_SENT, "{} bytes", sent.len());
            assert!(serde_json::from_str::<&RawValue>(&sent).is_ok(), "no JSON: {sent}");
        }
        if going_on.is_err() {
            break;
        }
    }
    assert!(!session.summary().contains(['\n', '\r']), "one line for the log");
}
