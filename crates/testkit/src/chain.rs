//! In-memory chains for tests: mined with the minimal difficulty of the `test` spec, signed by publicly known keys.

use std::collections::BTreeMap;

use tally_chain::block::Parent;
use tally_chain::consensus::HeaderSeal;
use tally_chain::history::{History, Node};
use tally_chain::pow::Search;
use tally_chain::state_tree::Account;
use tally_chain::transaction::{ChainIdentity, Payload};
use tally_chain::{
    Address, Amount, Ancestors, B256, BlockId, Bytes, ChainSpec, CheckedTransaction, Height, LinkedBlock, Manifest,
    RawBlock, RawTransaction, UnixSecs, genesis,
};
use tally_ledger::{
    Assembled, Candidate, ChangeSet, ExecutedBlock, ExecutionError, StateError, StateTree, StateView, assemble, execute,
};

use crate::keys::TestKey;

/// Who produces the blocks of a [`TestChain`].
pub const PRODUCER: Address = Address::repeat_byte(0x50);
/// Prices that [`TestChain::payload`] offers, in base units per gas.
pub const MAX_FEE: u128 = 10_000_000_000;
/// The part of [`MAX_FEE`] that the producer receives at most, in base units per gas.
pub const PRIORITY_FEE: u128 = 1_000_000_000;

/// A whole state in memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemoryState {
    /// Accounts by address.
    pub accounts: BTreeMap<Address, Account>,
    /// Values that are not zero, by account and slot.
    pub storage: BTreeMap<(Address, B256), B256>,
    /// Contract code by its `keccak256`.
    pub codes: BTreeMap<B256, Bytes>,
    /// Blocks of the chain by height.
    pub block_ids: BTreeMap<Height, BlockId>,
}

impl MemoryState {
    /// Writes the changes of one block.
    pub fn apply(&mut self, changes: &ChangeSet) {
        for (address, account) in &changes.accounts {
            match account {
                Some(account) => self.accounts.insert(*address, *account),
                None => self.accounts.remove(address),
            };
        }
        for (key, value) in &changes.storage {
            match value.is_zero() {
                true => self.storage.remove(key),
                false => self.storage.insert(*key, *value),
            };
        }
        self.codes.extend(changes.codes.clone());
    }

    /// All leaves, in no order.
    pub fn leaves(&self) -> Vec<(B256, B256)> {
        let accounts = self.accounts.iter();
        let accounts = accounts.filter_map(|(address, account)| StateTree::account_leaf(address, account));
        let slots = self.storage.iter();
        let slots = slots.filter_map(|((address, slot), value)| StateTree::storage_leaf(address, slot, value));
        accounts.chain(slots).collect()
    }

    /// Sum of all balances.
    pub fn supply(&self) -> Amount {
        let mut balances = self.accounts.values().map(|account| account.balance);
        balances
            .try_fold(Amount::ZERO, Amount::checked_add)
            .expect("a supply fits 256 bits")
    }
}

impl StateView for MemoryState {
    fn account(&self, address: &Address) -> Result<Option<Account>, StateError> {
        Ok(self.accounts.get(address).copied())
    }

    fn storage(&self, address: &Address, slot: &B256) -> Result<B256, StateError> {
        Ok(self.storage.get(&(*address, *slot)).copied().unwrap_or_default())
    }

    fn code(&self, hash: &B256) -> Result<Bytes, StateError> {
        let code = self.codes.get(hash).cloned();
        code.ok_or_else(|| StateError(format!("code {hash} is missing")))
    }

    fn block_id(&self, number: Height) -> Result<Option<BlockId>, StateError> {
        Ok(self.block_ids.get(&number).copied())
    }
}

/// A chain that grows in memory.
#[derive(Clone)]
pub struct TestChain {
    /// Its chain spec.
    pub spec: ChainSpec,
    /// What signatures are bound to on it.
    pub identity: ChainIdentity,
    /// The state after the tip.
    pub state: MemoryState,
    /// The tree over `state`.
    pub tree: StateTree,
    /// What the next block has to continue; its parent is the tip.
    pub ancestors: Ancestors,
}

impl Default for TestChain {
    fn default() -> Self {
        Self::new(ChainSpec::built_in("test").expect("the test spec is built in"))
    }
}

impl TestChain {
    /// A chain of this spec that has only its genesis.
    pub fn new(spec: ChainSpec) -> Self {
        let RawBlock { header, manifest, .. } = genesis::block(&spec);
        let id = header.id();
        let state = MemoryState {
            accounts: genesis::accounts(&spec).into_iter().collect(),
            block_ids: [(Height::GENESIS, id)].into(),
            ..MemoryState::default()
        };
        let mut history = History::default();
        history.push(Node::leaf(id, &header, spec.engine().weight(&header)));
        let recent_times = vec![header.time];
        Self {
            identity: genesis::identity(&spec),
            tree: StateTree::from_leaves(state.leaves()),
            state,
            ancestors: Ancestors {
                parent: Parent { id, header, manifest },
                recent_times,
                anchor_time: None,
                history,
            },
            spec,
        }
    }

    /// Time of the next block: one spacing after the last.
    pub fn next_time(&self) -> u32 {
        self.ancestors.parent.header.time + self.spec.engine().spacing()
    }

    /// The account after the tip; a new one where there is none.
    pub fn account(&self, address: Address) -> Account {
        self.state.accounts.get(&address).copied().unwrap_or_default()
    }

    /// What `from` would sign next: its nonce, the time of the next block, enough gas for a small contract.
    pub fn payload(&self, from: &TestKey, to: Option<Address>, value: Amount, data: impl Into<Bytes>) -> Payload {
        Payload {
            chain_id: self.spec.chain_id,
            nonce: self.account(from.address()).nonce,
            timestamp: UnixSecs(self.next_time().into()),
            max_priority_fee: PRIORITY_FEE,
            max_fee: MAX_FEE,
            gas_limit: 500_000,
            to,
            value,
            data: data.into(),
        }
    }

    /// A signed `0x54` transaction with [`Self::payload`].
    pub fn transaction(
        &self,
        from: &TestKey,
        to: Option<Address>,
        value: Amount,
        data: impl Into<Bytes>,
    ) -> CheckedTransaction {
        from.sign(&self.identity, self.payload(from, to, value, data))
    }

    /// The next block with these transactions where they fit, one spacing after the tip, for [`PRODUCER`].
    pub fn assemble(&self, transactions: impl IntoIterator<Item = CheckedTransaction>) -> Assembled {
        let candidate = Candidate {
            ancestors: &self.ancestors,
            time: self.next_time(),
            producer: PRODUCER,
            extra: Bytes::from_static(&[0; 8]),
        };
        assemble(candidate, transactions, &self.state, &self.tree, &self.spec).expect("memory can be read")
    }

    /// Finds the nonce for a manifest and passes the block through its checks.
    pub fn seal(&self, manifest: Manifest, seal: HeaderSeal, transactions: Vec<CheckedTransaction>) -> LinkedBlock {
        let mut header = seal.header(self.ancestors.parent.id, manifest.root(), self.next_time());
        let target = self.spec.engine().mining_target(&seal);
        let target = target.expect("an assembled block has a target");
        header.nonce = Search::new(&header, target)
            .scan(0, u32::MAX)
            .expect("the test difficulty is two hashes");
        let envelopes = transactions
            .iter()
            .map(|tx| RawTransaction::decode(tx.envelope().clone()).expect("a checked transaction decodes"));
        let raw = RawBlock {
            header,
            manifest,
            transactions: envelopes.collect(),
        };
        raw.check(&self.spec, UnixSecs(header.time.into()), |_| Ok(transactions))
            .expect("a sealed block is right by itself")
            .link(&self.ancestors, &self.spec)
            .expect("a sealed block continues its ancestors")
    }

    /// Mines a block with these transactions; every one must be includable.
    pub fn mine(&self, transactions: Vec<CheckedTransaction>) -> LinkedBlock {
        let assembled = self.assemble(transactions);
        assert_eq!(assembled.refused, [], "every transaction is includable");
        self.seal(assembled.manifest, assembled.seal, assembled.transactions)
    }

    /// Executes a block over the state after the tip; nothing is written.
    pub fn execute(&self, block: LinkedBlock) -> Result<ExecutedBlock, ExecutionError> {
        execute(block, &self.state, &self.tree, &self.spec)
    }

    /// Makes an executed block the tip.
    pub fn commit(&mut self, executed: &ExecutedBlock) {
        let block = executed.block();
        self.state.apply(executed.changes());
        self.state.block_ids.insert(block.height(), block.id());
        self.tree = executed.tree().clone();
        self.ancestors = self.ancestors.then(block.as_parent(), &self.spec.engine());
    }

    /// Mines, executes and commits.
    pub fn add(&mut self, transactions: Vec<CheckedTransaction>) -> ExecutedBlock {
        let executed = self
            .execute(self.mine(transactions))
            .expect("a mined block executes to its own roots");
        self.commit(&executed);
        executed
    }
}
