//! What the reader chose, kept in this browser only. Two choices are mirrored in cookies, because
//! the server needs them for its first render: the theme (no flash) and the rows of a table.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::browser;

const STORAGE_KEY: &str = "tally.preferences";

/// Cookie that names the theme for the first render.
pub const THEME_COOKIE: &str = "tally-theme";

/// Light, dark, or what the system says.
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

    /// Changes a choice, keeps it, and tells the page and the server's next render.
    pub fn change(self, change: impl FnOnce(&mut Preferences)) {
        self.0.update(change);
        let now = self.0.get_untracked();
        browser::store(STORAGE_KEY, &now);
        self.apply_theme();
    }

    /// Shows the chosen theme, and tells the server for its next render.
    fn apply_theme(self) {
        let theme = self.0.with_untracked(|prefs| prefs.theme);
        browser::set_cookie(THEME_COOKIE, theme.word());
        browser::set_root_attribute("data-theme", theme.attribute());
    }
}
