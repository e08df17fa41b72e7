//! One substream to one peer: frames after their length, each way.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use futures::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, timeout, timeout_at};

use super::room::{Room, Share};
use crate::session::offence::Offence;
use crate::session::{Arrived, Unread};
use crate::wire::limits::{MAX_UNREAD, MAX_UNREAD_ALL, MIN_FLOW};

/// How long a peer is waited for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// A peer that sends nothing for so long is gone: pings come more often.
    silence: Duration,
    /// A frame that has begun must go on: in each such time [`MIN_FLOW`] bytes a second, however long it is.
    piece: Duration,
}

/// Rule: docs/protocol.md#N8
pub(super) const PATIENCE: Patience = Patience {
    silence: Duration::from_secs(120),
    piece: PIECE,
};
const PIECE: Duration = Duration::from_secs(20);
/// The same for writing, where a slow reader makes room only now and then: so long, and that a quarter as fast.
const WRITTEN: Duration = Duration::from_secs(60);
const MIN_WRITTEN: u64 = MIN_FLOW / 4;
/// What is buffered on the way at the end of a frame.
const FLUSHED: Duration = Duration::from_secs(120);
/// Bytes of a frame that are read or written at once.
const PIECE_BYTES: usize = 256 << 10;

/// Frames up to this length are short: they are few bytes, however many peers send them.
const SHORT: usize = 128 << 10;

/// A frame that came, with the room that it takes.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) bytes: Vec<u8>,
    _share: Option<Share>,
}

/// Bytes that wait to be written to all peers together.
pub(super) type Total = Unread;
/// No frame is queued that would make more than this wait for all together, except within a peer's fair share. The
/// session begins no long answer above [`MAX_UNREAD_ALL`]; the rest is for what is sent unrequested.
const MAX_TOTAL: usize = MAX_UNREAD_ALL + (64 << 20);
const FAIR: usize = MAX_UNREAD;

/// A frame that waits to be written; it is counted until it is gone, one way or the other.
#[derive(Debug)]
pub(super) struct Queued {
    frame: Vec<u8>,
    waiting: Unread,
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

/// Queues frames for one peer, and counts the bytes that wait.
#[derive(Debug, Clone)]
pub(super) struct PeerSender {
    frames: UnboundedSender<Queued>,
    waiting: Unread,
    total: Total,
    arrived: Arrived,
}

impl PeerSender {
    pub(super) fn new(total: Total) -> (Self, Outbox) {
        let (frames, outbox) = unbounded_channel();
        let sender = Self {
            frames,
            waiting: Arc::default(),
            total,
            arrived: Arc::default(),
        };
        (sender, outbox)
    }

    /// Counter of the bytes that come from this peer.
    pub(super) fn arrived(&self) -> Arrived {
        self.arrived.clone()
    }

    /// Counters of the bytes that wait: for this peer, and for all.
    pub(super) fn unread(&self) -> (Unread, Total) {
        (self.waiting.clone(), self.total.clone())
    }

    /// Queues a frame; returns whether there was room for it within `max` bytes, and a writer.
    pub(super) fn send(&self, frame: Vec<u8>, max: usize) -> bool {
        let len = frame.len();
        let own = self.waiting.fetch_add(len, Relaxed).saturating_add(len);
        let all = self.total.fetch_add(len, Relaxed).saturating_add(len);
        let queued = Queued {
            frame,
            waiting: self.waiting.clone(),
            total: self.total.clone(),
        };
        let room = own <= max && (all <= MAX_TOTAL || own <= FAIR);
        room && self.frames.send(queued).is_ok()
    }
}

/// Writes frames until there are no more to come, or the peer does not take them. `written` runs after each long
/// one: there is room for another.
pub(super) async fn write(
    mut stream: impl AsyncWrite + Unpin,
    mut outbox: Outbox,
    written: impl Fn(),
) -> std::io::Result<()> {
    while let Some(queued) = outbox.recv().await {
        write_frame(&mut stream, &queued.frame).await?;
        let long = queued.frame.len() > SHORT;
        drop(queued);
        if long {
            written();
        }
    }
    timeout(PIECE, stream.close()).await?
}

async fn write_frame(stream: &mut (impl AsyncWrite + Unpin), frame: &[u8]) -> std::io::Result<()> {
    let len = u32::try_from(frame.len()).map_err(std::io::Error::other)?;
    timeout(PIECE, stream.write_all(&len.to_be_bytes())).await??;
    // A reader of one byte now and then would keep the frame in memory for days.
    let mut pace = Pace::new(WRITTEN, MIN_WRITTEN);
    let mut rest = frame;
    while !rest.is_empty() {
        let piece = &rest[..rest.len().min(PIECE_BYTES)];
        let count = pace.write(stream, piece).await?;
        rest = &rest[count..];
    }
    timeout(FLUSHED, stream.flush()).await?
}

/// How fast bytes go one way: in each window there have to be enough.
struct Pace {
    window: Duration,
    a_second: u64,
    end: Instant,
    /// Bytes that went in this window.
    went: u64,
}

impl Pace {
    fn new(window: Duration, a_second: u64) -> Self {
        Self {
            window,
            a_second,
            end: Instant::now() + window,
            went: 0,
        }
    }

    /// The window is over: whether enough went in it; then the next one begins.
    fn goes_on(&mut self) -> bool {
        let millis = u64::try_from(self.window.as_millis()).unwrap_or(u64::MAX);
        let enough = self.went >= (self.a_second.saturating_mul(millis) / 1_000).max(1);
        *self = Self::new(self.window, self.a_second);
        enough
    }

    /// Reads some bytes, one at least.
    async fn read(&mut self, stream: &mut (impl AsyncRead + Unpin), into: &mut [u8]) -> Result<usize, End> {
        loop {
            match timeout_at(self.end, stream.read(into)).await {
                Ok(Ok(0)) => return Err(End::Closed(std::io::ErrorKind::UnexpectedEof.into())),
                Ok(Ok(count)) => {
                    self.went += count as u64;
                    return Ok(count);
                }
                Ok(Err(error)) => return Err(End::Closed(error)),
                Err(_) if self.goes_on() => {}
                Err(_) => return Err(End::Broken(Offence::Timeout)),
            }
        }
    }

    /// Writes some bytes, one at least.
    async fn write(&mut self, stream: &mut (impl AsyncWrite + Unpin), piece: &[u8]) -> std::io::Result<usize> {
        loop {
            match timeout_at(self.end, stream.write(piece)).await {
                Ok(Ok(0)) => return Err(std::io::ErrorKind::WriteZero.into()),
                Ok(Ok(count)) => {
                    self.went += count as u64;
                    return Ok(count);
                }
                Ok(Err(error)) => return Err(error),
                Err(_) if self.goes_on() => {}
                Err(_) => return Err(std::io::ErrorKind::TimedOut.into()),
            }
        }
    }
}

/// Why no more frames come.
#[derive(Debug)]
pub(super) enum End {
    Closed(std::io::Error),
    Broken(Offence),
}

/// The next frame; memory for it grows with what has really come, which `arrived` counts.
pub(super) async fn read(
    stream: &mut (impl AsyncRead + Unpin),
    max: usize,
    patience: Patience,
    room: &Room,
    arrived: &AtomicU64,
) -> Result<Received, End> {
    let Patience { silence, piece } = patience;
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
    read_frame(stream, len, piece, room, arrived).await
}

async fn read_frame(
    stream: &mut (impl AsyncRead + Unpin),
    len: usize,
    piece: Duration,
    room: &Room,
    arrived: &AtomicU64,
) -> Result<Received, End> {
    let mut bytes = Vec::new();
    let mut share = room.share().filter(|_| len > SHORT);
    let mut pace = Pace::new(piece, MIN_FLOW);
    while bytes.len() < len {
        let at = bytes.len();
        let end = len.min(at + PIECE_BYTES);
        if let Some(share) = &mut share {
            // Where all send at once, this is what makes them wait.
            let more = timeout(piece, share.take(end - at)).await;
            more.map_err(|_| End::Closed(std::io::ErrorKind::OutOfMemory.into()))?;
            // The sender is not slow for that.
            pace = Pace::new(piece, MIN_FLOW);
        }
        bytes.resize(end, 0);
        let more = fill(stream, &mut bytes[at..], &mut pace, arrived);
        match &share {
            Some(share) => tokio::select! {
                more = more => more?,
                () = share.cut() => return Err(End::Closed(std::io::ErrorKind::OutOfMemory.into())),
            },
            None => more.await?,
        }
    }
    if let Some(share) = &share {
        share.arrived();
    }
    Ok(Received { bytes, _share: share })
}

/// Reads as many bytes as there is place for.
async fn fill(
    stream: &mut (impl AsyncRead + Unpin),
    into: &mut [u8],
    pace: &mut Pace,
    arrived: &AtomicU64,
) -> Result<(), End> {
    let mut at = 0;
    while at < into.len() {
        let count = pace.read(stream, &mut into[at..]).await?;
        arrived.fetch_add(count as u64, Relaxed);
        at += count;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use futures::io::Cursor;
    use proptest::prelude::*;

    use super::*;

    /// What a peer sends that then neither goes on nor goes.
    struct Silent;

    impl AsyncRead for Silent {
        fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut [u8]) -> Poll<std::io::Result<usize>> {
            Poll::Pending
        }
    }

    const IMPATIENT: Patience = Patience {
        silence: Duration::from_millis(20),
        piece: Duration::from_millis(20),
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
            .block_on(read(&mut stream, MAX, IMPATIENT, &room, &AtomicU64::new(0)))
            .map(|received| received.bytes)
    }

    fn framed(frames: Vec<Vec<u8>>) -> Vec<u8> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        let (sender, outbox) = PeerSender::new(Total::default());
        frames.into_iter().for_each(|frame| assert!(sender.send(frame, MAX)));
        drop(sender);
        let mut out = Cursor::new(Vec::new());
        runtime.block_on(write(&mut out, outbox, || ())).unwrap();
        out.into_inner()
    }

    #[test]
    fn a_frame_that_claims_to_be_too_long_is_not_waited_for() {
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

    /// Sends so many bytes at a time, each time after a while.
    struct Drip {
        left: usize,
        each: usize,
        pause: Pin<Box<tokio::time::Sleep>>,
    }

    const PAUSE: Duration = Duration::from_millis(4);

    impl AsyncRead for Drip {
        fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<std::io::Result<usize>> {
            if self.left == 0 {
                return Poll::Pending;
            }
            std::task::ready!(self.pause.as_mut().poll(cx));
            self.pause = Box::pin(tokio::time::sleep(PAUSE));
            let count = self.each.min(self.left).min(into.len());
            self.left -= count;
            Poll::Ready(Ok(count))
        }
    }

    #[test]
    fn a_long_frame_that_comes_slowly_but_steadily_is_taken_and_a_drip_is_not() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        let read_drip = |each| {
            runtime.block_on(async {
                let len = 100_000_u32;
                let drip = Drip {
                    left: len as usize,
                    each,
                    pause: Box::pin(tokio::time::sleep(PAUSE)),
                };
                let mut stream = Cursor::new(len.to_be_bytes().to_vec()).chain(drip);
                let arrived = AtomicU64::new(0);
                let read = read(&mut stream, MAX, IMPATIENT, &Room::unlimited(), &arrived).await;
                (read, arrived.load(Relaxed))
            })
        };
        let begun = std::time::Instant::now();
        let (read, arrived) = read_drip(1_000);
        assert_eq!((read.unwrap().bytes.len(), arrived), (100_000, 100_000));
        // Far longer than a piece may take.
        assert!(begun.elapsed() >= 10 * IMPATIENT.piece);
        let (read, arrived) = read_drip(1);
        assert!(matches!(read, Err(End::Broken(Offence::Timeout))), "{read:?}");
        assert!((1..1_000).contains(&arrived), "{arrived} bytes");
    }

    #[test]
    fn a_peer_that_takes_nothing_is_not_written_to_without_end() {
        let total = Total::default();
        let (sender, outbox) = PeerSender::new(total.clone());
        let took = (0..100).take_while(|_| sender.send(vec![0; 100], 1_000)).count();
        assert_eq!((took, total.load(Relaxed)), (10, 1_000));
        assert!(!sender.send(vec![0; 1_001], 1_000), "the frame's own length counts");
        drop(outbox);
        assert_eq!(total.load(Relaxed), 0);
        assert!(!sender.send(vec![0; 100], 10_000), "nobody writes it");
        assert_eq!(total.load(Relaxed), 0);
    }

    #[test]
    fn where_too_much_waits_for_all_those_are_let_go_for_whom_most_does() {
        let total = Total::default();
        let (greedy, _kept) = PeerSender::new(total.clone());
        let (modest, _also_kept) = PeerSender::new(total.clone());
        assert!(modest.send(vec![0; 1_000], usize::MAX));
        while greedy.send(vec![0; 8 << 20], usize::MAX) {}
        assert!(total.load(Relaxed) <= MAX_TOTAL);
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
            runtime.block_on(read(&mut stream, MAX, IMPATIENT, &room, &AtomicU64::new(0)))
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
                let read = runtime.block_on(read(&mut stream, MAX, PATIENCE, &room, &AtomicU64::new(0)));
                prop_assert_eq!(read.unwrap().bytes, frame);
            }
            let read = runtime.block_on(read(&mut stream, MAX, PATIENCE, &room, &AtomicU64::new(0)));
            prop_assert!(matches!(read, Err(End::Closed(_))));
        }
    }
}
