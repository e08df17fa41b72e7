//! docs/configuration.md is made from the code: the settings of `tally node`, and the variables of the other commands.
//!
//! `TALLY_BLESS=1 cargo test --locked --test cli configuration` writes it again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use clap::{Arg, ArgAction, Command, ValueEnum as _};
use regex::Regex;
use tally::config::NodeOptions;

use crate::help::commands;

const HEAD: &str = "\
# Configuration

This page is made from the code. `tests/cli/configuration.rs` compares the two, and prints how to write the page anew.

A setting of `tally node` is a flag, an environment variable or a key of the configuration file. A flag overrides the variable, the
variable overrides the file, and the file overrides the default. `tally node --config FILE` names the file, which is TOML. A key is the
flag without the dashes. The node rejects an unknown key and does not start.

```toml
";

/// Shown on the page; a test reads it.
const EXAMPLE: &str = "\
listen = \"127.0.0.1:8080\"
mine = false
max-reorg-depth = 6000
p2p-listen = \"0.0.0.0:9333\"
peer = [\"/ip4/192.0.2.7/tcp/9333\"]
";

const SETTINGS: &str = "\
```

A list is an array in the file; it separates its values by commas in a variable; its flag is repeated, or takes values separated by commas.
A flag of true or false alone means true.

## The node

| key | flag | variable | value | default | meaning |
| --- | --- | --- | --- | --- | --- |
";

const OTHERS: &str = "
## Other commands

Their other flags have no variable: `tally --help` and the help of each command list them.

| variable | flag | commands | value | default | meaning |
| --- | --- | --- | --- | --- | --- |
";

/// The content of an empty cell.
const NOTHING: &str = "–";

/// The page as the code makes it.
fn page() -> String {
    let all = commands();
    let (_, node) = all.iter().find(|(path, _)| path.as_slice() == ["node"]).unwrap();
    let (settings, variables) = (settings(node), variables(&all));
    [HEAD, EXAMPLE, SETTINGS, settings.as_str(), OTHERS, variables.as_str()].concat()
}

fn settings(node: &Command) -> String {
    let keys = keys();
    let mut rows = String::new();
    for argument in arguments(node) {
        let Some(long) = argument.get_long() else { continue };
        let key = if keys.contains(long) {
            code(long)
        } else {
            NOTHING.to_owned()
        };
        let variable = variable(argument).map_or_else(|| NOTHING.to_owned(), |name| code(&name));
        let (meaning, default) = meaning_and_default(argument);
        rows += &row(&[key, flag(argument), variable, value(argument), default, meaning]);
    }
    rows
}

fn variables(all: &[(Vec<String>, Command)]) -> String {
    // An option that several commands share is one row; its first word names each command.
    let mut found: BTreeMap<[String; 5], BTreeSet<String>> = BTreeMap::new();
    for (path, command) in all {
        let Some(first) = path.first().filter(|first| *first != "node") else {
            continue;
        };
        for argument in arguments(command) {
            let Some(variable) = variable(argument) else { continue };
            let (meaning, default) = meaning_and_default(argument);
            let option = [code(&variable), flag(argument), value(argument), default, meaning];
            found.entry(option).or_default().insert(code(&format!("tally {first}")));
        }
    }
    let rows = found.into_iter().map(|(option, commands)| {
        let [variable, flag, value, default, meaning] = option;
        let commands = commands.into_iter().collect::<Vec<_>>().join(", ");
        row(&[variable, flag, commands, value, default, meaning])
    });
    rows.collect()
}

/// The arguments of a command that its help shows, without those of clap.
fn arguments(command: &Command) -> impl Iterator<Item = &Arg> {
    let shown = command.get_arguments().filter(|argument| !argument.is_hide_set());
    shown.filter(|argument| !["help", "version"].contains(&argument.get_id().as_str()))
}

/// The keys that a configuration file may have, from the error that lists them.
fn keys() -> BTreeSet<String> {
    let error = toml::from_str::<NodeOptions>("no-such-key = 1").unwrap_err();
    let names = Regex::new("`([a-z0-9-]+)`").unwrap();
    let found = names.captures_iter(error.message()).map(|found| found[1].to_owned());
    let keys: BTreeSet<String> = found.filter(|name| name != "no-such-key").collect();
    assert!(keys.len() > 30, "{error}");
    keys
}

fn variable(argument: &Arg) -> Option<String> {
    Some(argument.get_env()?.to_str().unwrap().to_owned())
}

/// The flag, or the name of an argument without one.
fn flag(argument: &Arg) -> String {
    match argument.get_long() {
        Some(long) => code(&format!("--{long}")),
        None => code(&value_name(argument)),
    }
}

fn value_name(argument: &Arg) -> String {
    let name = argument.get_value_names().and_then(|names| names.first());
    name.map_or_else(|| argument.get_id().to_string(), ToString::to_string)
}

/// What the option takes: its possible values, else the name of the value with its form.
fn value(argument: &Arg) -> String {
    if !argument.get_action().takes_values() {
        return NOTHING.to_owned();
    }
    let possible = argument.get_possible_values();
    let one = match possible.is_empty() {
        true => code(&value_name(argument)),
        false => {
            let names = possible.iter().map(|value| code(value.get_name()));
            names.collect::<Vec<_>>().join(" or ")
        }
    };
    match argument.get_action() {
        ArgAction::Append => format!("list of {one}"),
        _ => one,
    }
}

/// The help text, apart from the default that it ends with.
fn meaning_and_default(argument: &Arg) -> (String, String) {
    let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
    let end = Regex::new(r"\s*\[default([^:\]]*): ([^\]]*)\]$").unwrap();
    let stated = end.captures(&help).map(|found| match found[1].trim() {
        "" => found[2].to_owned(),
        condition => format!("{condition}: {}", &found[2]),
    });
    let declared = argument
        .get_default_values()
        .iter()
        .map(|value| value.to_str().unwrap());
    let declared = declared.collect::<Vec<_>>().join(",");
    let declared = if declared.is_empty() {
        "none".to_owned()
    } else {
        declared
    };
    (end.replace(&help, "").into_owned(), stated.unwrap_or(declared))
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

fn row(cells: &[String]) -> String {
    let cells = cells.iter().map(|cell| cell.replace('|', "\\|").replace('\n', " "));
    format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
}

#[test]
fn the_page_is_what_the_code_makes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/configuration.md");
    let made = page();
    if std::env::var_os("TALLY_BLESS").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    let mut lines = (1..).zip(kept.lines().zip(made.lines()));
    let differs = lines.find(|(_, (kept, made))| kept != made);
    assert!(
        kept == made,
        "docs/configuration.md is not what the code makes, first at {differs:?} (line, then as it is and as it should be); \
         TALLY_BLESS=1 writes it anew"
    );
}

#[test]
fn every_key_of_the_file_is_a_flag_and_the_example_is_read() {
    let all = commands();
    let (_, node) = all.iter().find(|(path, _)| path.as_slice() == ["node"]).unwrap();
    let flags: BTreeSet<&str> = arguments(node).filter_map(Arg::get_long).collect();
    for key in keys() {
        assert!(flags.contains(key.as_str()), "{key} is no flag");
    }
    let options: NodeOptions = toml::from_str(EXAMPLE).unwrap();
    assert_eq!(options.mine, Some(false));
}

#[test]
fn the_defaults_that_the_help_gives_are_those_of_the_code() {
    let options = NodeOptions {
        data_dir: Some("data".into()),
        p2p_listen: Some("127.0.0.1:9333".parse().unwrap()),
        ..NodeOptions::default()
    };
    let config = options.resolve().unwrap();
    let (node, web, p2p) = (&config.node, &config.web, config.p2p.as_ref().unwrap());
    let format = config.log_format.to_possible_value().unwrap();
    let header = web.proxy_header.to_possible_value().unwrap();
    let all = commands();
    let (_, command) = all.iter().find(|(path, _)| path.as_slice() == ["node"]).unwrap();
    for (long, expected) in [
        ("chain", node.spec.name.clone()),
        ("listen", web.listen.to_string()),
        ("mine-threads", node.mining.threads.to_string()),
        ("max-reorg-depth", node.max_reorg_depth.to_string()),
        ("log-level", config.log_level.clone()),
        ("log-format", format.get_name().to_owned()),
        ("rate-limit", web.rate_limit.to_string()),
        ("rate-limit-local", web.rate_limit_local.to_string()),
        ("max-streams", web.max_streams.to_string()),
        ("max-streams-per-address", web.max_streams_per_address.to_string()),
        ("max-connections", web.max_connections.to_string()),
        (
            "max-connections-per-address",
            web.max_connections_per_address.to_string(),
        ),
        ("proxy-header", header.get_name().to_owned()),
        ("from-checkpoint", node.checkpoints.begin.to_string()),
        ("checkpoint-every", node.checkpoints.every.to_string()),
        ("checkpoint-depth", node.checkpoints.depth.to_string()),
        ("p2p-discover", p2p.discover.to_string()),
        ("p2p-lan", p2p.lan.to_string()),
        ("tls-self-signed", web.tls.is_some().to_string()),
    ] {
        let argument = arguments(command).find(|argument| argument.get_long() == Some(long));
        let (_, stated) = meaning_and_default(argument.unwrap());
        assert_eq!(stated, expected, "--{long}");
    }
}
