//! How a receipt is read from a file, and written. Rules: docs/protocol.md#P1, #P7

use serde::Deserialize;
use serde_json::Value;

use super::{FORMAT, FileError, MAX_FILE_BYTES, MAX_PROVED_FILE_BYTES, PROVED, PortableReceipt, VERSION};

/// Where two JSON values differ first, as a path such as `block.header`.
fn difference(path: &str, found: &Value, written: &Value) -> Option<String> {
    match (found, written) {
        (Value::Object(found), Value::Object(written)) => {
            let differs = written.iter().find_map(|(key, value)| {
                let path = format!("{path}.{key}");
                match found.get(key) {
                    Some(found) => difference(&path, found, value),
                    None => Some(path),
                }
            });
            differs.or_else(|| {
                let more = found.keys().find(|key| !written.contains_key(*key))?;
                Some(format!("{path}.{more}"))
            })
        }
        (Value::Array(found), Value::Array(written)) if found.len() == written.len() => found
            .iter()
            .zip(written)
            .enumerate()
            .find_map(|(at, (found, written))| difference(&format!("{path}[{at}]"), found, written)),
        _ => (found != written).then(|| path.to_owned()),
    }
    .map(|path| path.trim_start_matches('.').to_owned())
}

impl PortableReceipt {
    /// Reads a file; whether it holds is another question: [`check`](Self::check) or
    /// [`check_from_genesis`](Self::check_from_genesis). Rules: docs/protocol.md#P1, #P7
    ///
    /// # Errors
    /// Where the file is too long for its version, has another form, or is written in another way than receipts are.
    pub fn read(file: &[u8]) -> Result<Self, FileError> {
        /// Looked at before the rest, so that a later version is named in the error.
        #[derive(Deserialize)]
        struct Start {
            format: String,
            version: u64,
        }
        let (len, max) = (file.len(), MAX_PROVED_FILE_BYTES);
        if len > max {
            return Err(FileError::TooLong { len, max });
        }
        let form = |error: serde_json::Error| FileError::Form {
            reason: error.to_string(),
        };
        let start: Start = serde_json::from_slice(file).map_err(form)?;
        if start.format != FORMAT {
            let reason = "its format is another one".to_owned();
            return Err(FileError::Form { reason });
        }
        let version = u32::try_from(start.version)
            .ok()
            .filter(|version| [VERSION, PROVED].contains(version));
        let version = version.ok_or(FileError::Version { found: start.version })?;
        let max = MAX_FILE_BYTES;
        if version == VERSION && len > max {
            return Err(FileError::TooLong { len, max });
        }
        let receipt: Self = serde_json::from_slice(file).map_err(form)?;
        let field = "chain";
        match (version, &receipt.chain) {
            (PROVED, None) => return Err(FileError::Missing { field, version }),
            (VERSION, Some(_)) => return Err(FileError::Unexpected { field, version }),
            _ => {}
        }
        receipt.has_canonical_values(file).map(|()| receipt)
    }

    /// The readers of hex and ids take other spellings, too. Each value has one (P1), so the values of the file are compared
    /// with those that would be written. White space, the order of fields and escapes in texts are JSON's and free: files
    /// from an API are in one line, those of the command line indented.
    fn has_canonical_values(&self, file: &[u8]) -> Result<(), FileError> {
        let found: Value = serde_json::from_slice(file).map_err(|error| FileError::Form {
            reason: error.to_string(),
        })?;
        let written = serde_json::to_value(self).expect("texts, numbers and lists are JSON");
        let field = difference("", &found, &written).or_else(|| {
            let allocations = &self.chain.as_ref()?.spec.allocations;
            let later = allocations
                .windows(2)
                .position(|pair| pair[0].address >= pair[1].address)?;
            Some(format!("chain.spec.allocations[{}]", later + 1))
        });
        match field {
            None => Ok(()),
            Some(field) => Err(FileError::NotCanonical { field }),
        }
    }

    /// The file's text.
    pub fn write(&self) -> String {
        serde_json::to_string_pretty(self).expect("texts, numbers and lists are JSON")
    }
}
