//! What the next block needs to know of the blocks before it, and what follows from that.
//! Rules: docs/protocol.md#B3, #B7, #D1

use crate::consensus::{Engine, HeaderSeal, SealContext};
use crate::fees::next_base_fee;
use crate::hash::BlockId;
use crate::header::Header;
use crate::history::{self, History};
use crate::manifest::Manifest;
use crate::median_time;
use crate::spec::ChainSpec;
use crate::units::Height;

/// What a block knows of one before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parent {
    /// The id of `header`.
    pub id: BlockId,
    /// The 80 bytes that are hashed.
    pub header: Header,
    /// The manifest of the same block.
    pub manifest: Manifest,
}

/// What linking needs to know of the blocks before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ancestors {
    /// The block just before.
    pub parent: Parent,
    /// Times of up to 10 blocks before the parent and of the parent, oldest first.
    pub recent_times: Vec<u32>,
    /// Time of block 1 of this branch; `None` while genesis is the parent. Rule: docs/protocol.md#D1
    pub anchor_time: Option<u32>,
    /// The range over genesis to parent.
    pub history: History,
}

impl Ancestors {
    /// The time, in Unix seconds, that the next block's must exceed. Rule: docs/protocol.md#B3
    pub fn median_time(&self) -> u32 {
        median_time::median(&self.recent_times)
    }

    /// The earliest time, in Unix seconds, that the next block may have. Rule: docs/protocol.md#B3
    pub fn earliest_time(&self, spec: &ChainSpec) -> u32 {
        spec.engine().earliest_time(&self.recent_times)
    }

    /// What the next block's seal depends on.
    pub(crate) fn seal_context(&self) -> SealContext {
        SealContext {
            anchor_time: self.anchor_time,
            parent_time: self.parent.header.time,
            parent_height: self.parent.manifest.number,
        }
    }

    /// Base fee of the next block. Rule: docs/protocol.md#B7
    pub fn next_base_fee(&self, spec: &ChainSpec) -> u128 {
        let parent = &self.parent.manifest;
        if parent.number == Height::GENESIS {
            return spec.fees.initial_base_fee.into();
        }
        next_base_fee(
            parent.base_fee,
            parent.gas_used,
            parent.gas_limit,
            spec.fees.min_base_fee.into(),
        )
    }

    /// What the child of `next` sees, `next` being the child of `self.parent`.
    pub fn then(&self, next: Parent, engine: &Engine) -> Self {
        let header = next.header;
        let mut recent_times = self.recent_times.clone();
        median_time::push(&mut recent_times, header.time);
        let mut history = self.history.clone();
        history.push(history::Node::leaf(next.id, &header, engine.weight(&header)));
        Self {
            // The first block after genesis is the anchor of its branch: a spec may be much older than its chain (ADR 1).
            anchor_time: self.anchor_time.or(Some(header.time)),
            parent: next,
            recent_times,
            history,
        }
    }
}

impl Engine {
    /// The seal fields of the block after these ancestors, before a miner has searched. Rule: docs/protocol.md#D1
    pub fn next_seal(&self, ancestors: &Ancestors) -> HeaderSeal {
        self.seal_after(ancestors.seal_context())
    }
}
