//! `tally token`: tokens of a running node, and its log of operator actions.

use std::io::IsTerminal as _;

use anyhow::bail;
use clap::{Args, Subcommand};
use tally_api::tokens::{
    CreateTokenBody, LinkBody, LogEntryBody, LogPageBody, MAX_LOG_PAGE, NewTokenBody, TokenBody, TokensBody,
};
use tally_app::format::iso;
use tally_node::counted::counted;
use zeroize::Zeroizing;

use super::client::{Client, Method, NodeArgs, Operator};
use super::out::{self, After as _, errln, once, out, outln, plain};
use crate::config::default_data_dir;
use crate::tokens::TokenId;
use crate::tokens::log::{BEGIN, MAX_LINE, Position, Why, read_line, wrong};

#[derive(Debug, Args)]
pub struct TokenArgs {
    #[command(subcommand)]
    command: TokenCommand,
    #[command(flatten)]
    node: NodeArgs,
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Create a token and print its text, which is shown this once
    Create {
        /// What it is for
        #[arg(long)]
        name: String,
        /// What it may do: mining, peers, load, lab, audit, metrics, tokens, read; separated by commas
        #[arg(long, value_name = "SCOPES", value_delimiter = ',', required = true)]
        scope: Vec<String>,
        /// When it expires: 90s, 30m, 12h, 30d or 2w from now; without it, never
        #[arg(long, value_name = "TIME", value_parser = lifetime)]
        expires_in: Option<u64>,
        /// Requests a second that it is good for; without it, it has no limit of its own
        #[arg(long, value_name = "N")]
        requests_per_second: Option<u32>,
        /// The address, or the range of addresses, from which alone it is taken
        #[arg(long, value_name = "RANGE")]
        range: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// List tokens, without their texts
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Give a token another text, and print it; the one before is not taken any more
    Rotate {
        /// The token's id
        id: TokenId,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Revoke a token
    Revoke {
        /// The token's id
        id: TokenId,
    },
    /// Print a new operator link: the tab that opens it, once, has for 12 hours what the token has
    Link {
        /// The address of the pages as the browser reaches them, where that is not the one of --node
        #[arg(long, value_name = "URL")]
        page: Option<String>,
    },
    /// Print what operators did, the newest first
    Log {
        /// Entries, 1 to 200
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_LOG_PAGE)))]
        limit: u32,
        /// Entries with smaller numbers only
        #[arg(long, value_name = "NUMBER")]
        before: Option<u64>,
        /// Print JSON
        #[arg(long)]
        json: bool,
        /// Print the whole log as it is on the node's disk: an entry a line, the oldest first
        #[arg(long, conflicts_with_all = ["limit", "before", "json"])]
        export: bool,
    },
}

/// A span of time as seconds.
fn lifetime(text: &str) -> Result<u64, String> {
    let units = [("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400), ("w", 604_800)];
    let parsed = units.into_iter().find_map(|(unit, secs)| {
        let count: u64 = text.strip_suffix(unit)?.parse().ok()?;
        count.checked_mul(secs)
    });
    parsed.ok_or_else(|| "expected a number with s, m, h, d or w, such as 30d".to_owned())
}

pub fn run(args: &TokenArgs) -> anyhow::Result<()> {
    let usual = || anyhow::Ok(default_data_dir("local")?.join("operator-token"));
    let operator = Operator::new(Client::to(&args.node.or_token_file(usual)?)?);
    match &args.command {
        TokenCommand::Create {
            name,
            scope,
            expires_in,
            requests_per_second,
            range,
            json,
        } => {
            let body = CreateTokenBody {
                name: name.clone(),
                scopes: scope.clone(),
                lifetime_secs: *expires_in,
                requests_per_second: *requests_per_second,
                range: range.clone(),
            };
            // Before it is made: it is shown this once.
            out::check_seen()?;
            let new = operator.request(Method::Post, "tokens", Some(&body))?;
            print_new(&new, *json)
        }
        TokenCommand::List { json } => list(&operator, *json),
        TokenCommand::Rotate { id, json } => {
            out::check_seen()?;
            let new = operator.request(Method::Post, &format!("tokens/{id}/rotate"), None::<&()>)?;
            print_new(&new, *json)
        }
        TokenCommand::Revoke { id } => {
            operator.command(Method::Delete, &format!("tokens/{id}"))?;
            Ok(outln!("{id} is revoked").after(|| format!("{id} was revoked"))?)
        }
        TokenCommand::Link { page } => {
            out::check_seen()?;
            let LinkBody { code } = operator.request(Method::Post, "operator/link", None::<&()>)?;
            let page = page.as_deref().unwrap_or_else(|| operator.node()).trim_end_matches('/');
            Ok(once!("{page}/#sign-in={}", plain(code.expose()))?)
        }
        TokenCommand::Log { export: true, .. } => export(&operator),
        TokenCommand::Log {
            limit, before, json, ..
        } => log(&operator, *limit, *before, *json),
    }
}

fn print_new(new: &NewTokenBody, json: bool) -> anyhow::Result<()> {
    let TokenBody { id, .. } = &new.token;
    let Ok(id) = id.parse::<TokenId>() else {
        bail!("the node's answer has no token's id");
    };
    let secret = new.secret.expose();
    let printed = match json {
        true => {
            let text = Zeroizing::new(serde_json::to_string_pretty(new)?);
            once!("{}", text.as_str())
        }
        false => once!("{}", plain(secret)),
    };
    printed
        .after(|| format!("token {id} has a new text that nobody knows; revoke it with `tally token revoke {id}`"))?;
    if !json {
        errln!("Token {id}. This is shown once: the node keeps a salted hash of it.");
    }
    Ok(())
}

fn list(operator: &Operator, json: bool) -> anyhow::Result<()> {
    let TokensBody { items } = operator.request(Method::Get, "tokens", None::<&()>)?;
    if json {
        return Ok(outln!("{}", serde_json::to_string_pretty(&items)?)?);
    }
    if items.is_empty() {
        return Ok(outln!("no tokens; the operator's own is not listed")?);
    }
    for token in &items {
        outln!("{}", plain(&line(token)))?;
    }
    Ok(())
}

fn line(token: &TokenBody) -> String {
    let mut parts = vec![token.scopes.join(",")];
    match token.expires {
        Some(time) if token.expired => parts.push(format!("expired {}", iso(time))),
        Some(time) => parts.push(format!("expires {}", iso(time))),
        None => {}
    }
    parts.extend(token.range.as_ref().map(|range| format!("from {range}")));
    parts.extend(
        token
            .requests_per_second
            .map(|rate| format!("{rate} requests a second")),
    );
    parts.push(match &token.last_used {
        Some(used) => format!("used {} from {}", iso(used.time), used.address),
        None => "never used".to_owned(),
    });
    format!("{}  {}  {}", token.id, token.name, parts.join("; "))
}

fn log(operator: &Operator, limit: u32, before: Option<u64>, json: bool) -> anyhow::Result<()> {
    let before = before.map(|number| format!("&before={number}")).unwrap_or_default();
    let page: LogPageBody =
        operator.request(Method::Get, &format!("operator/log?limit={limit}{before}"), None::<&()>)?;
    for fault in &page.faults {
        let (file, reason) = (&fault.file, &fault.reason);
        errln!("not as the node wrote it: {file}, line {}: {reason}", fault.line);
    }
    if json {
        return Ok(outln!("{}", serde_json::to_string_pretty(&page)?)?);
    }
    for entry in &page.items {
        outln!("{}", plain(&entry_line(entry)))?;
    }
    Ok(())
}

/// Prints the log as it comes, and checks that its entries follow each other.
fn export(operator: &Operator) -> anyhow::Result<()> {
    let terminal = std::io::stdout().is_terminal();
    let (mut number, mut faults) = (0_u64, 0_u64);
    let mut before = None;
    operator.lines("operator/log?format=ndjson", MAX_LINE, |line| {
        let text = String::from_utf8_lossy(line);
        // A file gets the bytes whose hashes are in it; a terminal gets nothing that moves its cursor.
        match terminal {
            true => out!("{}", plain(&text))?,
            false => out!("{text}")?,
        }
        number += 1;
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let why = match read_line(line) {
            None => {
                before = None;
                Some(Why::NotAnEntry)
            }
            Some(entry) => {
                // The oldest file may be gone: then the first line follows what is not here.
                let follows = if number == 1 && entry.sequence == 1 {
                    Some(BEGIN)
                } else {
                    before
                };
                before = Some(Position::of(&entry));
                wrong(follows, &entry, line)
            }
        };
        if let Some(why) = why {
            faults += 1;
            errln!("line {number}: {why}");
        }
        Ok(())
    })?;
    if faults > 0 {
        bail!(
            "the log is not as it was written: {}",
            counted(faults, "fault", "faults")
        );
    }
    let entries = counted(number, "entry", "entries");
    let head = before.map(|Position { hash, .. }| format!(", the last one with hash {hash:#x}"));
    errln!("{entries}, each after the one before{}", head.unwrap_or_default());
    Ok(())
}

fn entry_line(entry: &LogEntryBody) -> String {
    let address = entry
        .address
        .map(|address| format!(" from {address}"))
        .unwrap_or_default();
    let actor = match entry.actor.id == entry.actor.name {
        true => entry.actor.id.clone(),
        false => format!("{} ({})", entry.actor.name, entry.actor.id),
    };
    let LogEntryBody {
        sequence,
        action,
        parameters,
        outcome,
        ..
    } = entry;
    format!(
        "{sequence}  {}  {actor}{address}  {action} {parameters}  {outcome}",
        iso(entry.time)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_of_time_is_a_number_with_its_unit() {
        assert_eq!(lifetime("90s"), Ok(90));
        assert_eq!(lifetime("30d"), Ok(2_592_000));
        assert_eq!(lifetime("2w"), Ok(1_209_600));
        for wrong in [
            "",
            "d",
            "30",
            "-1d",
            "1.5h",
            "30 d",
            "99999999999999999999s",
            "18446744073709551615w",
        ] {
            assert!(lifetime(wrong).is_err(), "{wrong}");
        }
    }
}
