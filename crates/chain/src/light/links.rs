//! Compact headers between two blocks whose ids are known. Rule: docs/protocol.md#F11

use super::fault::{LightFault, Violation, violation_at};
use super::unread::Unread;
use crate::consensus::{CompactHeader, Engine, SealContext};
use crate::hash::BlockId;
use crate::header::Header;
use crate::spec::ChainSpec;
use crate::units::Height;

/// Headers after a known block, each hashed over the one before. Where they end with the id of a verified block, the known one
/// is an ancestor of it: no other headers lead to that id. Seals and times are not checked, since the verified block commits to
/// its ancestors. Rule: docs/protocol.md#F11
#[derive(Debug, Clone)]
pub struct Links {
    engine: Engine,
    /// Time of block 1, in Unix seconds; none before it.
    first_time: Option<u32>,
    header: Header,
    id: BlockId,
    height: Height,
    /// The beginning of a header whose end has not come yet.
    rest: Unread,
    bytes: u64,
    /// What was wrong with the bytes after those that were followed.
    fault: Option<LightFault>,
}

impl Links {
    /// Begins after the block of this height and header. `first_time`: the time of block 1 in Unix seconds, from whatever
    /// source, since a false one leads to other ids; up to height 1 it is not needed.
    pub fn after(spec: &ChainSpec, height: Height, header: Header, first_time: u32) -> Self {
        let first_time = match height.0 {
            0 => None,
            1 => Some(header.time),
            _ => Some(first_time),
        };
        Self {
            engine: spec.engine(),
            first_time,
            header,
            id: header.id(),
            height,
            rest: Unread::default(),
            bytes: 0,
            fault: None,
        }
    }

    /// Follows the compact headers in these bytes, which may end anywhere. After a fault every call returns it.
    ///
    /// # Errors
    /// Where they are no compact headers (F2).
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), LightFault> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        let mut rest = std::mem::take(&mut self.rest);
        let pushed = rest.read_on(bytes, |bytes| {
            let len = self.read(bytes)?;
            self.bytes += len.unwrap_or(0) as u64;
            Ok::<_, Violation>(len)
        });
        self.rest = rest;
        pushed.map_err(|found| self.fault.insert(found.at(self.bytes)).clone())
    }

    fn read(&mut self, bytes: &[u8]) -> Result<Option<usize>, Violation> {
        let next = self.height.next();
        let at = |error| violation_at("F2", next.0, error);
        let Some((compact, len)) = CompactHeader::decode(bytes).map_err(at)? else {
            return Ok(None);
        };
        let parent_time = self.header.time;
        let seal = self.engine.seal_after(SealContext {
            anchor_time: self.first_time,
            parent_time,
            parent_height: self.height,
        });
        self.header = compact.after(self.id, parent_time, seal).map_err(at)?;
        self.first_time = self.first_time.or(Some(self.header.time));
        self.id = self.header.id();
        self.height = next;
        Ok(Some(len))
    }

    /// The newest header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Its id.
    pub fn id(&self) -> BlockId {
        self.id
    }

    /// Its height.
    pub fn height(&self) -> Height {
        self.height
    }

    /// Whether the bytes ended within a header.
    pub fn is_within_header(&self) -> bool {
        !self.rest.is_empty()
    }
}
