//! The façade: what the API, the pages, the miner and the command line use of a node.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use parking_lot::{Mutex, RwLock};
use tally_chain::block::encoded_len;
use tally_chain::header_chain::max_ahead;
use tally_chain::transaction::ChainIdentity;
use tally_chain::{BlockId, ChainSpec, CheckedTransaction, Header, Height, Manifest, TxId, UnixSecs, genesis};

use crate::checkpoint::{CheckpointConfig, StateSnapshot};
use crate::clock::ClockReading;
use crate::config::NodeConfig;
use crate::events::{ChainEvent, Events};
use crate::keeper::{Keeper, Reader};
use crate::light::LightProofs;
use crate::mempool::{Mempool, MempoolConfig};
use crate::mining::Mining;
use crate::pipeline::{Advance, ImportError, Imported, Pipeline, Tip};
use crate::pool_view::SharedView;
use crate::stats::Stats;
use crate::store::{BlockRecord, Compared, Snapshot, Store, StoreError};
use crate::templates::Templates;
use crate::verifier::TransactionChecker;
use crate::workers::Workers;

/// The node's clock, in Unix seconds.
pub type Clock = Arc<dyn Fn() -> UnixSecs + Send + Sync>;

/// The system's clock.
pub fn system_clock() -> Clock {
    Arc::new(|| {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        UnixSecs(since.map_or(0, |duration| duration.as_secs()))
    })
}

/// A running node; cheap to clone.
#[derive(Clone)]
pub struct Node(Arc<Inner>);

struct Inner {
    spec: Arc<ChainSpec>,
    identity: ChainIdentity,
    checker: Arc<TransactionChecker>,
    pipeline: Mutex<Pipeline>,
    store: Store,
    tip: RwLock<Arc<Tip>>,
    pool: Mutex<Mempool>,
    pool_view: SharedView,
    /// Shared while a submission is taken; held alone while the pool is read again from the disk.
    submissions: RwLock<()>,
    events: Events,
    stats: Stats,
    templates: Templates,
    light_proofs: LightProofs,
    mining: Mining,
    workers: Arc<Workers>,
    clock: Clock,
    started: UnixSecs,
    max_reorg_depth: u64,
    checkpoints: CheckpointConfig,
    mempool: MempoolConfig,
    keeper: Keeper,
    clock_reading: RwLock<Option<ClockReading>>,
}

impl Node {
    /// Opens the data directory, brings back the pool, and starts mining if the configuration sets it.
    pub fn open(config: NodeConfig, clock: Clock) -> Result<Self, StoreError> {
        let spec = Arc::new(config.spec);
        let identity = genesis::identity(&spec);
        let checker = Arc::new(TransactionChecker::new(identity));
        std::fs::create_dir_all(&config.data_dir)
            .map_err(|error| StoreError::cannot_write(&config.data_dir, &error))?;
        let path = config.data_dir.join("store");
        let pipeline = Pipeline::open(&path, spec.clone(), checker.clone(), config.max_reorg_depth)?;
        let started = clock();
        let node = Self(Arc::new(Inner {
            identity,
            checker,
            store: pipeline.store().clone(),
            tip: RwLock::new(pipeline.tip().clone()),
            pipeline: Mutex::new(pipeline),
            pool: Mutex::new(Mempool::new(config.mempool, spec.fees.min_base_fee.into())),
            pool_view: SharedView::default(),
            submissions: RwLock::default(),
            // Two runs may begin in the same second; their processes differ.
            events: Events::new(started.0 << 22 | u64::from(std::process::id()) & 0x3f_ffff),
            stats: Stats::default(),
            templates: Templates::default(),
            light_proofs: LightProofs::default(),
            mining: Mining::new(config.mining),
            workers: Arc::default(),
            spec,
            clock,
            started,
            max_reorg_depth: config.max_reorg_depth,
            checkpoints: config.checkpoints,
            mempool: config.mempool,
            keeper: Keeper::default(),
            clock_reading: RwLock::default(),
        }));
        node.restore_pool()?;
        node.start_keeper();
        // Blocks of another engine are not searched for: no thread would have anything to do.
        if node.spec().engine().is_mined() {
            node.start_mining_loop();
        }
        Ok(node)
    }

    /// Stops mining and flushes the store.
    pub fn close(&self) -> Result<(), StoreError> {
        self.0.mining.stop();
        // An import under way ends first.
        let _last = self.0.pipeline.lock();
        self.0.keeper.stop();
        self.0.store.sync()
    }

    /// The chain that it follows.
    pub fn spec(&self) -> &ChainSpec {
        &self.0.spec
    }

    /// What signatures on this chain are bound to.
    pub fn identity(&self) -> ChainIdentity {
        self.0.identity
    }

    /// The time by its clock.
    pub fn now(&self) -> UnixSecs {
        (self.0.clock)()
    }

    /// Its clock, to be shared with what runs beside it.
    pub fn clock(&self) -> Clock {
        self.0.clock.clone()
    }

    /// Seconds by which a block's time may be ahead of this node's clock. Rule: docs/protocol.md#B4
    pub fn clock_allowance(&self) -> u64 {
        max_ahead(self.spec())
    }

    /// This machine's clock beside those of its peers, if enough of them are known.
    pub fn clock_reading(&self) -> Option<ClockReading> {
        *self.0.clock_reading.read()
    }

    /// The same, if it is so far off by peers of this node's own choice that it can neither make nor check blocks reliably.
    pub fn clock_off(&self) -> Option<ClockReading> {
        let allowance = self.clock_allowance();
        self.clock_reading()
            .filter(|reading| reading.chosen && reading.is_off(allowance))
    }

    /// Seconds by which this machine's clock is behind the least time of the next block, where that is more than a clock that
    /// accepted these blocks itself can be: it was set back. Whatever is made now is rejected by this very node.
    /// Rule: docs/protocol.md#N13
    pub fn behind_own_chain(&self) -> Option<u64> {
        let tip = self.tip();
        // Before genesis nothing has been accepted: that is another reason to wait.
        if tip.record.height() == Height::GENESIS {
            return None;
        }
        let least = u64::from(tip.ancestors.earliest_time(self.spec()));
        let secs = least.saturating_sub(self.now().0);
        // The median is no further ahead than its blocks were allowed to be, and the next block at least a second after it:
        // a young chain of fast miners is there all the time, and its next block only waits for that second.
        (secs > self.clock_allowance().saturating_add(1)).then_some(secs)
    }

    /// Sets what was measured of this machine's clock beside others: the network's door to the miner, which pauses while the
    /// clock is off ([`Self::clock_off`]). `None`: too few peers are known. Rule: docs/protocol.md#N13
    pub fn set_clock_reading(&self, reading: Option<ClockReading>) {
        let before = self.clock_off().is_some();
        *self.0.clock_reading.write() = reading;
        if before != self.clock_off().is_some() {
            self.0.mining.clock_changed();
        }
    }

    /// When this run began.
    pub fn started(&self) -> UnixSecs {
        self.0.started
    }

    /// Blocks below the tip at which a fork is still followed. Rule: docs/protocol.md#B9
    pub fn max_reorg_depth(&self) -> u64 {
        self.0.max_reorg_depth
    }

    /// The end of the active chain, with a snapshot of the store as it was then: one answer reads from one tip.
    pub fn tip(&self) -> Arc<Tip> {
        self.0.tip.read().clone()
    }

    /// What is on the disk. Other crates see what `stored.rs` shows of it.
    pub(crate) fn store(&self) -> &Store {
        &self.0.store
    }

    /// What happens, for subscribers.
    pub fn events(&self) -> &Events {
        &self.0.events
    }

    /// Counters since the start.
    pub fn stats(&self) -> &Stats {
        &self.0.stats
    }

    /// The one door to checked transactions.
    pub fn checker(&self) -> &TransactionChecker {
        &self.0.checker
    }

    pub(crate) fn keeper(&self) -> &Keeper {
        &self.0.keeper
    }

    pub(crate) fn pool(&self) -> &Mutex<Mempool> {
        &self.0.pool
    }

    pub(crate) fn shared_view(&self) -> &SharedView {
        &self.0.pool_view
    }

    pub(crate) fn submissions(&self) -> &RwLock<()> {
        &self.0.submissions
    }

    /// Readers see this tip from now on.
    pub(crate) fn set_tip(&self, tip: &Arc<Tip>) {
        *self.0.tip.write() = tip.clone();
    }

    pub(crate) fn templates(&self) -> &Templates {
        &self.0.templates
    }

    pub(crate) fn light_proofs(&self) -> &LightProofs {
        &self.0.light_proofs
    }

    /// The native miner's switch.
    pub fn mining(&self) -> &Mining {
        &self.0.mining
    }

    /// External miners that are connected.
    pub fn workers(&self) -> &Arc<Workers> {
        &self.0.workers
    }

    /// Reads the pool.
    pub fn with_pool<T>(&self, read: impl FnOnce(&Mempool) -> T) -> T {
        read(&self.0.pool.lock())
    }

    /// Takes an encoded block through the pipeline; returns when it is durable. Blocks the thread.
    pub fn import_block(&self, bytes: &[u8]) -> Result<Imported, ImportError> {
        self.import(bytes.len() as u64, |pipeline, now| pipeline.import_block(bytes, now))
    }

    /// The same of a block that is put together from transactions which this node has checked.
    pub fn import_parts(
        &self,
        header: Header,
        manifest: Manifest,
        transactions: Vec<CheckedTransaction>,
    ) -> Result<Imported, ImportError> {
        let lens = transactions.iter().map(|transaction| transaction.envelope().len());
        let bytes = encoded_len(&manifest, lens);
        self.import(bytes, |pipeline, now| {
            pipeline.import_parts(header, manifest, transactions, now)
        })
    }

    /// A panic in the middle of an import leaves tip, pool and pipeline apart: the process ends, and the store is whole.
    ///
    /// `bytes`: how many it will at least write.
    pub(crate) fn import(
        &self,
        bytes: u64,
        by: impl FnOnce(&mut Pipeline, UnixSecs) -> Result<Imported, ImportError>,
    ) -> Result<Imported, ImportError> {
        crate::supervise::critical("import", || self.import_and_update(bytes, by))
    }

    fn import_and_update(
        &self,
        bytes: u64,
        by: impl FnOnce(&mut Pipeline, UnixSecs) -> Result<Imported, ImportError>,
    ) -> Result<Imported, ImportError> {
        let begun = Instant::now();
        let mut pipeline = self.0.pipeline.lock();
        // Before any work: what cannot be stored now is not looked at.
        let room = self.0.store.require_room(bytes);
        self.0.keeper.writer().import_begins();
        let imported = room
            .map_err(ImportError::Store)
            .and_then(|()| by(&mut pipeline, self.now()));
        match &imported {
            Ok(Imported::Tip(advance)) => {
                self.0.keeper.store_works(Reader::Import);
                let dropped = self.update_mempool(advance, pipeline.tip());
                self.0.stats.import_time.record(begun.elapsed());
                self.publish(advance, dropped);
            }
            Ok(_) => {}
            // Nothing is known against the block: it is tried again when it is offered again.
            Err(ImportError::Store(error)) => self.0.keeper.store_failed(Reader::Import, error),
            Err(reason) => {
                self.0.stats.blocks_refused.fetch_add(1, Relaxed);
                tracing::warn!(%reason, "block rejected");
            }
        }
        self.0.keeper.writer().import_ends();
        imported
    }

    /// What is stored of a block; one beside the chain whose record is of an older version or has changed on the disk (header,
    /// manifest, weight) is forgotten, and is unknown to all readers from then on. Waits for an import that is under way, where it has to be forgotten.
    ///
    /// # Errors
    /// What the store cannot read, and a changed record of the active chain.
    pub fn sound_record(&self, snapshot: &Snapshot, id: &BlockId) -> Result<Option<BlockRecord>, StoreError> {
        self.sound(snapshot, id, Compared::Weight)
    }

    /// The same where the weight does not matter: for one block after the other of a branch. It is not compared, and so the
    /// parent of each block is not read again.
    ///
    /// # Errors
    /// As [`Self::sound_record`].
    pub fn sound_step(&self, snapshot: &Snapshot, id: &BlockId) -> Result<Option<BlockRecord>, StoreError> {
        self.sound(snapshot, id, Compared::Alone)
    }

    fn sound(&self, snapshot: &Snapshot, id: &BlockId, compared: Compared) -> Result<Option<BlockRecord>, StoreError> {
        let engine = self.spec().engine();
        let is_damaged =
            |read: &Result<Option<BlockRecord>, StoreError>| read.as_ref().is_err_and(StoreError::is_damage);
        let read = snapshot.sound(id, &engine, compared);
        if !is_damaged(&read) {
            return read;
        }
        // An older snapshot has the record for as long as it lives, though the block was forgotten since.
        let newest = self.0.store.snapshot();
        let read = newest.sound(id, &engine, compared);
        // What the active chain needs is not forgotten: no request for it waits for an import, or holds one up.
        if !is_damaged(&read) || newest.chain_has(id)? {
            return read;
        }
        // Only while no import is under way is it certain which chain is the active one.
        let pipeline = self.0.pipeline.lock();
        pipeline.sound_record(&self.0.store.snapshot(), id, compared)
    }

    /// Starts from the state of a checkpoint instead of genesis. Returns whether it did: only a node without blocks can.
    pub fn install_snapshot(&self, installed: &StateSnapshot) -> Result<bool, StoreError> {
        let mut pipeline = self.0.pipeline.lock();
        // The pool is read again from the store below: what is on its way there has to arrive first, and what comes now waits.
        let taken = self.0.submissions.write();
        let flushed = self.0.keeper.writer().flush();
        flushed.map_err(|failure| failure.of_shared_write(self.0.store.path()))?;
        if !pipeline.install_snapshot(installed, self.now())? {
            return Ok(false);
        }
        let tip = pipeline.tip().clone();
        {
            // What waited was looked at with the state of genesis.
            let mut pool = self.0.pool.lock();
            *pool = Mempool::new(self.0.mempool, self.0.spec.fees.min_base_fee.into());
            *self.0.tip.write() = tip.clone();
        }
        self.restore_pool()?;
        drop(taken);
        let record = &tip.record;
        tracing::info!(height = %record.height(), id = %record.id, "state snapshot installed");
        self.publish_block(record);
        self.0.templates.tip_changed(record.id);
        self.0.mining.tip_changed();
        Ok(true)
    }

    fn publish_block(&self, record: &BlockRecord) {
        self.0.events.publish(ChainEvent::Block {
            height: record.height(),
            id: record.id,
            time: UnixSecs(record.header.time.into()),
            transactions: record.transaction_count,
            bytes: record.bytes,
        });
    }

    /// Whether this node is to begin with a checkpoint and has not yet.
    pub fn awaits_checkpoint(&self) -> bool {
        self.0.checkpoints.begin && self.tip().record.height() == Height::GENESIS
    }

    /// Which states it offers, and whether it begins with one.
    pub fn checkpoints(&self) -> CheckpointConfig {
        self.0.checkpoints
    }

    fn publish(&self, advance: &Advance, dropped: Vec<(TxId, String)>) {
        let Advance {
            from,
            to,
            common,
            undone,
            joined,
            returned,
        } = advance;
        if !undone.is_empty() {
            self.0.stats.reorgs.fetch_add(1, Relaxed);
            let moved = undone.iter().flat_map(|moved| &moved.transactions);
            let transactions: Arc<[TxId]> = moved.map(|transaction| transaction.id).collect();
            let returned = returned.len() as u64;
            let undone = undone.len() as u64;
            tracing::warn!(%from, %to, %common, undone, "reorg");
            let event = ChainEvent::Reorg {
                common: *common,
                from: *from,
                to: *to,
                undone,
                returned,
                transactions,
            };
            self.0.events.publish(event);
        }
        for moved in joined {
            let record = &moved.record;
            self.0.stats.blocks_imported.fetch_add(1, Relaxed);
            tracing::info!(height = %record.height(), id = %record.id, transactions = record.transaction_count, "block imported");
            self.publish_block(record);
        }
        for (id, reason) in dropped {
            self.0.stats.left(&id);
            self.0.events.publish(ChainEvent::Dropped { id, reason });
        }
        self.0.templates.tip_changed(*to);
        self.0.mining.tip_changed();
    }
}
