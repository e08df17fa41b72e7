//! What the documents and the files for operators name exists, with the figures that they give.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use regex::Regex;
use tally::config::{NodeOptions, WebConfig};

use crate::help::{commands, documents};

/// Options of other programs that the documents show: useradd, systemctl, cargo, docker, apt-get, and those of Dockerfiles.
const OF_OTHERS: [&str; 13] = [
    "create-home",
    "health-cmd",
    "home-dir",
    "interval",
    "no-install-recommends",
    "now",
    "release",
    "shell",
    "start-period",
    "system",
    "timeout",
    "uid",
    "ulimit",
];

/// Variables of the tests.
const OF_TESTS: [&str; 4] = ["TALLY_FAULTS", "TALLY_KILLS", "TALLY_PRIMES", "TALLY_SOAK_SECS"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every match of the pattern's first group in what operators read, with its place.
fn named(pattern: &str) -> Vec<(String, String)> {
    let pattern = Regex::new(pattern).unwrap();
    let more = ["CHANGELOG.md", "deploy/Dockerfile", "deploy/secrets.conf"].map(|file| root().join(file));
    let files: Vec<PathBuf> = documents().into_iter().chain(more).collect();
    let mut found = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        for (number, line) in (1..).zip(text.lines()) {
            for captures in pattern.captures_iter(line) {
                found.push((captures[1].to_owned(), format!("{}:{number}", file.display())));
            }
        }
    }
    found
}

#[test]
fn every_option_that_is_named_exists() {
    let all = commands();
    let arguments = all.iter().flat_map(|(_, command)| command.get_arguments());
    let mut known: BTreeSet<&str> = arguments.filter_map(|argument| argument.get_long()).collect();
    known.extend(["help", "version"]);
    let found = named("(?:^|[^A-Za-z0-9-])--([a-z][a-z0-9-]*)");
    assert!(found.len() > 100, "{}", found.len());
    for (option, place) in &found {
        let others = OF_OTHERS.contains(&option.as_str());
        assert!(known.contains(option.as_str()) || others, "{place}: --{option}");
    }
    for option in OF_OTHERS {
        assert!(!known.contains(option), "--{option} is an option of tally");
        assert!(
            found.iter().any(|(named, _)| named == option),
            "nothing shows --{option}"
        );
    }
}

#[test]
fn every_variable_that_is_named_exists() {
    let all = commands();
    let arguments = all.iter().flat_map(|(_, command)| command.get_arguments());
    let known: BTreeSet<&str> = arguments.filter_map(|argument| argument.get_env()?.to_str()).collect();
    let found = named("\\b(TALLY_[A-Z0-9_]+)");
    assert!(found.len() > 5, "{found:?}");
    for (variable, place) in found {
        assert!(
            known.contains(variable.as_str()) || OF_TESTS.contains(&variable.as_str()),
            "{place}: {variable}"
        );
    }
}

#[test]
fn configurations_are_read_and_so_is_each_key_that_a_text_shows() {
    let configurations = documents()
        .into_iter()
        .filter(|file| file.extension().is_some_and(|end| end == "toml"));
    let mut count = 0;
    for file in configurations {
        let text = std::fs::read_to_string(&file).unwrap();
        if let Err(error) = toml::from_str::<NodeOptions>(&text) {
            panic!("{}: {error}", file.display());
        }
        count += 1;
    }
    assert_eq!(count, 4, "three nodes of a LAN and a seed");
    // As the text puts it: a key, an equals sign, a value.
    let operators = std::fs::read_to_string(root().join("docs/operators.md")).unwrap();
    let keys = Regex::new("`([a-z0-9-]+ = [^`]+)`").unwrap();
    let shown: Vec<_> = keys
        .captures_iter(&operators)
        .map(|found| found[1].to_owned())
        .collect();
    assert!(shown.len() >= 3, "{shown:?}");
    for line in shown {
        if let Err(error) = toml::from_str::<NodeOptions>(&line) {
            panic!("docs/operators.md: {line}: {error}");
        }
    }
}

#[test]
fn the_figures_of_the_limits_are_those_of_the_code() {
    let operators = std::fs::read_to_string(root().join("docs/operators.md")).unwrap();
    let web = WebConfig::default();
    // What stands before the option's name.
    for (figure, option) in [
        (web.max_connections, "max-connections"),
        (web.max_connections_per_address, "max-connections-per-address"),
        (web.max_streams, "max-streams"),
        (web.max_streams_per_address, "max-streams-per-address"),
        (web.rate_limit as usize, "rate-limit"),
        (web.rate_limit_local as usize, "rate-limit-local"),
    ] {
        let named = format!("`--{option}`");
        let figure = match figure {
            figure if figure < 1_000 => figure.to_string(),
            figure => format!("{},{:03}", figure / 1_000, figure % 1_000),
        };
        let figures = Regex::new(&format!(r"(?:^|[^0-9,]){figure}(?:[^0-9,]|$)")).unwrap();
        let rows = operators.lines().filter(|line| line.starts_with('|'));
        let mut before = rows.filter_map(|row| row.split_once(&named)).map(|(before, _)| before);
        assert!(
            before.any(|text| figures.is_match(text)),
            "{option}: {figure} is in no row"
        );
    }
}

#[test]
fn the_image_listens_where_its_health_check_and_its_users_connect() {
    let dockerfile = std::fs::read_to_string(root().join("deploy/Dockerfile")).unwrap();
    let port = |pattern: &str| {
        let found = Regex::new(pattern)
            .unwrap()
            .captures(&dockerfile)
            .map(|found| found[1].to_owned());
        found.unwrap_or_else(|| panic!("{pattern} is not in deploy/Dockerfile"))
    };
    let (listen, p2p) = (
        port(r"TALLY_LISTEN=0\.0\.0\.0:(\d+)"),
        port(r"TALLY_P2P_LISTEN=0\.0\.0\.0:(\d+)"),
    );
    // The check names no node, so that it uses the default one.
    assert!(!dockerfile.contains("--node"));
    let all = commands();
    let (_, health) = all.iter().find(|(path, _)| path.as_slice() == ["health"]).unwrap();
    let node = health
        .get_arguments()
        .find(|argument| argument.get_long() == Some("node"))
        .unwrap();
    let node_url = node.get_default_values().first().unwrap().to_str().unwrap();
    assert_eq!(node_url, format!("http://127.0.0.1:{listen}"));
    let exposed = format!("EXPOSE {listen}/tcp {p2p}/tcp {p2p}/udp");
    assert!(dockerfile.lines().any(|line| line == exposed), "{exposed}");
    let operators = std::fs::read_to_string(root().join("docs/operators.md")).unwrap();
    let run = format!("-p 127.0.0.1:{listen}:{listen} -p {p2p}:{p2p}/tcp -p {p2p}:{p2p}/udp");
    assert!(operators.contains(&run), "{run}");
}

#[test]
fn every_credential_of_the_service_that_is_used_is_loaded() {
    let text = std::fs::read_to_string(root().join("deploy/secrets.conf")).unwrap();
    let names = |pattern: &str| -> BTreeSet<String> {
        let pattern = Regex::new(pattern).unwrap();
        pattern.captures_iter(&text).map(|found| found[1].to_owned()).collect()
    };
    let used = names(r"%d/([a-z.]+)");
    assert_eq!(used, BTreeSet::from(["privkey.pem".to_owned(), "tokens".to_owned()]));
    assert_eq!(names(r"(?m)^LoadCredential=([a-z.]+):/"), used);
}

#[test]
fn the_service_is_not_started_again_where_that_changes_nothing() {
    let unit = std::fs::read_to_string(root().join("deploy/tally.service")).unwrap();
    let (usage, chain) = (::tally::exit::Exit::Usage as u8, ::tally::exit::Exit::WrongChain as u8);
    let never = format!("RestartPreventExitStatus={usage} {chain}");
    assert!(unit.lines().any(|line| line == never), "{never}");
}

/// Files below a folder whose names have one of these ends.
fn files(folder: &Path, ends: &[&str], found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let end = path.extension().and_then(|end| end.to_str()).unwrap_or_default();
        if path.is_dir() {
            files(&path, ends, found);
        } else if ends.contains(&end) {
            found.push(path);
        }
    }
}

#[test]
fn every_rule_that_a_source_cites_exists() {
    let protocol = std::fs::read_to_string(root().join("docs/protocol.md")).unwrap();
    let anchor = Regex::new(r#"<a id="([A-Z][0-9]+)"></a>"#).unwrap();
    let rules: BTreeSet<String> = anchor
        .captures_iter(&protocol)
        .map(|found| found[1].to_owned())
        .collect();
    assert!(rules.len() > 100, "{}", rules.len());
    let mut sources = Vec::new();
    for folder in [
        "app/src",
        "crates",
        "docs",
        "workers/src",
        "fuzz/src",
        "light/src",
        "src",
        "tests",
        "xtask/src",
    ] {
        files(&root().join(folder), &["md", "rs"], &mut sources);
    }
    let citation = Regex::new(r"protocol\.md#([A-Z][0-9]+)").unwrap();
    let mut count = 0;
    for file in sources {
        let text = std::fs::read_to_string(&file).unwrap();
        for found in citation.captures_iter(&text) {
            let rule = &found[1];
            assert!(rules.contains(rule), "{}: there is no rule {rule}", file.display());
            count += 1;
        }
    }
    assert!(count > 500, "{count}");
}

/// `a/{b,c}.rs` names two files.
fn alternatives(path: &str) -> Vec<String> {
    let Some((before, rest)) = path.split_once('{') else {
        return vec![path.to_owned()];
    };
    let (names, after) = rest.split_once('}').unwrap_or((rest, ""));
    names.split(',').map(|name| format!("{before}{name}{after}")).collect()
}

/// The history of changes names files of its day, and is left out.
#[test]
fn every_file_of_the_sources_that_a_document_names_exists() {
    let more = ["CONTRIBUTING.md", "SECURITY.md"].map(|file| root().join(file));
    let texts = documents().into_iter().chain(more);
    let path = Regex::new(
        r"`((?:app|crates|deploy|docs|end2end|fuzz|light|page|scripts|src|style|tests|workers|xtask)/[^`\s]*)`",
    )
    .unwrap();
    let mut count = 0;
    for file in texts.filter(|file| file.extension().is_some_and(|end| end == "md")) {
        let text = std::fs::read_to_string(&file).unwrap();
        for found in path.captures_iter(&text) {
            // What stands for several, as `crates/…/tests/`; a rule behind the file is looked up by the test above.
            let named = found[1].split('#').next().unwrap();
            if named.contains(['…', '*']) {
                continue;
            }
            for named in alternatives(named) {
                assert!(root().join(&named).exists(), "{}: {named}", file.display());
                count += 1;
            }
        }
    }
    assert!(count > 300, "{count}");
}

/// A search leads to other pages; the browser tests that use it read what it shows without a find.
const PAGES_OF_OTHER_TESTS: [&str; 1] = ["/search"];

#[test]
fn the_browser_tests_list_every_page() {
    let read = |file: &str| std::fs::read_to_string(root().join(file)).unwrap();
    let (app, list) = (read("app/src/app.rs"), read("end2end/support/pages.ts"));
    let route = Regex::new(r#"<(?:Parent)?Route path=path!\("(/[a-z]+)(/:)?"#).unwrap();
    let mut count = 0;
    for found in route.captures_iter(&app) {
        // A page of one thing is found by the links to it.
        let path = match found.get(2) {
            Some(_) => format!("{}/", &found[1]),
            None => found[1].to_owned(),
        };
        let known = list.contains(&format!("'{path}'")) || PAGES_OF_OTHER_TESTS.contains(&path.as_str());
        assert!(known, "{path} of app/src/app.rs is not in end2end/support/pages.ts");
        count += 1;
    }
    assert!(count > 10, "{count}");
}
