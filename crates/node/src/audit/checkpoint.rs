//! Where a store began with a checkpoint: the state that it was given, checked against its block. Rule: docs/protocol.md#Q4

use std::collections::BTreeMap;

use tally_audit::{ANY_TIME, MemoryState};
use tally_chain::header_chain::check_alone;
use tally_chain::{Amount, Height};
use tally_ledger::{ChangeSet, PartRoots};

use super::{Auditor, StoreFault, readable};
use crate::store::{BlockRecord, Status, StoreError};

impl Auditor<'_> {
    /// Checks the checkpoint, if there is one, and goes on from there. The work of the blocks up to it was checked when they came; of those
    /// whose headers are kept it is checked again. False when the blocks after it cannot be checked.
    pub(super) fn check_checkpoint(&mut self) -> Result<bool, StoreError> {
        let height = self.replay.base;
        if height == Height::GENESIS {
            return Ok(true);
        }
        let reason = match self.given_records()? {
            Err(reason) => reason,
            Ok(records) => match self.given_state(&records)? {
                Err(reason) => reason,
                Ok(()) => return Ok(true),
            },
        };
        self.fault(StoreFault::Checkpoint { height, reason });
        Ok(false)
    }

    /// The blocks that came with the checkpoint, lowest first.
    fn given_records(&mut self) -> Result<Result<Vec<BlockRecord>, String>, StoreError> {
        let mut records: Vec<BlockRecord> = Vec::new();
        for record in self.snapshot.records_between(Height(1), self.replay.base) {
            let Some(record) = readable(record)? else {
                return Ok(Err("a block that came with it is unreadable".to_owned()));
            };
            let height = record.height();
            if record.status != Status::HeaderOnly {
                return Ok(Err(format!("block {height} is stored as {:?}", record.status)));
            }
            if let Err(error) = check_alone(&record.header, self.spec, ANY_TIME) {
                return Ok(Err(format!("block {height}: {error}")));
            }
            let follows = |last: &BlockRecord| last.height().next() != height || last.id == record.header.parent;
            if !records.last().is_none_or(follows) {
                return Ok(Err(format!("block {height} does not follow the one before it")));
            }
            records.push(record);
        }
        records
            .iter()
            .for_each(|record| self.replay.see_time(record.header.time));
        self.given = records.len() as u64;
        Ok(Ok(records))
    }

    fn given_state(&mut self, records: &[BlockRecord]) -> Result<Result<(), String>, StoreError> {
        let (Some(last), Some(checkpoint)) = (records.last(), self.snapshot.checkpoint(self.replay.base)?) else {
            return Ok(Err("it is missing".to_owned()));
        };
        if (checkpoint.block, last.height()) != (last.id, self.replay.base) {
            return Ok(Err("its block is not in the chain".to_owned()));
        }
        let roots = match PartRoots::check(checkpoint.roots, last.manifest.state_root) {
            Ok(roots) => roots,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let mut state = ChangeSet::default();
        for number in (0..).take(roots.len()) {
            let part = self.snapshot.part(self.replay.base, number)?;
            let Some(content) = part.and_then(|part| ChangeSet::decode(&part).ok()) else {
                return Ok(Err(format!("part {number} of its state is missing or unreadable")));
            };
            if let Err(error) = roots.check_part(number as usize, &content) {
                return Ok(Err(error.to_string()));
            }
            state.merge(content);
        }
        let supply = state.total_balance().unwrap_or(Amount::ZERO);
        self.compare(self.replay.base, "supply", last.supply, supply);
        self.replay.totals.allocated = supply;
        self.replay.totals.supply = supply;
        let mut ids: BTreeMap<_, _> = records.iter().map(|record| (record.height(), record.id)).collect();
        ids.insert(Height::GENESIS, self.replay.ancestors.parent.id);
        self.replay.state = MemoryState::given(state, ids);
        self.replay.ancestors = crate::pipeline::active_ancestors(&self.snapshot, last)?;
        Ok(Ok(()))
    }
}
