//! `tally bench`: every bench runs and names its figures; how large they are is no test's business.

use serde_json::Value;

use crate::process::{json, tally};

#[track_caller]
fn figures(args: &[&str], names: &[&str]) -> Value {
    let found = json(&tally(args));
    assert_eq!(found["bench"], args[1]);
    for name in names {
        assert!(
            found[name].as_f64().is_some_and(|value| value > 0.0),
            "{name} is not a figure of {found}"
        );
    }
    found
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

/// A short load at a low rate, part of it signed ahead and the rest as it is sent; every kind of signature.
#[test]
fn sustained_load() {
    let names = [
        "sustained_transfers_per_second",
        "measured_transfers",
        "latency_p50",
        "latency_p95",
        "latency_p99",
        "memory_start",
        "memory_middle",
        "memory_end",
        "signed_ahead",
        "signing_per_second",
        "signed_live",
        "signature_checks_alone",
    ];
    let load = ["--warmup", "1", "--secs", "6", "--rate", "40", "--kind", "mixed"];
    let sizes = [
        "--accounts",
        "3",
        "--batch",
        "5",
        "--in-flight",
        "400",
        "--ahead",
        "60",
        "--json",
    ];
    let found = figures(&[&["bench", "load"][..], &load, &sizes].concat(), &names);
    let [measured, all, ahead, live] = ["measured_transfers", "all_transfers", "signed_ahead", "signed_live"]
        .map(|name| found[name].as_f64().unwrap());
    assert!(measured <= all, "{found}");
    // Each batch that was sent was made before, and a few were made and not sent.
    assert!(all <= ahead + live, "{found}");
}

#[test]
fn a_load_of_a_fixed_number_has_no_duration() {
    let output = tally(&["bench", "load", "--transfers", "5", "--secs", "2"]);
    assert_eq!(output.status.code(), Some(2));
    let output = tally(&["bench", "load", "--rate", "fast"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn start() {
    let names = [
        "cold_start",
        "restart",
        "accounts",
        "accounts_restart",
        "accounts_restart_memory",
    ];
    let sizes = [
        "--transfers",
        "8",
        "--per-block",
        "4",
        "--turns",
        "1",
        "--accounts",
        "30",
        "--json",
    ];
    figures(&[&["bench", "start"][..], &sizes].concat(), &names);
}

#[test]
fn grow() {
    let names = ["small_transfer", "transfer", "ratio", "accounts_made_per_second"];
    let sizes = [
        "--small",
        "20",
        "--accounts",
        "60",
        "--blocks",
        "2",
        "--transfers",
        "8",
        "--json",
    ];
    let found = figures(&[&["bench", "grow"][..], &sizes].concat(), &names);
    assert_eq!(
        (&found["small_accounts"], &found["accounts"]),
        (&20.0.into(), &60.0.into())
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
    let sizes = ["--peers", "3", "--secs", "1", "--transfers", "8", "--json"];
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

/// With fewer tries a forger without the bounds against him may have no luck, and the bench fails.
#[test]
fn light() {
    let names = [
        "forged_proofs",
        "flat_run_without_bounds",
        "hidden_runs_without_bounds",
        "cheap_tip_without_rule",
        "cheap_tail_without_rule",
        "kinds_accepted_without_bounds",
        "damaged_proofs",
        "proof_size",
        "prove_median",
        "verify_median",
        "all_headers_per_second",
        "bare_header_hashes_per_second",
    ];
    let sizes = ["--runs", "24", "--damaged", "200", "--blocks", "10500", "--json"];
    let args = [&["bench", "light"][..], &sizes].concat();
    let found = figures(&args, &names);
    for name in ["forged_accepted", "damaged_accepted"] {
        assert_eq!(found[name], 0.0, "{found}");
    }
    let kinds = found["kinds_accepted_without_bounds"].as_f64();
    assert!(kinds.is_some_and(|kinds| kinds >= 2.0), "{found}");
}
