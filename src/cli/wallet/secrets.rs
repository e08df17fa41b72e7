//! Secrets: from the environment, or typed at the terminal without echo.

mod terminal;

use std::env::VarError;

use anyhow::{Context as _, bail};
use tally_chain::limits::MIN_PASSWORD_CHARS;
use tally_node::counted::counted;
use zeroize::Zeroizing;

use terminal::Terminal;

/// Numbers of words that a phrase can have. Rule: docs/protocol.md#W1
const LENGTHS: [usize; 5] = [12, 15, 18, 21, 24];
/// Longest text that is taken for a phrase, in bytes.
const MAX_PHRASE: usize = 8_192;

/// A secret from the environment, or typed without echo.
pub fn secret(variable: &str, prompt: &str) -> anyhow::Result<Zeroizing<String>> {
    match from_environment(variable)? {
        Some(secret) => Ok(secret),
        None => open(variable)?.read_line(prompt).context("the terminal cannot be read"),
    }
}

/// What the variable holds. One that is set and cannot be read is an error: a new password would otherwise be typed once
/// only, and a slip in it would lock the vault for good.
fn from_environment(variable: &str) -> anyhow::Result<Option<Zeroizing<String>>> {
    match std::env::var(variable) {
        Ok(secret) => Ok(Some(Zeroizing::new(secret))),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => bail!("{variable} is set, but what it holds is not UTF-8"),
    }
}

/// A phrase, which may be pasted or typed as several lines: `whole` finds whether it can be read.
pub fn phrase(variable: &str, prompt: &str, whole: impl Fn(&str) -> bool) -> anyhow::Result<Zeroizing<String>> {
    if let Some(phrase) = from_environment(variable)? {
        return Ok(phrase);
    }
    let mut terminal = open(variable)?;
    let mut text = Zeroizing::new(String::with_capacity(MAX_PHRASE));
    let mut prompt = prompt.to_owned();
    loop {
        let typed = terminal.read_all(&prompt).context("the terminal cannot be read")?;
        if text.len() + typed.len() >= MAX_PHRASE {
            bail!("what was typed has more than {MAX_PHRASE} bytes, no phrase has");
        }
        text.push(' ');
        text.push_str(&typed);
        let count = tally_chain::words::count(&text);
        let most = LENGTHS[LENGTHS.len() - 1];
        // The caller names a wrong word; only of a phrase that is too short further words are read.
        if whole(&text) || LENGTHS.contains(&count) || count > most || typed.trim().is_empty() {
            return Ok(text);
        }
        let words = counted(count, "word", "words");
        prompt = format!("{words} so far; the others, or an empty line to end: ");
    }
}

fn open(variable: &str) -> anyhow::Result<Terminal> {
    Terminal::quiet().with_context(|| format!("no terminal to read it from; set {variable}"))
}

/// A passphrase of BIP-39, where one is wanted; typed twice, since a slip gives other accounts.
pub fn passphrase(wanted: bool) -> anyhow::Result<Zeroizing<String>> {
    if !wanted {
        return Ok(Zeroizing::default());
    }
    let passphrase = secret("TALLY_WALLET_PASSPHRASE", "Passphrase of the phrase: ")?;
    again("TALLY_WALLET_PASSPHRASE", "The same passphrase again: ", &passphrase)?;
    Ok(passphrase)
}

/// A new password, typed twice unless it comes from the environment.
pub fn new_password() -> anyhow::Result<Zeroizing<String>> {
    chosen_password("TALLY_WALLET_PASSWORD")
}

/// A new password from this variable, or typed twice.
pub fn chosen_password(variable: &str) -> anyhow::Result<Zeroizing<String>> {
    let password = secret(variable, "New password: ")?;
    let length = password.chars().count();
    if length < MIN_PASSWORD_CHARS {
        bail!("the password has {length} characters, at least {MIN_PASSWORD_CHARS} are needed");
    }
    again(variable, "The same password again: ", &password)?;
    Ok(password)
}

/// Reads a secret once more to confirm it, unless it came from the environment.
fn again(variable: &str, prompt: &str, first: &str) -> anyhow::Result<()> {
    if std::env::var_os(variable).is_some() {
        return Ok(());
    }
    if *secret(variable, prompt)? != *first {
        bail!("the two differ");
    }
    Ok(())
}
