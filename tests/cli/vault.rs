//! The vault on the command line: names, order, address book, passwords, backup files, languages.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::binary;
use crate::process::{NodeProcess, json, stderr};

const PASSWORD: &str = "correct horse";
const FRIEND: &str = "0x8ba1f109551bD432803012645Ac136ddd64DBA72";

fn command(vault: &Path, args: &[&str]) -> Command {
    let mut command = binary::tally();
    command.arg("wallet").args(args).stdin(Stdio::null());
    command
        .env("TALLY_WALLET", vault)
        .env("TALLY_WALLET_PASSWORD", PASSWORD);
    command
}

fn wallet(vault: &Path, args: &[&str]) -> Output {
    command(vault, args).output().unwrap()
}

fn done(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", stderr(output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Exit code 6 is a vault that does not open, 1 anything else.
fn refused(output: &Output, reason: &str) {
    let code = output.status.code();
    assert!(matches!(code, Some(1 | 6)), "{code:?}: {}", stderr(output));
    assert!(
        stderr(output).contains(reason),
        "{reason:?} is not in {}",
        stderr(output)
    );
}

fn accounts(vault: &Path) -> Vec<Value> {
    let listed = json(&wallet(vault, &["list", "--json"]));
    listed["accounts"].as_array().unwrap().clone()
}

fn labels(vault: &Path) -> Vec<String> {
    let text = |account: &Value| account["label"].as_str().unwrap().to_owned();
    accounts(vault).iter().map(text).collect()
}

#[test]
fn a_vault_below_a_file_is_rejected_for_what_stands_in_the_way() {
    let folder = tempfile::tempdir().unwrap();
    let letter = folder.path().join("letter");
    std::fs::write(&letter, "mine").unwrap();
    for below in ["vault", "new/vault"] {
        let vault = letter.join(below);
        // Before the password prompt: none is given here.
        let mut new = command(&vault, &["new", "--chain", "local"]);
        let made = new.env_remove("TALLY_WALLET_PASSWORD").output().unwrap();
        assert_eq!(made.status.code(), Some(1));
        let (vault, letter) = (vault.display(), letter.display());
        assert_eq!(
            stderr(&made).trim(),
            format!("tally: cannot make {vault}: {letter} is not a folder")
        );
    }
    assert_eq!(std::fs::read(&letter).unwrap(), b"mine");
}

#[test]
fn accounts_contacts_and_backup_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let mine = path("mine");
    done(&wallet(&mine, &["new", "--chain", "local"]));
    assert_eq!(labels(&mine), ["RSA account", "ECC account"]);

    done(&wallet(&mine, &["rename", "ECC account", "Everyday"]));
    done(&wallet(&mine, &["move", "Everyday", "1"]));
    done(&wallet(&mine, &["watch", FRIEND, "--label", "Friend"]));
    done(&wallet(&mine, &["archive", "RSA account"]));
    assert_eq!(labels(&mine), ["Everyday", "RSA account", "Friend"]);
    let listed = accounts(&mine);
    assert_eq!(
        (&listed[1]["archived"], &listed[2]["origin"]),
        (&true.into(), &"watched".into())
    );
    done(&wallet(&mine, &["unarchive", "RSA account"]));
    assert_eq!(accounts(&mine)[1]["archived"], false);
    done(&wallet(&mine, &["unwatch", "Friend"]));
    refused(&wallet(&mine, &["unwatch", "Everyday"]), "is not only watched");
    refused(&wallet(&mine, &["move", "Everyday", "0"]), "counted from 1");
    refused(&wallet(&mine, &["move", "Everyday", "9"]), "no place");
    refused(&wallet(&mine, &["rename", "Nobody", "x"]), "no account");

    done(&wallet(&mine, &["contacts", "add", FRIEND, "Ann"]));
    refused(&wallet(&mine, &["contacts", "add", FRIEND, "Ann"]), "already has");
    done(&wallet(&mine, &["contacts", "rename", FRIEND, "Anna"]));
    let book = json(&wallet(&mine, &["contacts", "list", "--json"]));
    assert_eq!(
        (&book[0]["address"], &book[0]["label"]),
        (&FRIEND.into(), &"Anna".into())
    );

    // The copy opens with the password of its day, whatever became of the vault.
    let copy = path("copy.json");
    let file = copy.to_str().unwrap();
    done(&wallet(&mine, &["backup", file]));
    refused(&wallet(&mine, &["backup", file]), "cannot write");
    let change = |new: &str| {
        let mut command = command(&mine, &["password"]);
        command.env("TALLY_WALLET_NEW_PASSWORD", new).output().unwrap()
    };
    refused(&change("short"), "at least 8");
    done(&change("harbour violin"));
    refused(&wallet(&mine, &["list"]), "the password is wrong");
    refused(&wallet(&mine, &["restore-backup", file]), "exists already");
    let other = path("other");
    done(&wallet(&other, &["restore-backup", file]));
    assert_eq!(labels(&other), ["Everyday", "RSA account"]);
    done(&wallet(&other, &["contacts", "remove", FRIEND]));

    // What is no whole backup is named and not kept.
    let good = std::fs::read_to_string(&copy).unwrap();
    let third = path("third");
    for (text, reason) in [
        (good.replace("\"version\":1", "\"version\":2"), "version 2"),
        (good.replace("\"check\":\"", "\"check\":\"A"), "check"),
        (good[..good.len() - 2].to_owned(), "not a Tally vault"),
    ] {
        std::fs::write(path("bad.json"), text).unwrap();
        let bad = path("bad.json");
        refused(&wallet(&third, &["restore-backup", bad.to_str().unwrap()]), reason);
        assert!(!third.exists());
    }
}

#[test]
fn a_phrase_of_another_language_with_a_passphrase_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let with = |name: &str, phrase: &str, passphrase: &str, args: &[&str]| {
        let mut command = command(&path(name), args);
        command
            .env("TALLY_WALLET_PHRASE", phrase)
            .env("TALLY_WALLET_PASSPHRASE", passphrase);
        command.output().unwrap()
    };
    let made = with(
        "made",
        "",
        "ﬁn",
        &["new", "--chain", "local", "--language", "japanese", "--passphrase"],
    );
    let text = done(&made);
    let phrase = text
        .lines()
        .find(|line| line.split_whitespace().count() == 12 && !line.is_ascii());
    let phrase = phrase.unwrap_or_else(|| panic!("no phrase in\n{text}")).trim();
    let typed = phrase.replace(' ', "\u{3000}");
    let restore = ["restore", "--chain", "local", "--passphrase"];
    done(&with("again", &typed, "fin", &restore));
    let addresses = |name: &str| -> Vec<Value> {
        let listed = accounts(&path(name));
        listed.iter().map(|account| account["address"].clone()).collect()
    };
    assert_eq!(addresses("again"), addresses("made"));
    done(&with("without", &typed, "", &restore[..3]));
    assert_ne!(addresses("without"), addresses("made"), "the passphrase counts");
    refused(
        &with(
            "wrong",
            &typed,
            "",
            &["restore", "--chain", "local", "--language", "korean"],
        ),
        "Korean",
    );
    refused(&with("long", &typed, &"x".repeat(257), &restore), "257 bytes");
}

/// Accounts are found by what happened on the chain, over a gap.
#[test]
fn used_accounts_are_found_after_a_restore() {
    let folder = tempfile::tempdir().unwrap();
    let node = NodeProcess::start(&folder.path().join("data"));
    let run = |name: &str, phrase: &str, args: &[&str]| {
        let mut command = command(&folder.path().join(name), args);
        command.env("TALLY_NODE", &node.url).env("TALLY_WALLET_PHRASE", phrase);
        command.output().unwrap()
    };
    let text = done(&run("first", "", &["new"]));
    let words = |line: &&str| line.split_whitespace().count() == 12 && line.starts_with("  ");
    let phrase = text
        .lines()
        .find(words)
        .unwrap_or_else(|| panic!("no phrase in\n{text}"))
        .trim()
        .to_owned();
    for _ in 0..3 {
        done(&run("first", "", &["add", "secp256k1"]));
    }
    let mine = accounts(&folder.path().join("first"));
    let last = mine[4]["address"].as_str().unwrap();

    let public = tally_testkit::PUBLIC_PHRASE;
    done(&run("bank", public, &["restore", "--kinds", "secp256k1", "--gap", "1"]));
    let pay = [
        "send",
        "--from",
        "ECC account",
        "--to",
        last,
        "--amount",
        "1",
        "--yes",
        "--wait",
        "60",
    ];
    done(&run("bank", "", &pay));

    done(&run(
        "again",
        &phrase,
        &["restore", "--kinds", "secp256k1", "--gap", "3"],
    ));
    let narrow = accounts(&folder.path().join("again"));
    assert_eq!(narrow.len(), 2, "the fourth account is beyond a gap of three");
    let found = done(&run("again", "", &["find", "--kinds", "secp256k1"]));
    assert!(found.contains("3 more accounts"), "{found}");
    let again = accounts(&folder.path().join("again"));
    assert_eq!(again[4]["address"], last);
    let by_itself = done(&run("third", &phrase, &["restore"]));
    assert!(by_itself.contains(last), "{by_itself}");
}

#[test]
fn eight_commands_at_once_all_reach_the_vault() {
    let folder = tempfile::tempdir().unwrap();
    let mine = folder.path().join("mine");
    done(&wallet(&mine, &["new", "--chain", "local"]));
    let keys: Vec<_> = (1..=8)
        .map(|number| {
            let path = folder.path().join(format!("key-{number}"));
            // Any strong key: a digit of a real one is changed.
            let key = format!("8da4ef21b864d2cc526dbdb2a120bd2874c36c9d0a1fb7f8c63d7f7a8b41de{number:02x}");
            std::fs::write(&path, key).unwrap();
            path
        })
        .collect();
    let children: Vec<_> = keys
        .iter()
        .map(|key| {
            let mut command = command(&mine, &["import", key.to_str().unwrap(), "--yes"]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    for child in children {
        assert!(done(&child.wait_with_output().unwrap()).contains("kept in"));
    }
    assert_eq!(accounts(&mine).len(), 2 + keys.len());
}

#[test]
fn two_new_wallets_at_once_are_one() {
    let folder = tempfile::tempdir().unwrap();
    let mine = folder.path().join("mine");
    let start = || {
        let mut command = command(&mine, &["new", "--chain", "local"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let both = [start(), start()].map(|child| child.wait_with_output().unwrap());
    let codes = both.each_ref().map(|output| output.status.code());
    assert!(codes.contains(&Some(0)) && codes.contains(&Some(1)), "{codes:?}");
    let (won, lost) = if codes[0] == Some(0) { (0, 1) } else { (1, 0) };
    refused(&both[lost], "exists already");
    // What was reported as kept is what is there.
    let shown = String::from_utf8_lossy(&both[won].stdout).into_owned();
    assert!(
        shown.contains(accounts(&mine)[1]["address"].as_str().unwrap()),
        "{shown}"
    );
}

#[test]
fn a_vault_behind_a_link_is_changed_where_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (real, link) = (path("disk").join("real"), path("link"));
    done(&wallet(&real, &["new", "--chain", "local"]));
    std::os::unix::fs::symlink(&real, &link).unwrap();
    done(&wallet(&link, &["rename", "ECC account", "Everyday"]));
    assert!(link.is_symlink());
    assert_eq!(labels(&real), ["RSA account", "Everyday"]);
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&real).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    refused(&wallet(&link, &["new", "--chain", "local"]), "exists already");

    let dangling = path("dangling");
    std::os::unix::fs::symlink(path("nothing"), &dangling).unwrap();
    for args in [&["new", "--chain", "local"][..], &["list"], &["add", "secp256k1"]] {
        refused(&wallet(&dangling, args), "which cannot be reached");
    }
    assert!(dangling.is_symlink() && !path("nothing").exists());
}
