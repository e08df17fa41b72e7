//! `tally bench`: every bench runs and names its figures; how large they are is no test's business.

use crate::process::{json, tally};

#[track_caller]
fn figures(args: &[&str], names: &[&str]) {
    let found = json(&tally(args));
    assert_eq!(found["bench"], args[1]);
    for name in names {
        assert!(
            found[name].as_f64().is_some_and(|value| value > 0.0),
            "{name} is not a figure of {found}"
        );
    }
}

#[test]
fn mine() {
    let names = [
        "native_miner_1_thread",
        "portable_search_1_thread",
        "sha2_crate_double_digest_1_thread",
    ];
    figures(&["bench", "mine", "--seconds", "1", "--threads", "1", "--json"], &names);
}

#[test]
fn import() {
    let names = [
        "transfers_per_second",
        "signature_checks_alone",
        "block_median",
        "empty_block_median",
        "bare_fsync_median",
    ];
    figures(
        &[
            "bench",
            "import",
            "--blocks",
            "2",
            "--transfers",
            "8",
            "--kind",
            "secp256k1",
            "--json",
        ],
        &names,
    );
}

#[test]
fn load() {
    let names = [
        "transfers_per_second",
        "latency_median",
        "latency_p99",
        "signature_checks_alone",
    ];
    figures(
        &[
            "bench",
            "load",
            "--transfers",
            "20",
            "--accounts",
            "1",
            "--batch",
            "5",
            "--json",
        ],
        &names,
    );
}

#[test]
fn floods() {
    let names = [
        "calm_memory",
        "silence_memory",
        "inventory_memory",
        "wrong_signatures_memory",
        "orphans_memory",
        "half_frames_memory",
        "unread_answers_memory",
        "unread_answers_slowest_answer",
    ];
    let sizes = ["--strangers", "3", "--secs", "1", "--transfers", "8", "--json"];
    figures(&[&["bench", "floods"][..], &sizes].concat(), &names);
}

#[test]
fn network() {
    let names = [
        "transaction_everywhere_p95",
        "full_block_everywhere_p95",
        "batch_everywhere",
        "bytes_of_size",
        "synchronised_blocks",
        "imported_transfers",
        "healed",
    ];
    let sizes = ["--nodes", "3", "--single", "3", "--blocks", "2", "--transfers", "8"];
    let args = [&["bench", "network", "--kind", "secp256k1", "--json"][..], &sizes].concat();
    figures(&args, &names);
}
