//! Headers before their blocks: what eighty bytes and those before them show. Rule: docs/protocol.md#N5

use crate::block::BlockError;
use crate::consensus::SealContext;
use crate::hash::BlockId;
use crate::header::Header;
use crate::median_time;
use crate::spec::ChainSpec;
use crate::units::{Height, UnixSecs, Weight};

/// The end of a chain of headers, with what checking the next one needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderTip {
    /// Id of the last header.
    pub id: BlockId,
    /// Its number; genesis is 0.
    pub height: Height,
    /// Times of up to eleven blocks, this one last.
    pub recent_times: Vec<u32>,
    /// Time of block 1 of this branch; `None` at genesis. Rule: docs/protocol.md#D1
    pub anchor_time: Option<u32>,
    /// Total work of the branch up to and including this block.
    pub weight: Weight,
}

impl HeaderTip {
    /// Checks that `header` comes next, its seal first, and moves on to it; after an error nothing has moved.
    /// Rules: docs/protocol.md#H3, #H5, #B3, #B4, #B5
    pub fn extend(&mut self, header: &Header, spec: &ChainSpec, now: UnixSecs) -> Result<(), BlockError> {
        self.extend_with(header, spec, now, true)
    }

    /// The same for a reader that does not know all eleven blocks before: rule B3 is checked only where `times` says so.
    pub(crate) fn extend_with(
        &mut self,
        header: &Header,
        spec: &ChainSpec,
        now: UnixSecs,
        times: bool,
    ) -> Result<(), BlockError> {
        let (found, expected) = (header.parent, self.id);
        if found != expected {
            return Err(BlockError::WrongParent { found, expected });
        }
        // The seal before the rest: made-up headers cost their sender work, and this node a hash.
        check_alone(header, spec, now)?;
        let engine = spec.engine();
        if times {
            engine.check_time(header.time, &self.recent_times)?;
        }
        let context = SealContext {
            anchor_time: self.anchor_time,
            parent_time: self.recent_times.last().copied().unwrap_or(0),
            parent_height: self.height,
        };
        engine.check_next_seal(header, context)?;
        self.id = header.id();
        self.height = self.height.next();
        median_time::push(&mut self.recent_times, header.time);
        self.anchor_time = self.anchor_time.or(Some(header.time));
        self.weight = self.weight.plus(engine.weight(header));
        Ok(())
    }
}

/// Seconds that a header's time may be ahead of the clock. Rule: docs/protocol.md#B4
pub fn max_ahead(spec: &ChainSpec) -> u64 {
    spec.engine().max_ahead()
}

/// What one header shows by itself. Rules: docs/protocol.md#H3, #H5, #B4
pub fn check_alone(header: &Header, spec: &ChainSpec, now: UnixSecs) -> Result<(), BlockError> {
    let engine = spec.engine();
    let (found, expected) = (header.version, engine.header_version());
    if found != expected {
        return Err(BlockError::WrongVersion { found, expected });
    }
    engine.check_header(header)?;
    let max_ahead = engine.max_ahead();
    let time = UnixSecs(header.time.into());
    if time > now.saturating_add(max_ahead) {
        return Err(BlockError::FromTheFuture { time, now, max_ahead });
    }
    Ok(())
}
