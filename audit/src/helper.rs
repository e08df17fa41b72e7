//! A worker that checks signatures: `[number, claims]` comes in, `[number, answers]` goes out.

use std::rc::Rc;

use futures::future::join_all;
use js_sys::{Array, Uint8Array};
use tally_audit::Claim;
use tally_audit::claims::decode;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen_futures::spawn_local;

use crate::scope::{listen, scope};
use crate::web_crypto::Browser;

/// Runs the worker. Called once by its script.
#[wasm_bindgen]
pub fn audit_helper() {
    console_error_panic_hook::set_once();
    let browser = Rc::new(Browser::new());
    listen(move |message| {
        let (message, browser) = (Array::from(&message), browser.clone());
        spawn_local(async move {
            let claims = decode(&Uint8Array::new(&message.get(1)).to_vec());
            let claims = claims.expect("the audit's worker is of the same build");
            let answers = join_all(claims.iter().map(|claim| answer(browser.as_ref().as_ref(), claim)));
            let answers = Uint8Array::from(&answers.await.concat()[..]);
            let transfer = Array::of1(&answers.buffer());
            let reply = Array::of2(&message.get(0), &answers);
            // Fails where the page has gone.
            let _ = scope().post_message_with_transfer(&reply, &transfer);
        });
    });
    let _ = scope().post_message(&JsValue::NULL);
}

async fn answer(browser: Option<&Browser>, claim: &Claim) -> Vec<u8> {
    if let (
        Some(browser),
        Claim::Rsa {
            key,
            message,
            signature,
        },
    ) = (browser, claim)
        && let Ok(verdict) = browser.verify(key, message, signature).await
    {
        return vec![verdict.into()];
    }
    claim.answer()
}
