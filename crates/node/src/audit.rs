//! Checks a store again from genesis on, trusting nothing in it but the bytes of the blocks.
//!
//! Every block of the active chain is decoded, checked, linked and executed over a state held in memory; what the store
//! has about it (records, receipts, undo data, indexes, history, state, supply) is compared with what comes out.

mod checkpoint;
mod end;
mod fault;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;

use tally_audit::{Replay, RuleFault};
use tally_chain::history::Node as HistoryNode;
use tally_chain::{Address, ChainSpec, Height, LinkedBlock, TxId, UnixSecs, genesis};
use tally_ledger::ExecutedBlock;

use crate::store::{BlockRecord, HistoryKey, Place, Snapshot, Status, Store, StoreError};
use crate::verifier::TransactionChecker;
pub use fault::StoreFault;
pub use tally_audit::{Ahead, Totals};

/// Faults after which the audit stops collecting.
const MAX_FAULTS: usize = 100;

/// What an audit of a store did and found; at most 100 faults are collected.
pub type Report = tally_audit::Report<StoreFault>;

/// Audits the store in `path` (the folder `store` of a data directory). `progress` is called with each height that is done.
pub fn audit(
    path: &Path,
    spec: &ChainSpec,
    now: UnixSecs,
    mut progress: impl FnMut(Height, Height),
) -> Result<Report, StoreError> {
    if !path.is_dir() {
        return Err(StoreError::Missing {
            what: format!("a store in {}", path.display()),
        });
    }
    let store = Store::open(path, spec)?;
    let mut auditor = Auditor::new(store.snapshot(), spec, now)?;
    let tip = auditor.tip.height();
    auditor.check_genesis()?;
    if !auditor.check_checkpoint()? {
        return Ok(auditor.report());
    }
    let mut height = auditor.replay.base;
    while height < tip && auditor.faults.len() < MAX_FAULTS {
        height = height.next();
        if !auditor.check_block(height)? {
            break;
        }
        progress(height, tip);
    }
    // Where a block could not be executed, nothing behind it can be compared.
    if height == tip && auditor.replay.base.0 + auditor.replay.blocks() == tip.0 {
        auditor.check_end()?;
    }
    Ok(auditor.report())
}

struct Auditor<'a> {
    spec: &'a ChainSpec,
    snapshot: Snapshot,
    checker: TransactionChecker,
    tip: BlockRecord,
    replay: Replay<'a>,
    /// Blocks of which the checkpoint shows only that they exist.
    given: u64,
    touched: u64,
    produced: BTreeMap<Address, HashSet<Height>>,
    faults: Vec<StoreFault>,
}

impl<'a> Auditor<'a> {
    fn new(snapshot: Snapshot, spec: &'a ChainSpec, now: UnixSecs) -> Result<Self, StoreError> {
        let mut replay = Replay::new(spec, now);
        replay.base = snapshot.base()?;
        Ok(Self {
            spec,
            checker: TransactionChecker::new(genesis::identity(spec)),
            tip: snapshot.known(&snapshot.tip()?)?,
            replay,
            given: 0,
            snapshot,
            touched: 0,
            produced: BTreeMap::from([(Address::ZERO, HashSet::from([Height::GENESIS]))]),
            faults: Vec::new(),
        })
    }

    fn fault(&mut self, fault: StoreFault) {
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(fault);
        }
    }

    fn compare(&mut self, height: Height, field: &'static str, found: impl ToString, expected: impl ToString) {
        let (found, expected) = (found.to_string(), expected.to_string());
        if found != expected {
            self.fault(StoreFault::Record {
                height,
                field,
                found,
                expected,
            });
        }
    }

    fn check_genesis(&mut self) -> Result<(), StoreError> {
        let height = Height::GENESIS;
        let block = genesis::block(self.spec);
        let Some(stored) = self.snapshot.id_at(height)? else {
            self.fault(StoreFault::NoId { height });
            return Ok(());
        };
        self.compare(height, "id", stored, block.id());
        match self.snapshot.block_bytes(&stored)? {
            None => self.fault(StoreFault::NoBody { height }),
            Some(bytes) if bytes[..] != block.encode()[..] => {
                self.fault(StoreFault::Record {
                    height,
                    field: "body",
                    found: "other bytes".to_owned(),
                    expected: "genesis of the spec".to_owned(),
                });
            }
            Some(_) => {}
        }
        match readable(self.snapshot.record(&stored))?.flatten() {
            None => self.fault(StoreFault::NoRecord { height }),
            Some(record) => self.compare(height, "supply", record.supply, self.replay.totals.allocated),
        }
        Ok(())
    }

    /// Checks one block; false when those after it cannot be checked.
    fn check_block(&mut self, height: Height) -> Result<bool, StoreError> {
        let Some(id) = self.snapshot.id_at(height)? else {
            self.fault(StoreFault::NoId { height });
            return Ok(false);
        };
        let Some(bytes) = self.snapshot.block_bytes(&id)? else {
            self.fault(StoreFault::NoBody { height });
            return Ok(false);
        };
        let linked = match self.link(height, &bytes) {
            Ok(linked) => linked,
            Err(fault) => {
                self.fault(fault.into());
                return Ok(false);
            }
        };
        if linked.id() != id {
            self.fault(StoreFault::WrongId {
                height,
                found: linked.id(),
                expected: id,
            });
            return Ok(false);
        }
        let executed = match self.replay.execute(linked) {
            Ok(executed) => executed,
            Err(fault) => {
                self.fault(fault.into());
                return Ok(false);
            }
        };
        let linked = executed.block();
        let produced = self.produced.entry(linked.manifest().producer).or_default();
        produced.insert(height);
        self.check_record(&executed, bytes.len() as u64)?;
        self.check_effects(&executed)?;
        self.check_places(&executed)?;
        self.check_history(&executed)?;
        self.replay.advance(&executed);
        Ok(true)
    }

    fn link(&self, height: Height, bytes: &[u8]) -> Result<LinkedBlock, RuleFault> {
        let raw = self.replay.decode(height, bytes)?;
        self.replay
            .link(raw, |transactions| self.checker.check_all(transactions))
    }

    fn check_record(&mut self, executed: &ExecutedBlock, bytes: u64) -> Result<(), StoreError> {
        let linked = executed.block();
        let height = linked.height();
        let Some(record) = readable(self.snapshot.record(&linked.id()))?.flatten() else {
            self.fault(StoreFault::NoRecord { height });
            return Ok(());
        };
        // Its header and manifest are the block's: the id proves them.
        self.compare(
            height,
            "status",
            format!("{:?}", record.status),
            format!("{:?}", Status::Executed),
        );
        self.compare(height, "weight", record.weight, linked.weight());
        self.compare(height, "burned", record.burned, executed.burned());
        self.compare(
            height,
            "transaction count",
            record.transaction_count,
            linked.transactions().len(),
        );
        let transactions = self.replay.transactions() + linked.transactions().len() as u64;
        self.compare(height, "total of transactions", record.total_transactions, transactions);
        self.compare(height, "size", record.bytes, bytes);
        let supply = self.replay.totals_with(executed).supply;
        self.compare(height, "supply", record.supply, supply);
        Ok(())
    }

    fn check_effects(&mut self, executed: &ExecutedBlock) -> Result<(), StoreError> {
        let (height, id) = (executed.block().height(), executed.block().id());
        if readable(self.snapshot.receipts(&id))?.as_deref() != Some(executed.receipts()) {
            self.fault(StoreFault::Receipts { height });
        }
        // Undo data of deep blocks is dropped; what is there must be right.
        let undo = readable(self.snapshot.undo(&id))?;
        if undo.is_none_or(|undo| undo.is_some_and(|undo| undo != *executed.undo())) {
            self.fault(StoreFault::Undo { height });
        }
        Ok(())
    }

    fn check_places(&mut self, executed: &ExecutedBlock) -> Result<(), StoreError> {
        let linked = executed.block();
        for (index, transaction) in linked.transactions().iter().enumerate() {
            let id = transaction.id();
            let expected = Place {
                height: linked.height(),
                index: index as u32,
            };
            let found = self.snapshot.place(&id)?;
            if found != Some(expected) {
                self.fault(StoreFault::Place { id, found, expected });
            }
            let (sender, view) = (transaction.sender(), transaction.view());
            let recipient = view.to.unwrap_or_else(|| sender.create(view.nonce));
            for address in BTreeSet::from([sender, recipient]) {
                self.touched += 1;
                let found = self.history_entry(&address, expected)?;
                if found != Some(id) {
                    let place = expected;
                    self.fault(StoreFault::AccountHistory {
                        address,
                        place,
                        found,
                        expected: id,
                    });
                }
            }
        }
        Ok(())
    }

    /// The entry of one place in the history of an account.
    fn history_entry(&self, address: &Address, place: Place) -> Result<Option<TxId>, StoreError> {
        let behind = HistoryKey(Place {
            height: place.height,
            index: place.index.saturating_add(1),
        });
        let entry = self
            .snapshot
            .account_history(address, Some(behind))
            .next()
            .map(readable)
            .transpose()?;
        Ok(entry
            .flatten()
            .filter(|(HistoryKey(found), _)| *found == place)
            .map(|(_, id)| id))
    }

    fn check_history(&mut self, executed: &ExecutedBlock) -> Result<(), StoreError> {
        let linked = executed.block();
        let leaf = HistoryNode::leaf(linked.id(), linked.header(), self.spec.engine().weight(linked.header()));
        for (position, node) in self.replay.ancestors.history.clone().push(leaf) {
            if self.snapshot.history_node(position)? != Some(node) {
                self.fault(StoreFault::HistoryNode {
                    height: linked.height(),
                    position,
                });
            }
        }
        Ok(())
    }

    fn report(self) -> Report {
        self.replay.report(self.tip.id, self.tip.height(), self.faults)
    }
}

/// What does not decode is a fault like any other; only a database that does not answer ends the audit.
fn readable<T>(read: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
    match read {
        Ok(value) => Ok(Some(value)),
        Err(StoreError::Damaged { .. } | StoreError::Missing { .. } | StoreError::Altered { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
