use std::path::Path;

use tally_chain::ChainSpec;
use tally_chain::pow::Search;
use tally_node::{MAX_PRODUCERS_PER_CLIENT, NodeConfig};

use super::*;

#[test]
fn difficulty_follows_the_pace_in_bounded_steps() {
    for (seconds, shares, expected) in [
        (72, 12, 1.0),
        (40, 12, 1.8),
        (36, 12, 2.0),
        (12, 12, 6.0),
        (0, 12, 16.0),
        (60, 5, 0.5),
        (60, 1, 0.1),
        (60, 0, 1.0 / 16.0),
    ] {
        let found = factor(Duration::from_secs(seconds), shares);
        assert!(
            (found - expected).abs() < 1e-9,
            "{shares} shares in {seconds} s: {found}"
        );
    }
}

/// Shares of a steady device come every six seconds in the end, also at speeds that are no power of two.
#[test]
fn the_pace_that_is_aimed_at_is_reached() {
    for speed in [70e3, 3.3e6, 5.9e9] {
        let mut difficulty = Difficulty::new(FIRST);
        let seconds = |difficulty: Difficulty| difficulty.value() * 4_294_967_296.0 / speed;
        for _ in 0..20 {
            let window = (seconds(difficulty) * f64::from(WINDOW_SHARES)).min(WINDOW.as_secs_f64());
            let shares = (window / seconds(difficulty)).round() as u32;
            let wanted = Difficulty::new(difficulty.value() * factor(Duration::from_secs_f64(window), shares));
            if wanted.is_far_from(difficulty) {
                difficulty = wanted;
            }
        }
        let pace = seconds(difficulty);
        assert!((4.4..8.1).contains(&pace), "{speed}: a share every {pace} s");
    }
}

#[test]
fn numbers_have_eight_digits() {
    assert_eq!(word("0000002a", "nonce").ok(), Some(42));
    for bad in ["", "2a", "+000002a", "0000002g", "0000000002a"] {
        assert!(
            word(bad, "nonce").is_err_and(|Refusal(code, text)| code == 20 && text.starts_with("nonce is not")),
            "{bad}"
        );
    }
}

fn node(dir: &Path) -> Node {
    let config = NodeConfig {
        max_reorg_depth: 100,
        ..NodeConfig::new(dir.to_owned(), ChainSpec::built_in("test").unwrap())
    };
    Node::open(config, tally_node::system_clock()).unwrap()
}

/// The parameters of everything of this method that the session has to send.
fn params_of(session: &mut Session, method: &str) -> Vec<Value> {
    let lines = session.outputs().into_iter();
    let values = lines.map(|line| serde_json::from_str::<Value>(&line).unwrap());
    values
        .filter(|value| value["method"] == method)
        .map(|value| value["params"].clone())
        .collect()
}

#[test]
fn a_miner_for_whom_there_is_no_job_now_stays_and_gets_one_message() {
    let dir = tempfile::tempdir().unwrap();
    let (node, now) = (node(dir.path()), Instant::now());
    let client: IpAddr = [8, 8, 8, 8].into();
    for number in 1..=MAX_PRODUCERS_PER_CLIENT as u64 {
        let paid = Address::from_word(tally_chain::U256::from(number).into());
        node.template_for(paid, Some(client)).unwrap();
    }
    let mut session = Session::new(node.clone(), client, [1; EXTRA_1], now);
    let send = |session: &mut Session, line: Value| session.handle_line(&line.to_string(), now).unwrap();
    send(
        &mut session,
        json!({ "id": 1, "method": "mining.subscribe", "params": [] }),
    );
    let user = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
    send(
        &mut session,
        json!({ "id": 2, "method": "mining.authorize", "params": [user, "x"] }),
    );
    let why =
        "No job now: templates for 1024 addresses were requested on this block already; try again after the next block";
    assert_eq!(params_of(&mut session, "client.show_message"), [json!([why])]);
    session.refresh(now);
    assert!(session.outputs().is_empty(), "once is enough");
    // Nor does one that has a job in between get it again, or fill the log with it.
    let served = Address::from_word(tally_chain::U256::from(1).into()).to_string();
    for (user, jobs) in [(served.as_str(), 1), (user, 0), (served.as_str(), 1), (user, 0)] {
        send(
            &mut session,
            json!({ "id": 3, "method": "mining.authorize", "params": [user, "x"] }),
        );
        let lines = session.outputs();
        let count = |method: &str| lines.iter().filter(|line| line.contains(method)).count();
        assert_eq!(
            (count("mining.notify"), count("client.show_message")),
            (jobs, 0),
            "{user}"
        );
    }

    let job = node.template(Address::ZERO).unwrap();
    let nonce = Search::new(&job.header, job.target).scan(0, u32::MAX).unwrap();
    node.submit_sealed(&job, &[0; 8], job.header.time, nonce).unwrap();
    session.new_tip();
    assert_eq!(
        params_of(&mut session, "mining.notify").len(),
        1,
        "the next block has room again"
    );
    node.close().unwrap();
}

#[test]
fn a_worker_that_is_turned_away_is_paid_by_no_job() {
    let dir = tempfile::tempdir().unwrap();
    let (node, now) = (node(dir.path()), Instant::now());
    let mut session = Session::new(node.clone(), [8, 8, 8, 8].into(), [1; EXTRA_1], now);
    let send = |session: &mut Session, method: &str, user: &str| {
        let line = json!({ "id": 1, "method": method, "params": [user, "x"] });
        session.handle_line(&line.to_string(), now).unwrap();
    };
    send(&mut session, "mining.subscribe", "");
    let (taken, other) = (Address::repeat_byte(1), Address::repeat_byte(2));
    for rig in 0..MAX_WORKERS {
        send(&mut session, "mining.authorize", &format!("{taken}.{rig}"));
    }
    send(&mut session, "mining.authorize", &format!("{other}.one-more"));
    session.refresh(now);
    let paid: Vec<_> = session.jobs.iter().map(|job| job.mining.manifest.producer).collect();
    assert_eq!(paid, vec![taken; MAX_WORKERS + 1]);
    node.close().unwrap();
}

#[test]
fn a_miner_learns_of_a_full_disk_but_not_where_it_is() {
    let full = tally_node::StoreError::NoRoom {
        path: "/srv/tally".into(),
        free: 1,
        needed: 2,
    };
    let code = not_taken(&WorkError::Import(ImportError::Store(full)));
    assert_eq!(code, STORE_FAILED);
    let (time, latest) = (9, 7);
    let late = WorkError::TimeTooLate { time, latest };
    assert_eq!(not_taken(&late), late.to_string());
}
