//! Pages, API and wallet agree on which memos are shown as text. Rule: docs/protocol.md#W8

use serde_json::json;
use tally_wallet::payment::{self, Memo};

use crate::common::{ECC, TestServer, coin};

/// One of each kind that the three lists of before disagreed on, and texts that all have to show.
const SHOWN: [&str; 6] = [
    "rent, November",
    "für Käse 🧀",
    "👨‍👩‍👧 ❤️",
    "10 €\u{a0}net",
    "שכר דירה",
    "家賃\u{3000}十一月",
];
const HIDDEN: [&str; 18] = [
    "a\u{202e}b",
    "a\u{200b}b",
    "a\u{200d}b",
    "a\u{e000}b",
    "a\u{34f}b",
    "a\u{115f}b",
    "a\u{1160}b",
    "a\u{17b4}b",
    "a\u{180e}b",
    "a\u{3164}b",
    "a\u{fe0e}b",
    "a\u{fe0f}b",
    "a\u{ffa0}b",
    "a\u{1d173}b",
    "a\u{1bca0}b",
    "a\u{2800}b",
    "a\u{e0041}b",
    "two\nlines",
];

#[test]
fn pages_api_and_wallet_show_the_same_memos_as_text() {
    let server = TestServer::start();
    let identity = server.identity();
    let memos: Vec<&str> = SHOWN.into_iter().chain(HIDDEN).collect();
    for (nonce, memo) in memos.iter().enumerate() {
        let mut payment = coin(nonce as u64);
        payment.memo = (*memo).to_owned();
        let payload = payment::build(&identity, &ECC[0].account, &payment).unwrap();
        let review = payment::review(&identity, ECC[0].address(), &payload).unwrap();
        let id = server.send(&ECC[0].sign(&identity, &payment));
        let answered = server.json(&format!("/api/v1/transactions/{id}"))["memo"].clone();
        let page = server.get(&format!("/tx/{id}")).text();
        let on_page = page
            .split_once("class=\"memo\">")
            .map(|(_, rest)| rest.split('<').next().unwrap_or_default().to_owned());
        if SHOWN.contains(memo) {
            assert_eq!(review.memo, Memo::Text((*memo).to_owned()));
            assert_eq!(answered, json!(memo));
            assert_eq!(on_page.as_deref(), Some(*memo));
        } else {
            assert!(matches!(review.memo, Memo::Hex(_)), "{memo:?}: {:?}", review.memo);
            assert_eq!((answered, on_page), (json!(null), None), "{memo:?}");
        }
    }
}
