//! The table of inputs, read by the library. The command line reads the same in `tests/cli/keys.rs`, the browser in
//! `end2end/tests/inputs.spec.ts`. Rules: docs/protocol.md#W1, #W20 to #W26

use base64ct::{Base64, Encoding as _};
use serde_json::Value;
use tally_wallet::{Phrase, file_text, keystore};

fn table(part: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(include_str!("../../../tests/inputs.json")).unwrap();
    all[part].as_array().unwrap().clone()
}

/// The account, or the message with its advice, beside what the table expects.
fn compare(row: &Value, outcome: Result<String, String>, wrong: &mut Vec<String>) {
    let right = match (&outcome, row["address"].as_str(), row["message"].as_str()) {
        (Ok(address), Some(expected), _) => address == expected,
        (Err(message), None, Some(expected)) => message.contains(expected),
        _ => false,
    };
    if !right {
        wrong.push(format!(
            "{}: {outcome:?}, expected {} {}",
            row["name"], row["address"], row["message"]
        ));
    }
}

#[test]
fn every_key_file_of_the_table_gives_its_account_or_its_message() {
    let mut wrong = Vec::new();
    let rows = table("keys");
    assert!(rows.len() > 90);
    for row in rows {
        let file = Base64::decode_vec(row["file"].as_str().unwrap()).unwrap();
        let password = row["password"].as_str().unwrap_or_default();
        let read = |file: &[u8]| {
            let outcome = keystore::read(file, password);
            outcome
                .map(|found| found.address().to_string())
                .map_err(|error| format!("{error}. {}", error.advice()))
        };
        // A page reads the file as text first.
        compare(&row, read(file_text::decode(&file).as_bytes()), &mut wrong);
        let outcome = read(&file);
        // A file that opens with a password is reported as encrypted.
        if outcome.is_ok() && !password.is_empty() {
            assert!(keystore::is_encrypted(&file), "{}", row["name"]);
        }
        compare(&row, outcome, &mut wrong);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_phrase_of_the_table_gives_its_account_or_its_message() {
    let mut wrong = Vec::new();
    let rows = table("phrases");
    assert!(rows.len() > 25);
    for row in rows {
        let outcome = Phrase::parse(row["text"].as_str().unwrap());
        let outcome = outcome
            .map(|phrase| phrase.seed("").secp256k1(0).unwrap().address().to_string())
            .map_err(|error| error.to_string());
        compare(&row, outcome, &mut wrong);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
