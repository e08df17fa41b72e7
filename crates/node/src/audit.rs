//! Checks a store again from genesis on, trusting nothing in it but the bytes of the blocks.
//!
//! Every block of the active chain is decoded, checked, linked and executed over a state held in memory; what the store
//! has about it (records, receipts, undo data, indexes, history, state, supply) is compared with what comes out.

mod checkpoint;
mod end;
mod fault;
mod state;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;

use tally_chain::block::{Ancestors, Parent};
use tally_chain::header_chain::max_ahead;
use tally_chain::history::{History, Node as HistoryNode};
use tally_chain::{
    Address, Amount, B256, BlockError, BlockId, ChainSpec, Height, LinkedBlock, RawBlock, TxId, UnixSecs, genesis,
};
use tally_ledger::{ExecutedBlock, execute};

use crate::store::{BlockRecord, HistoryKey, Place, Snapshot, Status, Store, StoreError};
use crate::verifier::TransactionChecker;
pub use fault::Fault;
use state::MemoryState;

/// A clock for which no header is too early.
const ANY_TIME: UnixSecs = UnixSecs(u32::MAX as u64);
/// Faults after which the audit stops collecting.
const MAX_FAULTS: usize = 100;

/// Where the money came from and went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// What there was at the beginning: by genesis, or by the state of the checkpoint.
    pub allocated: Amount,
    /// Sum of the subsidies, in base units. Rule: docs/protocol.md#I1
    pub subsidies: Amount,
    /// Sum of the burned base fees, in base units. Rule: docs/protocol.md#I2
    pub burned: Amount,
    /// `allocated + subsidies - burned`. Rule: docs/protocol.md#I2
    pub supply: Amount,
    /// The sum of all stored balances.
    pub balances: Amount,
}

/// What an audit did and found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Id of block 0.
    pub genesis: BlockId,
    /// Id of the last block of the active chain.
    pub tip: BlockId,
    /// Height of the tip.
    pub height: Height,
    /// The block whose state the store began with: genesis, or a checkpoint. The blocks between genesis and it are not in the store.
    pub base: Height,
    /// Blocks that were decoded, checked, linked and executed again; genesis aside.
    pub blocks: u64,
    /// Transactions of those blocks.
    pub transactions: u64,
    /// Accounts of the state at the tip.
    pub accounts: u64,
    /// Root of the state at the tip. Rule: docs/protocol.md#S3
    pub state_root: B256,
    /// The supply, added up again.
    pub totals: Totals,
    /// Blocks whose time is too far ahead of this machine's clock: no fault of the store, since the clock may have been
    /// set back. Rule: docs/protocol.md#B4
    pub ahead: Option<Ahead>,
    /// Empty when everything agrees. At most 100 are collected.
    pub faults: Vec<Fault>,
}

/// Blocks that a node with this clock would not take yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ahead {
    /// How many.
    pub blocks: u64,
    /// Seconds by which the latest of them is ahead of the clock.
    pub secs: u64,
}

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
    if !auditor.begin_at_checkpoint()? {
        return Ok(auditor.report());
    }
    let mut height = auditor.base;
    while height < tip && auditor.faults.len() < MAX_FAULTS {
        height = height.next();
        if !auditor.check_block(height)? {
            break;
        }
        progress(height, tip);
    }
    // Where a block could not be executed, nothing behind it can be compared.
    if height == tip && auditor.base.0 + auditor.done == tip.0 {
        auditor.check_end()?;
    }
    Ok(auditor.report())
}

struct Auditor<'a> {
    spec: &'a ChainSpec,
    now: UnixSecs,
    snapshot: Snapshot,
    checker: TransactionChecker,
    tip: BlockRecord,
    base: Height,
    /// Blocks of which the checkpoint shows only that they exist.
    given: u64,
    state: MemoryState,
    ancestors: Ancestors,
    totals: Totals,
    transactions: u64,
    done: u64,
    touched: u64,
    produced: BTreeMap<Address, HashSet<Height>>,
    ahead: Option<Ahead>,
    faults: Vec<Fault>,
}

impl<'a> Auditor<'a> {
    fn new(snapshot: Snapshot, spec: &'a ChainSpec, now: UnixSecs) -> Result<Self, StoreError> {
        let block = genesis::block(spec);
        let id = block.id();
        let mut history = History::default();
        history.push(HistoryNode::leaf(
            id,
            &block.header,
            spec.engine().weight(&block.header),
        ));
        let ancestors = Ancestors {
            recent_times: vec![block.header.time],
            anchor_time: None,
            history,
            parent: Parent {
                id,
                header: block.header,
                manifest: block.manifest,
            },
        };
        let allocated = spec.allocated().unwrap_or(Amount::ZERO);
        Ok(Self {
            spec,
            now,
            checker: TransactionChecker::new(genesis::identity(spec)),
            tip: snapshot.known(&snapshot.tip()?)?,
            base: snapshot.base()?,
            given: 0,
            snapshot,
            state: MemoryState::genesis(spec, id),
            ancestors,
            totals: Totals {
                allocated,
                supply: allocated,
                ..Totals::default()
            },
            transactions: 0,
            done: 0,
            touched: 0,
            produced: BTreeMap::from([(Address::ZERO, HashSet::from([Height::GENESIS]))]),
            ahead: None,
            faults: Vec::new(),
        })
    }

    /// Compares a header's time with the clock, which the rules of a block leave out here.
    fn see_time(&mut self, time: u32) {
        let time = UnixSecs(time.into());
        if time <= self.now.saturating_add(max_ahead(self.spec)) {
            return;
        }
        let ahead = self.ahead.get_or_insert(Ahead { blocks: 0, secs: 0 });
        ahead.blocks += 1;
        ahead.secs = ahead.secs.max(time.0 - self.now.0);
    }

    fn fault(&mut self, fault: Fault) {
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(fault);
        }
    }

    fn compare(&mut self, height: Height, field: &'static str, found: impl ToString, expected: impl ToString) {
        let (found, expected) = (found.to_string(), expected.to_string());
        if found != expected {
            self.fault(Fault::Record {
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
            self.fault(Fault::NoId { height });
            return Ok(());
        };
        self.compare(height, "id", stored, block.id());
        match self.snapshot.block_bytes(&stored)? {
            None => self.fault(Fault::NoBody { height }),
            Some(bytes) if bytes[..] != block.encode()[..] => {
                self.fault(Fault::Record {
                    height,
                    field: "body",
                    found: "other bytes".to_owned(),
                    expected: "genesis of the spec".to_owned(),
                });
            }
            Some(_) => {}
        }
        match readable(self.snapshot.record(&stored))?.flatten() {
            None => self.fault(Fault::NoRecord { height }),
            Some(record) => self.compare(height, "supply", record.supply, self.totals.allocated),
        }
        Ok(())
    }

    /// Checks one block; false when those after it cannot be checked.
    fn check_block(&mut self, height: Height) -> Result<bool, StoreError> {
        let Some(id) = self.snapshot.id_at(height)? else {
            self.fault(Fault::NoId { height });
            return Ok(false);
        };
        let Some(bytes) = self.snapshot.block_bytes(&id)? else {
            self.fault(Fault::NoBody { height });
            return Ok(false);
        };
        let linked = match self.link(&bytes) {
            Ok(linked) => linked,
            Err(source) => {
                self.fault(Fault::Block { height, source });
                return Ok(false);
            }
        };
        if linked.id() != id {
            self.fault(Fault::WrongId {
                height,
                found: linked.id(),
                expected: id,
            });
            return Ok(false);
        }
        let executed = match execute(linked, &self.state, self.state.tree(), self.spec) {
            Ok(executed) => executed,
            Err(source) => {
                self.fault(Fault::Execution { height, source });
                return Ok(false);
            }
        };
        self.see_time(executed.block().header().time);
        self.count(&executed);
        self.check_record(&executed, bytes.len() as u64)?;
        self.check_effects(&executed)?;
        self.check_places(&executed)?;
        self.check_history(&executed)?;
        self.advance(&executed);
        Ok(true)
    }

    fn link(&self, bytes: &[u8]) -> Result<LinkedBlock, BlockError> {
        let raw = RawBlock::decode(bytes, self.spec.limits.block_bytes)?;
        let checked = raw.check(self.spec, ANY_TIME, |transactions| self.checker.check_all(transactions))?;
        checked.link(&self.ancestors, self.spec)
    }

    fn count(&mut self, executed: &ExecutedBlock) {
        let plus = |sum: Amount, amount| sum.checked_add(amount).unwrap_or(sum);
        let totals = &mut self.totals;
        totals.subsidies = plus(totals.subsidies, executed.subsidy());
        totals.burned = plus(totals.burned, executed.burned());
        let issued = plus(totals.allocated, totals.subsidies);
        totals.supply = issued.checked_sub(totals.burned).unwrap_or(Amount::ZERO);
        self.transactions += executed.block().transactions().len() as u64;
        let linked = executed.block();
        let produced = self.produced.entry(linked.manifest().producer).or_default();
        produced.insert(linked.height());
    }

    fn check_record(&mut self, executed: &ExecutedBlock, bytes: u64) -> Result<(), StoreError> {
        let linked = executed.block();
        let height = linked.height();
        let Some(record) = readable(self.snapshot.record(&linked.id()))?.flatten() else {
            self.fault(Fault::NoRecord { height });
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
        self.compare(
            height,
            "total of transactions",
            record.total_transactions,
            self.transactions,
        );
        self.compare(height, "size", record.bytes, bytes);
        self.compare(height, "supply", record.supply, self.totals.supply);
        Ok(())
    }

    fn check_effects(&mut self, executed: &ExecutedBlock) -> Result<(), StoreError> {
        let (height, id) = (executed.block().height(), executed.block().id());
        if readable(self.snapshot.receipts(&id))?.as_deref() != Some(executed.receipts()) {
            self.fault(Fault::Receipts { height });
        }
        // Undo data of deep blocks is dropped; what is there must be right.
        let undo = readable(self.snapshot.undo(&id))?;
        if undo.is_none_or(|undo| undo.is_some_and(|undo| undo != *executed.undo())) {
            self.fault(Fault::Undo { height });
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
                self.fault(Fault::Place { id, found, expected });
            }
            let (sender, view) = (transaction.sender(), transaction.view());
            let recipient = view.to.unwrap_or_else(|| sender.create(view.nonce));
            for address in BTreeSet::from([sender, recipient]) {
                self.touched += 1;
                let found = self.history_entry(&address, expected)?;
                if found != Some(id) {
                    let place = expected;
                    self.fault(Fault::AccountHistory {
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
        for (position, node) in self.ancestors.history.clone().push(leaf) {
            if self.snapshot.history_node(position)? != Some(node) {
                self.fault(Fault::HistoryNode {
                    height: linked.height(),
                    position,
                });
            }
        }
        Ok(())
    }

    fn advance(&mut self, executed: &ExecutedBlock) {
        let linked = executed.block();
        self.ancestors = self.ancestors.then(linked.as_parent(), &self.spec.engine());
        self.state.apply(linked.height(), linked.id(), executed);
        self.done += 1;
    }

    fn report(self) -> Report {
        Report {
            genesis: genesis::block(self.spec).id(),
            tip: self.tip.id,
            height: self.tip.height(),
            base: self.base,
            blocks: self.done,
            transactions: self.transactions,
            accounts: self.state.accounts().len() as u64,
            state_root: self.state.tree().root(),
            totals: self.totals,
            ahead: self.ahead,
            faults: self.faults,
        }
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
