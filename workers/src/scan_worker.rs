//! Looks for QR codes in pictures. They come from others: this worker knows no secret, and if a picture breaks it,
//! the page starts another.

use rqrr::PreparedImage;
use tally_api::worker::scanner::{FromScanner, MAX_PIXELS, Picture};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::scope::{listen, post};

/// Runs the worker. Called once by its script.
#[wasm_bindgen]
pub fn scan_worker() {
    console_error_panic_hook::set_once();
    listen(|picture: Picture| post(&FromScanner::Seen(text_of(&picture))));
    post(&FromScanner::Ready);
}

/// The text of the first code that can be read: dark on light, or, as on dark screens, light on dark.
fn text_of(picture: &Picture) -> Option<String> {
    let (width, height) = (picture.width as usize, picture.height as usize);
    let pixels = width.checked_mul(height).filter(|pixels| *pixels <= MAX_PIXELS)?;
    if pixels == 0 || pixels != picture.luma.len() {
        return None;
    }
    // Dark pages show codes light on dark.
    [false, true].into_iter().find_map(|inverted| {
        let luma = |x: usize, y: usize| {
            let luma = picture.luma[y * width + x];
            if inverted { u8::MAX - luma } else { luma }
        };
        let mut image = PreparedImage::prepare_from_greyscale(width, height, luma);
        let grids = image.detect_grids();
        grids.iter().find_map(|grid| Some(grid.decode().ok()?.1))
    })
}
