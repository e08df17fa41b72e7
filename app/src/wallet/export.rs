//! The history of an account as a file, for spreadsheets (CSV) and programs (JSON).

use leptos::{prelude::*, task::spawn_local};
use serde::{Deserialize, Serialize};

use crate::{
    browser, format,
    model::BaseUnits,
    ui::{Button, Notice, NoticeKind},
};

/// Most transactions that one file takes.
const MOST: usize = 100_000;
/// Transactions asked for at once.
const PAGE: usize = 100;

/// A page of an account's transactions, as the node tells it.
#[derive(Deserialize)]
pub struct Page {
    items: Vec<Told>,
    /// Where the next one begins, if there is one.
    pub next: Option<String>,
}

impl Page {
    /// Its lines, seen from the account.
    pub fn lines(self, account: &str) -> impl Iterator<Item = Line> {
        self.items.into_iter().map(move |told| Line::of(account, told))
    }
}

/// A transaction as the node tells it.
#[derive(Deserialize)]
struct Told {
    id: String,
    status: String,
    sender: String,
    to: Option<String>,
    value: BaseUnits,
    memo: Option<String>,
    nonce: u64,
    block: Option<Block>,
    receipt: Option<Receipt>,
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
    id: String,
    status: String,
    /// `sent`, `received` or `self`.
    direction: &'static str,
    counterparty: String,
    /// Coins, exact.
    amount: String,
    /// Coins, exact; what this account paid.
    fee: String,
    memo: String,
    nonce: u64,
}

const HEAD: &str = "time,height,id,status,direction,counterparty,amount,fee,memo,nonce";

impl Line {
    fn of(account: &str, told: Told) -> Self {
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
            amount: plain(&told.value),
            fee: fee.as_ref().map(plain).unwrap_or_default(),
            memo: told.memo.unwrap_or_default(),
            nonce: told.nonce,
        }
    }

    fn csv(&self) -> String {
        let height = self.height.map(|height| height.to_string()).unwrap_or_default();
        let nonce = self.nonce.to_string();
        let cells = [
            &self.time,
            &height,
            &self.id,
            &self.status,
            self.direction,
            &self.counterparty,
            &self.amount,
            &self.fee,
            &self.memo,
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

/// A cell of RFC 4180. A text that a spreadsheet would take for a formula gets an apostrophe before it: memos come from
/// strangers.
fn cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text,
    }
}

/// The whole file, with a line of names.
pub fn csv(lines: &[Line]) -> String {
    let rows = lines.iter().map(Line::csv);
    let all: Vec<String> = std::iter::once(HEAD.to_owned()).chain(rows).collect();
    all.join("\r\n") + "\r\n"
}

/// All transactions of an account, newest first; whether there were more than fit.
async fn read(account: &str, progress: impl Fn(usize)) -> Result<(Vec<Line>, bool), String> {
    let mut lines = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/api/v1/accounts/{account}/transactions?limit={PAGE}{cursor}");
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
        spawn_local(async move {
            let told = move |count| {
                let _ = progress.try_set(count);
            };
            match read(&address, told).await {
                Ok((lines, more)) => {
                    let _ = cut.try_set(more);
                    let (end, text) = match json {
                        true => ("json", serde_json::to_string_pretty(&lines).unwrap_or_default()),
                        false => ("csv", csv(&lines)),
                    };
                    browser::download(&format!("tally-history-{address}.{end}"), text.as_bytes());
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
        </div>
        {move || cut.get().then(|| view! { <p class="field-hint">{format!("The file has the newest {} transactions; there are more.", format::count(MOST as u64))}</p> })}
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
    fn a_strangers_memo_is_no_formula() {
        for (memo, written) in [
            ("=HYPERLINK(\"x\")", "\"'=HYPERLINK(\"\"x\"\")\""),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@x", "'@x"),
            ("a,b", "\"a,b\""),
            ("two\nlines", "\"two\nlines\""),
            ("plain", "plain"),
        ] {
            assert_eq!(cell(memo), written);
        }
    }
}
