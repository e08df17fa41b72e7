//! Makes templates, hands them out, and imports what miners found for them.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use tally_chain::header_chain::max_ahead;
use tally_chain::manifest::EXTRA_NONCE_BYTES;
use tally_chain::{Address, Bytes, CheckedTransaction, Header, Height, Manifest, UnixSecs};
use tally_ledger::{Assembled, Candidate, Draft, SharedBlock, assemble};

use super::body::{Block, Body};
use super::{Current, TemplateError, Work, WorkError};
use crate::miner::MiningJob;
use crate::node::Node;
use crate::pipeline::{ImportError, Imported, Tip};

/// Tag of blocks made here, before the extra nonce.
const EXTRA_TAG: &[u8] = b"tally/";

impl Node {
    /// A block on the tip with the best of the pool, lacking only its seal. The transactions are chosen at most once a second.
    pub fn template(&self, producer: Address) -> Result<Arc<MiningJob>, TemplateError> {
        self.template_for(producer, None)
    }

    /// [`Self::template`] for a client from outside: how many producers it may name on one tip is limited.
    pub fn template_for(&self, producer: Address, client: Option<IpAddr>) -> Result<Arc<MiningJob>, TemplateError> {
        self.check_may_mine()?;
        let current = self.current_bodies()?;
        let body = self.body_for(producer, client, &current)?;
        let templates = self.templates();
        let fresh = || templates.next_id.fetch_add(1, Relaxed);
        let id = templates.handed_out.lock().note(&body, producer, client, fresh)?;
        let job = body.job(id, producer, &extra(), self.next_time(&body.tip), &self.spec().engine())?;
        Ok(Arc::new(
            job.expect("the body was chosen because it suits the producer"),
        ))
    }

    /// When the chain begins, where that is still ahead: block 1 is not made before genesis.
    pub fn begins(&self) -> Option<UnixSecs> {
        let begins = UnixSecs(self.spec().genesis_time.into());
        (self.now() < begins && self.tip().record.height() == Height::GENESIS).then_some(begins)
    }

    /// No miner is to search for a block that this very node or all others would reject, that it cannot store, or that would
    /// keep it from installing a state snapshot.
    fn check_may_mine(&self) -> Result<(), TemplateError> {
        if let Some(begins) = self.begins() {
            return Err(TemplateError::NotBegun { begins });
        }
        if self.awaits_checkpoint() {
            return Err(TemplateError::AwaitsState);
        }
        if self.store().not_ready().is_some() {
            return Err(TemplateError::NothingStored);
        }
        if let Some(reading) = self.clock_off() {
            return Err(TemplateError::ClockOff { reading });
        }
        match self.behind_own_chain() {
            Some(secs) => Err(TemplateError::ClockBehindChain { secs }),
            None => Ok(()),
        }
    }

    /// How often transactions were assembled into a block since the start.
    pub fn templates_assembled(&self) -> u64 {
        self.templates().assembled.load(Relaxed)
    }

    /// The bodies on the present tip, assembled again where they are due.
    fn current_bodies(&self) -> Result<Current, TemplateError> {
        let templates = self.templates();
        let _assembling = match self.served() {
            Some((current, false)) => return Ok(current),
            // A request during an assembly is answered with what there is; on a new tip there is nothing yet.
            Some((current, true)) => match templates.assembling.try_lock() {
                Some(guard) => guard,
                None => return Ok(current),
            },
            None => templates.assembling.lock(),
        };
        let before = match self.served() {
            Some((current, false)) => return Ok(current),
            other => other.map(|(current, _)| current),
        };
        let pool_version = templates.pool_version.load(Relaxed);
        let shared = self.shared_body(self.tip(), true)?;
        let current = Current {
            plain: None,
            own: Vec::new(),
            own_made: before
                .as_ref()
                .map(|before| before.own_made.clone())
                .unwrap_or_default(),
            first: before.map_or(shared.time, |before| before.first),
            pool_version,
            shared,
        };
        *templates.current.lock() = Some(current.clone());
        Ok(current)
    }

    /// The bodies on the present tip, and whether newer ones are due.
    fn served(&self) -> Option<(Current, bool)> {
        let templates = self.templates();
        let current = templates.current.lock().clone()?;
        let tip = self.tip();
        if current.shared.parent() != tip.record.id {
            return None;
        }
        let due = current.is_due(self.next_time(&tip), templates.pool_version.load(Relaxed));
        Some((current, due))
    }

    /// The body that suits a producer: the shared one, one of its own where code looks at producers, or one of plain payments.
    fn body_for(
        &self,
        producer: Address,
        client: Option<IpAddr>,
        current: &Current,
    ) -> Result<Arc<Body>, TemplateError> {
        let shared = current.shared.suits(producer);
        if shared && !current.shared.left_out_for_sharing() {
            return Ok(current.shared.clone());
        }
        if let Some(own) = self.own_body(producer, client, &current.shared)? {
            return Ok(own);
        }
        match shared {
            true => Ok(current.shared.clone()),
            false => self.plain_body(&current.shared),
        }
    }

    /// A body for this producer alone; none where this tip, or this client on it, has had enough of them.
    fn own_body(
        &self,
        producer: Address,
        client: Option<IpAddr>,
        shared: &Arc<Body>,
    ) -> Result<Option<Arc<Body>>, TemplateError> {
        let templates = self.templates();
        {
            let mut current = templates.current.lock();
            let Some(current) = current.as_mut().filter(|now| Arc::ptr_eq(&now.shared, shared)) else {
                return Ok(None);
            };
            if let Some((_, own)) = current.own.iter().find(|(whose, _)| *whose == producer) {
                return Ok(Some(own.clone()));
            }
            if !current.take_own(client) {
                return Ok(None);
            }
        }
        let assembled = self.assemble_for(producer, &shared.tip, shared.time)?;
        let own = self.body(shared.tip.clone(), shared.time, Block::own(assembled));
        if let Some(now) = templates.current.lock().as_mut()
            && Arc::ptr_eq(&now.shared, shared)
        {
            now.own.push((producer, own.clone()));
        }
        Ok(Some(own))
    }

    /// A body of plain payments, which suits every producer.
    fn plain_body(&self, shared: &Arc<Body>) -> Result<Arc<Body>, TemplateError> {
        let templates = self.templates();
        let _assembling = templates.assembling.lock();
        let known = |now: &Current| Arc::ptr_eq(&now.shared, shared).then(|| now.plain.clone()).flatten();
        if let Some(plain) = templates.current.lock().as_ref().and_then(known) {
            return Ok(plain);
        }
        let plain = self.shared_body(shared.tip.clone(), false)?;
        if let Some(now) = templates.current.lock().as_mut()
            && Arc::ptr_eq(&now.shared, shared)
        {
            now.plain = Some(plain.clone());
        }
        Ok(plain)
    }

    fn shared_body(&self, tip: Arc<Tip>, code: bool) -> Result<Arc<Body>, TemplateError> {
        let time = self.next_time(&tip);
        let draft = Draft {
            ancestors: &tip.ancestors,
            time,
            code,
        };
        let best = self.best(&tip, time);
        let shared = SharedBlock::assemble(draft, best, &tip.snapshot, &tip.tree, self.spec())?;
        self.templates().assembled.fetch_add(1, Relaxed);
        for (id, reason) in &shared.refused {
            tracing::debug!(%id, %reason, "left out of a template");
        }
        Ok(self.body(tip, time, Block::Shared(Box::new(shared))))
    }

    fn body(&self, tip: Arc<Tip>, time: u32, block: Block) -> Arc<Body> {
        Arc::new(Body {
            sequence: self.templates().next_body.fetch_add(1, Relaxed),
            tip,
            time,
            block,
        })
    }

    /// The best of the pool for a block on this tip.
    fn best(&self, tip: &Tip, time: u32) -> Vec<CheckedTransaction> {
        let base_fee = tip.ancestors.next_base_fee(self.spec());
        self.with_pool(|pool| pool.best(base_fee, UnixSecs(time.into())).collect())
    }

    fn assemble_for(&self, producer: Address, tip: &Tip, time: u32) -> Result<Assembled, TemplateError> {
        let candidate = Candidate {
            ancestors: &tip.ancestors,
            time,
            producer,
            extra: extra(),
        };
        let best = self.best(tip, time);
        let made = assemble(candidate, best, &tip.snapshot, &tip.tree, self.spec())?;
        self.templates().assembled.fetch_add(1, Relaxed);
        for (id, reason) in &made.refused {
            tracing::debug!(%id, %reason, "left out of a template");
        }
        Ok(made)
    }

    /// The time of a header made now: the clock's, or the first one that may follow.
    fn next_time(&self, tip: &Tip) -> u32 {
        u32::try_from(self.now().0)
            .unwrap_or(u32::MAX)
            .max(tip.ancestors.earliest_time(self.spec()))
    }

    /// A fresh template with everything in it that suits the producer, for the native miner, which keeps it itself.
    pub(crate) fn new_template(&self, producer: Address) -> Result<Arc<MiningJob>, TemplateError> {
        self.check_may_mine()?;
        let tip = self.tip();
        let time = self.next_time(&tip);
        let block = Block::own(self.assemble_for(producer, &tip, time)?);
        let body = self.body(tip, time, block);
        let id = self.templates().next_id.fetch_add(1, Relaxed);
        let job = body.job(id, producer, &extra(), time, &self.spec().engine())?;
        Ok(Arc::new(job.expect("the body was assembled for this producer")))
    }

    /// The latest time that a header may have now. Rule: docs/protocol.md#B4
    pub fn latest_time(&self) -> u32 {
        u32::try_from(self.now().saturating_add(max_ahead(self.spec())).0).unwrap_or(u32::MAX)
    }

    /// Seals a template with what a miner found and imports the block like any other.
    pub fn submit_work(&self, work: &Work) -> Result<Imported, WorkError> {
        let template = work.template;
        let known = self.templates().handed_out.lock().get(template);
        let Some((body, producer)) = known else {
            return Err(match template < self.templates().next_id.load(Relaxed) {
                true => WorkError::StaleTemplate {
                    template,
                    height: self.tip().record.height(),
                },
                false => WorkError::UnknownTemplate { template },
            });
        };
        let job = body.job(template, producer, &extra(), body.time, &self.spec().engine())?;
        let job = job.expect("a template is handed out only of a body that suits its producer");
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
        let latest = job.latest_time;
        if time > latest {
            return Err(WorkError::TimeTooLate { time, latest });
        }
        let (header, manifest) = job.sealed(extra_nonce, time, nonce);
        // Before the block is put together: what is no work costs next to nothing.
        let sealed = self.spec().engine().check_header(&header);
        sealed.map_err(|error| ImportError::Block(error.into()))?;
        Ok(self.import_sealed(job, header, manifest)?)
    }

    /// Imports a job under the header and manifest that a miner found for it. The transactions were checked before they
    /// came into the job, and go on as they are: as bytes they would have to be decoded and checked once more.
    pub(crate) fn import_sealed(
        &self,
        job: &MiningJob,
        header: Header,
        manifest: Manifest,
    ) -> Result<Imported, ImportError> {
        self.import_parts(header, manifest, job.transactions.to_vec())
    }
}

/// `extra` of a template: the tag, and room for the extra nonce. Rule: docs/protocol.md#M2
fn extra() -> Bytes {
    Bytes::from([EXTRA_TAG, &[0; EXTRA_NONCE_BYTES]].concat())
}
