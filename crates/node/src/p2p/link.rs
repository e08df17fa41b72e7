//! One substream to one peer: frames after their length, each way.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use futures::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;

use crate::net::offence::Offence;

/// How long a peer is waited for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// A peer that says nothing for so long is gone: pings come more often.
    silence: Duration,
    /// A frame that has begun must go on.
    piece: Duration,
}

/// Rule: docs/protocol.md#N8
pub(super) const PATIENCE: Patience = Patience {
    silence: Duration::from_secs(120),
    piece: PIECE,
};
const PIECE: Duration = Duration::from_secs(20);
/// Bytes of a frame that are read or written at once.
const PIECE_BYTES: usize = 256 << 10;

/// The way to one peer.
#[derive(Debug, Clone)]
pub(super) struct Way {
    frames: UnboundedSender<Vec<u8>>,
    waiting: Arc<AtomicUsize>,
}

impl Way {
    pub(super) fn new() -> (Self, Outbox) {
        let (frames, outbox) = unbounded_channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let way = Self {
            frames,
            waiting: waiting.clone(),
        };
        (
            way,
            Outbox {
                frames: outbox,
                waiting,
            },
        )
    }

    /// Queues a frame; says whether there was room within `max` bytes, and anybody to write it.
    pub(super) fn send(&self, frame: Vec<u8>, max: usize) -> bool {
        let len = frame.len();
        if self.waiting.fetch_add(len, Relaxed) > max {
            return false;
        }
        self.frames.send(frame).is_ok()
    }
}

/// Frames that are still to be written.
pub(super) struct Outbox {
    frames: UnboundedReceiver<Vec<u8>>,
    waiting: Arc<AtomicUsize>,
}

/// Writes frames until there are no more to come, or the peer does not take them.
pub(super) async fn write(mut stream: impl AsyncWrite + Unpin, mut outbox: Outbox) -> std::io::Result<()> {
    while let Some(frame) = outbox.frames.recv().await {
        let len = u32::try_from(frame.len()).map_err(std::io::Error::other)?;
        stream.write_all(&len.to_be_bytes()).await?;
        for piece in frame.chunks(PIECE_BYTES) {
            timeout(PIECE, stream.write_all(piece)).await??;
        }
        timeout(PIECE, stream.flush()).await??;
        outbox.waiting.fetch_sub(frame.len(), Relaxed);
    }
    timeout(PIECE, stream.close()).await?
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
) -> Result<Vec<u8>, End> {
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
    let mut frame = Vec::new();
    while frame.len() < len {
        let at = frame.len();
        frame.resize(len.min(at + PIECE_BYTES), 0);
        let more = timeout(piece, stream.read_exact(&mut frame[at..])).await;
        more.map_err(|_| slow())?.map_err(End::Closed)?;
    }
    Ok(frame)
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
    };
    const MAX: usize = 1_000_000;

    fn sent(bytes: &[u8]) -> Result<Vec<u8>, End> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        let mut stream = Cursor::new(bytes).chain(Silent);
        runtime.block_on(read(&mut stream, MAX, IMPATIENT))
    }

    fn framed(frames: Vec<Vec<u8>>) -> Vec<u8> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        let (way, outbox) = Way::new();
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
        let (way, _outbox) = Way::new();
        let took = (0..100).take_while(|_| way.send(vec![0; 100], 1_000)).count();
        assert_eq!(took, 11);
    }

    proptest! {
        #[test]
        fn frames_come_as_they_were_sent(frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..2_000), 0..8)) {
            let bytes = framed(frames.clone());
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            let mut stream = Cursor::new(bytes);
            for frame in frames {
                prop_assert_eq!(runtime.block_on(read(&mut stream, MAX, PATIENCE)).unwrap(), frame);
            }
            prop_assert!(matches!(runtime.block_on(read(&mut stream, MAX, PATIENCE)), Err(End::Closed(_))));
        }
    }
}
