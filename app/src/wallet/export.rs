//! The history of an account as a file, for spreadsheets (CSV) and programs (JSON).

use leptos::{prelude::*, task::spawn_local};
use serde::{Deserialize, Serialize};
use tally_chain::Bytes;

use crate::{
    browser, format,
    model::BaseUnits,
    ui::{Button, Notice, NoticeKind},
};

/// Most lines that one file takes.
const MOST: usize = 100_000;
/// Longest memo that a wallet attaches, in bytes. Rule: docs/protocol.md#W8
const MAX_MEMO: usize = 1_024;
/// Lines asked for at once.
const PAGE: usize = 100;

/// A page of an account's history, as the node gives it.
#[derive(Deserialize)]
pub struct Page {
    items: Vec<Entry>,
    /// Where the next one begins, if there is one.
    pub next: Option<String>,
}

impl Page {
    /// Its lines, seen from the account.
    pub fn lines(self, account: &str) -> impl Iterator<Item = Line> {
        self.items.into_iter().map(move |entry| match entry {
            Entry::Transaction { transaction } => Line::of(account, transaction),
            Entry::Reward { reward } => Line::of_reward(reward),
        })
    }
}

/// A line of a history as the node gives it.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Entry {
    Transaction { transaction: Told },
    Reward { reward: Reward },
}

/// What the account received for a block that it produced.
#[derive(Deserialize)]
struct Reward {
    height: u64,
    /// Id of the block.
    block: String,
    time: u64,
    /// Subsidy and fees.
    value: BaseUnits,
}

/// A transaction as the node tells it.
#[derive(Deserialize)]
struct Told {
    id: String,
    status: String,
    sender: String,
    to: Option<String>,
    value: BaseUnits,
    /// The memo, where every character of it can be seen.
    memo: Option<String>,
    /// The same as bytes, whatever they are; 0x-prefixed hex.
    #[serde(default)]
    data: Bytes,
    nonce: u64,
    block: Option<Block>,
    receipt: Option<Receipt>,
}

impl Told {
    /// The memo on one line on which all can be seen: line feeds, tabs and hidden characters make it hex, as on the pages. Of
    /// what is too long for a memo only the length is given.
    fn shown_memo(&self) -> String {
        match &self.memo {
            Some(memo) => memo.clone(),
            None if self.data.is_empty() => String::new(),
            None if self.data.len() > MAX_MEMO => format!("{} bytes of data", self.data.len()),
            None => self.data.to_string(),
        }
    }

    /// The memo as it was sent, where it is text of any characters.
    fn exact_memo(&self) -> String {
        match std::str::from_utf8(&self.data) {
            Ok(text) if self.memo.is_none() && text.len() <= MAX_MEMO => text.to_owned(),
            _ => self.shown_memo(),
        }
    }
}

#[derive(Deserialize)]
struct Block {
    height: u64,
    time: u64,
}

#[derive(Deserialize)]
struct Receipt {
    fee: BaseUnits,
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
    /// `sent`, `received`, `self` or `reward`.
    direction: &'static str,
    counterparty: String,
    /// Coins that moved, exact: 0 of a payment that failed.
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
    fn of(account: &str, told: Told) -> Self {
        let (memo, shown_memo) = (told.exact_memo(), told.shown_memo());
        let failed = told.status == "failed";
        let to = told.to.unwrap_or_default();
        let (direction, counterparty) = match (told.sender == account, to == account) {
            (true, true) => ("self", to),
            (true, false) => ("sent", to),
            (false, _) => ("received", told.sender),
        };
        let fee = told
            .receipt
            .filter(|_| direction != "received")
            .map(|receipt| receipt.fee);
        Self {
            time: told
                .block
                .as_ref()
                .map(|block| format::iso(block.time))
                .unwrap_or_default(),
            height: told.block.map(|block| block.height),
            id: told.id,
            status: told.status,
            direction,
            counterparty,
            amount: if failed { "0".to_owned() } else { plain(&told.value) },
            fee: fee.as_ref().map(plain).unwrap_or_default(),
            memo,
            shown_memo,
            nonce: Some(told.nonce),
        }
    }

    fn of_reward(reward: Reward) -> Self {
        Self {
            time: format::iso(reward.time),
            height: Some(reward.height),
            id: reward.block,
            status: "included".to_owned(),
            direction: "reward",
            counterparty: String::new(),
            amount: plain(&reward.value),
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

/// Coins with a point and no grouping, as programs read them.
fn plain(units: &BaseUnits) -> String {
    let (whole, fraction) = units.split();
    match fraction.trim_end_matches('0') {
        "" => whole,
        fraction => format!("{whole}.{fraction}"),
    }
}

/// Signs with which a spreadsheet begins a formula, the full-width ones of East Asian keyboards among them.
const FORMULA: [char; 8] = ['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];
/// Where a cell may begin, besides its own start: these separate cells in spreadsheets of other languages.
const SEPARATORS: [char; 2] = [';', '\t'];

/// A cell of RFC 4180. A text that a spreadsheet would take for a formula gets an apostrophe before it, at its start, after spaces
/// there, and wherever another language's separator would begin a cell: memos come from strangers.
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
    let mut lines = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/api/v1/accounts/{account}/history?limit={PAGE}{cursor}");
        let mut page: Page = browser::get_json(&path).await?;
        let next = page.next.take();
        lines.extend(page.lines(account));
        progress(lines.len());
        match next {
            Some(_) if lines.len() >= MOST => return Ok((lines, true)),
            Some(next) => cursor = format!("&cursor={}", format::query_value(&next)),
            None => return Ok((lines, false)),
        }
    }
}

/// Buttons that make the files.
#[component]
pub fn Export(account: RwSignal<String>) -> impl IntoView {
    let (busy, progress) = (RwSignal::new(false), RwSignal::new(0usize));
    let (cut, trouble) = (RwSignal::new(false), RwSignal::new(None::<String>));
    let save = move |json: bool| {
        let address = account.get_untracked();
        busy.set(true);
        progress.set(0);
        trouble.set(None);
        cut.set(false);
        spawn_local(async move {
            let told = move |count| {
                let _ = progress.try_set(count);
            };
            match read(&address, told).await {
                Ok((lines, more)) => {
                    let _ = cut.try_set(more);
                    let (end, text) = match json {
                        true => ("json", serde_json::to_string_pretty(&lines)),
                        false => ("csv", Ok(csv(&lines))),
                    };
                    match text {
                        Ok(text) => browser::download(&format!("tally-history-{address}.{end}"), text.as_bytes()),
                        Err(error) => drop(trouble.try_set(Some(error.to_string()))),
                    }
                }
                Err(why) => drop(trouble.try_set(Some(why))),
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
                "CSV is UTF-8 with commas, points in numbers and times in UTC: a spreadsheet asks for these when it imports the file. \
                 Rewards of mining are lines of it; payments by contracts are no transactions and are not in it."
            </span>
        </div>
        {move || cut.get().then(|| view! { <p class="field-hint">{format!("The file has the newest {} lines; there are more.", format::count(MOST as u64))}</p> })}
        {move || {
            trouble
                .get()
                .map(|why| {
                    view! {
                        <Notice kind=NoticeKind::Error title="The file was not made">
                            <p>{why}</p>
                            <p>"Look whether the node still runs, then try again."</p>
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

    fn told(sender: &str, to: &str, memo: &str) -> Told {
        let text = serde_json::json!({
            "id": "0x01", "status": "included", "sender": sender, "to": to, "value": "1500000000000000000", "memo": memo,
            "nonce": 7, "block": { "height": 12, "time": 1_795_424_712, "id": "ab" }, "receipt": { "fee": "21000", "success": true },
        });
        serde_json::from_value(text).expect("as the API writes it")
    }

    #[test]
    fn lines_are_exact_and_seen_from_the_account() {
        let line = Line::of(OWN, told(OWN, OTHER, "tea"));
        assert_eq!((line.direction, line.counterparty.as_str()), ("sent", OTHER));
        assert_eq!((line.amount.as_str(), line.fee.as_str()), ("1.5", "0.000000000000021"));
        assert_eq!(
            line.csv(),
            format!("2026-11-23T09:05:12Z,12,0x01,included,sent,{OTHER},1.5,0.000000000000021,tea,7")
        );
        let line = Line::of(OWN, told(OTHER, OWN, ""));
        assert_eq!((line.direction, line.fee.as_str()), ("received", ""));
        assert_eq!(Line::of(OWN, told(OWN, OWN, "")).direction, "self");
        assert_eq!(csv(&[]), format!("{HEAD}\r\n"));
    }

    #[test]
    fn a_reward_is_a_line_without_a_counterparty() {
        let page = serde_json::json!({
            "items": [
                { "kind": "reward", "reward": { "height": 12, "block": "ab", "time": 1_795_424_712, "confirmations": 3,
                  "value": "50000000000000021000", "subsidy": "50000000000000000000", "fees": "21000", "proof": "none" } },
                { "kind": "transaction", "transaction": { "id": "0x01", "status": "included", "sender": OTHER, "to": OWN,
                  "value": "1", "memo": "tea", "data": "0x746561", "nonce": 7, "block": { "height": 12, "time": 1_795_424_712 },
                  "receipt": { "fee": "21000" } } },
            ],
            "next": "ab",
        });
        let page: Page = serde_json::from_value(page).expect("as the API writes it");
        assert_eq!(page.next.as_deref(), Some("ab"));
        let lines: Vec<Line> = page.lines(OWN).collect();
        assert_eq!(
            lines[0].csv(),
            "2026-11-23T09:05:12Z,12,ab,included,reward,,50.000000000000021,,,"
        );
        assert_eq!((lines[1].direction, lines[1].nonce), ("received", Some(7)));
        let json = serde_json::to_value(&lines[0]).expect("JSON");
        assert_eq!(
            (&json["nonce"], &json["direction"]),
            (&serde_json::Value::Null, &"reward".into())
        );
    }

    #[test]
    fn a_strangers_memo_is_no_formula() {
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
        let mut raw = serde_json::json!({
            "id": "0x01", "status": "failed", "sender": OWN, "to": OTHER, "value": "11", "memo": null,
            "data": "0x74776f0a6c696e6573", "nonce": 7, "block": null, "receipt": { "fee": "21000" },
        });
        let line = |raw: &serde_json::Value| {
            let told: Told = serde_json::from_value(raw.clone()).expect("as the API writes it");
            Line::of(OWN, told)
        };
        let failed = line(&raw);
        assert_eq!(
            (failed.amount.as_str(), failed.fee.as_str()),
            ("0", "0.000000000000021")
        );
        assert_eq!(failed.memo, "two\nlines");
        assert!(failed.csv().ends_with(",0x74776f0a6c696e6573,7"), "{}", failed.csv());
        // Bytes that are no text, and more than any memo has.
        raw["data"] = "0xff00".into();
        assert_eq!(
            (line(&raw).memo.as_str(), line(&raw).shown_memo.as_str()),
            ("0xff00", "0xff00")
        );
        raw["data"] = format!("0x{}", "61".repeat(MAX_MEMO + 1)).into();
        assert_eq!(line(&raw).memo, "1025 bytes of data");
    }
}
