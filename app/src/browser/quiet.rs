//! What the server has of the browser: nothing.

use serde::{Serialize, de::DeserializeOwned};

pub fn now() -> Option<u64> {
    None
}
pub fn kept(_key: &str) -> Result<Option<String>, String> {
    Ok(None)
}
pub fn keep(_key: &str, _text: &str) -> Result<(), String> {
    Err("only a browser keeps something".to_owned())
}
pub async fn alone<T: 'static>(_name: &str, work: impl FnOnce() -> T + 'static) -> Result<T, String> {
    Ok(work())
}
pub fn load<T: DeserializeOwned>(_key: &str) -> Option<T> {
    None
}
pub fn store<T: Serialize>(_key: &str, _value: &T) {}
pub fn forget(_key: &str) {}
pub fn load_for_tab(_key: &str) -> Option<String> {
    None
}
pub fn store_for_tab(_key: &str, _value: Option<&str>) {}
pub fn set_cookie(_name: &str, _value: &str) {}
pub fn set_root_attribute(_name: &str, _value: Option<&str>) {}
pub fn fragment() -> String {
    String::new()
}
pub fn origin() -> String {
    String::new()
}
pub fn clear_fragment() {}
pub fn is_secure_context() -> Option<bool> {
    None
}
pub async fn copy(_text: &str) -> bool {
    false
}
pub fn selected_text() -> Option<String> {
    None
}
pub async fn wipe_clipboard(_is_ours: impl Fn(&str) -> bool) -> crate::browser::Wiped {
    crate::browser::Wiped::Unknown
}
pub fn reload() {}
pub async fn sleep(_milliseconds: u32) {}
pub fn every(_milliseconds: u64, _callback: impl Fn() + 'static) {}
pub fn focus(_id: &str) {}
pub fn close_details(_id: &str) {}
pub fn form_query(_event: &leptos::web_sys::SubmitEvent) -> Option<String> {
    None
}
pub async fn read_text(_input: &leptos::web_sys::HtmlInputElement, _max: usize) -> Result<String, String> {
    Err("only a browser has files".to_owned())
}
/// None is on a server.
pub struct Camera;
impl Camera {
    pub fn picture(&self, _most: u32) -> Option<tally_api::worker::scanner::Picture> {
        None
    }
    pub fn close(&self) {}
}
pub async fn open_camera(_video: leptos::web_sys::HtmlVideoElement) -> Result<Camera, String> {
    Err("only a browser has a camera".to_owned())
}
pub async fn read_picture(
    _input: &leptos::web_sys::HtmlInputElement,
    _most: u32,
) -> Result<tally_api::worker::scanner::Picture, String> {
    Err("only a browser has files".to_owned())
}
pub async fn hash_file(
    _input: &leptos::web_sys::HtmlInputElement,
    _progress: impl Fn(u8),
) -> Result<(String, tally_chain::B256), String> {
    Err("no files on the server".to_owned())
}
pub fn download(_name: &str, _bytes: &[u8]) {}
pub fn is_typing(_event: &leptos::web_sys::KeyboardEvent) -> bool {
    false
}
pub async fn get_json<T: DeserializeOwned>(_path: &str) -> Result<T, String> {
    Err("only a browser sends requests to the node".to_owned())
}
pub async fn send_json<T: Serialize>(_path: &str, _body: &T) -> Result<(), String> {
    Err("only a browser sends requests".to_owned())
}
pub fn broadcast(_name: &str, _text: &str) {}
pub fn on_broadcast(_name: &str, _then: impl Fn(String) + 'static) {}
pub fn threads() -> Option<u32> {
    None
}
pub async fn send<T: Serialize>(
    _method: super::Method,
    _path: &str,
    _token: Option<&str>,
    _body: Option<&T>,
) -> Result<Vec<u8>, String> {
    Err("only a browser sends requests to the node".to_owned())
}
pub async fn keep_storage() -> Option<bool> {
    None
}
pub fn keeping_focus<T>(redraw: impl FnOnce() -> T) -> T {
    redraw()
}
