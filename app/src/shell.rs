//! The document around the page.

use std::sync::Arc;

/// Where the browser finds the built assets; the server provides it as context. The paths change
/// with their content, so that each may be cached for good.
#[derive(Clone, Debug)]
pub struct AssetUrls {
    /// The JavaScript module that loads the WASM.
    pub js: String,
    /// The WASM itself.
    pub wasm: String,
    /// The style sheet.
    pub css: String,
    /// What each part of the code needs beside these two, by its name.
    pub parts: Arc<[(String, Vec<String>)]>,
}

#[cfg(feature = "ssr")]
pub use document::shell;

#[cfg(feature = "ssr")]
mod document {
    use std::collections::BTreeSet;

    use axum::http::{header::COOKIE, request::Parts};
    use leptos::{nonce::use_nonce, prelude::*};
    use leptos_meta::MetaTags;

    use super::AssetUrls;
    use crate::{
        App,
        base::{self, at_base},
        parts::Part,
        prefs::{THEME_COOKIE, Theme},
    };

    /// The document: head, assets, and the app as body. Expects [`AssetUrls`] in context. The
    /// theme comes from the reader's cookie, so that the first paint is already in it.
    pub fn shell() -> AnyView {
        let assets = expect_context::<AssetUrls>();
        let theme = theme().attribute();
        // At the root no base path is written.
        let base = Some(base::current().as_str().to_owned()).filter(|base| !base.is_empty());
        let of_this_page = of_this_page(&assets.parts);
        let start = format!(
            "const [JS, WASM] = [{:?}, {:?}];\n{}",
            assets.js,
            assets.wasm,
            include_str!("shell/start.js")
        );
        view! {
            <!DOCTYPE html>
            <html lang="en" data-theme=theme data-base=base>
                <head>
                    <meta charset="utf-8" />
                    <meta name="viewport" content="width=device-width, initial-scale=1" />
                    <meta name="color-scheme" content="light dark" />
                    <link rel="stylesheet" href=assets.css />
                    <link rel="icon" href=at_base("/favicon.svg") type="image/svg+xml" />
                    <link rel="icon" href=at_base("/favicon.ico") sizes="32x32" />
                    {[assets.js, assets.wasm].into_iter().chain(of_this_page).map(preload).collect_view()}
                    <script type="module" nonce=use_nonce()>{start}</script>
                    <MetaTags />
                </head>
                <body>
                    <App />
                </body>
            </html>
        }
        .into_any()
    }

    /// What the parts of the page that is requested need beside the frame.
    fn of_this_page(needs: &[(String, Vec<String>)]) -> BTreeSet<String> {
        let request = use_context::<Parts>();
        let parts = request.map_or(&[][..], |request| Part::of(request.uri.path()));
        let needs = needs
            .iter()
            .filter(|(name, _)| parts.iter().any(|part| part.name() == name));
        needs.flat_map(|(_, files)| files.iter().cloned()).collect()
    }

    /// A link by which the browser requests a file while it still reads the page, in the way in which the script will.
    fn preload(asset_url: String) -> AnyView {
        if asset_url.ends_with(".js") {
            return view! { <link rel="modulepreload" href=asset_url /> }.into_any();
        }
        view! { <link rel="preload" href=asset_url r#as="fetch" r#type="application/wasm" crossorigin="anonymous" /> }
            .into_any()
    }

    /// The theme that the reader's cookie names.
    fn theme() -> Theme {
        let cookies = use_context::<Parts>().map(|parts| parts.headers);
        let cookies = cookies
            .iter()
            .flat_map(|headers| headers.get_all(COOKIE))
            .filter_map(|value| value.to_str().ok());
        let mut pairs = cookies
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='));
        pairs
            .find(|pair| pair.0 == THEME_COOKIE)
            .map_or(Theme::System, |pair| Theme::from_word(pair.1))
    }
}
