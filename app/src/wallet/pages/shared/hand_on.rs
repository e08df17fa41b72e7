//! A text on its way to other people: copied, as a file, as a link, as a picture.

use leptos::prelude::*;

use crate::{
    base::at_base,
    browser,
    ui::{Button, CopyButton},
    wallet::parts::qr::QrPicture,
};

/// Longest text that is drawn: denser pictures are not read by telephones.
const MAX_QR_BYTES: usize = 1_800;

/// Ways to hand a text on; `what` names it in the link.
#[component]
pub fn HandOn(what: &'static str, text: String, file: String) -> impl IntoView {
    let link = format!("{}{}#{what}={text}", browser::origin(), at_base("/wallet/shared"));
    let (kept, drawn) = (text.clone(), text.len() <= MAX_QR_BYTES);
    let save = move |_| browser::download(&file, format!("{kept}\n").as_bytes());
    let label = format!("QR code of the {what}");
    view! {
        <div class="hand-on">
            <div class="actions">
                <CopyButton text=text.clone() label="Copy the text" words=true />
                <CopyButton text=link label="Copy the link" words=true />
                <Button on:click=save>"Save as a file"</Button>
            </div>
            <p class="hand-on-text" tabindex="0"><code class="wrap" translate="no">{text.clone()}</code></p>
            {if drawn {
                view! {
                    <details class="more">
                        <summary>"Show it as a QR code"</summary>
                        <QrPicture text=text label=label />
                    </details>
                }
                    .into_any()
            } else {
                view! { <p class="field-hint">"Too long for a QR code: RSA keys and signatures are large."</p> }.into_any()
            }}
            <p class="field-hint">"Nothing in it is secret. The link carries it after the #, which browsers do not send to servers."</p>
        </div>
    }
    .into_any()
}
