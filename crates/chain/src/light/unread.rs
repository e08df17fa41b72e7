//! Bytes of a part that has not come as a whole yet.

/// What is kept of the buffer once it is read, in bytes: a record (F5) has no more than two headers and a manifest (L5).
const PART_BYTES: usize = 1_024;

/// The beginning of a part whose end has not come yet. It stays in one buffer: a part that comes byte by byte is not copied for
/// each of them.
#[derive(Debug, Clone, Default)]
pub(super) struct Unread(Vec<u8>);

impl Unread {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Lets `read` take one part after the other from what came before and from these bytes; it returns the length of a part,
    /// or `None` where the bytes end before it does. What is complete is read where it is: only the beginning of a part is kept,
    /// and nothing after an error.
    pub fn read_on<E>(
        &mut self,
        bytes: &[u8],
        mut read: impl FnMut(&[u8]) -> Result<Option<usize>, E>,
    ) -> Result<(), E> {
        if self.0.is_empty() {
            let rest = read_all(bytes, &mut read)?;
            self.0.extend_from_slice(rest);
            return Ok(());
        }
        self.0.extend_from_slice(bytes);
        let left = read_all(&self.0, &mut read).map(<[u8]>::len);
        let kept = *left.as_ref().unwrap_or(&0);
        self.0.drain(..self.0.len() - kept);
        self.0.shrink_to(PART_BYTES);
        left.map(drop)
    }
}

/// Reads parts as long as there are whole ones, and returns what follows them.
fn read_all<'b, E>(bytes: &'b [u8], read: &mut impl FnMut(&[u8]) -> Result<Option<usize>, E>) -> Result<&'b [u8], E> {
    let mut rest = bytes;
    while let Some(len) = read(rest)? {
        rest = &rest[len..];
    }
    Ok(rest)
}
