//! What the reader chose, kept in this browser only. Two choices are mirrored in cookies, because
//! the server needs them for its first render: the theme (no flash) and the rows of a table.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use tally_chain::Amount;

use crate::browser;

const STORAGE_KEY: &str = "tally.preferences";

/// Cookie that names the theme for the first render.
pub const THEME_COOKIE: &str = "tally-theme";

/// Light, dark, or as the system has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    #[default]
    System,
    Light,
    Dark,
}

impl Theme {
    /// The value of `data-theme`; none follows the system.
    pub fn attribute(self) -> Option<&'static str> {
        match self {
            Self::System => None,
            Self::Light => Some("light"),
            Self::Dark => Some("dark"),
        }
    }

    /// Reads a stored word; anything unknown follows the system.
    pub fn from_word(word: &str) -> Self {
        match word {
            "light" => Self::Light,
            "dark" => Self::Dark,
            _ => Self::System,
        }
    }

    /// The stored word.
    pub fn word(self) -> &'static str {
        self.attribute().unwrap_or("system")
    }
}

/// In what amounts are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    #[default]
    Coin,
    Base,
}

impl Unit {
    /// What the user chose.
    pub fn chosen() -> Self {
        untrack(|| Prefs::get().read(|prefs| prefs.unit))
    }

    /// The amount that was typed, exact; or what is wrong with it. Rule: docs/protocol.md#E3
    pub fn read(self, typed: &str) -> Result<Amount, String> {
        let typed = typed.trim();
        match self {
            Self::Coin => Amount::from_coins(typed)
                .map_err(|error| format!("This is not an amount: {error}. Write digits with a point, such as 1.5")),
            Self::Base => Amount::from_base_units(typed)
                .map_err(|error| format!("This is not an amount: {error}. Write whole base units, digits only")),
        }
    }

    /// An amount as it is typed.
    pub fn write(self, amount: Amount) -> String {
        match self {
            Self::Coin => amount.to_coins(),
            Self::Base => amount.to_string(),
        }
    }

    /// Its name beside a field.
    pub fn word(self, symbol: &str) -> String {
        match self {
            Self::Coin => symbol.to_owned(),
            Self::Base => "base units".to_owned(),
        }
    }

    /// An amount to go by.
    pub fn example(self) -> &'static str {
        match self {
            Self::Coin => "1.5",
            Self::Base => "1500000000000000000",
        }
    }
}

/// Which fee the wallet proposes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FeeLevel {
    Slow,
    #[default]
    Normal,
    Fast,
}

/// All choices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Preferences {
    pub theme: Theme,
    pub unit: Unit,
    /// Decimals of a coin; none shows every digit.
    pub decimals: Option<u8>,
    /// Minutes without use after which the wallet locks.
    pub auto_lock_minutes: u16,
    pub fee: FeeLevel,
    /// Rows of a table.
    pub rows: u32,
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            theme: Theme::System,
            unit: Unit::Coin,
            decimals: None,
            auto_lock_minutes: 10,
            fee: FeeLevel::Normal,
            rows: DEFAULT_ROWS,
        }
    }
}

/// Rows of a table until the reader chooses.
pub const DEFAULT_ROWS: u32 = 20;

/// The choices as a signal: the defaults on the server and in the first render, then this browser's.
#[derive(Clone, Copy)]
pub struct Prefs(RwSignal<Preferences>);

impl Prefs {
    /// Makes the context that every component reads.
    pub fn provide() -> Self {
        let prefs = Self(RwSignal::new(Preferences::default()));
        provide_context(prefs);
        Effect::new(move |_| {
            if let Some(stored) = browser::load::<Preferences>(STORAGE_KEY) {
                prefs.0.set(stored);
                prefs.apply_theme();
            }
        });
        prefs
    }

    /// The context.
    pub fn get() -> Self {
        use_context().expect("the root component provides the preferences")
    }

    /// One part of the choices, reactively.
    pub fn read<T>(self, part: impl Fn(&Preferences) -> T) -> T {
        self.0.with(part)
    }

    /// Changes a choice, keeps it, and passes it to the page and the server's next render.
    pub fn change(self, change: impl FnOnce(&mut Preferences)) {
        self.0.update(change);
        let now = self.0.get_untracked();
        browser::store(STORAGE_KEY, &now);
        self.apply_theme();
    }

    /// Shows the chosen theme, and passes it to the server for its next render.
    fn apply_theme(self) {
        let theme = self.0.with_untracked(|prefs| prefs.theme);
        browser::set_cookie(THEME_COOKIE, theme.word());
        browser::set_root_attribute("data-theme", theme.attribute());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_typed_in_either_unit() {
        let amount = Unit::Coin.read(" 1.5 ").expect("coins");
        assert_eq!(Unit::Base.read("1500000000000000000"), Ok(amount));
        assert_eq!(
            (Unit::Coin.write(amount), Unit::Base.write(amount)),
            ("1.5".into(), "1500000000000000000".into())
        );
        let character =
            |found: char| format!("amount has the character '{found}'; only digits and one decimal point are allowed");
        for (unit, wrong, why) in [
            (Unit::Coin, "1,5", character(',')),
            (Unit::Coin, "", "amount is empty".to_owned()),
            (Unit::Base, "1.5", character('.')),
            (Unit::Base, "-1", character('-')),
            (Unit::Base, "1e18", character('e')),
        ] {
            let example = match unit {
                Unit::Coin => "Write digits with a point, such as 1.5",
                Unit::Base => "Write whole base units, digits only",
            };
            let error = format!("This is not an amount: {why}. {example}");
            assert_eq!(unit.read(wrong), Err(error), "{wrong}");
        }
    }
}
