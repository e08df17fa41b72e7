//! What `cargo xtask wasm-tests` runs as WASM, by `wasm/run.mjs`.

// WASM only; a native build of this package is empty.
#![cfg(target_arch = "wasm32")]

use wasm_bindgen::prelude::wasm_bindgen;

/// Runs a file of Ethereum's state tests: the number of cases, then the names of wrong ones, a line each.
#[wasm_bindgen]
pub fn state_tests(file: &[u8]) -> String {
    let (cases, wrong) = tally_ledger::state_tests::run_file(file);
    std::iter::once(cases.to_string())
        .chain(wrong)
        .collect::<Vec<_>>()
        .join("\n")
}

/// What the precompiles answer, a line each.
#[wasm_bindgen]
pub fn precompiles() -> String {
    tally_ledger::state_tests::precompiles().join("\n")
}

/// The verdicts of our own arithmetic on signatures, as an audit's workers send them.
///
/// # Panics
/// Where the bytes are no claims.
#[wasm_bindgen]
pub fn check_claims(claims: &[u8]) -> Vec<u8> {
    let claims = tally_audit::claims::decode(claims).expect("the vectors are claims");
    claims.iter().flat_map(tally_audit::Claim::answer).collect()
}
