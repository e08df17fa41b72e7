//! Opaque cursors: base64url of what the next page begins with.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tally_chain::Height;
use tally_node::{HistoryCursor, Place};

use super::problem::{Answer, Problem, kinds};

/// Something that a page of one particular list can begin with.
pub trait Cursor: Sized {
    /// Distinguishes the cursors of one list from those of another.
    const LIST: u8;

    fn numbers(&self) -> (u64, u32);
    fn from_numbers(high: u64, low: u32) -> Self;

    fn encode(&self) -> String {
        let (high, low) = self.numbers();
        let bytes = [&[Self::LIST][..], &high.to_be_bytes(), &low.to_be_bytes()].concat();
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads the cursor of a request, if it has one.
    fn decode(text: Option<&str>) -> Answer<Option<Self>> {
        let Some(text) = text else { return Ok(None) };
        let read = || {
            let bytes: [u8; 13] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
            let (high, low) = (bytes[1..9].try_into().ok()?, bytes[9..].try_into().ok()?);
            (bytes[0] == Self::LIST).then(|| Self::from_numbers(u64::from_be_bytes(high), u32::from_be_bytes(low)))
        };
        read().map(Some).ok_or_else(foreign)
    }
}

/// The height of the next block to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockCursor(pub Height);

impl Cursor for BlockCursor {
    const LIST: u8 = b'b';

    fn numbers(&self) -> (u64, u32) {
        (self.0.0, 0)
    }

    fn from_numbers(high: u64, _: u32) -> Self {
        Self(Height(high))
    }
}

/// The place of the last transaction shown, going back in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlaceCursor(pub Place);

impl Cursor for PlaceCursor {
    const LIST: u8 = b't';

    fn numbers(&self) -> (u64, u32) {
        (self.0.height.0, self.0.index)
    }

    fn from_numbers(high: u64, low: u32) -> Self {
        Self(Place {
            height: Height(high),
            index: low,
        })
    }
}

/// Reads the cursor of a request for an account's history, if it has one. It is longer than those of other lists, because
/// it is bound to its account and to what was shown of it.
pub fn history_cursor(text: Option<&str>) -> Answer<Option<HistoryCursor>> {
    text.map(|text| text.parse().map_err(|_| foreign())).transpose()
}

/// The problem of a cursor that a list did not give out.
pub fn foreign() -> Problem {
    Problem::new(&kinds::INVALID_CURSOR, "the cursor is not one that this list gave out").field("cursor")
}

/// How many entries were shown, for lists that do not move much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OffsetCursor(pub u32);

impl Cursor for OffsetCursor {
    const LIST: u8 = b'o';

    fn numbers(&self) -> (u64, u32) {
        (0, self.0)
    }

    fn from_numbers(_: u64, low: u32) -> Self {
        Self(low)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_belong_to_one_list() {
        let place = Place {
            height: Height(7),
            index: 3,
        };
        let text = PlaceCursor(place).encode();
        assert_eq!(PlaceCursor::decode(Some(&text)), Ok(Some(PlaceCursor(place))));
        assert_eq!(PlaceCursor::decode(None), Ok(None));
        for wrong in ["", "x", "AAAA", "====", &BlockCursor(Height(7)).encode()] {
            let problem = PlaceCursor::decode(Some(wrong)).expect_err(wrong);
            assert_eq!(problem.kind.name, "invalid-cursor", "{wrong}");
            let problem = history_cursor(Some(wrong)).expect_err(wrong);
            assert_eq!(problem.kind.name, "invalid-cursor", "{wrong}");
        }
        assert_eq!(history_cursor(None), Ok(None));
    }
}
