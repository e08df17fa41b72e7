//! The other way to a tip: the state of a checkpoint is installed in the place of genesis. Rule: docs/protocol.md#Q4

use std::sync::Arc;

use tally_chain::{Amount, Header, Height, Manifest, UnixSecs};
use tally_ledger::StateTree;

use super::{Pipeline, Tip, active_ancestors};
use crate::checkpoint::StateSnapshot;
use crate::store::{BlockRecord, Commit, Status, StoreError};

impl Pipeline {
    /// Installs the state of a checkpoint whose seals and parts were checked. Returns whether it did: only a store without
    /// blocks takes one. Rule: docs/protocol.md#Q4
    pub(crate) fn install_snapshot(&mut self, installed: &StateSnapshot, now: UnixSecs) -> Result<bool, StoreError> {
        let StateSnapshot {
            checkpoint,
            blocks,
            history,
            state,
        } = installed;
        let unfit = |what| StoreError::Unfit { what };
        // It would take the place of blocks that this node has executed itself.
        if self.tip.record.height() > Height::GENESIS {
            return Ok(false);
        }
        let tree = StateTree::empty().update(state);
        let supply = state
            .total_balance()
            .ok_or(unfit("its balances add up to 2^256 or more"))?;
        let header_only = |(header, manifest, weight): &(Header, Manifest, _)| BlockRecord {
            id: header.id(),
            header: *header,
            manifest: manifest.clone(),
            status: Status::HeaderOnly,
            weight: *weight,
            supply: Amount::ZERO,
            burned: Amount::ZERO,
            total_transactions: 0,
            transaction_count: 0,
            bytes: 0,
            received: now,
        };
        let mut records: Vec<_> = blocks.iter().map(header_only).collect();
        let last = records.last_mut().ok_or(unfit("it has no block"))?;
        last.supply = supply;
        let record = last.clone();
        for (fits, what) in [
            (record.id == checkpoint.block, "its last block is another"),
            (
                record.height() == checkpoint.height,
                "its last block has another height",
            ),
            (record.manifest.state_root == tree.root(), "its state has another root"),
            (
                history.blocks() == checkpoint.height.0 + 1,
                "its history has another length",
            ),
        ] {
            if !fits {
                return Err(unfit(what));
            }
        }
        // Accounts of genesis that the state no longer has are removed.
        let mut changes = state.clone();
        for entry in self.tip.snapshot.accounts() {
            changes.accounts.entry(entry?.0).or_insert(None);
        }
        let mut commit = Commit::new(&self.store);
        commit.install_snapshot(&records, history, &changes, checkpoint.height);
        commit.tip(&record);
        commit.apply()?;
        let snapshot = self.store.snapshot();
        self.tip = Arc::new(Tip {
            ancestors: active_ancestors(&snapshot, &record)?,
            record,
            tree,
            snapshot,
            transactions: None,
        });
        Ok(true)
    }
}
