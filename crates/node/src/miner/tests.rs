use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::time::Duration;

use alloy_primitives::Address;
use tally_chain::consensus::Engine;
use tally_chain::header::HEADER_VERSION;
use tally_chain::spec::ChainSpec;
use tally_chain::{B256, BlockId, Bytes, Height, genesis};

use super::*;

/// Long enough for anything here, on any machine.
pub const DEADLINE: Duration = Duration::from_secs(60);
const TIME: u32 = 1_800_000_000;
/// One in 2^16 hashes, and none in a lifetime.
pub const EASY: u32 = 0x1f00_ffff;
const HOPELESS: u32 = 0x0101_0000;

pub fn job(id: u64, bits: u32) -> Arc<MiningJob> {
    let manifest = Manifest {
        number: Height(id + 1),
        producer: Address::repeat_byte(3),
        extra: Bytes::from([&b"tally/"[..], &[0xff; 8]].concat()),
        ..genesis::block(&ChainSpec::built_in("test").unwrap()).manifest
    };
    let header = Header {
        version: HEADER_VERSION,
        parent: BlockId(B256::repeat_byte(id as u8)),
        manifest_root: manifest.root(),
        time: TIME,
        bits,
        nonce: 0,
    };
    Arc::new(MiningJob {
        id,
        header,
        manifest,
        latest_time: u32::MAX,
        transactions: Arc::default(),
        target: Target::from_bits(bits).unwrap(),
    })
}

struct Rig {
    jobs: watch::Sender<Option<Arc<MiningJob>>>,
    miner: Miner,
    solved: Receiver<Solved>,
}

fn rig(now: u64) -> Rig {
    let (jobs, receiver) = watch::channel(None);
    let (sender, solved) = channel();
    let miner = Miner::start(receiver, Arc::new(move || UnixSecs(now)), move |found| {
        drop(sender.send(found))
    });
    Rig { jobs, miner, solved }
}

impl Rig {
    fn give(&self, job: &Arc<MiningJob>) {
        self.jobs.send_replace(Some(Arc::clone(job)));
    }

    fn next(&self) -> Solved {
        self.solved
            .recv_timeout(DEADLINE)
            .expect("an easy job is solved in time")
    }

    /// Waits until some more hashes were done.
    fn wait_for_work(&self) {
        let (before, begun) = (self.miner.hashes(), Instant::now());
        while self.miner.hashes() == before {
            assert!(begun.elapsed() < DEADLINE, "no thread works");
            thread::yield_now();
        }
    }
}

/// Seal, commitment to the manifest, and that nothing else was touched.
fn check(solved: &Solved) {
    let mut engine = ChainSpec::built_in("test").unwrap().engine();
    match &mut engine {
        Engine::ProofOfWork(pow) => pow.pow_limit_bits = 0x207f_ffff,
    }
    assert_eq!(engine.check_header(&solved.header), Ok(()));
    assert_eq!(solved.header.manifest_root, solved.manifest.root());
    let restored = Manifest {
        extra: solved.job.manifest.extra.clone(),
        ..solved.manifest.clone()
    };
    assert_eq!(restored, solved.job.manifest);
    assert_eq!(solved.manifest.extra[..6], b"tally/"[..]);
    let template = Header {
        manifest_root: solved.job.header.manifest_root,
        time: solved.job.header.time,
        nonce: 0,
        ..solved.header
    };
    assert_eq!(template, solved.job.header);
}

#[test]
fn seals_job_after_job() {
    let rig = rig(0);
    rig.miner.set_threads(2);
    for id in 0..5 {
        rig.give(&job(id, EASY));
        let solved = rig.next();
        assert_eq!((solved.job.id, solved.header.time), (id, TIME));
        check(&solved);
    }
    rig.miner.stop();
    let more = rig.solved.try_recv().err();
    assert_eq!(more, Some(TryRecvError::Empty), "a job is solved once");
    assert!(rig.miner.hashes() > 0);
}

#[test]
fn the_time_of_the_header_follows_the_clock() {
    let rig = rig(u64::from(TIME) + 7);
    rig.miner.set_threads(1);
    rig.give(&job(0, EASY));
    let solved = rig.next();
    assert_eq!(solved.header.time, TIME + 7);
    check(&solved);
}

#[test]
fn the_time_stays_where_a_later_one_would_change_the_block() {
    let rig = rig(u64::from(TIME) + 7);
    rig.miner.set_threads(1);
    let fixed = MiningJob {
        latest_time: TIME,
        ..(*job(0, EASY)).clone()
    };
    rig.give(&Arc::new(fixed));
    let solved = rig.next();
    assert_eq!(solved.header.time, TIME);
    check(&solved);
}

#[test]
fn a_new_job_ends_the_work_on_the_old() {
    let rig = rig(0);
    rig.miner.set_threads(2);
    rig.give(&job(0, HOPELESS));
    rig.wait_for_work();
    rig.give(&job(1, EASY));
    assert_eq!(rig.next().job.id, 1);
}

#[test]
fn stops_and_starts_again() {
    let rig = rig(0);
    rig.miner.set_threads(3);
    rig.give(&job(0, HOPELESS));
    rig.wait_for_work();
    rig.miner.set_threads(1);
    assert_eq!(rig.miner.threads(), 1);
    rig.wait_for_work();
    assert!(rig.miner.hash_rate() > 0.0);
    rig.miner.stop();
    assert_eq!((rig.miner.threads(), rig.miner.hash_rate()), (0, 0.0));
    let hashes = rig.miner.hashes();
    rig.give(&job(1, EASY));
    assert_eq!(rig.miner.hashes(), hashes);
    rig.miner.set_threads(1);
    assert_eq!(rig.next().job.id, 1);
}

#[test]
fn without_a_job_nothing_is_done_and_threads_still_stop() {
    let rig = rig(0);
    rig.miner.set_threads(2);
    rig.give(&job(0, EASY));
    rig.next();
    rig.jobs.send_replace(None);
    rig.miner.stop();
    assert_eq!(rig.miner.threads(), 0);
}

#[test]
fn threads_end_when_no_job_can_come_any_more() {
    let Rig { jobs, miner, .. } = rig(0);
    miner.set_threads(1);
    jobs.send_replace(Some(job(0, HOPELESS)));
    drop(jobs);
    let begun = Instant::now();
    while !miner.workers.lock()[0].thread.is_finished() {
        assert!(begun.elapsed() < DEADLINE, "the thread goes on");
        thread::yield_now();
    }
}

#[test]
fn a_callback_may_stop_the_miner() {
    let (jobs, receiver) = watch::channel(Some(job(0, EASY)));
    let (sender, stopped) = channel();
    let miner: Arc<std::sync::OnceLock<Miner>> = Arc::default();
    let inside = Arc::downgrade(&miner);
    let started = Miner::start(receiver, Arc::new(|| UnixSecs(0)), move |_| {
        let miner = inside.upgrade().expect("the test still holds it");
        miner.get().expect("it was set before it got threads").stop();
        sender.send(()).expect("the test waits");
    });
    assert!(miner.set(started).is_ok());
    miner.get().unwrap().set_threads(2);
    assert_eq!(stopped.recv_timeout(DEADLINE), Ok(()));
    drop(jobs);
}

#[test]
fn every_round_has_its_own_extra_nonce() {
    let manifest = &job(0, EASY).manifest;
    // The template's own nonce is where counting begins: here at its end, so it wraps.
    let extras = [0, 1, 2].map(|round| with_extra_nonce(manifest, round).extra.to_vec());
    assert_eq!(extras[0], [&b"tally/"[..], &[0xff; 8]].concat());
    assert_eq!(extras[1], [&b"tally/"[..], &[0; 8]].concat());
    assert_eq!(extras[2], [&b"tally/"[..], &[0, 0, 0, 0, 0, 0, 0, 1]].concat());
    let short = Manifest {
        extra: Bytes::from_static(b"abc"),
        ..manifest.clone()
    };
    assert_eq!(with_extra_nonce(&short, 1).extra.len(), 8);
}
