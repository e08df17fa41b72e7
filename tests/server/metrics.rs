//! Figures for Prometheus of a node that has measured nothing yet, and of one that has.

use crate::child::FAST_CHAIN;
use crate::common::{Http, until};
use crate::network::Member;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0";
const PLAIN: &str = "text/plain; version=0.0.4";

/// Names and values of all samples; each value is a number.
fn samples(client: &Http, accept: &str) -> Vec<(String, f64)> {
    let answer = client.get_with("/metrics", &[("accept", accept)]);
    assert_eq!(answer.status, 200);
    let kind = answer.header("content-type");
    assert!(kind.starts_with(accept), "{kind}");
    let text = answer.text();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap();
            let value: f64 = value.parse().unwrap();
            assert!(value.is_finite(), "{line}");
            (name.to_owned(), value)
        })
        .collect()
}

/// What is measured from time to time: there is nothing to show before the first time.
const MEASURED: [&str; 4] = [
    "tally_block_import_time",
    "tally_confirmation_time",
    "tally_transaction_hop_time",
    "tally_block_hop_time",
];

/// The samples of one of these.
fn of(samples: &[(String, f64)], measured: &str) -> usize {
    samples.iter().filter(|(name, _)| name.starts_with(measured)).count()
}

#[test]
fn a_fresh_node_has_numbers_only_and_leaves_out_what_it_has_not_measured() {
    let folder = tempfile::tempdir().unwrap();
    let member = Member::start(folder.path(), FAST_CHAIN, &[]);
    let client = member.client();
    for accept in [PLAIN, OPEN_METRICS] {
        let fresh = samples(client, accept);
        assert!(fresh.len() > 50, "{fresh:?}");
        assert!(fresh.contains(&("tally_chain_height".to_owned(), 0.0)), "{fresh:?}");
        for measured in MEASURED {
            assert_eq!(of(&fresh, measured), 0, "{measured}: {fresh:?}");
        }
    }

    member.mine(true);
    for accept in [PLAIN, OPEN_METRICS] {
        until("median and p99 of a block's import", || {
            (of(&samples(client, accept), MEASURED[0]) == 2).then_some(())
        });
    }
}
