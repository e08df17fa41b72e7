//! The spine of every audit: one block after the other, each rule once, no I/O and no clock.

use tally_chain::block::{Ancestors, Parent};
use tally_chain::header_chain::max_ahead;
use tally_chain::history::{History, Node as HistoryNode};
use tally_chain::transaction::{ChainIdentity, TransactionError};
use tally_chain::{
    Amount, BlockError, BlockId, ChainSpec, CheckedTransaction, Height, LinkedBlock, RawBlock, RawTransaction,
    UnixSecs, genesis,
};
use tally_ledger::{ExecutedBlock, execute};

use crate::claims::{self, Claims};
use crate::fault::RuleFault;
use crate::report::{Ahead, Report, Totals};
use crate::state::MemoryState;

/// A clock for which no header is too early: [`Report::ahead`] says which are.
pub const ANY_TIME: UnixSecs = UnixSecs(u32::MAX as u64);

/// A chain that is checked again.
pub struct Replay<'a> {
    spec: &'a ChainSpec,
    identity: ChainIdentity,
    now: UnixSecs,
    /// The state after the last block that was checked.
    pub state: MemoryState,
    /// What the next block has to continue.
    pub ancestors: Ancestors,
    /// The supply so far.
    pub totals: Totals,
    /// The block that it began with.
    pub base: Height,
    genesis: BlockId,
    blocks: u64,
    transactions: u64,
    ahead: Option<Ahead>,
}

impl<'a> Replay<'a> {
    /// At genesis. `now` is this machine's clock.
    pub fn new(spec: &'a ChainSpec, now: UnixSecs) -> Self {
        let block = genesis::block(spec);
        let id = block.id();
        let mut history = History::default();
        let weight = spec.engine().weight(&block.header);
        history.push(HistoryNode::leaf(id, &block.header, weight));
        let allocated = spec.allocated().unwrap_or(Amount::ZERO);
        Self {
            spec,
            identity: genesis::identity(spec),
            now,
            state: MemoryState::genesis(spec, id),
            ancestors: Ancestors {
                recent_times: vec![block.header.time],
                anchor_time: None,
                history,
                parent: Parent {
                    id,
                    header: block.header,
                    manifest: block.manifest,
                },
            },
            totals: Totals {
                allocated,
                supply: allocated,
                ..Totals::default()
            },
            base: Height::GENESIS,
            genesis: id,
            blocks: 0,
            transactions: 0,
            ahead: None,
        }
    }

    /// What signatures are bound to.
    pub fn identity(&self) -> &ChainIdentity {
        &self.identity
    }

    /// Height of the last block that was checked.
    pub fn height(&self) -> Height {
        self.ancestors.parent.manifest.number
    }

    /// Id of that block.
    pub fn tip(&self) -> BlockId {
        self.ancestors.parent.id
    }

    /// Blocks that were checked.
    pub fn blocks(&self) -> u64 {
        self.blocks
    }

    /// Their transactions.
    pub fn transactions(&self) -> u64 {
        self.transactions
    }

    /// Blocks so far whose time is too far ahead of the clock. Rule: docs/protocol.md#B4
    pub fn ahead(&self) -> Option<Ahead> {
        self.ahead
    }

    /// Decodes the block of this height.
    pub fn decode(&self, height: Height, bytes: &[u8]) -> Result<RawBlock, RuleFault> {
        RawBlock::decode(bytes, self.spec.limits.block_bytes).map_err(|source| RuleFault::Block { height, source })
    }

    /// The signatures of a block whose work and roots hold, to be checked elsewhere; what they come to is for
    /// [`Claims::check`]. So nobody is made to check signatures under work that was not done.
    pub fn claims(&self, height: Height, raw: &RawBlock) -> Result<Claims, RuleFault> {
        let mut claims = Claims::default();
        let collect = |transactions: Vec<RawTransaction>| claims::collect(&self.identity, transactions, &mut claims);
        match raw.clone().check(self.spec, ANY_TIME, collect) {
            Ok(_) => Ok(claims),
            // What only the answers decide is found by the check that has them.
            Err(BlockError::Transaction { .. } | BlockError::DuplicateTransaction { .. }) => Ok(claims),
            Err(source) => Err(RuleFault::Block { height, source }),
        }
    }

    /// Checks the next block and links it. `check` checks its signatures, as for [`RawBlock::check`].
    pub fn link(
        &self,
        raw: RawBlock,
        check: impl FnOnce(Vec<RawTransaction>) -> Result<Vec<CheckedTransaction>, (usize, TransactionError)>,
    ) -> Result<LinkedBlock, RuleFault> {
        let height = self.height().next();
        raw.check(self.spec, ANY_TIME, check)
            .and_then(|checked| checked.link(&self.ancestors, self.spec))
            .map_err(|source| RuleFault::Block { height, source })
    }

    /// Executes the block that [`Self::link`] gave; [`Self::advance`] makes it the last one.
    pub fn execute(&self, linked: LinkedBlock) -> Result<ExecutedBlock, RuleFault> {
        let height = linked.height();
        execute(linked, &self.state, self.state.tree(), self.spec)
            .map_err(|source| RuleFault::Execution { height, source })
    }

    /// Takes over what a block did that [`Self::execute`] gave.
    pub fn advance(&mut self, executed: &ExecutedBlock) {
        let linked = executed.block();
        self.see_time(linked.header().time);
        self.totals = self.totals_with(executed);
        self.ancestors = self.ancestors.then(linked.as_parent(), &self.spec.engine());
        self.state.apply(linked.height(), linked.id(), executed);
        self.blocks += 1;
        self.transactions += linked.transactions().len() as u64;
    }

    /// The supply with this block.
    pub fn totals_with(&self, executed: &ExecutedBlock) -> Totals {
        let plus = |sum: Amount, amount| sum.checked_add(amount).unwrap_or(sum);
        let mut totals = self.totals;
        totals.subsidies = plus(totals.subsidies, executed.subsidy());
        totals.burned = plus(totals.burned, executed.burned());
        let issued = plus(totals.allocated, totals.subsidies);
        totals.supply = issued.checked_sub(totals.burned).unwrap_or(Amount::ZERO);
        totals
    }

    /// Compares a header's time with the clock, which the rules of a block leave out here.
    pub fn see_time(&mut self, time: u32) {
        let time = UnixSecs(time.into());
        if time <= self.now.saturating_add(max_ahead(self.spec)) {
            return;
        }
        let ahead = self.ahead.get_or_insert(Ahead { blocks: 0, secs: 0 });
        ahead.blocks += 1;
        ahead.secs = ahead.secs.max(time.0 - self.now.0);
    }

    /// What is compared at the end of a chain that is in no store: its last block and its money.
    pub fn check_end(&mut self, tip: BlockId) -> Result<(), RuleFault> {
        let (height, found) = (self.height(), self.tip());
        if found != tip {
            let expected = tip;
            return Err(RuleFault::OtherTip {
                height,
                found,
                expected,
            });
        }
        let found = self.state.balances().unwrap_or(Amount::ZERO);
        self.totals.balances = found;
        let expected = self.totals.supply;
        if found != expected {
            return Err(RuleFault::Balances { found, expected });
        }
        Ok(())
    }

    /// What was done so far, with these faults. `tip` and `height` are those of the chain that is audited.
    pub fn report<F>(&self, tip: BlockId, height: Height, faults: Vec<F>) -> Report<F> {
        Report {
            genesis: self.genesis,
            tip,
            height,
            base: self.base,
            blocks: self.blocks,
            transactions: self.transactions,
            accounts: self.state.accounts().len() as u64,
            state_root: self.state.tree().root(),
            totals: self.totals,
            ahead: self.ahead,
            faults,
        }
    }
}
