//! Which blocks a node gives proofs and headers of.

use std::ops::RangeInclusive;
use std::sync::Arc;

use tally_chain::light::TipClaim;
use tally_chain::portable::{ChainProof, MAX_PROOF_BYTES};
use tally_chain::{BlockId, Height, history};

use super::{HEADERS_AT_ONCE, LightProof, LightReadError, PROVED_BELOW_TIP, prove, write_headers};
use crate::node::Node;
use crate::pipeline::Tip;
use crate::store::StoreError;

impl Node {
    /// The claim of the tip for light clients. Rule: docs/protocol.md#F11
    pub fn tip_claim(&self, tip: &Tip) -> TipClaim {
        TipClaim {
            header: tip.record.header,
            manifest: tip.record.manifest.clone(),
            weight: tip.record.weight,
        }
    }

    /// The proof of the chain up to a block: the tip, or one of the newest below it. Made once and kept; takes a while where it
    /// is made, so that it belongs on a thread that may block. Rule: docs/protocol.md#F3
    ///
    /// # Errors
    /// Of a block that is not in the active chain, of one that is too old, and of any where this node began with a checkpoint
    /// and lacks what came before.
    pub fn light_proof(&self, tip: &Tip, id: BlockId) -> Result<Arc<LightProof>, LightReadError> {
        let proof = self.light_proofs().get(id, || {
            let height = active_height(tip, id)?;
            let oldest = Height(tip.record.height().0.saturating_sub(PROVED_BELOW_TIP));
            if height < oldest {
                return Err(LightReadError::TooOld { id, height, oldest });
            }
            kept_from(tip, 1)?;
            Ok::<_, LightReadError>(prove(self.spec(), &tip.snapshot, id, height)?)
        })?;
        // What follows is read later, and only of the active chain: a reorg may have undone a block whose proof is kept.
        if proof.headers.is_some() {
            active_height(tip, id)?;
        }
        Ok(proof)
    }

    /// The same where it was made before; no disk is read. Where it lacks headers, [`Self::light_proof`] has to say whether the chain
    /// has that block still.
    pub fn kept_light_proof(&self, id: BlockId) -> Option<Arc<LightProof>> {
        self.light_proofs().kept(id)
    }

    /// The proof of a block as a receipt carries it, with all of its headers. It takes as long as [`Self::light_proof`].
    /// Rule: docs/protocol.md#P7
    ///
    /// # Errors
    /// Those of [`Self::light_proof`], and where the proof is longer than L12 allows: a chain of some 40,000 blocks that cannot be
    /// sampled.
    pub fn receipt_proof(&self, tip: &Tip, id: BlockId) -> Result<ChainProof, LightReadError> {
        let proof = self.light_proof(tip, id)?;
        let max = MAX_PROOF_BYTES;
        let mut bytes = proof.bytes.to_vec();
        if let Some(headers) = proof.headers.clone() {
            let (mut from, last) = headers.into_inner();
            while from <= last && bytes.len() <= max {
                let to = last.min(from.saturating_add(HEADERS_AT_ONCE - 1));
                bytes.extend(self.light_headers(tip, id, from..=to)?);
                from = to + 1;
            }
        }
        let len = bytes.len();
        if len > max {
            return Err(LightReadError::TooLongForReceipt { len, max });
        }
        Ok(ChainProof {
            spec: self.spec().clone(),
            proof: bytes.into(),
        })
    }

    /// Whether this node has the chain from genesis on, so that it can prove it.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub fn proves_chain(&self, tip: &Tip) -> Result<bool, StoreError> {
        Ok(tip.snapshot.base()? <= Height(1))
    }

    /// The heights of at most `count` headers from block `from` on that lead to the block `end`, or to the tip where none is
    /// named; and that block. Rule: docs/protocol.md#F9
    ///
    /// # Errors
    /// Where that block is not in the active chain, there is no header of that height, or this node does not keep it.
    pub fn light_range(
        &self,
        tip: &Tip,
        end: Option<BlockId>,
        from: u64,
        count: Option<u64>,
    ) -> Result<(BlockId, RangeInclusive<u64>), LightReadError> {
        let (end, Height(last)) = match end {
            Some(end) => (end, active_height(tip, end)?),
            None => (tip.record.id, tip.record.height()),
        };
        // Genesis follows from the spec.
        if from == 0 || from > last {
            return Err(LightReadError::OutOfRange { from, last });
        }
        kept_from(tip, from - 1)?;
        let last = count.map_or(last, |count| last.min(from.saturating_add(count.saturating_sub(1))));
        Ok((end, from..=last))
    }

    /// Compact headers of these heights, as [`Self::light_range`] gave them, of the chain that ends with `end`. All are held in
    /// memory: callers request at most [`super::HEADERS_AT_ONCE`]. Rule: docs/protocol.md#F2
    ///
    /// # Errors
    /// Where a reorg has undone that block meanwhile: headers of two chains are never mixed.
    pub fn light_headers(
        &self,
        tip: &Tip,
        end: BlockId,
        heights: RangeInclusive<u64>,
    ) -> Result<Vec<u8>, LightReadError> {
        let (from, to) = heights_before(tip, end, heights)?;
        let mut out = Vec::new();
        write_headers(self.spec(), &tip.snapshot, from..=to, &mut out)?;
        Ok(out)
    }

    /// Whole blocks of these heights, as [`Self::light_range`] gave them, of the chain that ends with `end`, each after its length:
    /// as many as [`tally_audit::PART_BYTES`] allow, one at least. Rule: docs/protocol.md#F12
    ///
    /// # Errors
    /// Where a reorg has undone that block meanwhile, or a block is not stored.
    pub fn light_blocks(
        &self,
        tip: &Tip,
        end: BlockId,
        heights: RangeInclusive<u64>,
    ) -> Result<Vec<u8>, LightReadError> {
        let (from, to) = heights_before(tip, end, heights)?;
        let mut part = Vec::new();
        for height in (from..=to).map(Height) {
            if part.len() >= tally_audit::PART_BYTES {
                break;
            }
            let missing = || StoreError::Missing {
                what: format!("block {height}"),
            };
            let id = tip.snapshot.id_at(height)?.ok_or_else(missing)?;
            let block = tip.snapshot.block_bytes(&id)?.ok_or_else(missing)?;
            if !tally_audit::push_block(&mut part, &block) {
                break;
            }
        }
        Ok(part)
    }

    /// Nodes that show the block at `height` to be an ancestor of the block `tip_id` of the active chain, at most 128 of 72 bytes, as
    /// bytes. Rules: docs/protocol.md#F11, #R4
    ///
    /// # Errors
    /// Where that block is not in the active chain, is not above `height`, or this node began with a checkpoint above it.
    pub fn light_ancestor(&self, tip: &Tip, tip_id: BlockId, height: Height) -> Result<Vec<u8>, LightReadError> {
        let blocks = active_height(tip, tip_id)?;
        if height >= blocks {
            return Err(LightReadError::NoAncestor { height, tip: blocks });
        }
        kept_from(tip, height.0)?;
        let proof = tip
            .snapshot
            .over_history(|nodes| history::prove(blocks.0, height.0, &nodes))?;
        Ok(proof.nodes.iter().flat_map(history::Node::encode).collect())
    }
}

/// Height of a block that the active chain has.
fn active_height(tip: &Tip, id: BlockId) -> Result<Height, LightReadError> {
    let unknown = LightReadError::NotInChain { id };
    let record = tip.snapshot.record(&id)?.ok_or(unknown)?;
    match tip.snapshot.is_active(&record)? {
        true => Ok(record.height()),
        false => Err(LightReadError::NotInChain { id }),
    }
}

/// First and last of heights of the chain that ends with `end`; genesis is none of them.
fn heights_before(tip: &Tip, end: BlockId, heights: RangeInclusive<u64>) -> Result<(u64, u64), LightReadError> {
    let Height(last) = active_height(tip, end)?;
    let (from, to) = heights.into_inner();
    if from == 0 || to > last {
        return Err(LightReadError::OutOfRange { from, last });
    }
    Ok((from, to))
}

/// A node that began with a checkpoint lacks the headers and nodes of the history below it. Rule: docs/protocol.md#Q4
fn kept_from(tip: &Tip, first: u64) -> Result<(), StoreError> {
    let (height, base) = (Height(first), tip.snapshot.base()?);
    match height < base {
        true => Err(StoreError::NotKept { height, base }),
        false => Ok(()),
    }
}
