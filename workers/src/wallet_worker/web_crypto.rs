//! RSA signatures by the browser's own cryptography (WebCrypto), where it offers them: ten times as fast as ours.
//!
//! It is there in secure contexts only, so our own signatures stay beside it, and are what is used wherever this gives
//! nothing. Nothing that it gives leaves the worker unchecked. Decision: docs/adr/0021-rsa-signatures-by-the-browser.md

use std::collections::BTreeMap;

use js_sys::{Array, Object, Reflect, Uint8Array};
use tally_chain::Address;
use tally_chain::keys::PSS_SALT_BYTES;
use tally_chain::transaction::ChainIdentity;
use tally_wallet::payment::{self, Signed};
use tally_wallet::{SigningKey, Vault, keystore};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{CryptoKey, DedicatedWorkerGlobalScope, SubtleCrypto};

/// Keys in the browser's keeping, by address: they sign, and no script can read them again. They end with the worker.
#[derive(Default)]
pub struct BrowserKeys(BTreeMap<Address, CryptoKey>);

impl BrowserKeys {
    /// Signs for an RSA account of the vault, and checks the result as a node would. Rules: docs/protocol.md#A5, #T3
    ///
    /// Nothing where the browser does not sign, or not in a way that verifies.
    pub async fn sign(
        &mut self,
        chain: &ChainIdentity,
        vault: &Vault,
        from: Address,
        payload: &[u8],
    ) -> Option<Signed> {
        let public = vault
            .account(from)
            .ok()
            .filter(|account| account.can_sign())?
            .key
            .clone()?;
        if !public.kind().is_rsa() {
            return None;
        }
        let subtle = subtle()?;
        let message = payment::signed_message(chain, from, payload).ok()?;
        let key = match self.0.get(&from) {
            Some(key) => key.clone(),
            None => {
                let key = import(&subtle, &vault.signing_key(from).ok()?).await.ok()?;
                self.0.insert(from, key.clone());
                key
            }
        };
        let signature = sign(&subtle, &key, &message).await.ok()?;
        let signed = payment::attach(chain, from, &public, payload, signature).ok();
        if signed.is_none() {
            self.0.remove(&from);
        }
        signed
    }
}

/// None outside of secure contexts.
fn subtle() -> Option<SubtleCrypto> {
    let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    if !scope.is_secure_context() {
        return None;
    }
    let subtle = scope.crypto().ok()?.subtle();
    // Undefined where there is none, whatever its type says.
    (!subtle.is_undefined()).then_some(subtle)
}

async fn import(subtle: &SubtleCrypto, key: &SigningKey) -> Result<CryptoKey, JsValue> {
    let bytes = keystore::plain_pkcs8(key);
    let data = Uint8Array::from(bytes.as_slice());
    let algorithm = object(&[("name", "RSA-PSS".into()), ("hash", "SHA-256".into())])?;
    let usages = Array::of1(&"sign".into());
    let imported = subtle.import_key_with_object("pkcs8", &data, &algorithm, false, &usages);
    // The browser has copied the bytes before it answers with a promise.
    data.fill(0, 0, data.length());
    Ok(JsFuture::from(imported?).await?.unchecked_into())
}

async fn sign(subtle: &SubtleCrypto, key: &CryptoKey, message: &[u8]) -> Result<Vec<u8>, JsValue> {
    let salt = JsValue::from(PSS_SALT_BYTES as u32);
    let algorithm = object(&[("name", "RSA-PSS".into()), ("saltLength", salt)])?;
    let signature = JsFuture::from(subtle.sign_with_object_and_u8_array(&algorithm, key, message)?).await?;
    Ok(Uint8Array::new(&signature).to_vec())
}

fn object(fields: &[(&str, JsValue)]) -> Result<Object, JsValue> {
    let object = Object::new();
    for (name, value) in fields {
        Reflect::set(&object, &(*name).into(), value)?;
    }
    Ok(object)
}
