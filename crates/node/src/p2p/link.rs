//! One substream to one peer: frames after their length, each way.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use futures::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;

use super::room::{Room, Share};
use crate::net::Unread;
use crate::net::limits::{MAX_UNREAD, MAX_UNREAD_ALL};
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

/// A frame that came, with the room that it takes.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) bytes: Vec<u8>,
    _share: Option<Share>,
}

/// Bytes that wait to be written to all peers together.
pub(super) type Total = Unread;
/// No frame is queued that would make more than this wait for all together, except within a peer's fair share. The
/// session begins no long answer above [`MAX_UNREAD_ALL`]; the rest is for what is sent unasked.
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

/// The way to one peer.
#[derive(Debug, Clone)]
pub(super) struct Way {
    frames: UnboundedSender<Queued>,
    waiting: Unread,
    total: Total,
}

impl Way {
    pub(super) fn new(total: Total) -> (Self, Outbox) {
        let (frames, outbox) = unbounded_channel();
        let waiting = Arc::default();
        let way = Self { frames, waiting, total };
        (way, outbox)
    }

    /// Counters of the bytes that wait: for this peer, and for all.
    pub(super) fn unread(&self) -> (Unread, Total) {
        (self.waiting.clone(), self.total.clone())
    }

    /// Queues a frame; says whether there was room for it within `max` bytes, and anybody to write it.
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

/// Writes frames until there are no more to come, or the peer does not take them. `written` is called after each long
/// one: there is room for another.
pub(super) async fn write(
    mut stream: impl AsyncWrite + Unpin,
    mut outbox: Outbox,
    written: impl Fn(),
) -> std::io::Result<()> {
    while let Some(queued) = outbox.recv().await {
        // A reader of one byte now and then would keep the frame in memory for hours.
        timeout(PATIENCE.frame, write_frame(&mut stream, &queued.frame)).await??;
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
    let mut share = room.share().filter(|_| len > SHORT);
    while bytes.len() < len {
        let at = bytes.len();
        let end = len.min(at + PIECE_BYTES);
        if let Some(share) = &mut share {
            // Where everybody sends at once, this is what makes them wait.
            let more = timeout(piece, share.take(end - at)).await;
            more.map_err(|_| End::Closed(std::io::ErrorKind::OutOfMemory.into()))?;
        }
        bytes.resize(end, 0);
        let more = timeout(piece, stream.read_exact(&mut bytes[at..]));
        let more = match &share {
            Some(share) => tokio::select! {
                more = more => more,
                () = share.cut() => return Err(End::Closed(std::io::ErrorKind::OutOfMemory.into())),
            },
            None => more.await,
        };
        more.map_err(|_| End::Broken(Offence::Timeout))?.map_err(End::Closed)?;
    }
    if let Some(share) = &share {
        share.arrived();
    }
    Ok(Received { bytes, _share: share })
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
        runtime.block_on(write(&mut out, outbox, || ())).unwrap();
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
        assert_eq!((took, total.load(Relaxed)), (10, 1_000));
        assert!(!way.send(vec![0; 1_001], 1_000), "the frame's own length counts");
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
