//! What a target of the fuzzer is.

/// Something that reads bytes from outside, with what has to hold whatever they are.
pub struct Target {
    pub name: &'static str,
    pub run: fn(&[u8]),
    /// Inputs to begin with, as they are when everything is right.
    pub seeds: fn() -> Vec<Vec<u8>>,
}
