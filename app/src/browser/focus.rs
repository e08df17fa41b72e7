//! The focus of the keyboard, while the page changes around it.

use wasm_bindgen::JsCast;
use web_sys::{Document, Element, FocusOptions, HtmlElement};

/// Redraws a part of the page. What had the focus before has it again afterwards, without scrolling, where it is still in the page
/// and nothing else has taken the focus meanwhile.
pub fn keeping_focus<T>(redraw: impl FnOnce() -> T) -> T {
    let Some(document) = web_sys::window().and_then(|window| window.document()) else {
        return redraw();
    };
    let before = focused(&document).and_then(|element| element.dyn_into::<HtmlElement>().ok());
    let redrawn = redraw();
    if let Some(element) = before.filter(|element| element.is_connected() && focused(&document).is_none()) {
        let options = FocusOptions::new();
        options.set_prevent_scroll(true);
        let _ = element.focus_with_options(&options);
    }
    redrawn
}

/// The element with the focus; none where that is the page as a whole.
fn focused(document: &Document) -> Option<Element> {
    let body = document.body().map(Element::from);
    document.active_element().filter(|active| Some(active) != body.as_ref())
}
