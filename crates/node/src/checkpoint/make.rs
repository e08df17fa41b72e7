//! Checkpoints that this node makes from its tip, and shows. Rules: docs/protocol.md#Q1, #Q2

use tally_chain::{BlockId, Height};
use tally_ledger::parts::{MAX_DEPTH, divide};
use tally_ledger::{ChangeSet, PartRoots};

use super::{Checkpoint, CheckpointConfig, MAX_PART_BYTES};
use crate::node::Node;
use crate::pipeline::Tip;
use crate::store::StoreError;

impl Node {
    /// The newest checkpoint that this node can show; made where it is not kept yet.
    pub fn checkpoint(&self) -> Result<Option<Checkpoint>, StoreError> {
        let tip = self.tip();
        let CheckpointConfig { every, depth, .. } = self.checkpoints();
        let newest = Height(tip.record.height().0.saturating_sub(depth) / every * every);
        let base = tip.snapshot.base()?;
        let kept = self.store().snapshot();
        if newest <= base {
            return kept.checkpoint(base);
        }
        let id = tip.snapshot.id_at(newest)?;
        match kept.checkpoint(newest)? {
            Some(found) if Some(found.block) == id => Ok(Some(found)),
            _ => self.make_checkpoint(&tip, newest),
        }
    }

    /// Goes back from the tip to `height`, and keeps what stood there; nothing where the way back is not kept.
    fn make_checkpoint(&self, tip: &Tip, height: Height) -> Result<Option<Checkpoint>, StoreError> {
        let mut back = ChangeSet::default();
        for record in tip.snapshot.records_from(height.next()).rev() {
            match tip.snapshot.undo(&record?.id)? {
                Some(undo) => back.merge(undo),
                None => return Ok(None),
            }
        }
        let missing = || StoreError::Missing {
            what: format!("block {height}"),
        };
        let block = tip.snapshot.id_at(height)?.ok_or_else(missing)?;
        let expected = tip.snapshot.known(&block)?.manifest.state_root;
        let tree = tip.tree.update(&back);
        if tree.root() != expected {
            return Err(StoreError::Altered {
                what: format!("the state of block {block} (root {}, expected {expected})", tree.root()),
            });
        }
        let mut whole = tip.snapshot.whole_state()?;
        whole.merge(back);
        let mut depth = 0;
        while depth < MAX_DEPTH && tree.len() >> depth > self.checkpoints().part_leaves {
            depth += 1;
        }
        let parts = loop {
            let parts: Vec<_> = divide(&whole, depth).iter().map(ChangeSet::encode).collect();
            if parts.iter().all(|part| part.len() <= MAX_PART_BYTES) {
                break parts;
            }
            if depth == MAX_DEPTH {
                tracing::warn!(%height, "the state cannot be divided into parts that are small enough");
                return Ok(None);
            }
            depth += 1;
        };
        let roots = PartRoots::of(&tree, depth).iter().copied().collect();
        let checkpoint = Checkpoint { block, height, roots };
        self.store().keep_checkpoint(&checkpoint, &parts)?;
        tracing::info!(%height, %block, parts = parts.len(), "checkpoint created");
        Ok(Some(checkpoint))
    }

    /// One part of a checkpoint that this node keeps.
    pub fn checkpoint_part(&self, block: &BlockId, part: u32) -> Result<Option<Vec<u8>>, StoreError> {
        let kept = self.store().snapshot();
        match kept
            .checkpoints()?
            .into_iter()
            .find(|checkpoint| checkpoint.block == *block)
        {
            Some(checkpoint) => kept.part(checkpoint.height, part),
            None => Ok(None),
        }
    }
}
