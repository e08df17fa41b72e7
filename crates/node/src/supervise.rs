//! Threads and tasks that a node cannot do without. One that panics must not leave a node behind that looks alive but
//! no longer imports, mines or listens: the first panic is recorded here, and the process that waits for
//! [`failure`] ends in order.
//!
//! The record belongs to the process, not to a node: whichever node of a process lost a part, the process ends.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::LazyLock;

use futures::FutureExt as _;
use tokio::sync::watch;

/// An essential part of the node that panicked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an essential part of the node failed: {part} panicked: {message}")]
pub struct PartFailure {
    /// The part's name, which is also its thread's: `network`, `templates`, `miner` and the like.
    pub part: &'static str,
    /// The panic's message.
    pub message: String,
}

static FIRST: LazyLock<watch::Sender<Option<PartFailure>>> = LazyLock::new(|| watch::Sender::new(None));

/// Runs `work` on a thread of its own, named after the part. A panic in it is a [`PartFailure`].
///
/// # Errors
/// The system's, if it starts no further thread.
pub fn thread(
    part: &'static str,
    work: impl FnOnce() + Send + 'static,
) -> std::io::Result<std::thread::JoinHandle<()>> {
    let builder = std::thread::Builder::new().name(part.to_owned());
    builder.spawn(move || {
        let _ = essential(part, work);
    })
}

/// Runs `work` as a task of the current runtime. A panic in it is a [`PartFailure`].
pub fn task(part: &'static str, work: impl Future<Output = ()> + Send + 'static) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move {
        if let Err(cause) = AssertUnwindSafe(work).catch_unwind().await {
            record(part, &*cause);
        }
    })
}

/// Runs `work` here. A panic in it is a [`PartFailure`], and goes on to the caller: what it was changing is lost.
pub fn critical<T>(part: &'static str, work: impl FnOnce() -> T) -> T {
    essential(part, work).unwrap_or_else(|cause| resume_unwind(cause))
}

fn essential<T>(part: &'static str, work: impl FnOnce() -> T) -> std::thread::Result<T> {
    // What the work was changing is not used again: the process ends.
    let done = catch_unwind(AssertUnwindSafe(work));
    if let Err(cause) = &done {
        record(part, &**cause);
    }
    done
}

fn record(part: &'static str, cause: &(dyn Any + Send)) {
    let message = message(cause).to_owned();
    let failure = PartFailure { part, message };
    tracing::error!(part, reason = failure.message, "an essential part of the node panicked");
    // The first one is the cause; others may only follow from it.
    FIRST.send_if_modified(|first| {
        let none = first.is_none();
        first.get_or_insert(failure);
        none
    });
}

/// The text of a panic.
pub fn message(cause: &(dyn Any + Send)) -> &str {
    let text = cause.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| cause.downcast_ref::<&str>().copied())
        .unwrap_or("no message")
}

/// Waits until an essential part has panicked; for ever if none does.
pub async fn failure() -> PartFailure {
    let mut first = FIRST.subscribe();
    loop {
        if let Some(failure) = first.borrow_and_update().clone() {
            return failure;
        }
        if first.changed().await.is_err() {
            return std::future::pending().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // One test: the record belongs to the process, and tests may share one.
    #[tokio::test]
    async fn the_first_panic_of_an_essential_part_is_recorded() {
        let fine = task("fine", async {});
        fine.await.expect("it did not panic");
        assert_eq!(failure().now_or_never(), None);

        let lost = thread("miner", || panic!("no {}", "nonce")).expect("a thread can be started");
        lost.join().expect("the panic does not leave the thread");
        let expected = PartFailure {
            part: "miner",
            message: "no nonce".to_owned(),
        };
        assert_eq!(failure().await, expected);
        assert_eq!(
            expected.to_string(),
            "an essential part of the node failed: miner panicked: no nonce"
        );

        task("network", async { panic!("after it") }).await.expect("caught");
        let unwound = catch_unwind(|| critical("import", || panic!("in the middle")));
        assert_eq!(
            message(&*unwound.expect_err("it goes on to the caller")),
            "in the middle"
        );
        assert_eq!(critical("import", || 7), 7);
        assert_eq!(failure().await, expected, "the first one stays");
    }
}
