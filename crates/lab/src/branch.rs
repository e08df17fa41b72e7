//! A chain in memory that grows by blocks of others and by blocks of its own: what an attacker mines on.

use tally_audit::MemoryState;
use tally_chain::block::{Parent, encode_block};
use tally_chain::consensus::HeaderSeal;
use tally_chain::history::{History, Node};
use tally_chain::pow::{Search, Target};
use tally_chain::transaction::ChainIdentity;
use tally_chain::{
    Address, Ancestors, BlockError, BlockId, Bytes, ChainSpec, CheckedTransaction, Header, Height, Manifest, RawBlock,
    RawTransaction, ReferenceVerifier, TransactionError, UnixSecs, Weight, genesis, merkle,
};
use tally_ledger::{Candidate, ExecutedBlock, ExecutionError, InclusionError, StateError, assemble, execute};

/// Why a block is not made, or not taken over.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant names its fields")]
pub enum BranchError {
    #[error(transparent)]
    Block(#[from] BlockError),
    #[error(transparent)]
    Execution(#[from] ExecutionError),
    #[error(transparent)]
    Transaction(#[from] TransactionError),
    #[error("a transaction that was to be in the block is not: {0}")]
    LeftOut(InclusionError),
    #[error(transparent)]
    State(#[from] StateError),
    #[error("no nonce seals the block")]
    NoNonce,
}

/// A block whose work is done. Its parts need not be right, nor those that its header names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Its 80 bytes.
    pub header: Header,
    /// Its manifest.
    pub manifest: Manifest,
    /// Its transactions.
    pub envelopes: Vec<Bytes>,
    /// Weight of the branch up to it, as its maker counts. Rule: docs/protocol.md#H6
    pub weight: Weight,
}

impl Sealed {
    /// The id of its header.
    pub fn id(&self) -> BlockId {
        self.header.id()
    }

    /// Its height.
    pub fn height(&self) -> Height {
        self.manifest.number
    }

    /// The whole block as it travels. Rule: docs/protocol.md#M3
    pub fn bytes(&self) -> Bytes {
        encode_block(&self.header, &self.manifest, self.envelopes.iter()).into()
    }
}

/// A block that lacks its work.
#[derive(Debug, Clone)]
pub struct Draft {
    /// What the header commits to.
    pub manifest: Manifest,
    /// Its transactions.
    pub envelopes: Vec<Bytes>,
    /// Fields of the header that the engine decides; the nonce is searched.
    pub seal: HeaderSeal,
    /// Unix seconds.
    pub time: u32,
    /// The block before it.
    pub parent: BlockId,
    /// Weight of the branch before it.
    before: Weight,
}

impl Draft {
    /// Computes `transactions_root` from the transactions as they stand now.
    pub fn list_transactions(&mut self) {
        let leaves: Vec<_> = self
            .envelopes
            .iter()
            .map(|envelope| merkle::leaf_hash(envelope))
            .collect();
        self.manifest.transactions_root = merkle::root(&leaves);
    }

    /// Does the work that the header's own target requires.
    ///
    /// # Errors
    /// If no nonce is found, which happens by chance to nobody.
    pub fn seal(&self, spec: &ChainSpec) -> Result<Sealed, BranchError> {
        let mut header = self.seal.header(self.parent, self.manifest.root(), self.time);
        let target = Target::from_bits(header.bits).map_err(|_| BranchError::NoNonce)?;
        let nonce = Search::new(&header, target).scan(0, u32::MAX);
        header.nonce = nonce.ok_or(BranchError::NoNonce)?;
        Ok(Sealed {
            header,
            manifest: self.manifest.clone(),
            envelopes: self.envelopes.clone(),
            weight: self.before.plus(spec.engine().weight(&header)),
        })
    }
}

/// A chain from genesis on, with its state.
#[derive(Clone)]
pub struct Branch {
    spec: ChainSpec,
    identity: ChainIdentity,
    state: MemoryState,
    ancestors: Ancestors,
}

impl Branch {
    /// Only the genesis of a chain.
    pub fn new(spec: ChainSpec) -> Self {
        let RawBlock { header, manifest, .. } = genesis::block(&spec);
        let id = header.id();
        let mut history = History::default();
        history.push(Node::leaf(id, &header, spec.engine().weight(&header)));
        Self {
            identity: genesis::identity(&spec),
            state: MemoryState::genesis(&spec, id),
            ancestors: Ancestors {
                parent: Parent { id, header, manifest },
                recent_times: vec![header.time],
                anchor_time: None,
                history,
            },
            spec,
        }
    }

    /// Its chain spec.
    pub fn spec(&self) -> &ChainSpec {
        &self.spec
    }

    /// The last block.
    pub fn tip(&self) -> BlockId {
        self.ancestors.parent.id
    }

    /// Height of the last block.
    pub fn height(&self) -> Height {
        self.ancestors.parent.manifest.number
    }

    /// Work of the whole branch. Rule: docs/protocol.md#H6
    pub fn weight(&self) -> Weight {
        self.ancestors.history.weight()
    }

    /// The time that the next block's must exceed. Rule: docs/protocol.md#B3
    pub fn median_time(&self) -> u32 {
        self.ancestors.median_time()
    }

    fn check(&self, envelope: &Bytes) -> Result<CheckedTransaction, TransactionError> {
        RawTransaction::decode(envelope.clone())?.check(&self.identity, &ReferenceVerifier)
    }

    /// An honest next block of exactly these transactions.
    ///
    /// # Errors
    /// If one of them cannot be in it.
    pub fn draft(&self, producer: Address, now: UnixSecs, envelopes: &[Bytes]) -> Result<Draft, BranchError> {
        let checked = envelopes.iter().map(|envelope| self.check(envelope));
        let checked: Vec<_> = checked.collect::<Result<_, _>>()?;
        let now = u32::try_from(now.0).unwrap_or(u32::MAX);
        let time = now.max(self.ancestors.earliest_time(&self.spec));
        let candidate = Candidate {
            ancestors: &self.ancestors,
            time,
            producer,
            extra: Bytes::from_static(b"tally/lab"),
        };
        let assembled = assemble(candidate, checked, &self.state, self.state.tree(), &self.spec)?;
        if let Some((_, why)) = assembled.refused.into_iter().next() {
            return Err(BranchError::LeftOut(why));
        }
        Ok(Draft {
            manifest: assembled.manifest,
            envelopes: envelopes.to_vec(),
            seal: assembled.seal,
            time,
            parent: self.tip(),
            before: self.weight(),
        })
    }

    /// What a block would do on this branch, everything checked.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn execute(&self, bytes: &[u8]) -> Result<ExecutedBlock, BranchError> {
        let raw = RawBlock::decode(bytes, self.spec.limits.block_bytes)?;
        // Whatever its time: whether that is too far ahead is for the clock of a node.
        let now = UnixSecs(raw.header.time.into());
        let check = |transactions: Vec<RawTransaction>| {
            let checked = transactions.into_iter().enumerate().map(|(index, transaction)| {
                let checked = transaction.check(&self.identity, &ReferenceVerifier);
                checked.map_err(|error| (index, error))
            });
            checked.collect()
        };
        let linked = raw.check(&self.spec, now, check)?.link(&self.ancestors, &self.spec)?;
        Ok(execute(linked, &self.state, self.state.tree(), &self.spec)?)
    }

    /// Takes over a next block.
    ///
    /// # Errors
    /// The first rule that it breaks; nothing has changed then.
    pub fn import(&mut self, bytes: &[u8]) -> Result<(), BranchError> {
        let executed = self.execute(bytes)?;
        let linked = executed.block();
        self.ancestors = self.ancestors.then(linked.as_parent(), &self.spec.engine());
        self.state.apply(linked.height(), linked.id(), &executed);
        Ok(())
    }

    /// Mines and takes over a block of these transactions.
    ///
    /// # Errors
    /// If one of them cannot be in it.
    pub fn mine(&mut self, producer: Address, now: UnixSecs, envelopes: &[Bytes]) -> Result<Sealed, BranchError> {
        let sealed = self.draft(producer, now, envelopes)?.seal(&self.spec)?;
        self.import(&sealed.bytes())?;
        Ok(sealed)
    }

    /// The tree of the state after the last block.
    pub(crate) fn state(&self) -> &MemoryState {
        &self.state
    }
}
