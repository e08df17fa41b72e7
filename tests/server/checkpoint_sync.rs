//! A node process in checkpoint sync, and what it reports of itself.

use serde_json::json;

use crate::child::FAST_CHAIN;
use crate::common::until;
use crate::network::{Member, end_mining, identity};

const RULES: [&str; 4] = ["--checkpoint-every", "5", "--checkpoint-depth", "3"];

#[test]
fn a_node_that_synced_from_a_checkpoint_is_useful_and_reports_what_it_lacks() {
    let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let identity = identity();
    let first = Member::start(folders[0].path(), FAST_CHAIN, &[&RULES[..], &["--mine"]].concat());
    let paid = first.send(&identity, 0);
    until("the payment is in a block", || first.included(&paid).then_some(()));
    let included = first.json(&format!("/api/v1/transactions/{paid}"))["block"]["height"]
        .as_u64()
        .unwrap();
    until("a checkpoint behind it has blocks on it", || {
        (first.height() > included + 5 + 3).then_some(())
    });

    let begin = [
        &RULES[..],
        &["--from-checkpoint", "--mine", "--peer", &first.addresses[0]],
    ]
    .concat();
    let mut second = Member::start(folders[1].path(), FAST_CHAIN, &begin);
    until("the newcomer is as far", || {
        (second.height() >= first.height()).then_some(())
    });
    // Height and old payment: where it began is behind the payment.
    let gone = second.get(&format!("/api/v1/blocks/{included}"));
    assert_eq!(
        (gone.status, &gone.json()["type"]),
        (410, &json!("/problems/not-kept")),
        "{}",
        gone.text()
    );
    let base = gone.json()["base"].as_u64().unwrap();
    assert!(base >= included && base.is_multiple_of(5), "{base} {included}");
    assert_eq!(second.get(&format!("/api/v1/blocks/{base}?format=raw")).status, 410);
    for page in [
        "/".to_owned(),
        "/blocks".to_owned(),
        "/transactions".to_owned(),
        "/network".to_owned(),
        "/performance".to_owned(),
        format!("/block/{base}"),
        format!("/block/{}", base + 1),
    ] {
        let answer = second.get(&page);
        assert_eq!(answer.status, 200, "{page}");
        assert!(
            !answer.text().contains("could not read its store"),
            "{page}: {}",
            answer.text()
        );
    }
    assert!(
        second
            .get(&format!("/block/{base}"))
            .text()
            .contains("Only the header of this block is here")
    );
    assert_eq!(second.json("/api/v1/transactions")["items"], json!([]));

    // Both know the payer's account, both take payments, both mine.
    let next = second.send(&identity, 1);
    until("it is in a block of both", || {
        (first.included(&next) && second.included(&next)).then_some(())
    });
    assert_eq!(second.json("/api/v1/transactions")["items"][0]["id"], json!(next));
    let proven = second.json(&format!("/api/v1/transactions/{next}?proof=true"));
    assert!(!proven["inclusion_proof"].is_null(), "{proven}");

    // Killed and started again, with the same words: it goes on from where it was.
    second.kill();
    let second = Member::start(folders[1].path(), FAST_CHAIN, &begin);
    assert!(second.included(&next));
    end_mining(&first, &[&second]);
    assert_eq!(
        second.get(&format!("/api/v1/blocks/{included}")).json()["base"],
        json!(base)
    );
    assert_eq!(
        (&first.peers()["bans"], &second.peers()["bans"]),
        (&json!([]), &json!([]))
    );
    first.audit(FAST_CHAIN);
    second.audit(FAST_CHAIN);
}
