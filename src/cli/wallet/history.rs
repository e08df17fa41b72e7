//! `tally wallet history`: what an account sent, received and mined, as the browser saves it.
//!
//! The CSV is UTF-8 (RFC 4180: commas, CRLF), with points in numbers and times in UTC.

use anyhow::bail;
use clap::Args;
use tally_api::ProblemBody;
use tally_api::accounts::HistoryPageBody;
use tally_api::page::MAX_PAGE;
use tally_app::wallet::export::{self, Line, csv};
use tally_node::counted::counted;

use super::super::client::Client;
use super::super::out::{errln, out, outln, plain};
use super::accounts::find;
use super::file::VaultFile;

/// How often the list is begun again where a reorg undoes what was read of it.
const TRIES: usize = 5;

#[derive(Debug, Args)]
pub struct HistoryArgs {
    /// The account: its address or its label
    account: String,
    /// Most lines, the newest first
    #[arg(long, default_value_t = 100_000, value_name = "NUMBER")]
    most: usize,
    /// Every line, however many there are
    #[arg(long, conflicts_with = "most")]
    all: bool,
    /// Print JSON instead of CSV
    #[arg(long)]
    json: bool,
    /// Begin the CSV with a byte order mark, by which Excel knows UTF-8 when the file is opened by a double click
    #[arg(long, conflicts_with = "json")]
    bom: bool,
}

pub fn run(file: &VaultFile, client: &Client, args: &HistoryArgs) -> anyhow::Result<()> {
    let status = client.status()?;
    let (vault, _) = file.open()?;
    vault.check_chain(status.genesis_id)?;
    let account = find(&vault, &args.account)?.address.to_string();
    let most = if args.all { usize::MAX } else { args.most };
    let History { lines, more } = read(client, &account, most)?;
    match args.json {
        true => outln!("{}", serde_json::to_string_pretty(&lines)?)?,
        false => {
            // The words of a node may go to a terminal: a row is as the page writes it, unless it holds what cannot be seen.
            let rows: Vec<String> = csv(&lines).split("\r\n").map(plain).collect();
            out!("{}{}", if args.bom { "\u{feff}" } else { "" }, rows.join("\r\n"))?;
        }
    }
    // On standard error: the table goes to a file.
    if more {
        errln!(
            "The list has the newest {}; there are more: --all prints them.",
            counted(lines.len(), "line", "lines")
        );
    }
    errln!("Genesis allocations and payments by contracts are no transactions: the list does not contain them.");
    Ok(())
}

struct History {
    lines: Vec<Line>,
    /// Whether there are more than `most`.
    more: bool,
}

/// The newest lines, of one and the same chain: where a reorg undoes what was read, it is read again.
fn read(client: &Client, account: &str, most: usize) -> anyhow::Result<History> {
    for _ in 0..TRIES {
        let read = read_once(client, account, most);
        let named = |problem: &ProblemBody| problem.name() == "history-changed";
        let changed = |error: &anyhow::Error| error.downcast_ref::<ProblemBody>().is_some_and(named);
        match read {
            Err(error) if changed(&error) => {
                errln!(
                    "note: part of what was read has been undone by a branch with more total work; the list is read again"
                );
            }
            done => return done,
        }
    }
    bail!("nothing was printed: the chain changed {TRIES} times while its history was read; try again later")
}

fn read_once(client: &Client, account: &str, most: usize) -> anyhow::Result<History> {
    let (mut lines, mut cursor, mut more) = (Vec::new(), String::new(), false);
    while lines.len() < most {
        let limit = (MAX_PAGE as usize).min(most - lines.len());
        let mut page: HistoryPageBody = client.get(&format!("accounts/{account}/history?limit={limit}{cursor}"))?;
        let next = page.next.take();
        let before = lines.len();
        lines.extend(export::lines(page, account).map_err(anyhow::Error::msg)?);
        more = next.is_some();
        // Every page of a node has a line; without one the list would go on for ever.
        if more && lines.len() == before {
            bail!("nothing was printed: the node's list goes on, but its page has no line");
        }
        match next {
            // A cursor is of letters and digits that need no escape in a query.
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    Ok(History { lines, more })
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_list_that_goes_on_without_a_line_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        std::thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                let head = BufReader::new(stream.try_clone().expect("a socket")).lines();
                // Whatever the request.
                head.map_while(Result::ok)
                    .take_while(|line| !line.is_empty())
                    .for_each(drop);
                let body = r#"{"items":[],"next":"ab"}"#;
                let length = body.len();
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
                let _ = stream.write_all(format!("{head}{body}").as_bytes());
            }
        });
        let client = Client::new(&url).expect("a URL");
        let error = read(&client, "0x00", 1_000).err().expect("it has no end");
        assert_eq!(
            error.to_string(),
            "nothing was printed: the node's list goes on, but its page has no line"
        );
    }
}
