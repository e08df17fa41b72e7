//! Block templates: for the native miner, for browsers, for whoever asks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use parking_lot::Mutex;
use tally_chain::block::encode_block;
use tally_chain::header::HEADER_VERSION;
use tally_chain::header_chain::max_ahead;
use tally_chain::manifest::EXTRA_NONCE_BYTES;
use tally_chain::pow::Target;
use tally_chain::{Address, BlockId, Bytes, CheckedTransaction, Header, Manifest};
use tally_ledger::{Candidate, StateError, assemble};

use crate::miner::MiningJob;
use crate::node::{Node, TemplateError, WorkError};
use crate::pipeline::{Imported, Tip};

/// Templates that a submission may still refer to.
const KEPT: usize = 128;
/// Tag of blocks made here, before the extra nonce.
const EXTRA_TAG: &[u8] = b"tally/";

/// Templates handed out, by id.
#[derive(Default)]
pub(crate) struct Templates {
    next: AtomicU64,
    kept: Mutex<BTreeMap<u64, Arc<MiningJob>>>,
}

impl Templates {
    fn keep(&self, job: MiningJob) -> Arc<MiningJob> {
        let job = Arc::new(job);
        let mut kept = self.kept.lock();
        kept.insert(job.id, job.clone());
        if kept.len() > KEPT {
            kept.pop_first();
        }
        job
    }

    fn get(&self, id: u64) -> Option<Arc<MiningJob>> {
        self.kept.lock().get(&id).cloned()
    }

    /// The newest template on `parent` for `producer` made at `time` or later.
    fn recent(&self, parent: BlockId, producer: Address, time: u32) -> Option<Arc<MiningJob>> {
        let fits = |job: &&Arc<MiningJob>| {
            job.header.parent == parent && job.manifest.producer == producer && job.header.time >= time
        };
        self.kept.lock().values().rev().find(fits).cloned()
    }
}

/// What a miner found for a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Work {
    pub template: u64,
    pub extra_nonce: [u8; EXTRA_NONCE_BYTES],
    pub time: u32,
    pub nonce: u32,
}

impl Node {
    /// A block on the tip with the best of the pool, lacking only its seal. Reuses one of the same second.
    pub fn template(&self, producer: Address) -> Result<Arc<MiningJob>, TemplateError> {
        let tip = self.tip();
        let time = self.next_time(&tip);
        if let Some(recent) = self.templates().recent(tip.record.id, producer, time) {
            return Ok(recent);
        }
        self.new_template(producer)
    }

    /// The time of a header made now: the clock's, or the first one that may follow.
    fn next_time(&self, tip: &Tip) -> u32 {
        u32::try_from(self.now().0)
            .unwrap_or(u32::MAX)
            .max(tip.ancestors.median_time().saturating_add(1))
    }

    /// A fresh template, whatever was handed out before.
    pub(crate) fn new_template(&self, producer: Address) -> Result<Arc<MiningJob>, TemplateError> {
        let tip = self.tip();
        let time = self.next_time(&tip);
        let base_fee = tip.ancestors.next_base_fee(self.spec());
        let transactions: Vec<CheckedTransaction> =
            self.with_pool(|pool| pool.best(base_fee, tally_chain::UnixSecs(time.into())).collect());
        let extra = Bytes::from([EXTRA_TAG, &[0; EXTRA_NONCE_BYTES]].concat());
        let candidate = Candidate {
            ancestors: &tip.ancestors,
            time,
            producer,
            extra,
        };
        let made = assemble(candidate, transactions, &tip.snapshot, &tip.tree, self.spec())?;
        for (id, reason) in &made.refused {
            tracing::debug!(%id, %reason, "left out of a template");
        }
        let header = Header {
            version: HEADER_VERSION,
            parent: tip.record.id,
            manifest_root: made.manifest.root(),
            time,
            bits: made.bits,
            nonce: 0,
        };
        let target = Target::from_bits(made.bits).map_err(TemplateError::Bits)?;
        let id = self.templates().next.fetch_add(1, Relaxed);
        let job = MiningJob {
            id,
            header,
            manifest: made.manifest,
            transactions: made.transactions,
            target,
        };
        Ok(self.templates().keep(job))
    }

    /// The latest time that a header may have now. Rule: docs/protocol.md#B4
    pub fn latest_time(&self) -> u32 {
        u32::try_from(self.now().saturating_add(max_ahead(self.spec())).0).unwrap_or(u32::MAX)
    }

    /// Seals a template with what a miner found and imports the block like any other.
    pub fn submit_work(&self, work: &Work) -> Result<Imported, WorkError> {
        let job = self.templates().get(work.template).ok_or(WorkError::UnknownTemplate {
            template: work.template,
        })?;
        self.submit_sealed(&job, &work.extra_nonce, work.time, work.nonce)
    }

    /// [`Self::submit_work`] for a template that the caller has kept itself.
    pub fn submit_sealed(
        &self,
        job: &MiningJob,
        extra_nonce: &[u8; EXTRA_NONCE_BYTES],
        time: u32,
        nonce: u32,
    ) -> Result<Imported, WorkError> {
        let (header, manifest) = job.sealed(extra_nonce, time, nonce);
        let envelopes = job.transactions.iter().map(CheckedTransaction::envelope);
        Ok(self.import_block(&encode_block(&header, &manifest, envelopes))?)
    }
}

impl MiningJob {
    /// Header and manifest with what a miner found.
    pub fn sealed(&self, extra_nonce: &[u8; EXTRA_NONCE_BYTES], time: u32, nonce: u32) -> (Header, Manifest) {
        let mut manifest = self.manifest.clone();
        let mut extra = manifest.extra.to_vec();
        let at = extra.len() - EXTRA_NONCE_BYTES;
        extra[at..].copy_from_slice(extra_nonce);
        manifest.extra = extra.into();
        let header = Header {
            manifest_root: manifest.root(),
            time,
            nonce,
            ..self.header
        };
        (header, manifest)
    }
}

impl From<StateError> for TemplateError {
    fn from(error: StateError) -> Self {
        Self::State(error)
    }
}
