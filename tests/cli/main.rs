//! The command line from outside: the real binary, its output and its exit codes.
#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

#[path = "../support/binary.rs"]
mod binary;

mod bench;
mod chain;
mod configuration;
mod documents;
mod help;
mod hidden;
mod keys;
mod lab;
mod licenses;
mod offline;
mod output;
mod process;
mod prompt;
mod vault;
mod wallet;

use process::{stderr, tally};

#[test]
fn help_names_every_command_and_every_exit_code() {
    let help = tally(&["--help"]);
    assert_eq!(help.status.code(), Some(0));
    let text = String::from_utf8(help.stdout).unwrap();
    for command in ["node", "wallet", "audit", "chain", "bench"] {
        assert!(
            text.lines().any(|line| line.trim_start().starts_with(command)),
            "{command} is not in\n{text}"
        );
        let help = tally(&[command, "--help"]);
        assert_eq!(help.status.code(), Some(0), "{command}");
        let text = String::from_utf8(help.stdout).unwrap();
        for code in 0..=6 {
            assert!(
                text.lines().any(|line| line.starts_with(&format!("  {code}  "))),
                "{code} is not in\n{text}"
            );
        }
    }
}

#[test]
fn completions_and_manual_pages_cover_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let printed = tally(&["completions", shell]);
        assert_eq!(printed.status.code(), Some(0), "{}", stderr(&printed));
        let text = String::from_utf8(printed.stdout).unwrap();
        assert!(text.contains("restore-backup") && text.contains("cacert"), "{shell}");
    }
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("man");
    let written = tally(&["man", pages.to_str().unwrap()]);
    assert_eq!(written.status.code(), Some(0), "{}", stderr(&written));
    for (page, part) in [
        ("tally.1", "Exit codes"),
        ("tally-wallet-send.1", "despite\\-warnings"),
        ("tally-node.1", "data\\-dir"),
    ] {
        let text = std::fs::read_to_string(pages.join(page)).unwrap();
        assert!(text.contains(part), "{part} is not in {page}");
    }
}

#[test]
fn a_wrong_command_line_has_its_exit_code() {
    for args in [
        &["frobnicate"][..],
        &["chain", "init"],
        &["wallet", "send", "--from", "a", "--to", "0x12", "--amount", "1"],
        &[
            "wallet",
            "send",
            "--from",
            "a",
            "--to",
            "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
            "--amount",
            "1e9",
        ],
        &["audit", "--chain", "nowhere"],
    ] {
        let output = tally(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", stderr(&output));
        assert!(!output.stderr.is_empty(), "{args:?}");
    }
}
