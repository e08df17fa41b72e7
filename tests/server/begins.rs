//! A chain whose genesis time is ahead: the node reports when it begins, searches for nothing until then, and begins by itself.

use serde_json::{Value, json};

use crate::child::{self, FAST_CHAIN};
use crate::common::{ECC, Http, until};

#[test]
fn a_chain_of_the_future_waits_and_begins_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let now = (tally_node::system_clock())().0;
    let begins = now + 6;
    let spec = std::fs::read_to_string(FAST_CHAIN).unwrap();
    let spec = spec.replace("genesis_time = 1793491200", &format!("genesis_time = {begins}"));
    let file = folder.path().join("monday.toml");
    std::fs::write(&file, spec).unwrap();
    let args = ["--spec", file.to_str().unwrap(), "--mine", "--log-level", "error"];
    let child = child::node(&args, &folder.path().join("data"));
    let client = Http::new(&child.after("interface"));
    assert!(child.after("begins at").ends_with("until then nothing is mined"));

    let status = client.get("/api/v1/status").json();
    assert_eq!((&status["begins"], &status["height"]), (&json!(begins), &json!(0)));
    let template = client.get(&format!("/api/v1/mining/template?address={}", ECC[1].address()));
    assert_eq!(
        (template.problem().as_str(), &template.json()["begins"]),
        ("not-begun", &json!(begins))
    );
    assert!(client.get("/mining").text().contains("The chain has not begun"));
    let mining = client.get("/api/v1/mining").json();
    assert_eq!((&mining["on"], &mining["hash_rate"]), (&json!(true), &json!(0.0)));

    let ready = client.get("/readyz");
    assert_eq!(ready.status, 503);
    assert!(ready.text().contains("not_begun"), "{}", ready.text());

    until("the first block", || {
        (client.get("/api/v1/status").json()["height"].as_u64()? > 0).then_some(())
    });
    let first = client.get("/api/v1/blocks/1").json();
    assert!(first["time"].as_u64().unwrap() > begins, "{first}");
    assert_eq!(client.get("/api/v1/status").json()["begins"], Value::Null);
    assert!(!client.get("/mining").text().contains("The chain has not begun"));
}
