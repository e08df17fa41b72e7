//! Addresses of this tab, and links to them.

use gloo::net::http::{Method, RequestBuilder};
use wasm_bindgen::JsCast;

/// The path of this page, with the base path.
pub fn path() -> String {
    let path = web_sys::window().and_then(|window| window.location().pathname().ok());
    path.unwrap_or_default()
}

/// The path that a link of this origin leads to, if an event happened within one.
pub fn link_of(event: &web_sys::Event) -> Option<String> {
    let element = event.target()?.dyn_into::<web_sys::Element>().ok()?;
    let link = element.closest("a[href]").ok()??;
    let link = link.dyn_into::<web_sys::HtmlAnchorElement>().ok()?;
    (link.origin() == super::origin()).then(|| link.pathname())
}

/// Whether the server answers for a path at all, whatever it answers.
pub async fn answers(path: &str) -> bool {
    RequestBuilder::new(path).method(Method::HEAD).send().await.is_ok()
}

/// Opens an address of this origin from its server; where it is that of this page, the page is loaded anew.
pub fn open(target: &str) {
    let Some(location) = web_sys::window().map(|window| window.location()) else {
        return;
    };
    let here = [location.pathname(), location.search(), location.hash()];
    let here: String = here.into_iter().flatten().collect();
    let _ = match here == target {
        true => location.reload(),
        false => location.assign(target),
    };
}
