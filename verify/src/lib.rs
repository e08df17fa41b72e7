//! The verifier that `tally light export` writes as one page, `verify.html`, for readers without a node or a network: receipts
//! (rules docs/protocol.md#P1 to #P8), proofs of a chain and headers (#F1 to #F9, #H5).
//!
//! [`kind_of`] finds what a file is, [`examine`] what it shows. Both are pure: the page brings the bytes, the id that its reader
//! trusts, and the clock.

mod chain;
mod input;
mod receipt;
mod report;

use tally_chain::UnixSecs;

pub use input::{Kind, kind_of};
pub use report::{Fault, Report, Verdict};

/// What a reader brings.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// A receipt, a proof or headers: a file as it is, or pasted text.
    pub input: &'a [u8],
    /// The chain spec, which a proof and headers need; empty where there is none.
    pub spec: &'a [u8],
    /// Id of the genesis or of the block that the reader trusts, as it was typed.
    pub trusted: &'a str,
    /// The reader's clock.
    pub now: UnixSecs,
}

/// Verifies what the reader brings.
pub fn examine(case: &Case<'_>) -> Report {
    let trusted = match input::trusted(case.trusted) {
        Ok(trusted) => trusted,
        Err(fault) => return Report::unreadable("The id that you trust", fault),
    };
    match kind_of(case.input) {
        Kind::Empty => Report::unreadable("Nothing", Fault::about("file", "there is nothing to verify")),
        Kind::Spec => Report::unreadable(
            "A chain spec",
            Fault::about("file", "by itself it shows nothing: add a receipt, a proof or headers"),
        ),
        Kind::Receipt => receipt::examine(case, trusted),
        Kind::Proof => chain::proof(case, trusted),
        Kind::Header => chain::header(case, trusted),
        Kind::Headers => chain::headers(case, trusted),
    }
}

/// What a file is, by name: `receipt`, `proof`, `header`, `headers`, `spec` or `empty`.
#[cfg(target_arch = "wasm32")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn kind(input: &[u8]) -> String {
    kind_of(input).name().to_owned()
}

/// Verifies what the reader brings and gives the [`Report`] as JSON. `now`: Unix seconds by the reader's clock.
#[cfg(target_arch = "wasm32")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn verify(input: &[u8], spec: &[u8], trusted: &str, now: u32) -> String {
    console_error_panic_hook::set_once();
    let case = Case {
        input,
        spec,
        trusted,
        now: UnixSecs(now.into()),
    };
    serde_json::to_string(&examine(&case)).expect("texts and lists are JSON")
}

#[cfg(test)]
mod tests;
