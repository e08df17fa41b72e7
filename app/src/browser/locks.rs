//! Work that one tab at a time does.

use std::{cell::RefCell, rc::Rc};

use futures::{
    channel::oneshot,
    future::{Either, select},
};
use gloo::timers::future::TimeoutFuture;
use js_sys::{Function, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::{JsFuture, future_to_promise};

/// How long other tabs are waited for, in milliseconds: what each does takes some.
const GRANTED_WITHIN: u32 = 10_000;
/// How long a lock is kept after the work, in milliseconds: Chromium hands what one tab wrote to its storage to the processes
/// of the others a moment later, and no event marks when.
const SETTLES_WITHIN: u32 = 50;

/// Does the work while no other tab of this site does work of the same name, so that none writes over what it has not read.
/// An error means that another tab held the lock for too long; the work was not done then. Browsers offer locks only to pages on
/// HTTPS and loopback: elsewhere the work is done at once, and of two tabs in the very same instant one may undo the other's.
pub async fn alone<T: 'static>(name: &str, work: impl FnOnce() -> T + 'static) -> Result<T, String> {
    let Some((locks, request)) = locks() else {
        return Ok(work());
    };
    let work = Rc::new(RefCell::new(Some(work)));
    let (done, result) = oneshot::channel();
    let granted = work.clone();
    let callback = Closure::<dyn FnMut(JsValue) -> Promise>::once_into_js(move |_lock: JsValue| -> Promise {
        // Nothing is left to do for who has waited too long.
        let work = granted.borrow_mut().take();
        if let Some(work) = work {
            let _ = done.send(work());
        }
        future_to_promise(async {
            TimeoutFuture::new(SETTLES_WITHIN).await;
            Ok(JsValue::UNDEFINED)
        })
    });
    let requested = request.call2(&locks, &name.into(), &callback);
    let requested = requested.and_then(JsCast::dyn_into::<Promise>);
    let is_late = match requested {
        Ok(requested) => {
            let waits = select(JsFuture::from(requested), TimeoutFuture::new(GRANTED_WITHIN));
            match select(result, waits).await {
                Either::Left((Ok(found), _)) => return Ok(found),
                Either::Left((Err(_), _)) | Either::Right((Either::Left(_), _)) => false,
                Either::Right((Either::Right(_), _)) => true,
            }
        }
        Err(_) => false,
    };
    let left = work.borrow_mut().take();
    match left {
        // A browser that gives no lock after all is one without locks.
        Some(work) if !is_late => Ok(work()),
        _ => Err("another tab of this site keeps its storage to itself".to_owned()),
    }
}

/// The browser's locks, and the function that requests one; none where it offers none.
fn locks() -> Option<(JsValue, Function)> {
    let navigator = web_sys::window()?.navigator();
    let locks = Reflect::get(&navigator, &"locks".into()).ok()?;
    let request = Reflect::get(&locks, &"request".into()).ok()?;
    Some((locks, request.dyn_into().ok()?))
}
