//! Threads for work that blocks: so many at once, and no more. The work holds its place until it ends, also where no request
//! waits for it any more: a time-out cannot pile up work behind it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

/// How long requests wait for a place.
const PATIENCE: Duration = Duration::from_secs(5);

/// Places for work that blocks a thread; clones share them.
#[derive(Clone, Debug)]
pub struct Workers {
    places: Arc<Semaphore>,
    /// How long work waits for a place.
    patience: Duration,
}

/// Why work was not done.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    /// All places were taken for too long.
    #[error("the node is busy with other requests")]
    Busy,
    /// The work panicked.
    #[error("{0}")]
    Failed(tokio::task::JoinError),
}

impl WorkError {
    /// When to try a busy node again, in seconds.
    pub const RETRY_AFTER: u16 = 2;
}

impl Workers {
    /// Room for `at_once` pieces of work.
    pub fn new(at_once: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(at_once)),
            patience: PATIENCE,
        }
    }

    /// Four for each processor: reads wait for the disk, too.
    pub fn for_this_machine() -> Self {
        Self::new(4 * std::thread::available_parallelism().map_or(4, usize::from))
    }

    /// Places that nothing holds now.
    pub fn free(&self) -> usize {
        self.places.available_permits()
    }

    /// Does the work beside the server's own threads.
    ///
    /// # Errors
    /// Where no place is free in time, and where the work panics.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, WorkError> {
        let place = tokio::time::timeout(self.patience, self.places.clone().acquire_owned());
        let place = place.await.map_err(|_| WorkError::Busy)?;
        let done = tokio::task::spawn_blocking(move || {
            let _place = place.expect("the places are never closed");
            work()
        });
        done.await.map_err(WorkError::Failed)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[tokio::test]
    async fn work_keeps_its_place_when_nobody_waits_for_it() {
        let mut workers = Workers::new(1);
        workers.patience = Duration::from_millis(20);
        let (go_on, wait) = channel::<()>();
        let (began, begun) = tokio::sync::oneshot::channel();
        let abandoned = tokio::spawn({
            let workers = workers.clone();
            async move {
                workers
                    .run(move || {
                        let _ = began.send(());
                        wait.recv().is_ok()
                    })
                    .await
            }
        });
        begun.await.expect("it runs");
        abandoned.abort();
        assert!(matches!(workers.run(|| ()).await, Err(WorkError::Busy)));
        go_on.send(()).expect("it still runs");
        workers.patience = PATIENCE;
        assert_eq!(workers.run(|| 7).await.expect("there is room again"), 7);
    }

    #[tokio::test]
    async fn work_that_panics_gives_its_place_back() {
        let workers = Workers::new(1);
        let failed = workers.run(|| panic!("in the middle")).await.expect_err("it panicked");
        assert!(
            matches!(&failed, WorkError::Failed(error) if error.is_panic()),
            "{failed}"
        );
        assert_eq!(workers.run(|| 7).await.expect("room"), 7);
    }
}
