//! Makes changes of the pool durable: many that wait share one sync of the disk.
//!
//! A thread of its own takes all changes that came while the last sync ran, writes them as one batch and wakes all
//! who waits for it. So a change waits for two syncs at most, and the rate grows with the number of those who wait. Nothing
//! is delayed on purpose.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use tally_chain::{Bytes, TxId};

use crate::store::StoreError;

/// Changes by id: an envelope is added, `None` removes. The last change of an id counts.
pub(crate) type Changes = BTreeMap<TxId, Option<Bytes>>;

/// Why a change is not on the disk; shared by all who waited for the same write.
pub(crate) type WriteFailure = Arc<StoreError>;

/// The write that a change belongs to.
#[derive(Clone, Default)]
pub(crate) struct Ticket(Arc<Outcome>);

#[derive(Default)]
struct Outcome {
    result: Mutex<Option<Result<(), WriteFailure>>>,
    known: Condvar,
}

impl Ticket {
    /// Waits until the change is on the disk, or is known not to be.
    pub(crate) fn wait(&self) -> Result<(), WriteFailure> {
        let mut result = self.0.result.lock();
        loop {
            if let Some(result) = &*result {
                return result.clone();
            }
            self.0.known.wait(&mut result);
        }
    }

    fn settle(&self, result: Result<(), WriteFailure>) {
        *self.0.result.lock() = Some(result);
        self.0.known.notify_all();
    }
}

/// Where changes wait for the thread that writes them.
#[derive(Default)]
pub(crate) struct PoolWriter {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    pending: Changes,
    ticket: Ticket,
    /// What is being written now.
    writing: Option<(Changes, Ticket)>,
    /// Envelopes whose write has ended since the import began that is under way; none without one.
    written: Option<BTreeSet<TxId>>,
    stopped: bool,
}

/// What the thread does next.
pub(crate) enum Turn {
    Write(Changes),
    /// Nothing came for a while.
    Idle,
    Stop,
}

impl PoolWriter {
    /// Adds an envelope, and removes what made way for it, in one batch.
    pub(crate) fn add(&self, id: TxId, envelope: Bytes, removed: &[TxId]) -> Ticket {
        let mut changes: Changes = removed.iter().map(|id| (*id, None)).collect();
        changes.insert(id, Some(envelope));
        self.put(changes)
    }

    /// Removes what left the pool without being included.
    pub(crate) fn remove(&self, ids: impl IntoIterator<Item = TxId>) {
        self.put(ids.into_iter().map(|id| (id, None)).collect());
    }

    fn put(&self, changes: Changes) -> Ticket {
        let mut queue = self.queue.lock();
        let ticket = queue.ticket.clone();
        if queue.stopped {
            let ended = Ticket::default();
            ended.settle(Err(Arc::new(StoreError::Closing)));
            return ended;
        }
        if !changes.is_empty() {
            queue.pending.extend(changes);
            self.changed.notify_one();
        }
        ticket
    }

    /// A block is being imported from now on: what is written until it is followed may come after the block's own batch.
    pub(crate) fn import_begins(&self) {
        self.queue.lock().written = Some(BTreeSet::new());
    }

    /// The import is over, and what it took is [`Self::included`].
    pub(crate) fn import_ends(&self) {
        self.queue.lock().written = None;
    }

    /// Transactions are in a block, whose own batch took them out of the stored pool: a write of them that is still to
    /// come, or that came right after that batch, would leave them there.
    pub(crate) fn included(&self, ids: impl IntoIterator<Item = TxId>) {
        let mut queue = self.queue.lock();
        let Queue {
            pending,
            writing,
            written,
            ..
        } = &mut *queue;
        for id in ids {
            pending.remove(&id);
            let is_written = writing.as_ref().is_some_and(|(changes, _)| changes.contains_key(&id));
            let was_written = written.as_ref().is_some_and(|written| written.contains(&id));
            // Also where its removal was waiting: what is being written may end after the block's batch.
            if is_written || was_written {
                pending.insert(id, None);
            }
        }
        // Even where nothing is left to write: those who wait for it are to know.
        self.changed.notify_one();
    }

    /// The write that will make a known transaction durable; none where it is durable already.
    pub(crate) fn ticket_of(&self, id: &TxId) -> Option<Ticket> {
        let queue = self.queue.lock();
        if queue.pending.contains_key(id) {
            return Some(queue.ticket.clone());
        }
        let (changes, ticket) = queue.writing.as_ref()?;
        changes.contains_key(id).then(|| ticket.clone())
    }

    /// Waits until everything that came so far is written, or is known not to be.
    pub(crate) fn flush(&self) -> Result<(), WriteFailure> {
        let tickets = {
            let queue = self.queue.lock();
            let writing = queue.writing.as_ref().map(|(_, ticket)| ticket.clone());
            let pending = (!queue.pending.is_empty()).then(|| queue.ticket.clone());
            [writing, pending]
        };
        tickets.iter().flatten().try_for_each(Ticket::wait)
    }

    /// For the thread: waits for changes, for at most `patience`.
    pub(crate) fn next(&self, patience: Duration) -> Turn {
        let mut queue = self.queue.lock();
        if queue.pending.is_empty() && !queue.stopped {
            self.changed.wait_for(&mut queue, patience);
        }
        if !queue.pending.is_empty() {
            let changes = std::mem::take(&mut queue.pending);
            let ticket = std::mem::take(&mut queue.ticket);
            queue.writing = Some((changes.clone(), ticket));
            return Turn::Write(changes);
        }
        // The holder of the ticket of an empty batch had nothing to write; those to come get another.
        std::mem::take(&mut queue.ticket).settle(Ok(()));
        match queue.stopped {
            true => Turn::Stop,
            false => Turn::Idle,
        }
    }

    /// For the thread: the last write ended so.
    pub(crate) fn done(&self, result: Result<(), WriteFailure>) {
        let mut queue = self.queue.lock();
        let Some((changes, ticket)) = queue.writing.take() else {
            return;
        };
        if let Some(written) = &mut queue.written {
            let added = changes.iter().filter(|(_, envelope)| envelope.is_some());
            written.extend(added.map(|(id, _)| *id));
        }
        drop(queue);
        ticket.settle(result);
    }

    /// Takes no more changes; the thread writes those that are here and ends.
    pub(crate) fn stop(&self) {
        self.queue.lock().stopped = true;
        self.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use tally_chain::B256;

    use super::*;

    const SHORT: Duration = Duration::from_millis(1);

    fn id(byte: u8) -> TxId {
        TxId(B256::repeat_byte(byte))
    }

    fn envelope() -> Bytes {
        Bytes::from_static(b"envelope")
    }

    fn taken(writer: &PoolWriter) -> Changes {
        match writer.next(SHORT) {
            Turn::Write(changes) => changes,
            Turn::Idle | Turn::Stop => panic!("nothing to write"),
        }
    }

    fn broken() -> WriteFailure {
        Arc::new(StoreError::Broken {
            path: "store".into(),
            detail: "test".to_owned(),
        })
    }

    #[test]
    fn what_came_together_is_written_together_and_fails_together() {
        let writer = PoolWriter::default();
        let first = writer.add(id(1), envelope(), &[]);
        let second = writer.add(id(2), envelope(), &[id(1)]);
        let changes = taken(&writer);
        let expected = Changes::from([(id(1), None), (id(2), Some(envelope()))]);
        assert_eq!(changes, expected, "the last change of an id counts");
        // While this is written, the next ones gather.
        let third = writer.add(id(3), envelope(), &[]);
        writer.done(Err(broken()));
        for ticket in [&first, &second] {
            assert_eq!(ticket.wait().unwrap_err().to_string(), broken().to_string());
        }
        assert_eq!(taken(&writer).len(), 1);
        writer.done(Ok(()));
        assert!(third.wait().is_ok());
    }

    #[test]
    fn a_known_transaction_is_durable_once_its_own_write_is() {
        let writer = PoolWriter::default();
        assert!(writer.ticket_of(&id(1)).is_none());
        writer.add(id(1), envelope(), &[]);
        let before = writer.ticket_of(&id(1)).unwrap();
        taken(&writer);
        let during = writer.ticket_of(&id(1)).unwrap();
        writer.done(Ok(()));
        assert!(before.wait().is_ok() && during.wait().is_ok());
        assert!(writer.ticket_of(&id(1)).is_none());
    }

    #[test]
    fn what_a_block_took_is_not_written_after_it() {
        let writer = PoolWriter::default();
        let waiting = writer.add(id(1), envelope(), &[]);
        writer.included([id(1)]);
        assert!(matches!(writer.next(SHORT), Turn::Idle));
        assert!(waiting.wait().is_ok(), "the block made it durable");
        writer.add(id(2), envelope(), &[]);
        taken(&writer);
        writer.included([id(2), id(3)]);
        writer.done(Ok(()));
        assert_eq!(taken(&writer), Changes::from([(id(2), None)]));
        writer.done(Ok(()));
        // It left the pool while it was written, and then another node's block had it.
        writer.add(id(4), envelope(), &[]);
        taken(&writer);
        writer.remove([id(4)]);
        writer.included([id(4)]);
        writer.done(Ok(()));
        assert_eq!(taken(&writer), Changes::from([(id(4), None)]));
    }

    #[test]
    fn what_was_written_while_a_block_was_imported_is_taken_out_after_it() {
        let writer = PoolWriter::default();
        writer.add(id(1), envelope(), &[]);
        writer.add(id(2), envelope(), &[id(3)]);
        taken(&writer);
        writer.import_begins();
        writer.done(Ok(()));
        writer.included([id(1), id(3)]);
        writer.import_ends();
        assert_eq!(taken(&writer), Changes::from([(id(1), None)]));
        writer.done(Ok(()));
        // What was written before that is taken out by the block's own batch.
        writer.import_begins();
        writer.included([id(2)]);
        writer.import_ends();
        assert!(matches!(writer.next(SHORT), Turn::Idle));
    }

    #[test]
    fn what_is_here_when_it_stops_is_written_and_nothing_after_it() {
        let writer = PoolWriter::default();
        let before = writer.add(id(1), envelope(), &[]);
        writer.stop();
        let after = writer.add(id(2), envelope(), &[]).wait().expect_err("it was stopped");
        assert!(matches!(&*after, StoreError::Closing), "{after}");
        assert_eq!(taken(&writer).len(), 1);
        writer.done(Ok(()));
        assert!(matches!(writer.next(SHORT), Turn::Stop));
        assert!(before.wait().is_ok());
    }
}
