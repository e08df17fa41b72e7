//! Output that cannot be written: a pipe without a reader, a full disk. No command panics, and the exit code of each shows what
//! became of it.

use std::fs::OpenOptions;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::binary;
use crate::process::{FAST_CHAIN, NodeProcess, stderr};

/// A pipe whose reader is gone.
fn closed() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

/// A disk without room.
fn full() -> Stdio {
    OpenOptions::new().write(true).open("/dev/full").unwrap().into()
}

fn command(vault: &Path, args: &[&str]) -> Command {
    let mut command = binary::tally();
    command.args(args).stdin(Stdio::null()).stderr(Stdio::piped());
    command
        .env("TALLY_WALLET", vault)
        .env("TALLY_WALLET_PASSWORD", "correct horse")
        .env("TALLY_KEYFILE_PASSWORD", "harbour violin");
    command
}

fn into(out: Stdio, vault: &Path, args: &[&str]) -> Output {
    command(vault, args)
        .stdout(out)
        .spawn()
        .unwrap()
        .wait_with_output()
        .unwrap()
}

/// A new wallet, with an output that is read.
fn new_wallet(vault: &Path) {
    let new = ["wallet", "new", "--chain", "local"];
    ends(&into(Stdio::piped(), vault, &new), 0, &new);
}

/// Runs `tally wallet new` with what the shell makes of its standard output.
fn new_by_shell(vault: &Path, redirection: &str) -> Output {
    let script = format!("exec \"$0\" wallet new --chain local {redirection}");
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(script);
    shell.arg(binary::path()).stdin(Stdio::null()).stdout(Stdio::piped());
    shell
        .env("TALLY_WALLET", vault)
        .env("TALLY_WALLET_PASSWORD", "correct horse");
    shell.output().unwrap()
}

fn ends(output: &Output, code: i32, args: &[&str]) -> String {
    let text = stderr(output);
    assert_eq!(output.status.code(), Some(code), "{args:?}: {text}");
    assert!(!text.contains("panicked"), "{args:?}: {text}");
    text
}

#[test]
fn commands_that_only_show_something() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let vault = folder.path().join("vault");
    new_wallet(&vault);
    let list = ["wallet", "list", "--json"];
    let listed: serde_json::Value = serde_json::from_slice(&into(Stdio::piped(), &vault, &list).stdout).unwrap();
    let account = listed["accounts"][1]["address"].as_str().unwrap();
    let proposal = path("proposal.txt");
    let propose = |out: &'static str| {
        [
            "wallet",
            "propose",
            "--from",
            account,
            "--to",
            account,
            "--amount",
            "1",
            "--nonce",
            "0",
            "--max-fee",
            "9",
            "--priority-fee",
            "1",
            out,
        ]
    };
    let made = [&propose("--out")[..], &[&proposal]].concat();
    ends(&into(Stdio::null(), &vault, &made), 0, &made);
    let printed = propose("--memo=x");
    for args in [
        &["--help"][..],
        &["--version"],
        &["wallet", "send", "--help"],
        &["chain", "show", "test"],
        &["chain", "show", "test", "--json"],
        &["wallet", "list"],
        &list,
        &["wallet", "contacts", "list", "--json"],
        &["wallet", "show", &proposal],
        &["wallet", "digest", &proposal],
        &printed,
    ] {
        // It ends quietly: no error; notes on what is proposed stand before the end.
        let errors = ends(&into(closed(), &vault, args), 141, args);
        assert!(
            errors.lines().all(|line| line.starts_with("note: ")),
            "{args:?}: {errors}"
        );
        let text = ends(&into(full(), &vault, args), 9, args);
        assert!(
            text.contains("cannot write to standard output: No space left"),
            "{args:?}: {text}"
        );
    }
    // Wrong usage is reported on standard error alone; where that is full, only the exit code remains.
    let mut wrong = command(&vault, &["wallet", "frobnicate"]);
    let wrong = wrong.stderr(full()).stdout(full()).status().unwrap();
    assert_eq!(wrong.code(), Some(2));
}

#[test]
fn commands_that_change_the_vault_print_what_they_did() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let vault = path("vault");
    // No wallet is left whose phrase was not seen.
    let new = ["wallet", "new", "--chain", "local"];
    for out in [closed(), full()] {
        let output = into(out, &vault, &new);
        assert!(matches!(output.status.code(), Some(9 | 141)), "{}", stderr(&output));
        assert!(!vault.exists());
    }
    new_wallet(&vault);
    let key = path("key");
    std::fs::write(&key, "8da4ef21b864d2cc526dbdb2a120bd2874c36c9d0a1fb7f8c63d7f7a8b41de8f").unwrap();
    let (key, copy) = (key.to_str().unwrap(), path("copy"));
    for (args, done) in [
        (&["wallet", "add", "secp256k1"][..], "was added"),
        (&["wallet", "backup", copy.to_str().unwrap()], "the copy was written"),
    ] {
        let text = ends(&into(full(), &vault, args), 9, args);
        assert!(text.contains(done) && text.contains("could not be printed"), "{text}");
    }
    let spec = path("spec.toml");
    let init = [
        "chain",
        "init",
        spec.to_str().unwrap(),
        "--name",
        "x",
        "--chain-id",
        "77001",
    ];
    let text = ends(&into(full(), &vault, &init), 9, &init);
    assert!(text.contains("the spec was written") && spec.exists(), "{text}");
    // Here the key is shown before it is kept: what cannot be shown is not kept.
    let import = ["wallet", "import", key, "--yes"];
    ends(&into(full(), &vault, &import), 9, &import);
    let listed = String::from_utf8(into(Stdio::piped(), &vault, &["wallet", "list"]).stdout).unwrap();
    assert_eq!(listed.lines().count(), 1 + 3, "{listed}");
}

#[test]
fn a_phrase_that_nobody_can_see_makes_no_wallet() {
    let folder = tempfile::tempdir().unwrap();
    let vault = folder.path().join("vault");
    for nowhere in [">&-", ">/dev/null", ">/dev/zero", "</dev/null >&0"] {
        let output = new_by_shell(&vault, nowhere);
        assert_eq!(output.status.code(), Some(9), "{nowhere}: {}", stderr(&output));
        assert_eq!(
            stderr(&output),
            "tally: the recovery phrase could not be shown, so no wallet was kept: standard output is closed, or leads to a \
             device that keeps nothing (/dev/null, /dev/zero)\n",
            "{nowhere}"
        );
        assert!(!vault.exists(), "{nowhere}");
    }
    // Open to be read, not to be written.
    let read = folder.path().join("read");
    std::fs::write(&read, "").unwrap();
    let output = new_by_shell(&vault, &format!("1<'{}'", read.display()));
    assert_eq!(output.status.code(), Some(9), "{}", stderr(&output));
    assert_eq!(
        stderr(&output),
        "tally: the recovery phrase could not be shown, so no wallet was kept: cannot write to standard output: Bad file \
         descriptor (os error 9)\n"
    );
    assert!(!vault.exists());
    // Who gave the phrase has it.
    let restore = ["wallet", "restore", "--chain", "local"];
    let mut restored = command(&vault, &restore);
    restored.env(
        "TALLY_WALLET_PHRASE",
        "test test test test test test test test test test test junk",
    );
    ends(&restored.stdout(Stdio::null()).output().unwrap(), 0, &restore);
    assert!(vault.exists());
}

#[test]
fn a_phrase_is_shown_before_its_wallet_is_kept() {
    // No user can make files there, not even root.
    let vault = Path::new("/proc/vault");
    let new = ["wallet", "new", "--chain", "local"];
    let output = into(Stdio::piped(), vault, &new);
    let text = ends(&output, 1, &new);
    let why = "tally: no wallet was kept; the recovery phrase above restores it (`tally wallet restore`): cannot write \
               /proc/vault: ";
    assert!(text.starts_with(why), "{text}");
    let shown = String::from_utf8(output.stdout).unwrap();
    let phrase = shown.lines().find(|line| line.split_whitespace().count() == 12);
    assert!(
        phrase.is_some_and(|line| tally_wallet::Phrase::parse(line.trim()).is_ok()),
        "{shown}"
    );
    assert!(!shown.contains("Kept"), "{shown}");
}

#[test]
fn a_payment_is_not_lost_with_its_output() {
    let folder = tempfile::tempdir().unwrap();
    let node = NodeProcess::start(&folder.path().join("data"));
    let vault = folder.path().join("vault");
    let run = |out: Stdio, args: &[&str]| {
        let mut command = command(&vault, args);
        command.env("TALLY_NODE", &node.url);
        command.env("TALLY_WALLET_PHRASE", tally_testkit::PUBLIC_PHRASE);
        command.stdout(out).spawn().unwrap().wait_with_output().unwrap()
    };
    let restore = ["wallet", "restore", "--chain", FAST_CHAIN];
    ends(&run(Stdio::null(), &restore), 0, &restore);
    let friend = "0x52908400098527886E0F7030069857D2E4169EE7";
    let from = "0x6dbBd9E1099f6e32833374e4F68E1006fAC7f0c7";
    let balance = || {
        let shown = run(Stdio::piped(), &["wallet", "balance", friend, "--json"]);
        let rows: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
        rows[0]["coins"].as_str().unwrap().to_owned()
    };
    // What is to be signed cannot be shown: nothing is sent.
    let shown = [
        "wallet", "send", "--from", from, "--to", friend, "--amount", "1", "--yes", "--wait", "60",
    ];
    ends(&run(closed(), &shown), 141, &shown);
    ends(&run(full(), &shown), 9, &shown);
    assert_eq!(balance(), "0");
    // Sent, and then it cannot be reported on standard output: the id is on standard error.
    let silent = [&shown[..], &["--json"]].concat();
    for (out, coins) in [(full(), "1"), (closed(), "2")] {
        let text = ends(&run(out, &silent), 9, &silent);
        assert!(
            text.contains("sent, id 0x") && text.contains("could not be printed"),
            "{text}"
        );
        assert_eq!(balance(), coins);
    }
    let journal = std::fs::read_to_string(folder.path().join("vault.sent.json")).unwrap();
    assert_eq!(journal.matches("\"taken\"").count(), 2, "{journal}");
}

#[test]
fn a_file_that_does_not_fit_on_the_disk_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let vault = folder.path().join("vault");
    new_wallet(&vault);
    let list = into(Stdio::piped(), &vault, &["wallet", "list", "--json"]);
    let listed: serde_json::Value = serde_json::from_slice(&list.stdout).unwrap();
    let account = listed["accounts"][1]["address"].as_str().unwrap();
    let new = folder.path().join("new");
    let new = new.to_str().unwrap();
    let proposal = format!(
        "wallet propose --from {account} --to {account} --amount 1 --nonce 0 --max-fee 9 --priority-fee 1 --out {new}"
    );
    let spec = format!("chain init {new} --name mine --chain-id 47110815");
    for args in [format!("wallet backup {new}"), proposal, spec] {
        let args: Vec<&str> = args.split(' ').collect();
        // No file grows over nothing at all; the signal for that is ignored, so that writing fails.
        let script = "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\"";
        let output = Command::new("sh")
            .args(["-c", script])
            .arg(binary::path())
            .args(&args)
            .env("TALLY_WALLET", &vault)
            .env("TALLY_WALLET_PASSWORD", "correct horse")
            .output()
            .unwrap();
        let text = ends(&output, 1, &args);
        assert!(text.contains(&format!("cannot write {new}")), "{text}");
        assert!(!Path::new(new).exists(), "{args:?}: a part is left");
        // The next try, with room, is not in its own way.
        ends(&into(Stdio::null(), &vault, &args), 0, &args);
        std::fs::remove_file(new).unwrap();
    }
}
