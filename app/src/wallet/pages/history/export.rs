//! The history of an account as a file, for spreadsheets (CSV) and programs (JSON).

use leptos::{prelude::*, task::spawn_local};
use serde::Serialize;
use tally_api::{
    accounts::{HistoryLine, HistoryPageBody, LineKind, RewardBody},
    page::MAX_PAGE,
    transactions::{TransactionBody, TransactionStatus},
};
use tally_chain::limits::MAX_MEMO_BYTES;

use crate::{
    browser, format,
    ui::{Button, Notice, NoticeKind},
};

/// Most lines that one file takes.
const MOST: usize = 100_000;

/// The lines of a page of an account's history, seen from the account.
///
/// # Errors
/// Where a line has not what its kind names: left out, the file would read as if nothing happened there. A kind of a later version
/// is a line that names it as such.
pub fn lines(page: HistoryPageBody, account: &str) -> Result<Vec<Line>, String> {
    let shown = |line: HistoryLine| match (line.kind, line.transaction, line.reward) {
        (LineKind::Transaction, Some(transaction), _) => Ok(Line::of(account, &transaction)),
        (LineKind::Reward, _, Some(reward)) => Ok(Line::of_reward(&reward)),
        (LineKind::Transaction, ..) => Err("the node's history has a line of a transaction without it".to_owned()),
        (LineKind::Unknown, ..) => Ok(Line::of_unknown_kind()),
        (LineKind::Reward, ..) => Err("the node's history has a line of a reward without it".to_owned()),
    };
    page.items.into_iter().map(shown).collect()
}

/// The memo on one line on which all can be seen: line feeds, tabs and hidden characters make it hex, as on the pages. Of
/// what is too long for a memo only the length is given.
fn shown_memo(transaction: &TransactionBody) -> String {
    let data = &transaction.data;
    match &transaction.memo {
        Some(memo) => memo.clone(),
        None if data.is_empty() => String::new(),
        None if data.len() > MAX_MEMO_BYTES => format!("{} bytes of data", data.len()),
        None => data.to_string(),
    }
}

/// The memo as it was sent, where it is text of any characters.
fn exact_memo(transaction: &TransactionBody) -> String {
    match std::str::from_utf8(&transaction.data) {
        Ok(text) if transaction.memo.is_none() && text.len() <= MAX_MEMO_BYTES => text.to_owned(),
        _ => shown_memo(transaction),
    }
}

/// A line of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Empty while it waits.
    time: String,
    height: Option<u64>,
    /// Of the transaction; of a reward, of its block.
    id: String,
    status: String,
    /// `sent`, `received`, `self`, `reward`, or `unknown` of a line of a kind that a later version added.
    direction: &'static str,
    counterparty: String,
    /// Coins that moved, exact: 0 of a payment that failed; empty where the status leaves open whether they did.
    amount: String,
    /// Coins, exact; what this account paid.
    fee: String,
    /// Exact, as it was sent.
    memo: String,
    /// The memo as a table shows it.
    #[serde(skip)]
    shown_memo: String,
    /// None of a reward.
    nonce: Option<u64>,
}

const HEAD: &str = "time,height,id,status,direction,counterparty,amount,fee,memo,nonce";

impl Line {
    fn of(account: &str, transaction: &TransactionBody) -> Self {
        let sender = transaction.sender.to_string();
        let to = transaction.to.map(|to| to.to_string()).unwrap_or_default();
        let (direction, counterparty) = match (sender == account, to == account) {
            (true, true) => ("self", to),
            (true, false) => ("sent", to),
            (false, _) => ("received", sender),
        };
        let receipt = transaction.receipt.as_ref().filter(|_| direction != "received");
        let block = transaction.block.as_ref();
        Self {
            time: block
                .map(|block| format::iso(u64::from(block.time)))
                .unwrap_or_default(),
            height: block.map(|block| block.height),
            id: transaction.id.to_string(),
            status: transaction.status.to_string(),
            direction,
            counterparty,
            amount: match transaction.status {
                TransactionStatus::Failed => "0".to_owned(),
                TransactionStatus::Unknown => String::new(),
                TransactionStatus::Pending | TransactionStatus::Queued | TransactionStatus::Included => {
                    transaction.value.to_coins()
                }
            },
            fee: receipt.map(|receipt| receipt.fee.to_coins()).unwrap_or_default(),
            memo: exact_memo(transaction),
            shown_memo: shown_memo(transaction),
            nonce: Some(transaction.nonce),
        }
    }

    fn of_reward(reward: &RewardBody) -> Self {
        Self {
            time: format::iso(u64::from(reward.time)),
            height: Some(reward.height),
            id: reward.block.to_string(),
            status: TransactionStatus::Included.to_string(),
            direction: "reward",
            counterparty: String::new(),
            amount: reward.value.to_coins(),
            fee: String::new(),
            memo: String::new(),
            shown_memo: String::new(),
            nonce: None,
        }
    }

    /// That there is something at this place is all that this version knows of it.
    fn of_unknown_kind() -> Self {
        Self {
            time: String::new(),
            height: None,
            id: String::new(),
            status: "kind not known to this version".to_owned(),
            direction: "unknown",
            counterparty: String::new(),
            amount: String::new(),
            fee: String::new(),
            memo: String::new(),
            shown_memo: String::new(),
            nonce: None,
        }
    }

    fn csv(&self) -> String {
        let height = self.height.map(|height| height.to_string()).unwrap_or_default();
        let nonce = self.nonce.map(|nonce| nonce.to_string()).unwrap_or_default();
        let cells = [
            &self.time,
            &height,
            &self.id,
            &self.status,
            self.direction,
            &self.counterparty,
            &self.amount,
            &self.fee,
            &self.shown_memo,
            &nonce,
        ];
        cells.map(cell).join(",")
    }
}

/// Signs with which a spreadsheet begins a formula, the full-width ones of East Asian keyboards among them.
const FORMULA: [char; 8] = ['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];
/// Where a cell may begin, besides its own start: these separate cells in spreadsheets of other languages.
const SEPARATORS: [char; 2] = [';', '\t'];

/// A cell of RFC 4180. A text that a spreadsheet would take for a formula gets an apostrophe before it, at its start, after spaces
/// there, and wherever another language's separator would begin a cell: memos come from others.
fn cell(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + 1);
    let mut begins = true;
    for c in text.chars() {
        if begins && (FORMULA.contains(&c) || matches!(c, '\t' | '\r')) {
            safe.push('\'');
        }
        safe.push(c);
        begins = SEPARATORS.contains(&c) || begins && c.is_whitespace();
    }
    match safe.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", safe.replace('"', "\"\"")),
        false => safe,
    }
}

/// The whole file, with a line of names.
pub fn csv(lines: &[Line]) -> String {
    let rows = lines.iter().map(Line::csv);
    let all: Vec<String> = std::iter::once(HEAD.to_owned()).chain(rows).collect();
    all.join("\r\n") + "\r\n"
}

/// The whole history of an account, newest first; whether there were more than fit.
async fn read(account: &str, progress: impl Fn(usize)) -> Result<(Vec<Line>, bool), String> {
    let mut all = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/api/v1/accounts/{account}/history?limit={MAX_PAGE}{cursor}");
        let mut page: HistoryPageBody = browser::get_json(&path).await?;
        let next = page.next.take();
        all.extend(lines(page, account)?);
        progress(all.len());
        match next {
            Some(_) if all.len() >= MOST => return Ok((all, true)),
            Some(next) => cursor = format!("&cursor={}", format::query_value(&next)),
            None => return Ok((all, false)),
        }
    }
}

/// Buttons that make the files.
#[component]
pub fn Export(account: RwSignal<String>) -> impl IntoView {
    let (busy, progress) = (RwSignal::new(false), RwSignal::new(0usize));
    let (cut, failure) = (RwSignal::new(false), RwSignal::new(None::<String>));
    let save = move |json: bool| {
        let address = account.get_untracked();
        busy.set(true);
        progress.set(0);
        failure.set(None);
        cut.set(false);
        spawn_local(async move {
            let report = move |count| {
                let _ = progress.try_set(count);
            };
            match read(&address, report).await {
                Ok((lines, more)) => {
                    let _ = cut.try_set(more);
                    let (end, text) = match json {
                        true => ("json", serde_json::to_string_pretty(&lines)),
                        false => ("csv", Ok(csv(&lines))),
                    };
                    match text {
                        Ok(text) => browser::download(&format!("tally-history-{address}.{end}"), text.as_bytes()),
                        Err(error) => drop(failure.try_set(Some(error.to_string()))),
                    }
                }
                Err(why) => drop(failure.try_set(Some(why))),
            }
            let _ = busy.try_set(false);
        });
    };
    view! {
        <div class="actions" role="group" aria-label="Save the history">
            <Button busy=busy on:click=move |_| save(false)>"Save as CSV"</Button>
            <Button busy=busy on:click=move |_| save(true)>"Save as JSON"</Button>
            <span class="field-hint" role="status">
                {move || busy.get().then(|| format!("{} read…", format::count(progress.get() as u64)))}
            </span>
            <span class="field-hint">
                "CSV is UTF-8 with commas, points in numbers and times in UTC: choose these when you import the file into a spreadsheet. \
                 Mining rewards are lines of it; payments by contracts are no transactions and are not in it."
            </span>
        </div>
        {move || cut.get().then(|| view! { <p class="field-hint">{format!("The file has the newest {} lines; there are more.", format::count(MOST as u64))}</p> })}
        {move || {
            failure
                .get()
                .map(|why| {
                    view! {
                        <Notice kind=NoticeKind::Error title="The file was not made">
                            <p>{why}</p>
                            <p>"Check whether the node still runs, then try again."</p>
                        </Notice>
                    }
                })
        }}
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
    const OTHER: &str = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";

    /// A hash as JSON has it, of 32 equal bytes.
    fn hash(byte: &str) -> String {
        format!("0x{}", byte.repeat(32))
    }

    fn sample(sender: &str, to: &str, memo: &str) -> serde_json::Value {
        let receipt = serde_json::json!({
            "success": true, "gas_used": 21, "gas_price": "1000", "fee": "21000", "burned": "0", "contract": null, "logs": [],
        });
        let block = serde_json::json!({
            "id": "ab".repeat(32), "height": 12, "index": 0, "time": 1_795_424_712, "confirmations": 1,
        });
        serde_json::json!({
            "id": hash("01"), "status": "included", "type": "0x54", "scheme": "secp256k1", "sender": sender, "nonce": 7,
            "timestamp": null, "to": to, "value": "1500000000000000000", "max_fee": "1000", "max_priority_fee": "0",
            "gas_limit": 21, "data": "0x", "memo": memo, "size": 100, "block": block, "receipt": receipt,
        })
    }

    fn line(transaction: serde_json::Value) -> Line {
        let transaction = serde_json::from_value(transaction).expect("as the API writes it");
        Line::of(OWN, &transaction)
    }

    #[test]
    fn lines_are_exact_and_seen_from_the_account() {
        let sent = line(sample(OWN, OTHER, "tea"));
        assert_eq!((sent.direction, sent.counterparty.as_str()), ("sent", OTHER));
        assert_eq!((sent.amount.as_str(), sent.fee.as_str()), ("1.5", "0.000000000000021"));
        let id = hash("01");
        assert_eq!(
            sent.csv(),
            format!("2026-11-23T09:05:12Z,12,{id},included,sent,{OTHER},1.5,0.000000000000021,tea,7")
        );
        let received = line(sample(OTHER, OWN, ""));
        assert_eq!((received.direction, received.fee.as_str()), ("received", ""));
        assert_eq!(line(sample(OWN, OWN, "")).direction, "self");
        assert_eq!(csv(&[]), format!("{HEAD}\r\n"));
    }

    #[test]
    fn a_reward_is_a_line_without_a_counterparty() {
        let block = "ab".repeat(32);
        let page = serde_json::json!({
            "items": [
                { "kind": "reward", "reward": { "height": 12, "block": block, "time": 1_795_424_712, "confirmations": 3,
                  "value": "50000000000000021000", "subsidy": "50000000000000000000", "fees": "21000", "proof": "none" } },
                { "kind": "transaction", "transaction": sample(OTHER, OWN, "tea") },
            ],
            "next": "ab",
        });
        let page: HistoryPageBody = serde_json::from_value(page).expect("as the API writes it");
        assert_eq!(page.next.as_deref(), Some("ab"));
        let lines = lines(page, OWN).expect("whole lines");
        assert_eq!(
            lines[0].csv(),
            format!("2026-11-23T09:05:12Z,12,{block},included,reward,,50.000000000000021,,,")
        );
        assert_eq!((lines[1].direction, lines[1].nonce), ("received", Some(7)));
        let json = serde_json::to_value(&lines[0]).expect("JSON");
        assert_eq!(
            (&json["nonce"], &json["direction"]),
            (&serde_json::Value::Null, &"reward".into())
        );
    }

    #[test]
    fn a_line_without_what_it_names_is_not_left_out() {
        for (kind, other) in [("transaction", "reward"), ("reward", "transaction")] {
            for line in [
                serde_json::json!({ "kind": kind }),
                serde_json::json!({ "kind": kind, other: null }),
            ] {
                let page = serde_json::json!({ "items": [line] });
                let page: HistoryPageBody = serde_json::from_value(page).expect("a page");
                let error = format!("the node's history has a line of a {kind} without it");
                assert_eq!(lines(page, OWN), Err(error));
            }
        }
    }

    #[test]
    fn what_a_later_version_added_costs_one_line() {
        let mut later = sample(OWN, OTHER, "tea");
        later["status"] = "reverted-later".into();
        let page = serde_json::json!({ "items": [
            { "kind": "burn", "burn": { "value": "1" } },
            { "kind": "transaction", "transaction": later },
            { "kind": "transaction", "transaction": sample(OWN, OTHER, "tea") },
        ] });
        let page: HistoryPageBody = serde_json::from_value(page).expect("a page of a later version");
        let lines = lines(page, OWN).expect("every line is there");
        assert_eq!(lines[0].csv(), ",,,kind not known to this version,unknown,,,,,");
        // Whether coins moved does not follow from a status that is not known.
        assert_eq!((lines[1].status.as_str(), lines[1].amount.as_str()), ("unknown", ""));
        assert_eq!(
            (lines[2].status.as_str(), lines[2].amount.as_str()),
            ("included", "1.5")
        );
    }

    #[test]
    fn a_memo_of_others_is_no_formula() {
        for (memo, written) in [
            ("=HYPERLINK(\"x\")", "\"'=HYPERLINK(\"\"x\"\")\""),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@x", "'@x"),
            ("a,b", "\"a,b\""),
            ("two\nlines", "\"two\nlines\""),
            // Where another sign separates cells, after spaces, and in full width.
            (";=1+1", ";'=1+1"),
            ("a;=1;b; -2", "a;'=1;b; '-2"),
            ("a\t@x", "a\t'@x"),
            ("  =1", "  '=1"),
            ("\u{3000}=1", "\u{3000}'=1"),
            ("\u{ff1d}1+1", "'\u{ff1d}1+1"),
            ("\u{ff20}x", "'\u{ff20}x"),
            ("a=1 -2", "a=1 -2"),
            ("plain", "plain"),
        ] {
            assert_eq!(cell(memo), written);
        }
    }

    #[test]
    fn a_memo_is_never_left_out_and_nothing_moves_in_a_failed_payment() {
        // A text with a line feed is none for the pages: the node gives its bytes alone.
        let mut raw = sample(OWN, OTHER, "");
        raw["status"] = "failed".into();
        raw["value"] = "11".into();
        raw["memo"] = serde_json::Value::Null;
        raw["data"] = "0x74776f0a6c696e6573".into();
        let failed = line(raw.clone());
        assert_eq!(
            (failed.amount.as_str(), failed.fee.as_str()),
            ("0", "0.000000000000021")
        );
        assert_eq!(failed.memo, "two\nlines");
        assert!(failed.csv().ends_with(",0x74776f0a6c696e6573,7"), "{}", failed.csv());
        // Bytes that are no text, and more than any memo has.
        raw["data"] = "0xff00".into();
        assert_eq!(
            (line(raw.clone()).memo.as_str(), line(raw.clone()).shown_memo.as_str()),
            ("0xff00", "0xff00")
        );
        raw["data"] = format!("0x{}", "61".repeat(MAX_MEMO_BYTES + 1)).into();
        assert_eq!(line(raw.clone()).memo, "1025 bytes of data");
    }
}
