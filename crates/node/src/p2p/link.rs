//! One substream to one peer: frames after their length, each way.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use futures::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::net::offence::Offence;

/// How long a peer is waited for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// A peer that says nothing for so long is gone: pings come more often.
    silence: Duration,
    /// A frame that has begun must go on.
    piece: Duration,
    /// It must end, too.
    frame: Duration,
}

/// Rule: docs/protocol.md#N8
pub(super) const PATIENCE: Patience = Patience {
    silence: Duration::from_secs(120),
    piece: PIECE,
    frame: Duration::from_secs(120),
};
const PIECE: Duration = Duration::from_secs(20);
/// Bytes of a frame that are read or written at once.
const PIECE_BYTES: usize = 256 << 10;

/// Frames up to this length are short: they are few bytes, however many peers send them.
const SHORT: usize = 128 << 10;

/// Memory for the long frames of all who came to us, while they come and until they were heard. Rule: docs/protocol.md#N8
#[derive(Debug, Clone)]
pub(super) struct Room(Option<Arc<Semaphore>>);

impl Room {
    const UNIT: usize = 1 << 10;

    /// Room for so many bytes.
    pub(super) fn of(bytes: usize) -> Self {
        Self(Some(Arc::new(Semaphore::new(bytes / Self::UNIT))))
    }

    /// For peers that this node has called: they are few.
    pub(super) fn unlimited() -> Self {
        Self(None)
    }

    async fn take(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let units = u32::try_from(bytes.div_ceil(Self::UNIT)).ok()?;
        self.0.clone()?.acquire_many_owned(units).await.ok()
    }
}

/// A frame that came, with the room that it takes.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) bytes: Vec<u8>,
    _room: Option<OwnedSemaphorePermit>,
}

/// Bytes that wait to be written to all peers together.
pub(super) type Total = Arc<AtomicUsize>;
/// Where more than this waits for all together, those are let go for whom more than a fair share does.
const MAX_TOTAL: usize = 192 << 20;
const FAIR: usize = 1 << 20;

/// A frame that waits to be written; it is counted until it is gone, one way or the other.
#[derive(Debug)]
pub(super) struct Queued {
    frame: Vec<u8>,
    waiting: Arc<AtomicUsize>,
    total: Total,
}

impl Drop for Queued {
    fn drop(&mut self) {
        self.waiting.fetch_sub(self.frame.len(), Relaxed);
        self.total.fetch_sub(self.frame.len(), Relaxed);
    }
}

/// Frames that are still to be written.
pub(super) type Outbox = UnboundedReceiver<Queued>;

/// The way to one peer.
#[derive(Debug, Clone)]
pub(super) struct Way {
    frames: UnboundedSender<Queued>,
    waiting: Arc<AtomicUsize>,
    total: Total,
}

impl Way {
    pub(super) fn new(total: Total) -> (Self, Outbox) {
        let (frames, outbox) = unbounded_channel();
        let waiting = Arc::default();
        let way = Self { frames, waiting, total };
        (way, outbox)
    }

    /// Queues a frame; says whether there was room within `max` bytes, and anybody to write it.
    pub(super) fn send(&self, frame: Vec<u8>, max: usize) -> bool {
        let before = self.waiting.fetch_add(frame.len(), Relaxed);
        let all = self.total.fetch_add(frame.len(), Relaxed);
        let queued = Queued {
            frame,
            waiting: self.waiting.clone(),
            total: self.total.clone(),
        };
        let room = before <= max && (all <= MAX_TOTAL || before <= FAIR);
        room && self.frames.send(queued).is_ok()
    }
}

/// Writes frames until there are no more to come, or the peer does not take them.
pub(super) async fn write(mut stream: impl AsyncWrite + Unpin, mut outbox: Outbox) -> std::io::Result<()> {
    while let Some(queued) = outbox.recv().await {
        write_frame(&mut stream, &queued.frame).await?;
    }
    timeout(PIECE, stream.close()).await?
}

async fn write_frame(stream: &mut (impl AsyncWrite + Unpin), frame: &[u8]) -> std::io::Result<()> {
    let len = u32::try_from(frame.len()).map_err(std::io::Error::other)?;
    timeout(PIECE, stream.write_all(&len.to_be_bytes())).await??;
    for piece in frame.chunks(PIECE_BYTES) {
        timeout(PIECE, stream.write_all(piece)).await??;
    }
    timeout(PIECE, stream.flush()).await?
}

/// Why no more frames come.
#[derive(Debug)]
pub(super) enum End {
    Closed(std::io::Error),
    Broken(Offence),
}

/// The next frame; memory for it grows with what has really come.
pub(super) async fn read(
    stream: &mut (impl AsyncRead + Unpin),
    max: usize,
    patience: Patience,
    room: &Room,
) -> Result<Received, End> {
    let Patience { silence, piece, frame } = patience;
    let slow = || End::Broken(Offence::Timeout);
    let mut len = [0; 4];
    let first = timeout(silence, stream.read_exact(&mut len[..1])).await;
    first.map_err(|_| slow())?.map_err(End::Closed)?;
    let rest = timeout(piece, stream.read_exact(&mut len[1..])).await;
    rest.map_err(|_| slow())?.map_err(End::Closed)?;
    let len = u32::from_be_bytes(len) as usize;
    if len > max {
        let error = tally_chain::CodecError::TooLong {
            field: "frame",
            len,
            max,
        };
        return Err(End::Broken(error.into()));
    }
    let rest = timeout(frame, read_frame(stream, len, piece, room)).await;
    rest.map_err(|_| slow())?
}

async fn read_frame(
    stream: &mut (impl AsyncRead + Unpin),
    len: usize,
    piece: Duration,
    room: &Room,
) -> Result<Received, End> {
    let mut bytes = Vec::new();
    let mut taken: Option<OwnedSemaphorePermit> = None;
    while bytes.len() < len {
        let at = bytes.len();
        let end = len.min(at + PIECE_BYTES);
        if len > SHORT {
            // Where everybody sends at once, this is what makes them wait.
            let more = timeout(piece, room.take(end - at)).await;
            let more = more.map_err(|_| End::Closed(std::io::ErrorKind::OutOfMemory.into()))?;
            match (&mut taken, more) {
                (Some(taken), Some(more)) => taken.merge(more),
                (none, more) => *none = more,
            }
        }
        bytes.resize(end, 0);
        let more = timeout(piece, stream.read_exact(&mut bytes[at..])).await;
        more.map_err(|_| End::Broken(Offence::Timeout))?.map_err(End::Closed)?;
    }
    Ok(Received { bytes, _room: taken })
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use futures::io::Cursor;
    use proptest::prelude::*;

    use super::*;

    /// What a peer sends who then neither goes on nor goes.
    struct Silent;

    impl AsyncRead for Silent {
        fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut [u8]) -> Poll<std::io::Result<usize>> {
            Poll::Pending
        }
    }

    const IMPATIENT: Patience = Patience {
        silence: Duration::from_millis(20),
        piece: Duration::from_millis(20),
        frame: Duration::from_millis(200),
    };
    const MAX: usize = 1_000_000;

    fn sent(bytes: &[u8]) -> Result<Vec<u8>, End> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        let mut stream = Cursor::new(bytes).chain(Silent);
        let room = Room::of(MAX);
        runtime
            .block_on(read(&mut stream, MAX, IMPATIENT, &room))
            .map(|received| received.bytes)
    }

    fn framed(frames: Vec<Vec<u8>>) -> Vec<u8> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        let (way, outbox) = Way::new(Total::default());
        frames.into_iter().for_each(|frame| assert!(way.send(frame, MAX)));
        drop(way);
        let mut out = Cursor::new(Vec::new());
        runtime.block_on(write(&mut out, outbox)).unwrap();
        out.into_inner()
    }

    #[test]
    fn a_frame_that_says_it_is_too_long_is_not_waited_for() {
        let error = sent(&u32::to_be_bytes(MAX as u32 + 1)).unwrap_err();
        let End::Broken(Offence::Malformed(error)) = error else {
            panic!("{error:?}")
        };
        assert_eq!(error.to_string(), "frame: 1000001 bytes, at most 1000000 are allowed");
    }

    #[test]
    fn a_slow_loris_is_not_waited_for_wherever_it_stops() {
        let whole = framed(vec![vec![7; 300_000]]);
        for stop in [0, 1, 3, 4, 5, 262_148, 300_003] {
            let error = sent(&whole[..stop]).unwrap_err();
            assert!(
                matches!(error, End::Broken(Offence::Timeout)),
                "after {stop} bytes: {error:?}"
            );
        }
        assert_eq!(sent(&whole).unwrap(), vec![7; 300_000]);
    }

    #[test]
    fn who_takes_nothing_is_not_written_to_without_end() {
        let total = Total::default();
        let (way, outbox) = Way::new(total.clone());
        let took = (0..100).take_while(|_| way.send(vec![0; 100], 1_000)).count();
        assert_eq!((took, total.load(Relaxed)), (11, 1_100));
        drop(outbox);
        assert_eq!(total.load(Relaxed), 0);
        assert!(!way.send(vec![0; 100], 10_000), "nobody writes it");
        assert_eq!(total.load(Relaxed), 0);
    }

    #[test]
    fn where_too_much_waits_for_all_those_are_let_go_for_whom_most_does() {
        let total = Total::default();
        let (greedy, _kept) = Way::new(total.clone());
        let (modest, _also_kept) = Way::new(total.clone());
        assert!(modest.send(vec![0; 1_000], usize::MAX));
        while greedy.send(vec![0; 8 << 20], usize::MAX) {}
        assert!(total.load(Relaxed) <= MAX_TOTAL + (9 << 20));
        assert!(modest.send(vec![0; 1_000], usize::MAX), "short answers still go");
    }

    #[test]
    fn long_frames_of_all_together_have_a_limit_and_short_ones_always_come() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        let room = Room::of(600 << 10);
        let read_one = |bytes: &[u8]| {
            let mut stream = Cursor::new(bytes).chain(Silent);
            runtime.block_on(read(&mut stream, MAX, IMPATIENT, &room))
        };
        let (long, short) = (framed(vec![vec![7; 400_000]]), framed(vec![vec![7; 1_000]]));
        let first = read_one(&long).unwrap();
        let error = read_one(&long).unwrap_err();
        assert!(matches!(error, End::Closed(_)), "{error:?}");
        assert_eq!(read_one(&short).unwrap().bytes.len(), 1_000);
        drop(first);
        assert_eq!(read_one(&long).unwrap().bytes.len(), 400_000, "there is room again");
    }

    proptest! {
        #[test]
        fn frames_come_as_they_were_sent(frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..2_000), 0..8)) {
            let bytes = framed(frames.clone());
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            let (mut stream, room) = (Cursor::new(bytes), Room::unlimited());
            for frame in frames {
                let read = runtime.block_on(read(&mut stream, MAX, PATIENCE, &room));
                prop_assert_eq!(read.unwrap().bytes, frame);
            }
            let read = runtime.block_on(read(&mut stream, MAX, PATIENCE, &room));
            prop_assert!(matches!(read, Err(End::Closed(_))));
        }
    }
}
