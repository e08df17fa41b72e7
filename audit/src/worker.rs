//! The worker that executes: blocks come in parts, their signatures are checked by others while the part before is executed.

use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::rc::Rc;

use futures::channel::mpsc::{self, UnboundedReceiver, UnboundedSender, unbounded};
use futures::future::{self, Either};
use futures::{SinkExt as _, StreamExt as _};
use gloo::timers::future::TimeoutFuture;
use tally_api::worker::audit::{AuditEnd, AuditProgress, AuditTip, FromAudit, ToAudit};
use tally_audit::{Answers, Blocks, Claims, Replay};
use tally_chain::{BlockId, Bytes, ChainSpec, Height, RawBlock, UnixSecs};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen_futures::spawn_local;

use crate::fetch::NoAnswer;
use crate::node;
use crate::outcome::{Audited, End};
use crate::pool::{Batch, Pool};
use crate::scope::{listen, memory, now, post, read};

/// The page is shown progress so often at most, in milliseconds.
const REPORT_MS: f64 = 200.0;
/// So long this worker executes before it looks for messages, in milliseconds.
const LOOK_MS: f64 = 30.0;
/// Pauses between requests to a node that does not answer, in milliseconds: the first, and the longest.
const PAUSES_MS: (u32, u32) = (1_000, 15_000);
/// Most helpers that are started.
const MAX_HELPERS: u32 = 8;

/// A block whose signatures are on their way.
struct Prepared {
    bytes: Bytes,
    raw: RawBlock,
    claims: Claims,
}

/// The blocks of one answer, and what their signatures come to.
struct Part {
    blocks: Vec<Prepared>,
    batches: Vec<Batch>,
}

/// What the messages and the work share.
struct Shared {
    progress: RefCell<AuditProgress>,
    /// When the progress was shown last.
    shown: Cell<f64>,
    /// When it began to work, or went on.
    since: Cell<f64>,
    /// Whether the page requested a pause.
    pause: Cell<bool>,
    wake: UnboundedSender<()>,
}

/// Runs the worker. Called once by its script, with the address of the helpers'.
#[wasm_bindgen]
pub fn audit_worker(helpers: String) {
    console_error_panic_hook::set_once();
    let (wake, woken) = unbounded();
    let shared = Rc::new(Shared {
        progress: RefCell::default(),
        shown: Cell::new(0.0),
        since: Cell::new(0.0),
        pause: Cell::new(false),
        wake,
    });
    let woken = RefCell::new(Some(woken));
    listen(move |message| match read::<ToAudit>(message) {
        Some(ToAudit::Start {
            genesis,
            node,
            tip,
            helpers: count,
        }) => {
            if let (Some(woken), Ok(genesis)) = (woken.take(), genesis.parse()) {
                let (shared, helpers) = (shared.clone(), helpers.clone());
                spawn_local(async move {
                    let pool = Pool::start(&helpers, count.clamp(1, MAX_HELPERS)).await;
                    let end = work(shared, pool, genesis, node, tip, woken).await;
                    post(&FromAudit::Done(Box::new(end)));
                });
            }
        }
        Some(message) => {
            shared.pause.set(matches!(message, ToAudit::Pause));
            // Fails where nothing works: then the message is of no use either.
            let _ = shared.wake.unbounded_send(());
        }
        None => {}
    });
    post(&FromAudit::Ready);
}

impl Shared {
    /// Counts the time since it was counted last.
    fn count_time(&self) {
        let now = now();
        let worked = (now - self.since.replace(now)).max(0.0);
        self.progress.borrow_mut().millis += worked as u64;
    }

    fn report(&self, at_once: bool) {
        if !at_once && now() < self.shown.get() + REPORT_MS {
            return;
        }
        self.count_time();
        self.shown.set(now());
        let mut progress = self.progress.borrow_mut();
        progress.memory = memory();
        post(&FromAudit::Progress(progress.clone()));
    }

    /// Waits while the page wants a pause.
    async fn rest(&self, woken: &mut UnboundedReceiver<()>) {
        if !self.pause.get() {
            return;
        }
        self.progress.borrow_mut().paused = true;
        self.report(true);
        while self.pause.get() {
            woken.next().await;
        }
        self.since.set(now());
        self.progress.borrow_mut().paused = false;
        self.report(true);
    }

    /// Does it again for as long as the node may still answer.
    async fn insist<T, F: Future<Output = Result<T, NoAnswer>>>(&self, request: impl Fn() -> F) -> Result<T, String> {
        let mut pause = PAUSES_MS.0;
        loop {
            let why = match request().await {
                Ok(answer) => {
                    self.progress.borrow_mut().waits = None;
                    return Ok(answer);
                }
                Err(NoAnswer::Final(why)) => return Err(why),
                Err(NoAnswer::Passing(why)) => why,
            };
            self.progress.borrow_mut().waits = Some(why);
            self.report(true);
            TimeoutFuture::new(pause).await;
            pause = pause.saturating_mul(2).min(PAUSES_MS.1);
        }
    }
}

async fn work(
    shared: Rc<Shared>,
    pool: Pool,
    genesis: BlockId,
    node: String,
    tip: Option<AuditTip>,
    mut woken: UnboundedReceiver<()>,
) -> AuditEnd {
    shared.since.set(now());
    let spec = match shared.insist(|| node::spec(&node, genesis)).await {
        Ok(spec) => spec,
        Err(why) => return AuditEnd::Ended(why),
    };
    let claimed = tip.is_none();
    let (height, tip) = match shared.insist(|| node::tip(&node, tip.clone())).await {
        Ok(tip) => tip,
        Err(why) => return AuditEnd::Ended(why),
    };
    shared.progress.borrow_mut().of = height.0;
    shared.report(true);
    let clock = UnixSecs((now() / 1_000.0) as u64);
    let mut replay = Replay::new(&spec, clock);
    // At genesis again, for what needs no state: the rules of one block, its signatures.
    let stateless = Replay::new(&spec, clock);
    let (parts, ready) = mpsc::channel(1);
    let done = {
        let preparing = pin!(prepare(&shared, &node, &spec, &stateless, &pool, (height, tip), parts));
        let executing = pin!(execute(&shared, &mut replay, ready, tip, &mut woken));
        // A fault does not wait for what the node may still send; what was read before a fault is executed.
        match future::select(preparing, executing).await {
            Either::Left((prepared, executing)) => executing.await.and(prepared),
            Either::Right((executed, _)) => executed,
        }
    };
    let end = done.and_then(|()| {
        let ended = replay.check_end(tip);
        ended.map_err(|fault| End::Fault(Box::new(fault), None))
    });
    shared.report(true);
    let progress = shared.progress.borrow().clone();
    let audited = Audited {
        spec: &spec,
        replay: &replay,
        height,
        tip,
        claimed,
    };
    audited.end(end, progress)
}

/// Reads blocks up to the tip, and hands their signatures out. A fault of a block waits until those before it are executed.
async fn prepare(
    shared: &Shared,
    node: &str,
    spec: &ChainSpec,
    replay: &Replay<'_>,
    pool: &Pool,
    tip: (Height, BlockId),
    mut parts: mpsc::Sender<Part>,
) -> Result<(), End> {
    let mut height = Height::GENESIS;
    while height < tip.0 {
        let answer = shared.insist(|| node::blocks(node, spec, height, tip)).await;
        let (bytes, count) = answer.map_err(End::Stopped)?;
        shared.progress.borrow_mut().bytes += bytes.len() as u64;
        let (part, fault) = cut(replay, &mut height, &bytes, count)?;
        let claims: Vec<_> = part.iter().flat_map(|block| block.claims.list()).collect();
        let batches = pool.check(&claims);
        let part = Part { blocks: part, batches };
        if parts.send(part).await.is_err() {
            return Ok(());
        }
        if let Some(fault) = fault {
            return Err(fault);
        }
    }
    Ok(())
}

/// The blocks of an answer up to the first that breaks a rule by itself.
fn cut(
    replay: &Replay<'_>,
    height: &mut Height,
    bytes: &[u8],
    count: u64,
) -> Result<(Vec<Prepared>, Option<End>), End> {
    let broken = |error: tally_audit::FramesError| End::Stopped(format!("what the node sent are no blocks: {error}"));
    let mut blocks = Blocks::of(bytes, count).map_err(broken)?;
    let mut part = Vec::new();
    while let Some(block) = blocks.next_block().map_err(broken)? {
        let next = height.next();
        let prepared = replay
            .decode(next, block)
            .and_then(|raw| replay.claims(next, &raw).map(|claims| (raw, claims)));
        let bytes = Bytes::copy_from_slice(block);
        match prepared {
            Ok((raw, claims)) => part.push(Prepared { bytes, raw, claims }),
            Err(fault) => return Ok((part, Some(End::Fault(Box::new(fault), Some(bytes))))),
        }
        *height = next;
    }
    Ok((part, None))
}

/// Executes what comes, block by block.
async fn execute(
    shared: &Shared,
    replay: &mut Replay<'_>,
    mut parts: mpsc::Receiver<Part>,
    tip: BlockId,
    woken: &mut UnboundedReceiver<()>,
) -> Result<(), End> {
    let mut looked = now();
    while let Some(Part { blocks, batches }) = parts.next().await {
        let mut answers = answers(&blocks, batches).await;
        for Prepared { bytes, raw, claims } in blocks {
            shared.rest(woken).await;
            let count = claims.list().len();
            let answers = answers.take(count);
            let fault = |fault| End::Fault(Box::new(fault), Some(bytes.clone()));
            let identity = *replay.identity();
            let linked = replay
                .link(raw, |transactions| claims.check(&identity, answers, transactions))
                .map_err(fault)?;
            let executed = replay.execute(linked).map_err(fault)?;
            replay.advance(&executed);
            {
                let mut progress = shared.progress.borrow_mut();
                progress.blocks = replay.blocks();
                progress.transactions = replay.transactions();
            }
            if now() - looked > LOOK_MS {
                shared.report(false);
                // Messages of the page and answers of the node come in between.
                TimeoutFuture::new(0).await;
                looked = now();
            }
        }
        if replay.tip() == tip {
            return Ok(());
        }
    }
    Ok(())
}

/// What the signatures of a part came to. Those after one without an answer are checked where they are needed.
async fn answers(blocks: &[Prepared], batches: Vec<Batch>) -> Answers {
    let mut claims = blocks.iter().flat_map(|block| block.claims.list());
    let mut answers = Answers::default();
    for batch in batches {
        let of_batch: Vec<_> = claims.by_ref().take(batch.claims).collect();
        let bytes = batch.answer().await;
        answers.add(of_batch, bytes.as_deref());
    }
    answers
}
