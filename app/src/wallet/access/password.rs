//! Choosing a password, and watching the first keys being found under it.

use leptos::prelude::*;
use tally_chain::limits::MIN_PASSWORD_CHARS;

use super::secret;
use crate::{
    format,
    ui::{Button, ButtonKind, Field},
    wallet::{protocol::SecretText, session::Wallet},
};

/// How long a password would hold against guessing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    TooShort,
    Weak,
    Fair,
    Strong,
}

impl Strength {
    /// A rough guess from length and variety; common beginnings count for little.
    pub fn of(password: &str) -> Self {
        let length = password.chars().count();
        if length < MIN_PASSWORD_CHARS {
            return Self::TooShort;
        }
        let has = |kind: fn(char) -> bool, size: f64| if password.chars().any(kind) { size } else { 0.0 };
        let letters = has(char::is_lowercase, 26.0) + has(char::is_uppercase, 26.0);
        let pool = letters + has(char::is_numeric, 10.0) + has(|c| !c.is_alphanumeric(), 30.0);
        let characters: Vec<char> = password.chars().collect();
        // A character that repeats or continues the one before adds little.
        let informative = 1 + characters
            .windows(2)
            .filter(|pair| (pair[1] as i64 - pair[0] as i64).abs() > 1)
            .count();
        let lower = password.to_lowercase();
        let common = [
            "password", "passwort", "qwert", "letmein", "welcome", "tally", "admin", "dragon",
        ];
        let guessed: usize = common
            .iter()
            .filter(|word| lower.contains(**word))
            .map(|word| word.len() - 1)
            .sum();
        let bits = informative.saturating_sub(guessed) as f64 * f64::log2(pool);
        match bits {
            b if b < 40.0 => Self::Weak,
            b if b < 64.0 => Self::Fair,
            _ => Self::Strong,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::TooShort => "At least 8 characters. A few unrelated words are easy to remember and hard to guess.",
            Self::Weak => "Weak: someone who copies this browser's files could guess it. Longer is better.",
            Self::Fair => "Fair. A few more characters make it strong.",
            Self::Strong => "Strong.",
        }
    }

    fn class(self) -> &'static str {
        match self {
            Self::TooShort => "strength strength-0",
            Self::Weak => "strength strength-1",
            Self::Fair => "strength strength-2",
            Self::Strong => "strength strength-3",
        }
    }
}

/// The password, twice, with a hint how strong it is.
#[component]
pub fn NewPassword(
    /// The label of the button.
    submit: &'static str,
    #[prop(default = "Password")] label: &'static str,
    #[prop(into)] busy: Signal<bool>,
    /// Something else on the page is not ready.
    #[prop(optional, into)]
    blocked: Signal<bool>,
    on_submit: Callback<SecretText>,
) -> impl IntoView {
    let (first, second) = (secret::typed(), secret::typed());
    let strength = Memo::new(move |_| first.with(|text| Strength::of(text)));
    let differs =
        move || second.with(|again| !again.is_empty() && first.with(|text| !text.starts_with(again.as_str())));
    let error = Signal::derive(move || {
        if differs() {
            "This is not the same as above.".to_owned()
        } else {
            String::new()
        }
    });
    let ready = move || {
        !blocked.get() && strength.get() > Strength::TooShort && first.with(|text| second.with(|again| text == again))
    };
    view! {
        <form
            class="wallet-form"
            on:submit=move |event| {
                event.prevent_default();
                if ready() {
                    drop(secret::take(second));
                    on_submit.run(secret::take(first));
                }
            }
        >
            <Field
                label=label
                name="new-password"
                kind="password"
                autocomplete="new-password"
                value=first
                on_input=Callback::new(move |text| first.set(text))
            />
            <p class=move || strength.get().class() aria-live="polite">
                <span class="strength-bar" aria-hidden="true"></span>
                <span>{move || strength.get().words()}</span>
            </p>
            <Field
                label="The same again"
                name="new-password-again"
                kind="password"
                autocomplete="new-password"
                value=second
                error=error
                on_input=Callback::new(move |text| second.set(text))
            />
            <div class="actions">
                <Button kind=ButtonKind::Primary submit=true busy=busy disabled=Signal::derive(move || !ready())>
                    {submit}
                </Button>
            </div>
        </form>
    }
}

/// A passphrase that is added to the phrase, for who wants one; twice, since a slip gives other accounts.
#[component]
pub fn Passphrase(
    /// What was typed, for the one who makes the wallet.
    first: RwSignal<String>,
    second: RwSignal<String>,
) -> impl IntoView {
    let differs = Signal::derive(
        move || match first.with(|first| second.with(|second| first == second)) {
            true => String::new(),
            false => "The two passphrases are not the same yet.".to_owned(),
        },
    );
    view! {
        <details class="more">
            <summary>"Add a passphrase to the phrase (for the experienced)"</summary>
            <div class="wallet-form">
                <p class="prose">
                    "With a passphrase, the same words give entirely different accounts. If you forget it, or one letter of it, they are lost: no one can reset it, and no error shows that it is wrong. Leave it empty if in doubt."
                </p>
                <Field
                    label="Passphrase"
                    name="passphrase"
                    kind="password"
                    value=first
                    on_input=Callback::new(move |text| first.set(text))
                />
                <Field
                    label="The passphrase again"
                    name="passphrase-again"
                    kind="password"
                    value=second
                    error=differs
                    on_input=Callback::new(move |text| second.set(text))
                />
            </div>
        </details>
    }
    .into_any()
}

/// How the search for an RSA key goes, with a way to stop it.
#[component]
pub fn SearchBar() -> impl IntoView {
    let wallet = Wallet::get();
    let permille = move || wallet.progress.get().map_or(0, |progress| progress.permille());
    let text = move || match wallet.progress.get() {
        Some(progress) => format!(
            "{} of 2 primes found, {} candidates tried; about {} are usual",
            progress.primes,
            format::count(progress.drawn),
            format::count(progress.expected)
        ),
        None => "Starting".to_owned(),
    };
    view! {
        <div class="search-bar" role="status">
            <label for="search-progress">"Finding the RSA key that belongs to your phrase"</label>
            <progress id="search-progress" max="1000" prop:value=permille></progress>
            <span class="field-hint">{text}</span>
            <div class="actions"><Button on:click=move |_| wallet.cancel()>"Cancel"</Button></div>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::Strength;

    #[test]
    fn strength_grows_with_what_is_hard_to_guess() {
        let cases = [
            ("short", Strength::TooShort),
            ("aaaaaaaaaaaa", Strength::Weak),
            ("12345678", Strength::Weak),
            ("password1", Strength::Weak),
            ("kelp-Sofa", Strength::Fair),
            ("harbour violin seventeen", Strength::Strong),
        ];
        for (password, expected) in cases {
            assert_eq!(Strength::of(password), expected, "{password}");
        }
    }
}
