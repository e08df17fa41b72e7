//! RSA signatures by the browser's own cryptography, where it offers them: several times as fast as ours.
//!
//! Keys and signatures have passed our own rules before they come here (A4, A5). A yes is what a tab relies on; a no is looked at
//! again by our own arithmetic before it is a fault.

use std::cell::RefCell;
use std::collections::BTreeMap;

use js_sys::{Array, Object, Reflect, Uint8Array};
use tally_chain::keys::{PSS_SALT_BYTES, RsaPublicKey};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{CryptoKey, SubtleCrypto};

use crate::scope::scope;

/// Imported keys that are kept; all are dropped when there are so many.
const KEYS: usize = 4_096;

/// The browser's cryptography, with the keys that it has imported.
pub struct Browser {
    subtle: SubtleCrypto,
    verify: Object,
    import: Object,
    keys: RefCell<BTreeMap<RsaPublicKey, CryptoKey>>,
}

impl Browser {
    /// None outside of secure contexts.
    pub fn new() -> Option<Self> {
        if !scope().is_secure_context() {
            return None;
        }
        let subtle = scope().crypto().ok()?.subtle();
        // Undefined where there is none, whatever its type says.
        if subtle.is_undefined() {
            return None;
        }
        let salt = JsValue::from(PSS_SALT_BYTES as u32);
        Some(Self {
            subtle,
            verify: object(&[("name", "RSA-PSS".into()), ("saltLength", salt)]).ok()?,
            import: object(&[("name", "RSA-PSS".into()), ("hash", "SHA-256".into())]).ok()?,
            keys: RefCell::default(),
        })
    }

    /// Whether the browser verifies this signature; an error where it takes no such key.
    pub async fn verify(&self, key: &RsaPublicKey, message: &[u8], signature: &[u8]) -> Result<bool, JsValue> {
        let known = self.keys.borrow().get(key).cloned();
        let imported = match known {
            Some(imported) => imported,
            None => self.import(key).await?,
        };
        let verdict = self.subtle.verify_with_object_and_js_u8_array_and_js_u8_array(
            &self.verify,
            &imported,
            &Uint8Array::from(signature),
            &Uint8Array::from(message),
        )?;
        Ok(JsFuture::from(verdict).await?.is_truthy())
    }

    async fn import(&self, key: &RsaPublicKey) -> Result<CryptoKey, JsValue> {
        let data = Uint8Array::from(key.spki());
        let usages = Array::of1(&"verify".into());
        let imported = self
            .subtle
            .import_key_with_object("spki", &data, &self.import, false, &usages)?;
        let imported: CryptoKey = JsFuture::from(imported).await?.unchecked_into();
        let mut keys = self.keys.borrow_mut();
        if keys.len() >= KEYS {
            keys.clear();
        }
        keys.insert(key.clone(), imported.clone());
        Ok(imported)
    }
}

fn object(fields: &[(&str, JsValue)]) -> Result<Object, JsValue> {
    let object = Object::new();
    for (name, value) in fields {
        Reflect::set(&object, &(*name).into(), value)?;
    }
    Ok(object)
}
