//! Pictures for the search for QR codes: from the camera, or from a file.

use js_sys::Reflect;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    CanvasRenderingContext2d, HtmlCanvasElement, HtmlInputElement, HtmlVideoElement, ImageBitmap, MediaStream,
    MediaStreamConstraints, MediaStreamTrack,
};

use tally_api::worker::scanner::Picture;

/// Largest picture file that is opened, in bytes.
const MAX_FILE_BYTES: f64 = 20_000_000.0;

/// A camera that runs; it is let go by [`close`](Self::close).
pub struct Camera {
    stream: MediaStream,
    video: HtmlVideoElement,
}

/// Requests the camera on the back of the device, and shows it in `video`.
pub async fn open_camera(video: HtmlVideoElement) -> Result<Camera, String> {
    const NONE: &str = "This browser gives this page no access to the camera. The page needs https or localhost.";
    let window = web_sys::window().ok_or(NONE)?;
    let devices = window.navigator().media_devices().map_err(|_| NONE)?;
    if devices.is_undefined() {
        return Err(NONE.to_owned());
    }
    let facing = js_sys::Object::new();
    let _ = Reflect::set(&facing, &"facingMode".into(), &"environment".into());
    let wanted = MediaStreamConstraints::new();
    wanted.set_video(&facing);
    let requested = devices
        .get_user_media_with_constraints(&wanted)
        .map_err(|error| why(&error))?;
    let stream: MediaStream = JsFuture::from(requested)
        .await
        .map_err(|error| why(&error))?
        .unchecked_into();
    video.set_src_object(Some(&stream));
    let camera = Camera { stream, video };
    if let Ok(begun) = camera.video.play() {
        // A page that was left meanwhile has nothing to play.
        let _ = JsFuture::from(begun).await;
    }
    Ok(camera)
}

impl Camera {
    /// What it sees now, its longer side at most `most` pixels; none before it sees anything.
    pub fn picture(&self, most: u32) -> Option<Picture> {
        let (width, height) = fit(self.video.video_width(), self.video.video_height(), most)?;
        let (canvas, context) = canvas(width, height)?;
        let (w, h) = (f64::from(width), f64::from(height));
        context
            .draw_image_with_html_video_element_and_dw_and_dh(&self.video, 0.0, 0.0, w, h)
            .ok()?;
        luma(&canvas, &context)
    }

    /// Lets the camera go: its light goes out.
    pub fn close(&self) {
        for track in self.stream.get_tracks() {
            track.unchecked_into::<MediaStreamTrack>().stop();
        }
        self.video.set_src_object(None);
    }
}

/// The picture of a file, its longer side at most `most` pixels.
pub async fn read_picture(input: &HtmlInputElement, most: u32) -> Result<Picture, String> {
    const UNREADABLE: &str = "The browser cannot read this as a picture.";
    let file = input
        .files()
        .and_then(|files| files.get(0))
        .ok_or("No file was chosen.")?;
    if file.size() > MAX_FILE_BYTES {
        return Err(format!(
            "This file has {} bytes, at most {MAX_FILE_BYTES} are read.",
            file.size()
        ));
    }
    let window = web_sys::window().ok_or(UNREADABLE)?;
    let opened = window.create_image_bitmap_with_blob(&file).map_err(|_| UNREADABLE)?;
    let bitmap: ImageBitmap = JsFuture::from(opened).await.map_err(|_| UNREADABLE)?.unchecked_into();
    let picture = (|| {
        let (width, height) = fit(bitmap.width(), bitmap.height(), most)?;
        let (canvas, context) = canvas(width, height)?;
        let (w, h) = (f64::from(width), f64::from(height));
        context
            .draw_image_with_image_bitmap_and_dw_and_dh(&bitmap, 0.0, 0.0, w, h)
            .ok()?;
        luma(&canvas, &context)
    })();
    bitmap.close();
    picture.ok_or_else(|| UNREADABLE.to_owned())
}

/// Smaller, where it is larger than `most`; none of nothing.
fn fit(width: u32, height: u32, most: u32) -> Option<(u32, u32)> {
    let longer = width.max(height);
    if width == 0 || height == 0 {
        return None;
    }
    if longer <= most {
        return Some((width, height));
    }
    let scale = |side: u32| ((u64::from(side) * u64::from(most) / u64::from(longer)) as u32).max(1);
    Some((scale(width), scale(height)))
}

fn canvas(width: u32, height: u32) -> Option<(HtmlCanvasElement, CanvasRenderingContext2d)> {
    let element = web_sys::window()?.document()?.create_element("canvas").ok()?;
    let canvas: HtmlCanvasElement = element.dyn_into().ok()?;
    canvas.set_width(width);
    canvas.set_height(height);
    let context = canvas.get_context("2d").ok()??.dyn_into().ok()?;
    Some((canvas, context))
}

/// Brightness of each pixel.
fn luma(canvas: &HtmlCanvasElement, context: &CanvasRenderingContext2d) -> Option<Picture> {
    let (width, height) = (canvas.width(), canvas.height());
    let data = context
        .get_image_data(0.0, 0.0, f64::from(width), f64::from(height))
        .ok()?
        .data();
    let luma = data.chunks_exact(4).map(|pixel| {
        let [red, green, blue] = [pixel[0], pixel[1], pixel[2]].map(u32::from);
        ((red * 299 + green * 587 + blue * 114) / 1_000) as u8
    });
    Some(Picture {
        width,
        height,
        luma: luma.collect(),
    })
}

/// Why the browser gave no camera, as a sentence for the user.
fn why(error: &JsValue) -> String {
    let name = Reflect::get(error, &"name".into())
        .ok()
        .and_then(|name| name.as_string());
    match name.as_deref() {
        Some("NotAllowedError") => {
            "Access to the camera was denied. You can allow it in the browser's settings for this site."
        }
        Some("NotFoundError" | "OverconstrainedError") => "There is no camera here.",
        Some("NotReadableError") => "The camera is in use by another program.",
        _ => "The camera could not be opened.",
    }
    .to_owned()
}
