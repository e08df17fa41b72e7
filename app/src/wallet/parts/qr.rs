//! QR codes as pictures.

use leptos::prelude::*;
use qrcode::{Color, EcLevel, QrCode};

/// Modules of quiet around a code, as its standard requires.
const QUIET: usize = 4;

/// A QR code as one path, dark on light in every theme.
#[component]
pub fn QrPicture(text: String, #[prop(into)] label: String) -> impl IntoView {
    let code = QrCode::with_error_correction_level(text.as_bytes(), EcLevel::M);
    // A long text in the form that holds most.
    let code = code.or_else(|_| QrCode::with_error_correction_level(text.as_bytes(), EcLevel::L));
    code.ok().map(|code| {
        let (width, path) = outline(&code);
        let side = width + 2 * QUIET;
        view! {
            <svg class="qr" viewBox=format!("0 0 {side} {side}") role="img" aria-label=label shape-rendering="crispEdges">
                <rect class="qr-paper" width=side.to_string() height=side.to_string() />
                <path class="qr-ink" d=path />
            </svg>
        }
    })
}

/// Width in modules, and the dark ones as runs.
fn outline(code: &QrCode) -> (usize, String) {
    let width = code.width();
    let mut path = String::new();
    for (y, row) in code.to_colors().chunks(width).enumerate() {
        let mut x = 0;
        while x < width {
            let run = row[x..].iter().take_while(|module| **module == Color::Dark).count();
            if run > 0 {
                path.push_str(&format!("M{} {}h{run}v1h-{run}z", x + QUIET, y + QUIET));
            }
            x += run.max(1);
        }
    }
    (width, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_starts_with_its_finder_pattern() {
        let code = QrCode::with_error_correction_level(b"0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266", EcLevel::M)
            .expect("it fits");
        let (width, path) = outline(&code);
        assert_eq!(width, 29);
        assert!(path.starts_with("M4 4h7v1h-7z"), "{path}");
    }
}
