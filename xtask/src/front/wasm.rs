//! The little of the WASM format that it takes to leave something out of a module: sections, numbers, names.

use anyhow::{Context, Result, bail, ensure};

const HEADER: usize = 8;

/// Id of custom sections.
pub const CUSTOM: u8 = 0;

/// A section without its id and length.
pub struct Section<'a> {
    pub id: u8,
    pub body: &'a [u8],
}

/// The sections of a module, in its order.
pub fn sections(module: &[u8]) -> Result<Vec<Section<'_>>> {
    ensure!(
        module.starts_with(b"\0asm") && module.len() >= HEADER,
        "this is no WASM module"
    );
    let mut reader = Reader::new(&module[HEADER..]);
    let mut sections = Vec::new();
    while !reader.is_empty() {
        let id = reader.byte()?;
        let length = reader.number()?;
        let body = reader.take(length).context("a section ends behind its module")?;
        sections.push(Section { id, body });
    }
    Ok(sections)
}

/// A module of these sections.
pub fn module<'a>(sections: impl IntoIterator<Item = (u8, &'a [u8])>) -> Vec<u8> {
    let mut module = b"\0asm\x01\0\0\0".to_vec();
    for (id, body) in sections {
        module.push(id);
        push_number(&mut module, body.len());
        module.extend_from_slice(body);
    }
    module
}

/// Adds a custom section behind all others.
pub fn push_custom(module: &mut Vec<u8>, name: &str, content: &[u8]) {
    let mut body = Vec::new();
    push_number(&mut body, name.len());
    body.extend_from_slice(name.as_bytes());
    body.extend_from_slice(content);
    module.push(CUSTOM);
    push_number(module, body.len());
    module.extend(body);
}

/// Reads from the front.
#[derive(Clone, Copy)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn byte(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    pub fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length).context("the module broke off")?;
        self.0 = rest;
        Ok(taken)
    }

    /// An unsigned number of at most 32 bits (LEB128).
    pub fn number(&mut self) -> Result<usize> {
        let mut number = 0_usize;
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.byte()?;
            number |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        bail!("a number of more than 32 bits")
    }
}

pub fn push_number(out: &mut Vec<u8>, mut number: usize) {
    loop {
        let byte = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            return out.push(byte);
        }
        out.push(byte | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_they_were_written() {
        for number in [0, 1, 0x7f, 0x80, 0x3fff, 0x4000, u32::MAX as usize] {
            let mut bytes = Vec::new();
            push_number(&mut bytes, number);
            assert_eq!(Reader::new(&bytes).number().expect("a number"), number);
        }
        // As the linker pads it.
        assert_eq!(Reader::new(&[0x81, 0x80, 0x80, 0x80, 0]).number().expect("a number"), 1);
        assert!(Reader::new(&[0x80; 6]).number().is_err());
    }

    #[test]
    fn sections_are_found_and_written_again() {
        let written = module([(1, &[1, 0x60, 0, 0][..]), (CUSTOM, b"\x04name!"), (10, b"\x00")]);
        let found = sections(&written).expect("whole sections");
        assert_eq!(
            found.iter().map(|section| section.id).collect::<Vec<_>>(),
            [1, CUSTOM, 10]
        );
        assert_eq!(found[1].body, b"\x04name!");
        let torn = sections(&written[..written.len() - 1])
            .err()
            .map(|error| error.to_string());
        assert_eq!(torn.as_deref(), Some("a section ends behind its module"));
    }
}
