//! What a file or a pasted text is.

use tally_chain::header::HEADER_BYTES;
use tally_chain::light::MAGIC;
use tally_chain::portable::FORMAT;
use tally_chain::spec::MAX_SPEC_BYTES;
use tally_chain::{BlockId, ChainSpec};

use crate::report::Fault;

/// What bytes are, as far as it shows before they are verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// There are none.
    Empty,
    /// A portable receipt, or another JSON document that is none.
    Receipt,
    /// The proof of a chain. Rule: docs/protocol.md#F3
    Proof,
    /// One header. Rule: docs/protocol.md#H1
    Header,
    /// Compact headers from block 1 on. Rule: docs/protocol.md#F9
    Headers,
    /// A chain spec, as TOML or JSON. Rule: docs/protocol.md#C1
    Spec,
}

impl Kind {
    /// Its name, for the page.
    pub fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Receipt => "receipt",
            Self::Proof => "proof",
            Self::Header => "header",
            Self::Headers => "headers",
            Self::Spec => "spec",
        }
    }
}

/// What this is. A guess decides only how it is read: whatever it is, it has to hold.
pub fn kind_of(input: &[u8]) -> Kind {
    let bytes = bytes(input);
    let text = std::str::from_utf8(&bytes).ok().map(str::trim);
    match text {
        Some("") => Kind::Empty,
        Some(json) if json.starts_with('{') && !json.contains(FORMAT) && json.contains("\"consensus\"") => Kind::Spec,
        Some(json) if json.starts_with('{') => Kind::Receipt,
        Some(toml) if toml.contains("[consensus]") => Kind::Spec,
        _ if bytes.starts_with(MAGIC) => Kind::Proof,
        _ if bytes.len() == HEADER_BYTES => Kind::Header,
        _ => Kind::Headers,
    }
}

/// The bytes of hex, with or without 0x, or what was given as it is.
pub fn bytes(input: &[u8]) -> Vec<u8> {
    let digits = std::str::from_utf8(input).ok().map(str::trim).and_then(|text| {
        let digits = text.strip_prefix("0x").unwrap_or(text);
        (!digits.is_empty() && digits.len() % 2 == 0).then_some(digits.as_bytes())
    });
    let digit = |byte: &u8| {
        char::from(*byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    let pair = |pair: &[u8]| Some(digit(pair.first()?)? << 4 | digit(pair.get(1)?)?);
    digits
        .and_then(|digits| digits.chunks(2).map(pair).collect())
        .unwrap_or_else(|| input.to_vec())
}

/// The id that the reader trusts; none where none was typed.
pub fn trusted(text: &str) -> Result<Option<BlockId>, Fault> {
    match text.trim() {
        "" => Ok(None),
        text => match text.parse() {
            Ok(id) => Ok(Some(id)),
            Err(error) => Err(Fault::about("id that you trust", error)),
        },
    }
}

/// The chain spec of this genesis: the one that was given, or one that is built in.
pub fn spec(given: &[u8], genesis: BlockId) -> Result<ChainSpec, Fault> {
    if given.is_empty() {
        let known = ["local", "test"]
            .into_iter()
            .filter_map(|name| ChainSpec::built_in(name).ok());
        let mut fitting = known.filter(|spec| tally_chain::genesis::identity(spec).genesis == genesis);
        return fitting.next().ok_or_else(|| {
            let why = format!(
                "the chain spec of genesis {genesis} is needed: add the file that /api/v1/spec?format=toml gives"
            );
            Fault::about("chain spec", why)
        });
    }
    let (len, max) = (given.len(), MAX_SPEC_BYTES);
    if len > max {
        return Err(Fault::new(
            "L8",
            "chain spec",
            format!("{len} bytes, at most {max} are read"),
        ));
    }
    let wrong = |why: String| Fault::new("C1", "chain spec", why);
    let text = std::str::from_utf8(given).map_err(|error| wrong(error.to_string()))?;
    let spec = match text.trim_start().starts_with('{') {
        true => {
            let spec: ChainSpec = serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
            spec.checked()
        }
        false => ChainSpec::from_toml(text),
    };
    spec.map_err(|error| wrong(error.to_string()))
}
