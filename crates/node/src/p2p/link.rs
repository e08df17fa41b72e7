//! One substream to one peer: frames after their length, each way.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use futures::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;

use crate::net::offence::Offence;

/// A peer that says nothing for so long is gone: pings come more often.
const SILENCE: Duration = Duration::from_secs(120);
/// A frame that has begun must go on.
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
pub(super) enum End {
    Closed(std::io::Error),
    Broken(Offence),
}

/// The next frame; memory for it grows with what has really come.
pub(super) async fn read(stream: &mut (impl AsyncRead + Unpin), max: usize) -> Result<Vec<u8>, End> {
    let slow = || End::Broken(Offence::Timeout);
    let mut len = [0; 4];
    let first = timeout(SILENCE, stream.read_exact(&mut len[..1])).await;
    first.map_err(|_| slow())?.map_err(End::Closed)?;
    let rest = timeout(PIECE, stream.read_exact(&mut len[1..])).await;
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
        let piece = timeout(PIECE, stream.read_exact(&mut frame[at..])).await;
        piece.map_err(|_| slow())?.map_err(End::Closed)?;
    }
    Ok(frame)
}
