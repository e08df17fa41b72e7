use std::thread;
use std::time::Instant;

use tally_chain::{Address, UnixSecs};

use super::*;
use crate::miner::tests::{DEADLINE, EASY, job};

/// A miner whose thread is held where it found a block, as by an import that waits for the disk, until what comes with it is
/// dropped.
fn held() -> (Mining, mpsc::Sender<()>) {
    let mining = Mining::new(MiningConfig {
        on: true,
        threads: 1,
        producer: Address::repeat_byte(3),
    });
    let (found, finds) = mpsc::channel();
    let (release, wait) = mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    let miner = Miner::start(mining.jobs.subscribe(), Arc::new(|| UnixSecs(0)), move |_| {
        let _ = found.send(());
        let _ = wait.lock().recv();
    });
    *mining.miner.lock() = Some(Arc::new(miner));
    mining.switch();
    mining.jobs.send_replace(Some(job(0, EASY)));
    assert_eq!(finds.recv_timeout(DEADLINE), Ok(()));
    (mining, release)
}

#[test]
fn what_reads_see_does_not_wait_for_threads_that_end() {
    let (mining, release) = held();
    let miner = mining.miner.lock().clone().expect("it was set");
    mining.config.lock().on = false;
    thread::scope(|scope| {
        // Dropped with this closure, whatever happens in it.
        let release = release;
        let switched = scope.spawn(|| mining.switch());
        let begun = Instant::now();
        while miner.threads() > 0 {
            assert!(begun.elapsed() < DEADLINE, "the thread is not ended");
            thread::yield_now();
        }
        let (sender, status) = mpsc::channel();
        let read = &mining;
        scope.spawn(move || sender.send(read.status()));
        let status = status.recv_timeout(DEADLINE).expect("a read waits for no thread");
        assert!(!status.config.on);
        assert!(!switched.is_finished(), "the thread is still in its callback");
        drop(release);
    });
}
