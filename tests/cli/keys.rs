//! Keys of other programs on the command line: in, out, and rejected.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use alloy_primitives::hex;
use base64ct::{Base64, Encoding as _};
use serde_json::Value;
use tally_chain::PublicKey;

use crate::binary;
use crate::process::{json, stderr};

#[path = "../../crates/wallet/tests/common/broken.rs"]
mod broken;

use broken::{Dice, Secrets, broken, broken_phrase, key_files, words_in};

const KEYSTORE_FILES: &str = FILES;
const FILES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/crates/wallet/tests/data/keystore");
const ADDRESS: &str = "0x008AeEda4D805471dF9b2A5B0f38A0C3bCBA786b";

/// `tally wallet` with a vault of its own; `password` is the key file's.
fn wallet(vault: &Path, password: &str, args: &[&str]) -> Output {
    binary::tally()
        .arg("wallet")
        .args(args)
        .env("TALLY_WALLET", vault)
        .env("TALLY_WALLET_PASSWORD", "correct horse")
        .env("TALLY_KEYFILE_PASSWORD", password)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn made(folder: &Path, name: &str) -> PathBuf {
    let vault = folder.join(name);
    let output = wallet(&vault, "", &["new", "--chain", "local"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    vault
}

fn stdout(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", stderr(output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn refused(output: &Output, reason: &str) {
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(output).contains(reason),
        "{reason:?} is not in {}",
        stderr(output)
    );
}

#[test]
fn keys_come_in_and_go_out() {
    let folder = tempfile::tempdir().unwrap();
    let (mine, other) = (made(folder.path(), "mine"), made(folder.path(), "other"));
    let file = |name: &str| format!("{FILES}/{name}");
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();

    // Shown first; without a yes nothing is kept.
    let web3 = file("web3-pbkdf2-cheap.json");
    let unconfirmed = wallet(&mine, "testpassword", &["import", &web3]);
    refused(&unconfirmed, "nothing was kept");
    let text = String::from_utf8_lossy(&unconfirmed.stdout).into_owned();
    for part in [
        "Web3 keystore (version 3)",
        "secp256k1",
        ADDRESS,
        "phrase does not restore this key",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    let kept = wallet(&mine, "testpassword", &["import", &web3, "--label", "Old", "--yes"]);
    assert!(stdout(&kept).contains(ADDRESS));
    refused(&wallet(&mine, "testpassword", &["import", &web3, "--yes"]), "already");
    let listed = json(&wallet(&mine, "", &["list", "--json"]));
    let account = &listed["accounts"][2];
    assert_eq!(
        (&account["address"], &account["label"]),
        (&ADDRESS.into(), &"Old".into())
    );

    // Out and into another wallet, in both forms.
    for (format, name) in [("web3", "out.json"), ("pkcs8", "out.pem")] {
        let out = path(name);
        let args = ["export", ADDRESS, "--format", format, "--out", &out];
        refused(&wallet(&mine, "short", &args), "at least 8");
        stdout(&wallet(&mine, "harbour violin", &args));
        let mode = std::fs::metadata(&out).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "only its owner reads it");
        refused(&wallet(&mine, "harbour violin", &args), "exists already");
        refused(
            &wallet(&other, "harbour", &["import", &out, "--yes"]),
            "the password is wrong",
        );
        let there = made(folder.path(), &format!("vault-{format}"));
        assert!(stdout(&wallet(&there, "harbour violin", &["import", &out, "--yes"])).contains(ADDRESS));
    }

    // Public keys, to be watched; then their private key makes the account whole.
    for (format, name) in [("spki", "public.pem"), ("hex-public", "public.txt")] {
        stdout(&wallet(
            &mine,
            "",
            &["export", ADDRESS, "--format", format, "--out", &path(name)],
        ));
    }
    let watched = wallet(&other, "", &["import", &path("public.pem"), "--yes"]);
    assert!(stdout(&watched).contains("can be watched, not used"));
    refused(
        &wallet(&other, "", &["import", &path("public.txt"), "--yes"]),
        "already",
    );
    let args = ["export", ADDRESS, "--format", "web3", "--out", &path("none.json")];
    refused(&wallet(&other, "harbour violin", &args), "watch");
    assert!(stdout(&wallet(&other, "testpassword", &["import", &web3, "--yes"])).contains(ADDRESS));
    stdout(&wallet(&other, "harbour violin", &args));

    // An RSA key is no Web3 keystore.
    let rsa = listed["accounts"][0]["address"].as_str().unwrap();
    let args = ["export", rsa, "--format", "web3", "--out", &path("rsa.json")];
    refused(&wallet(&mine, "harbour violin", &args), "holds no rsa-2048 key");
    assert!(!folder.path().join("rsa.json").exists());

    // A key that was typed for a name is not repeated.
    let key = "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d";
    let output = wallet(&mine, "", &["rename", key, "Old"]);
    refused(&output, "not repeated here");
    assert!(!stderr(&output).contains(&key[..16]));
}

#[test]
fn bad_key_files_are_refused_with_their_reason() {
    let folder = tempfile::tempdir().unwrap();
    let mine = folder.path().join("never made");
    for (name, reason) in [
        ("rsa-1024.pem", "its modulus has 1024 bits"),
        ("rsa-e3.pem", "its public exponent is not 65537"),
        ("rsa-2048-legacy.pem", "openssl pkcs8 -topk8"),
        ("p256.pem", "the curve is"),
        ("keystore.py", "no key file of a known form"),
        ("nowhere.pem", "cannot read"),
    ] {
        let output = wallet(&mine, "testpassword", &["import", &format!("{FILES}/{name}"), "--yes"]);
        refused(&output, reason);
    }
    // A file without end is not read to its end.
    refused(&wallet(&mine, "", &["import", "/dev/zero", "--yes"]), "at most 65536");
}

fn table(part: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(include_str!("../inputs.json")).unwrap();
    all[part].as_array().unwrap().clone()
}

/// All that a command printed, on both outputs.
fn printed(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[test]
fn the_table_of_inputs_is_judged_as_the_library_and_the_browser_judge_it() {
    let folder = tempfile::tempdir().unwrap();
    // What a file holds is shown before the vault is opened, and this one never is.
    let (vault, path) = (folder.path().join("never made"), folder.path().join("key"));
    let mut wrong = Vec::new();
    for row in table("keys") {
        std::fs::write(&path, Base64::decode_vec(row["file"].as_str().unwrap()).unwrap()).unwrap();
        let password = row["password"].as_str().unwrap_or_default();
        let output = wallet(&vault, password, &["import", path.to_str().unwrap(), "--yes"]);
        let (shown, errors) = (String::from_utf8_lossy(&output.stdout).into_owned(), stderr(&output));
        let right = match (row["address"].as_str(), row["message"].as_str()) {
            (Some(address), _) => shown.contains(&format!("address  {address}")),
            (None, Some(message)) => shown.is_empty() && errors.contains(message),
            (None, None) => false,
        };
        if !right || output.status.code() != Some(1) {
            wrong.push(format!("{}: {shown}{errors}", row["name"]));
        }
    }
    for row in table("phrases") {
        let (text, message) = (row["text"].as_str().unwrap(), row["message"].as_str());
        // Each phrase that is right costs the search of a key; the library reads them all.
        let sample = ["numbered with points", "four letters"].contains(&row["name"].as_str().unwrap());
        if message.is_none() && !sample {
            continue;
        }
        let output = restored(&folder.path().join(format!("vault of {}", row["name"])), text);
        let right = match message {
            Some(message) => output.status.code() == Some(1) && stderr(&output).contains(message),
            None => output.status.code() == Some(0) && printed(&output).contains(row["address"].as_str().unwrap()),
        };
        if !right {
            wrong.push(format!("{}: {}", row["name"], printed(&output)));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn restored(vault: &Path, phrase: &str) -> Output {
    binary::tally()
        .args(["wallet", "restore", "--chain", "local"])
        .env("TALLY_WALLET", vault)
        .env("TALLY_WALLET_PASSWORD", "correct horse")
        .env("TALLY_WALLET_PHRASE", phrase)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

#[test]
fn no_output_holds_a_piece_of_a_broken_key_file_or_phrase() {
    let folder = tempfile::tempdir().unwrap();
    let (vault, path) = (folder.path().join("never made"), folder.path().join("key"));
    let mut dice = Dice(23);
    for (name, file, secrets) in key_files() {
        let search = Secrets::of(&secrets);
        for _ in 0..4 {
            std::fs::write(&path, broken(&file, &mut dice)).unwrap();
            let output = wallet(&vault, "testpassword", &["import", path.to_str().unwrap(), "--yes"]);
            let printed = printed(&output);
            assert_eq!(search.find(&printed), None, "{name}: {printed}");
        }
    }
    let phrase = "legal winner thank year wave sausage worth useful legal winner thank yellow";
    for _ in 0..12 {
        let typed = broken_phrase(phrase, &mut dice);
        if tally_wallet::Phrase::parse(&typed).is_ok() {
            continue;
        }
        let printed = printed(&restored(&vault, &typed));
        assert_eq!(words_in(phrase, &printed), None, "{printed}");
    }
}

#[test]
fn a_key_or_a_phrase_in_the_place_of_a_file_is_not_repeated() {
    let vault = Path::new("never made");
    let key = "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d";
    let phrase = "legal winner thank year wave sausage worth useful legal winner thank yellow";
    for typed in [key, &format!("0x{key}"), &key[..60], phrase] {
        let output = wallet(vault, "", &["import", typed]);
        refused(&output, "not the name of a file");
        let printed = printed(&output);
        assert!(
            !printed.contains(&key[..16]) && words_in(phrase, &printed).is_none(),
            "{printed}"
        );
    }
}

#[test]
fn a_weak_or_private_key_is_not_watched() {
    let folder = tempfile::tempdir().unwrap();
    let vault = made(folder.path(), "mine");
    // Random but for its last byte, which makes it a multiple of 3: every power of 256 leaves 1 when it is divided by 3.
    let mut modulus: Vec<u8> = (0..8u8)
        .flat_map(|block| tally_chain::hash::sha256(&[&[block]]).0)
        .collect();
    modulus[0] |= 0x80;
    modulus[255] = 1;
    let rest = modulus.iter().map(|byte| u32::from(*byte)).sum::<u32>() % 3;
    modulus[255] = match rest {
        0 => 1,
        1 => 3,
        _ => 5,
    };
    let head = hex::decode("30820122300d06092a864886f70d01010105000382010f003082010a0282010100").unwrap();
    let spki = [&head[..], &modulus[..], &[2, 3, 1, 0, 1]].concat();
    let address = PublicKey::from_bytes(&spki).unwrap().address().to_string();
    let watch = |key: &[u8]| {
        let key = hex::encode_prefixed(key);
        wallet(&vault, "", &["watch", &address, "--public-key", &key])
    };
    refused(&watch(&spki), "the key is rejected: its modulus is divisible by 3");
    refused(&watch(&modulus[..32]), "that is a private key");

    // Nor is a shared account taken up that counts on it.
    let point = hex::decode("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798").unwrap();
    let keys = [&spki, &point].map(|key| PublicKey::from_bytes(key).unwrap());
    let shared = tally_wallet::SharedAccount::new("Club", 1, &keys).unwrap();
    let file = folder.path().join("club.txt");
    std::fs::write(&file, shared.write()).unwrap();
    let imported = wallet(&vault, "", &["shared", "import", file.to_str().unwrap()]);
    refused(
        &imported,
        &format!("the key of {address}: the key is rejected: its modulus is divisible by 3"),
    );
}
