//! The thread that calls back with what was found. The searching threads cannot do it: a block that one of them imported
//! at idle priority would wait for the processor with the chain locked.

use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::{self, JoinHandle, ThreadId};

use parking_lot::Mutex;

use super::Solved;

/// A seal, and who waits until the callback returns.
type Find = (Solved, SyncSender<()>);

pub(super) struct Finds {
    /// `None` ends the thread.
    finds: Sender<Option<Find>>,
    id: ThreadId,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Finds {
    /// Starts the thread.
    ///
    /// # Errors
    /// The system's, if it starts no further thread.
    pub fn start(solved: impl Fn(Solved) + Send + 'static) -> std::io::Result<Self> {
        let (sender, finds) = channel();
        let thread = crate::supervise::thread("finds", move || call_back(&finds, &solved))?;
        Ok(Self {
            finds: sender,
            id: thread.thread().id(),
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Hands a seal over and waits until the callback returns.
    pub fn hand_over(&self, solved: Solved) {
        let (done, wait) = sync_channel(1);
        if self.finds.send(Some((solved, done))).is_ok() {
            // The other end is dropped if the callback panics, which ends the process.
            let _ = wait.recv();
        }
    }

    /// Whether the caller is the callback.
    pub fn is_here(&self) -> bool {
        thread::current().id() == self.id
    }

    /// Ends the thread and waits for it, unless the caller is the callback.
    pub fn stop(&self) {
        let _ = self.finds.send(None);
        let thread = self.thread.lock().take();
        if !self.is_here() && thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that takes found blocks panicked");
        }
    }
}

fn call_back(finds: &Receiver<Option<Find>>, solved: &impl Fn(Solved)) {
    while let Ok(Some((find, done))) = finds.recv() {
        solved(find);
        // Who found it may be waiting no more.
        let _ = done.send(());
    }
}
