//! What the page and the worker that reads QR codes send each other. Pictures come from others: there is no secret here.

use serde::{Deserialize, Serialize};

/// Most pixels of a picture that is looked at.
pub const MAX_PIXELS: usize = 4_000_000;

/// A picture in shades of grey, row by row from the top.
#[derive(Debug, Serialize, Deserialize)]
pub struct Picture {
    /// Pixels of a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// One byte a pixel; 0 is black.
    #[serde(with = "serde_bytes")]
    pub luma: Vec<u8>,
}

/// From the worker to the page.
#[derive(Debug, Serialize, Deserialize)]
pub enum FromScanner {
    /// It listens now.
    Ready,
    /// The text of the code in the picture, if there is one.
    Seen(Option<String>),
}
