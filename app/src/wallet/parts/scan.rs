//! Reading QR codes: from the camera, or from a picture. Pictures come from others, so they are read in a worker of their
//! own, where there is no secret.

#[cfg(feature = "hydrate")]
mod client;

use leptos::{html, prelude::*, task::spawn_local};
use tally_api::worker::scanner::Picture;

use crate::{
    browser,
    ui::{Button, Notice, NoticeKind},
};

/// Longer side of a picture of the camera, in pixels.
const CAMERA_SIDE: u32 = 960;
/// Longer side of a picture from a file, in pixels.
const FILE_SIDE: u32 = 1_600;
/// Milliseconds between two looks.
const PAUSE: u32 = 150;

/// Looks for a QR code in a picture.
async fn look(picture: Picture) -> Result<Option<String>, String> {
    #[cfg(feature = "hydrate")]
    return client::look(picture).await;
    #[cfg(not(feature = "hydrate"))]
    {
        drop(picture);
        Ok(None)
    }
}

fn stop() {
    #[cfg(feature = "hydrate")]
    client::stop();
}

/// A button that reads a QR code with the camera, and a way to open a picture of one. `name` makes ids of its fields.
#[component]
pub fn Scan(name: &'static str, on_text: Callback<String>) -> impl IntoView {
    let open = RwSignal::new(false);
    let (failure, status) = (RwSignal::new(None::<String>), RwSignal::new(""));
    let toggle = move |_| {
        failure.set(None);
        status.set("");
        open.update(|open| *open = !*open);
    };
    let seen = move |text: String| {
        let _ = open.try_set(false);
        let _ = status.try_set("The code was read.");
        on_text.run(text);
    };
    let input = NodeRef::<html::Input>::new();
    let chosen = move |_| {
        let Some(input) = input.get_untracked() else { return };
        failure.set(None);
        status.set("Looking for a code…");
        spawn_local(async move {
            let outcome = match browser::read_picture(&input, FILE_SIDE).await {
                Ok(picture) => look(picture).await,
                Err(why) => Err(why),
            };
            stop();
            // The same file may be chosen again.
            input.set_value("");
            let _ = status.try_set("");
            match outcome {
                Ok(Some(text)) => seen(text),
                Ok(None) => drop(failure.try_set(Some("No QR code was found in the picture.".to_owned()))),
                Err(why) => drop(failure.try_set(Some(why))),
            }
        });
    };
    let field = format!("{name}-picture");
    view! {
        <div class="scan">
            <div class="actions">
                <Button on:click=toggle>{move || if open.get() { "Close the camera" } else { "Scan a QR code" }}</Button>
                <input class="visually-hidden" id=field.clone() type="file" accept="image/*" node_ref=input on:change=chosen />
                <label class="button" for=field>"Open a picture of one"</label>
                <span class="field-hint" role="status">{move || status.get()}</span>
            </div>
            <Show when=move || open.get()>
                <Viewfinder open=open failure=failure on_seen=Callback::new(seen) />
            </Show>
            {move || {
                failure
                    .get()
                    .map(|why| {
                        view! {
                            <Notice kind=NoticeKind::Warning title="No code was read">
                                <p>{why}</p>
                                <p>"Open a picture of it, or paste the text."</p>
                            </Notice>
                        }
                    })
            }}
        </div>
    }
    .into_any()
}

/// What the camera sees, for as long as it is open.
#[component]
fn Viewfinder(open: RwSignal<bool>, failure: RwSignal<Option<String>>, on_seen: Callback<String>) -> impl IntoView {
    let video = NodeRef::<html::Video>::new();
    Effect::new(move |_| {
        let Some(video) = video.get() else { return };
        spawn_local(async move {
            let camera = match browser::open_camera(video).await {
                Ok(camera) => camera,
                Err(why) => {
                    let _ = failure.try_set(Some(why));
                    let _ = open.try_set(false);
                    return;
                }
            };
            let still = move || open.try_get_untracked() == Some(true);
            let mut found = None;
            while found.is_none() && still() {
                browser::sleep(PAUSE).await;
                let Some(picture) = camera.picture(CAMERA_SIDE) else {
                    continue;
                };
                match look(picture).await {
                    Ok(text) => found = text,
                    Err(why) => {
                        let _ = failure.try_set(Some(why));
                        let _ = open.try_set(false);
                    }
                }
            }
            camera.close();
            stop();
            if let Some(text) = found.filter(|_| still()) {
                on_seen.run(text);
            }
        });
    });
    // Leaving the page closes it.
    on_cleanup(move || {
        let _ = open.try_set(false);
    });
    view! {
        <video class="viewfinder" node_ref=video muted=true playsinline="true" aria-label="What the camera sees"></video>
        <p class="field-hint">"Hold the code in front of the camera. Pictures are processed in this tab and sent nowhere."</p>
    }
    .into_any()
}
