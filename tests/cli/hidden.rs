//! No message repeats a secret that was typed or set, whatever goes wrong.

use std::path::Path;
use std::process::{Output, Stdio};

use crate::binary;

const PASSWORD: &str = "s3cret-Pa55";
const KEY: &str = "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d";
const PHRASE: &str = "legal winner thank year wave sausage worth useful legal winner thank yellow";
const ADDRESS: &str = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";

fn run(vault: &Path, args: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = binary::tally();
    for variable in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        command.env_remove(variable);
    }
    command
        .args(args)
        .env("TALLY_WALLET", vault)
        .env("TALLY_WALLET_PASSWORD", "correct horse")
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// All that a command printed, on both outputs.
fn printed(output: &Output) -> String {
    let [out, err] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    out + &err
}

#[test]
fn a_password_in_the_nodes_url_is_in_no_message_and_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let vault = folder.path().join("wallet.json");
    let made = run(&vault, &["wallet", "new", "--chain", "local"], &[]);
    assert_eq!(made.status.code(), Some(0), "{}", printed(&made));
    for url in [
        format!("http://ann:{PASSWORD}@127.0.0.1:1"),
        format!("https://ann:{PASSWORD}@127.0.0.1:1/below"),
        format!("http://ann:{PASSWORD} x@127.0.0.1:1"),
        format!("http://ann:{PASSWORD}/x@127.0.0.1:1"),
        format!("ftp://ann:{PASSWORD}@127.0.0.1"),
        format!("ann:{PASSWORD}@127.0.0.1:1"),
        format!("http://ann:{PASSWORD}"),
        format!("http://127.0.0.1:1/?token={PASSWORD}"),
    ] {
        let url = url.as_str();
        let joined = format!("--node={url}");
        for args in [
            &["wallet", "balance", ADDRESS][..],
            &["wallet", "pending"],
            &["wallet", "history", ADDRESS],
            &["wallet", "resend", &format!("0x{KEY}")],
            &["health"],
            &["health", "--ready"],
        ] {
            for output in [
                run(&vault, args, &[("TALLY_NODE", url)]),
                run(&vault, &[args, &["--node", url]].concat(), &[]),
                run(&vault, &[args, &[joined.as_str()]].concat(), &[]),
            ] {
                let printed = printed(&output);
                assert!(!output.status.success(), "{args:?}: {printed}");
                assert!(!printed.contains(PASSWORD), "{url} {args:?}: {printed}");
            }
        }
        // Help names the variable, not what is in it; a wrong command line repeats neither.
        for args in [
            &["wallet", "balance", "--help"][..],
            &["health", "--help"],
            &["wallet", "--node", url, "frobnicate"],
            &["health", "--ready", url],
        ] {
            let printed = printed(&run(&vault, args, &[("TALLY_NODE", url)]));
            assert!(!printed.contains(PASSWORD), "{url} {args:?}: {printed}");
        }
    }
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains(PASSWORD));
    }
}

#[test]
fn a_user_of_one_letter_leaves_messages_readable() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["health"], &[("TALLY_NODE", "http://a@127.0.0.1:1")]);
    let printed = printed(&output);
    assert!(
        printed.contains("no answer from the node at http://…@127.0.0.1:1; is it running?"),
        "{printed}"
    );
}

#[test]
fn passwords_in_other_urls_are_in_no_message() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("https://ann:{PASSWORD}@example.org");
    let data = folder.path().join("data");
    let data = data.to_str().unwrap();
    for setting in [
        "--allow-host",
        "--cors-origin",
        "--peer",
        "--trusted-proxy",
        "--mine-to",
    ] {
        let output = run(folder.path(), &["node", "--data-dir", data, setting, &url], &[]);
        let printed = printed(&output);
        assert_eq!(output.status.code(), Some(2), "{setting}: {printed}");
        assert!(!printed.contains(PASSWORD), "{setting}: {printed}");
    }
    let proxy = format!("http://ann:{PASSWORD}@127.0.0.1:1");
    for variable in ["http_proxy", "ALL_PROXY"] {
        let args = ["health", "--node", "http://node.example"];
        let output = run(folder.path(), &args, &[(variable, proxy.as_str()), ("NO_PROXY", "")]);
        let printed = printed(&output);
        assert!(printed.contains("through the proxy 127.0.0.1:1"), "{printed}");
        assert!(!printed.contains(PASSWORD), "{printed}");
    }
}

#[test]
fn a_key_or_a_phrase_in_a_wrong_place_is_not_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let vault = folder.path().join("wallet.json");
    let made = run(&vault, &["wallet", "new", "--chain", "local"], &[]);
    assert_eq!(made.status.code(), Some(0), "{}", printed(&made));
    let prefixed = format!("0x{KEY}");
    for secret in [KEY, &prefixed, PHRASE] {
        for args in [
            &["wallet", "watch", secret][..],
            &["wallet", "contacts", "add", secret, "Ann"],
            &["wallet", "add", secret],
            &["wallet", "move", "RSA account", secret],
            &["wallet", "restore", secret],
            &["wallet", "new", "--words", secret],
            &["wallet", "history", secret],
            &["wallet", "balance", secret],
            &["wallet", "show", secret],
            &["wallet", "sign", secret],
            &["wallet", "send", "--from", secret, "--to", ADDRESS, "--amount", "1"],
            &[
                "wallet",
                "send",
                "--from",
                "RSA account",
                "--to",
                secret,
                "--amount",
                "1",
            ],
            &[
                "wallet",
                "send",
                "--from",
                "RSA account",
                "--to",
                ADDRESS,
                "--amount",
                secret,
            ],
            &["wallet", "new", "--chain", secret],
            &["wallet", "--node", secret, "pending"],
            &["wallet", "--node", secret, "resend"],
            &["chain", "show", secret],
            &["audit", "--chain", secret],
            &["node", "--mine-to", secret],
            &["node", "--chain", secret],
            &["frobnicate", secret],
            &[secret],
        ] {
            let output = run(&vault, args, &[("TALLY_NODE", "http://127.0.0.1:1")]);
            let printed = printed(&output);
            assert!(!output.status.success(), "{args:?}: {printed}");
            let piece = if secret == PHRASE { "winner thank" } else { &KEY[..16] };
            assert!(!printed.contains(piece), "{args:?}: {printed}");
        }
    }
    // The words as arguments of their own: the first that is wrong would be named.
    let words: Vec<&str> = PHRASE.split(' ').collect();
    for command in [&["wallet", "restore"][..], &["wallet", "new"], &["wallet", "list"], &[]] {
        let output = run(&vault, &[command, &words].concat(), &[]);
        let printed = printed(&output);
        assert_eq!(output.status.code(), Some(2), "{command:?}: {printed}");
        assert!(!printed.contains("legal"), "{command:?}: {printed}");
    }
}
