//! The command line explains itself: every command has help, completions and manual pages have all commands, and what the
//! documents show is accepted.

use std::path::{Path, PathBuf};

use clap::Command;
use clap::error::ErrorKind;

use crate::process::{stderr, tally};

/// Every command with the words that lead to it; those that clap adds to explain the others are left out.
pub fn commands() -> Vec<(Vec<String>, Command)> {
    let mut root = ::tally::cli::command();
    root.build();
    let (mut all, mut open) = (Vec::new(), vec![(Vec::new(), root)]);
    while let Some((path, command)) = open.pop() {
        for below in command.get_subcommands().filter(|below| below.get_name() != "help") {
            let name = below.get_name().to_owned();
            open.push(([&path[..], &[name]].concat(), below.clone()));
        }
        all.push((path, command));
    }
    all
}

/// Its long options.
fn options(command: &Command) -> impl Iterator<Item = &str> {
    let own = command.get_arguments().filter(|argument| !argument.is_hide_set());
    own.filter_map(|argument| argument.get_long())
        .filter(|long| !["help", "version"].contains(long))
}

#[test]
fn every_command_explains_itself_and_all_of_its_arguments() {
    let all = commands();
    assert!(all.len() > 50, "only {} commands", all.len());
    for (path, command) in all {
        let words = path.iter().map(String::as_str).chain(["--help"]);
        let output = tally(&words.collect::<Vec<_>>());
        assert_eq!(output.status.code(), Some(0), "{path:?}: {}", stderr(&output));
        let text = String::from_utf8(output.stdout).unwrap();
        for argument in command.get_arguments().filter(|argument| !argument.is_hide_set()) {
            let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
            assert!(!help.trim().is_empty(), "{path:?}: {} has no help", argument.get_id());
            let name = match (argument.get_long(), argument.get_value_names()) {
                (Some(long), _) => format!("--{long}"),
                (None, Some([name, ..])) => name.to_string(),
                (None, _) => continue,
            };
            assert!(text.contains(&name), "{path:?}: {name} is not in\n{text}");
        }
    }
}

#[test]
fn completions_have_every_command_and_option() {
    let all = commands();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let printed = tally(&["completions", shell]);
        assert_eq!(printed.status.code(), Some(0), "{}", stderr(&printed));
        let text = String::from_utf8(printed.stdout).unwrap();
        for (path, command) in &all {
            for word in path.iter().map(String::as_str).chain(options(command)) {
                assert!(text.contains(word), "{shell}: {path:?} {word}");
            }
        }
    }
}

#[test]
fn there_is_a_manual_page_for_every_command_with_all_of_its_options() {
    let folder = tempfile::tempdir().unwrap();
    let written = tally(&["man", folder.path().to_str().unwrap()]);
    assert_eq!(written.status.code(), Some(0), "{}", stderr(&written));
    for (path, command) in commands() {
        let words = ["tally"].into_iter().chain(path.iter().map(String::as_str));
        let page = words.collect::<Vec<_>>().join("-") + ".1";
        let text = std::fs::read_to_string(folder.path().join(&page));
        let text = text.unwrap_or_else(|error| panic!("{page}: {error}"));
        for option in options(&command) {
            assert!(
                text.contains(&option.replace('-', "\\-")),
                "--{option} is not in {page}"
            );
        }
    }
}

/// A command that a document shows.
#[derive(Debug)]
struct Example {
    place: String,
    text: String,
    /// Whether it is to be typed as it stands; one in a sentence may only be named.
    whole: bool,
}

/// The README, the documents and what is beside them for operators.
pub fn documents() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = vec![root.join("README.md")];
    for folder in ["docs", "deploy", "deploy/lan"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let end = path.extension().and_then(|end| end.to_str()).unwrap_or_default();
            if ["md", "toml", "service"].contains(&end) {
                all.push(path);
            }
        }
    }
    all
}

fn examples() -> Vec<Example> {
    let mut examples = Vec::new();
    for path in documents() {
        let mut fenced = false;
        for (number, line) in (1..).zip(std::fs::read_to_string(&path).unwrap().lines()) {
            let mut add = |text: &str, whole: bool| {
                let program = ["./target/release/", "target/release/", "/usr/local/bin/"];
                let text = program.iter().find_map(|at| text.strip_prefix(at)).unwrap_or(text);
                if text.starts_with("tally ") {
                    let place = format!("{}:{number}", path.display());
                    let text = text.to_owned();
                    examples.push(Example { place, text, whole });
                }
            };
            if line.trim_start().starts_with("```") {
                fenced = !fenced;
            } else if fenced {
                let prompt = line.split_once('$').filter(|(prompt, _)| !prompt.contains(' '));
                add(prompt.map_or(line, |(_, typed)| typed).trim(), true);
            } else if let Some((_, typed)) = line.split_once("Start: ").or_else(|| line.split_once("ExecStart=")) {
                add(typed, true);
            } else {
                line.split('`').skip(1).step_by(2).for_each(|code| add(code, false));
            }
        }
    }
    examples
}

/// The words of a command as a shell reads them, up to a comment; letters that stand for a value get one.
fn words(text: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
    for c in text.chars().chain([' ']) {
        match c {
            '"' => quoted = !quoted,
            '#' if word.is_empty() && !quoted => break,
            c if c.is_whitespace() && !quoted => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            c => word.push(c),
        }
    }
    let receipt = words.get(1).is_some_and(|word| word == "receipt");
    let before = std::iter::once("").chain(words.iter().map(String::as_str));
    let given = words
        .iter()
        .zip(before)
        .map(|(word, before)| given(word, before, receipt));
    given.filter(|word| !word.is_empty()).collect()
}

/// A value for letters that stand for one.
fn given(word: &str, before: &str, receipt: bool) -> String {
    match word.trim_matches(['[', ']']) {
        "SHELL" => "bash".to_owned(),
        "ID" if before == "--dismiss" => "ab".repeat(32),
        "ID" if ["rotate", "revoke"].contains(&before) => "0f3c5a7b9d1e".to_owned(),
        "ID" => "5".to_owned(),
        "SECONDS" => "1800000000".to_owned(),
        "BLOCK" => "ab".repeat(32),
        "0x…" if receipt => format!("0x{}", "ab".repeat(32)),
        "0x…" => "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266".to_owned(),
        "…" if before.starts_with("--") => "local".to_owned(),
        word => word.trim_end_matches('…').to_owned(),
    }
}

/// Whether these words lead to a command.
fn leads_to_a_command(words: &[String]) -> bool {
    let mut command = ::tally::cli::command();
    for word in &words[1..] {
        match command.find_subcommand(word) {
            Some(below) => command = below.clone(),
            None => return false,
        }
    }
    true
}

#[test]
fn what_the_documents_show_is_accepted() {
    let (examples, mut wrong) = (examples(), Vec::new());
    let whole = examples.iter().filter(|example| example.whole).count();
    assert!(
        examples.len() > 40 && whole > 25,
        "{} examples, {whole} whole",
        examples.len()
    );
    for Example { place, text, whole } in examples {
        // `tally chain show | init`: each of them, behind the words before the first.
        let alternatives: Vec<Vec<String>> = text.replace("\\|", "|").split('|').map(words).collect();
        let first = &alternatives[0];
        if alternatives.len() > 1 && !whole {
            let before = &first[..first.len() - 1];
            for name in [&first[first.len() - 1..]]
                .into_iter()
                .chain(alternatives[1..].iter().map(|words| &words[..1]))
            {
                if !leads_to_a_command(&[before, name].concat()) {
                    wrong.push(format!("{place}: {text}: {name:?}"));
                }
            }
            continue;
        }
        let Err(error) = ::tally::cli::command().try_get_matches_from(first) else {
            continue;
        };
        let named = [
            ErrorKind::MissingRequiredArgument,
            ErrorKind::MissingSubcommand,
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand,
        ];
        if error.kind() != ErrorKind::DisplayHelp && (whole || !named.contains(&error.kind())) {
            wrong.push(format!("{place}: {text}: {error}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
