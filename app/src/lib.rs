//! The Tally interface: pages that the server renders first and the browser then brings to life.
//!
//! One source, two builds: `ssr` for the server, `hydrate` for the browser, never both at once.

// The views of the router's tree are one deeply nested type.
#![recursion_limit = "512"]

// With the cfg on one side alone, the browser would look for markers that the server has not written, and no page would come to
// life. Cargo takes the flags of one place only: others, from the environment or a configuration of the user's, replace ours.
#[cfg(not(erase_components))]
compile_error!("other flags replace those of .cargo/config.toml: add --cfg=erase_components to them");

mod app;
pub mod base;
pub mod browser;
mod explorer;
pub mod format;
mod layout;
mod light;
pub mod live;
pub mod model;
mod not_found;
mod operations;
mod other_chain;
mod parts;
pub mod prefs;
pub mod reads;
#[cfg(feature = "ssr")]
pub mod server;
mod shell;
pub mod ui;
mod verify;
pub mod wallet;

pub use app::App;
pub use shell::AssetUrls;
#[cfg(feature = "ssr")]
pub use shell::shell;

/// Loads the code that this page needs beside the frame's. Called once, before anything else.
///
/// # Errors
/// The node did not send it.
#[cfg(feature = "hydrate")]
pub async fn load() -> Result<(), String> {
    console_error_panic_hook::set_once();
    base::learn();
    parts::load_for_this_page().await
}

/// Brings the server-rendered page to life, all at once: its code is there, so no view waits for it.
#[cfg(feature = "hydrate")]
pub fn hydrate() {
    leptos::mount::hydrate_body(App);
    browser::set_root_attribute("data-hydrated", Some("true"));
}

/// Renders the page in the browser alone, in the place of what the server sent: for readers whose extension or translator
/// changed that before it could be brought to life. Called instead of [`hydrate`], once.
#[cfg(feature = "hydrate")]
pub async fn render_anew() -> Result<(), String> {
    let chain = reads::chain().await.map_err(|error| error.to_string())?;
    app::give_chain(chain);
    browser::empty_body();
    leptos::mount::mount_to_body(App);
    browser::set_root_attribute("data-hydrated", Some("true"));
    Ok(())
}
