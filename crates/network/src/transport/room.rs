//! Memory for the long frames of all peers that came to us, while they come and until they were handled.
//! Rule: docs/protocol.md#N8
//!
//! A slow sender must not keep others out: where room is short, the slowest frame under way is given up.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

/// How long a frame waits for room before the slowest one is given up for it.
const WAIT: Duration = Duration::from_secs(2);
/// A frame is not given up sooner, however slow it is.
const GRACE: Duration = Duration::from_secs(10);

/// Room for long frames; clones share it.
#[derive(Debug, Clone)]
pub(super) struct Room(Option<Arc<Shared>>);

#[derive(Debug)]
struct Shared {
    free: Arc<Semaphore>,
    numbers: AtomicU64,
    coming: Mutex<BTreeMap<u64, Coming>>,
    wait: Duration,
    grace: Duration,
}

/// A frame under way.
#[derive(Debug)]
struct Coming {
    since: Instant,
    bytes: usize,
    cut: Arc<Notify>,
}

impl Room {
    const UNIT: usize = 1 << 10;

    /// Room for so many bytes.
    pub(super) fn of(bytes: usize) -> Self {
        Self::with_patience(bytes, WAIT, GRACE)
    }

    pub(super) fn with_patience(bytes: usize, wait: Duration, grace: Duration) -> Self {
        Self(Some(Arc::new(Shared {
            free: Arc::new(Semaphore::new(bytes / Self::UNIT)),
            numbers: AtomicU64::new(0),
            coming: Mutex::default(),
            wait,
            grace,
        })))
    }

    /// For peers that this node has dialled: they are few.
    pub(super) fn unlimited() -> Self {
        Self(None)
    }

    /// The share of one frame, of nothing yet; none where room is unlimited.
    pub(super) fn share(&self) -> Option<Share> {
        let room = self.0.clone()?;
        let number = room.numbers.fetch_add(1, Relaxed);
        let cut = Arc::new(Notify::new());
        let coming = Coming {
            since: Instant::now(),
            bytes: 0,
            cut: cut.clone(),
        };
        room.coming.lock().insert(number, coming);
        Some(Share {
            room,
            number,
            cut,
            permit: None,
        })
    }
}

impl Shared {
    /// Gives up the frame that came most slowly, if one has had its time.
    fn cut_slowest(&self, but: u64) {
        let coming = self.coming.lock();
        let old = coming
            .iter()
            .filter(|(number, one)| **number != but && one.bytes > 0 && one.since.elapsed() >= self.grace);
        // Bytes a second, compared without fractions.
        let pace = |one: &Coming| one.bytes as u128 * 1_000 / one.since.elapsed().as_millis().max(1);
        if let Some((_, slowest)) = old.min_by_key(|(_, one)| pace(one)) {
            slowest.cut.notify_one();
        }
    }
}

/// What one frame takes of the room; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Share {
    room: Arc<Shared>,
    number: u64,
    cut: Arc<Notify>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Share {
    /// Waits for room for more bytes of the frame.
    pub(super) async fn take(&mut self, bytes: usize) {
        let Ok(units) = u32::try_from(bytes.div_ceil(Room::UNIT)) else {
            return std::future::pending().await;
        };
        let more = loop {
            let free = self.room.free.clone().acquire_many_owned(units);
            match timeout(self.room.wait, free).await {
                Ok(Ok(more)) => break more,
                Ok(Err(_)) => return std::future::pending().await,
                Err(_) => self.room.cut_slowest(self.number),
            }
        };
        match &mut self.permit {
            Some(permit) => permit.merge(more),
            none => *none = Some(more),
        }
        if let Some(coming) = self.room.coming.lock().get_mut(&self.number) {
            coming.bytes += bytes;
        }
    }

    /// The frame is whole: it keeps its room, and is not given up any more.
    pub(super) fn arrived(&self) {
        self.room.coming.lock().remove(&self.number);
    }

    /// Ends when the frame is given up for the sake of others.
    pub(super) async fn cut(&self) {
        self.cut.notified().await;
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.arrived();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_frame_gives_way_where_room_is_short() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        runtime.block_on(async {
            let room = Room::with_patience(100 << 10, Duration::from_millis(20), Duration::from_millis(40));
            let [mut slow, mut fast, mut whole] = [(); 3].map(|()| room.share().unwrap());
            slow.take(10 << 10).await;
            whole.take(1 << 10).await;
            whole.arrived();
            fast.take(89 << 10).await;
            let newcomer = async {
                let mut newcomer = room.share().unwrap();
                newcomer.take(10 << 10).await;
            };
            let slow = async move {
                slow.cut().await;
                drop(slow);
            };
            let both = async { tokio::join!(newcomer, slow) };
            timeout(Duration::from_secs(5), both).await.unwrap();
            drop((fast, whole));
            assert_eq!(
                room.0.unwrap().free.available_permits(),
                100,
                "all of it was given back"
            );
        });
    }
}
