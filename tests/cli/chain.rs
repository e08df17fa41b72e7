//! `tally chain`.

use crate::process::{json, stderr, tally};

const ALICE: &str = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";

#[test]
fn show_prints_a_spec_that_is_read_back_as_the_same_chain() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("copy.toml");
    for name in ["local", "test"] {
        let shown = json(&tally(&["chain", "show", name, "--json"]));
        assert_eq!(shown["spec"]["name"], name);
        let text = tally(&["chain", "show", name]);
        let text = String::from_utf8(text.stdout).unwrap();
        assert!(
            text.starts_with(&format!("# genesis id {}\n", shown["genesis_id"].as_str().unwrap())),
            "{text}"
        );
        std::fs::write(&file, text).unwrap();
        assert_eq!(
            json(&tally(&["chain", "show", file.to_str().unwrap(), "--json"])),
            shown
        );
    }
    let unknown = tally(&["chain", "show", "nowhere"]);
    assert_eq!(unknown.status.code(), Some(2), "{}", stderr(&unknown));
    assert!(stderr(&unknown).contains("no chain is built in under the name"));
}

#[test]
fn what_is_written_as_a_path_is_no_name_of_a_chain() {
    for path in ["nowhere/fast.toml", "./fast", "fast.toml"] {
        for args in [
            &["chain", "show", path][..],
            &["audit", "--chain", path],
            &["node", "--chain", path],
        ] {
            let output = tally(args);
            let text = stderr(&output);
            assert_eq!(output.status.code(), Some(2), "{args:?}: {text}");
            assert!(
                text.contains(&format!("cannot read the chain spec {path}: No such file")),
                "{args:?}: {text}"
            );
        }
    }
}

#[test]
fn init_writes_a_spec_with_notes_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("club.toml");
    let path = file.to_str().unwrap();
    let allocation = format!("{ALICE}=1.5");
    let args = [
        "chain",
        "init",
        path,
        "--name",
        "club",
        "--chain-id",
        "77",
        "--symbol",
        "CLUB",
        "--spacing",
        "3",
        "--reward",
        "0.25",
        "--halving-interval",
        "9",
        "--genesis-time",
        "1800000000",
        "--allocate",
        &allocation,
    ];
    let made = tally(&args);
    assert_eq!(made.status.code(), Some(0), "{}", stderr(&made));
    let text = std::fs::read_to_string(&file).unwrap();
    assert_eq!(text.matches("# ").count(), 13, "{text}");

    let shown = json(&tally(&["chain", "show", path, "--json"]));
    assert!(
        String::from_utf8(made.stdout)
            .unwrap()
            .contains(shown["genesis_id"].as_str().unwrap())
    );
    let spec = &shown["spec"];
    assert_eq!(
        (&spec["name"], &spec["chain_id"], &spec["symbol"]),
        (&"club".into(), &77.into(), &"CLUB".into())
    );
    assert_eq!(
        (&spec["genesis_time"], &spec["consensus"]["spacing"]),
        (&1_800_000_000.into(), &3.into())
    );
    assert_eq!(spec["issuance"]["reward"], "250000000000000000");
    assert_eq!(spec["issuance"]["halving_interval"], 9);
    assert_eq!(spec["allocations"][0]["balance"], "1500000000000000000");

    let again = tally(&args);
    assert_eq!(again.status.code(), Some(1), "an existing file is not overwritten");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
}

#[test]
fn a_spec_in_another_encoding_is_named_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("spec.toml");
    let path = file.to_str().unwrap();
    let text = String::from_utf8(tally(&["chain", "show", "test"]).stdout).unwrap();
    let genesis = json(&tally(&["chain", "show", "test", "--json"]))["genesis_id"].clone();
    for same in [format!("\u{feff}{text}"), text.replace('\n', "\r\n")] {
        std::fs::write(&file, same).unwrap();
        assert_eq!(json(&tally(&["chain", "show", path, "--json"]))["genesis_id"], genesis);
    }
    let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let latin = [text.as_bytes(), b"# caf\xe9\n"].concat();
    for (bytes, why) in [
        (
            [&[0xff, 0xfe][..], &little].concat(),
            "UTF-16; save it as UTF-8".to_owned(),
        ),
        (
            [&[0xfe, 0xff][..], &big].concat(),
            "UTF-16; save it as UTF-8".to_owned(),
        ),
        (little, "UTF-16; save it as UTF-8".to_owned()),
        (latin, format!("not UTF-8 from byte {} on", text.len() + 5)),
    ] {
        std::fs::write(&file, bytes).unwrap();
        let output = tally(&["chain", "show", path]);
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert_eq!(stderr(&output).matches(&why).count(), 1, "{}", stderr(&output));
        assert_eq!(
            stderr(&output).matches("UTF-8").count(),
            if why.contains("byte") { 2 } else { 1 }
        );
    }
}

#[test]
fn a_chain_id_of_another_chain_is_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    for (id, name) in [("1", "Ethereum"), ("8547", "local"), ("77777", "")] {
        let file = folder.path().join(id);
        let made = tally(&[
            "chain",
            "init",
            file.to_str().unwrap(),
            "--name",
            "club",
            "--chain-id",
            id,
        ]);
        assert_eq!(made.status.code(), Some(0), "{}", stderr(&made));
        assert_eq!(
            stderr(&made).contains("can be replayed"),
            !name.is_empty(),
            "{}",
            stderr(&made)
        );
        assert!(stderr(&made).contains(name), "{}", stderr(&made));
    }
}

#[test]
fn init_refuses_what_no_node_would_take() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bad.toml");
    let path = file.to_str().unwrap();
    for (option, value, message) in [
        ("--chain-id", "0", "chain_id"),
        ("--genesis-time", "4294967295", "genesis_time"),
        ("--symbol", "ABCDEFGHIJKLM", "symbol"),
        ("--spacing", "0", "spacing"),
        ("--reward", "0.0000000000000000001", "19"),
        ("--allocate", "nobody", "ADDRESS=COINS"),
        ("--allocate", "0xF39Fd6e51aad88F6F4ce6aB8827279cffFb92266=1", "checksum"),
    ] {
        let mut args = vec!["chain", "init", path, "--name", "bad", option, value];
        if option != "--chain-id" {
            args.extend(["--chain-id", "7"]);
        }
        let output = tally(&args);
        assert_eq!(output.status.code(), Some(2), "{option} {value}: {}", stderr(&output));
        assert!(
            stderr(&output).contains(message),
            "{option} {value}: {}",
            stderr(&output)
        );
        assert!(!file.exists(), "{option} {value}");
    }
}
