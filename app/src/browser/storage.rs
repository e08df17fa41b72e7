//! What this browser keeps as text: lasting, or for this tab. Browsers that are set to keep nothing throw already when their
//! storage is looked at, so every step here can fail.

use serde::{Serialize, de::DeserializeOwned};
use web_sys::Storage;

const NONE: &str = "this browser gives this page no storage";

/// The lasting storage.
fn lasting() -> Result<Storage, String> {
    let storage = web_sys::window().and_then(|window| window.local_storage().ok().flatten());
    storage.ok_or_else(|| NONE.to_owned())
}

/// The text under a key of the lasting storage, if there is one. An error means that this is not known.
pub fn kept(key: &str) -> Result<Option<String>, String> {
    let read = lasting()?.get_item(key);
    read.map_err(|_| "this browser does not read its storage".to_owned())
}

/// Puts a text into the lasting storage and reads it back: only then is it kept.
pub fn keep(key: &str, text: &str) -> Result<(), String> {
    let written = lasting()?.set_item(key, text);
    written.map_err(|_| "the storage of this browser is full, or takes nothing".to_owned())?;
    match kept(key)? {
        Some(found) if found == text => Ok(()),
        _ => Err("what was written to the storage of this browser could not be read back".to_owned()),
    }
}

/// A value from this browser's lasting storage that the page can do without.
pub fn load<T: DeserializeOwned>(key: &str) -> Option<T> {
    serde_json::from_str(&kept(key).ok()??).ok()
}

/// Keeps a value that the page can do without: a full or forbidden storage is not an error worth a message.
pub fn store<T: Serialize>(key: &str, value: &T) {
    if let (Ok(storage), Ok(text)) = (lasting(), serde_json::to_string(value)) {
        let _ = storage.set_item(key, &text);
    }
}

/// Forgets a value of the lasting storage.
pub fn forget(key: &str) {
    if let Ok(storage) = lasting() {
        let _ = storage.remove_item(key);
    }
}

fn of_tab() -> Option<Storage> {
    web_sys::window()?.session_storage().ok().flatten()
}

/// A value kept for this tab only.
pub fn load_for_tab(key: &str) -> Option<String> {
    serde_json::from_str(&of_tab()?.get_item(key).ok()??).ok()
}

/// Keeps a value for this tab only, or forgets it.
pub fn store_for_tab(key: &str, value: Option<&str>) {
    let Some(storage) = of_tab() else { return };
    let _ = match value.map(serde_json::to_string) {
        Some(Ok(text)) => storage.set_item(key, &text),
        Some(Err(_)) | None => storage.remove_item(key),
    };
}
