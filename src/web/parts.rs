//! A body in small parts, however much its handler gave at once.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes};
use hyper::body::{Body as HttpBody, Frame, SizeHint};

/// Bytes of an answer that are handed on at once. A client has a time for each part, so this bounds how slow it may be: a handler's
/// whole answer as one part would end clients that are slow, but read.
pub const PART: usize = 16 << 10;

/// What is left of a body.
pub struct Parts {
    body: Body,
    /// Of what the handler gave.
    rest: Bytes,
}

impl Parts {
    pub fn of(body: Body) -> Self {
        let rest = Bytes::new();
        Self { body, rest }
    }

    /// Whether the part before was only a piece of what the handler gave: its bytes are held with the others.
    pub fn has_rest(&self) -> bool {
        !self.rest.is_empty()
    }
}

impl HttpBody for Parts {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.rest.is_empty() {
            let frame = match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                Some(Ok(frame)) => frame,
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => {
                    // Compression polls once more after the end, where a stream may panic.
                    self.body = Body::empty();
                    return Poll::Ready(None);
                }
            };
            match frame.into_data() {
                Ok(data) => self.rest = data,
                Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
            }
        }
        let length = self.rest.len().min(PART);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(length)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (rest, left) = (self.rest.len() as u64, self.body.size_hint());
        let mut hint = SizeHint::new();
        hint.set_lower(left.lower() + rest);
        if let Some(upper) = left.upper() {
            hint.set_upper(upper + rest);
        }
        hint
    }
}
