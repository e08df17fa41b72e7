//! The log of operator actions: lines of JSON, each with the hash of the one before, in files that are only appended to.
//!
//! An entry is on the disk before its request is answered. The chain shows every change to what was written, except by someone who
//! may write the files and computes all later hashes anew, or who cuts off the end: against these the head has to be noted
//! elsewhere. Full files are never written again; the oldest goes when there are too many.

mod check;
mod line;

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{Error, Write as _};
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;
use serde_json::{Value, json};
use tally_api::tokens::{LogActorBody, LogEntryBody, LogHeadBody};
use tally_chain::{B256, UnixSecs};

use super::{Actor, LogError};
use crate::private_file;
use check::Checked;
pub use check::{Fault, MAX_LINE, Position, Why, wrong};
pub use line::read as read_line;

/// How much is kept.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// A file is full at this length, in bytes. A page reads whole files, so that they are small.
    file_bytes: u64,
    /// Most files.
    files: usize,
}

/// 64 MiB: some 150,000 entries.
const LIMITS: Limits = Limits {
    file_bytes: 1 << 20,
    files: 64,
};
/// Most faults that are kept to be shown.
const MAX_FAULTS: usize = 16;
/// Most characters of a text in an entry's parameters.
const MAX_TEXT: usize = 256;
/// Most members of a list there.
const MAX_ITEMS: usize = 16;
/// Room on the disk that is taken at once, in bytes: for several of the longest entries.
const RESERVED: u64 = 4 * MAX_LINE;
/// The action of the entry that a node writes when it finds faults.
const DAMAGED: &str = "log.damaged";
/// What went well.
pub const DONE: &str = "done";

/// What was done, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    pub time: UnixSecs,
    pub actor: LogActorBody,
    pub address: Option<IpAddr>,
    pub action: &'static str,
    pub parameters: Value,
    pub outcome: &'static str,
}

impl Draft {
    /// What someone did by a token; its outcome is not known yet.
    pub fn by(actor: &Actor, action: &'static str, mut parameters: Value) -> Self {
        cut(&mut parameters);
        Self {
            time: UnixSecs(0),
            actor: LogActorBody {
                id: actor.id.clone(),
                name: actor.name.clone(),
            },
            address: Some(actor.address),
            action,
            parameters,
            outcome: DONE,
        }
    }
}

/// Cuts texts and lists: a request may have long ones, and is logged also where it is rejected for that.
fn cut(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Some((at, _)) = text.char_indices().nth(MAX_TEXT) {
                text.truncate(at);
                text.push('…');
            }
        }
        Value::Array(items) => {
            if items.len() > MAX_ITEMS {
                items.truncate(MAX_ITEMS);
                items.push("…".into());
            }
            items.iter_mut().for_each(cut);
        }
        Value::Object(members) => members.values_mut().for_each(cut),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A file of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Segment {
    number: u32,
    /// Number of its first entry.
    first: u64,
    /// Bytes of whole lines.
    length: u64,
}

impl Segment {
    fn name(number: u32) -> String {
        format!("{number:08}.ndjson")
    }

    fn path(&self, folder: &Path) -> PathBuf {
        folder.join(Self::name(self.number))
    }
}

struct State {
    segments: VecDeque<Segment>,
    /// The last of them, open at its end; none where the next entry begins a file.
    file: Option<File>,
    /// What the next entry follows.
    at: Position,
    /// Whether a write failed, and its bytes may be in the file.
    torn: bool,
    /// Up to here the file has room on the disk.
    reserved: u64,
}

/// The log. Its methods block.
pub struct Log {
    folder: PathBuf,
    limits: Limits,
    state: Mutex<State>,
    faults: Vec<Fault>,
    fault_count: u64,
}

impl Log {
    /// Opens the log in this folder, and checks all of it. What is not as it was written stays where it is, is named in the node's
    /// log, and gets an entry of its own; the chain goes on after it.
    ///
    /// # Errors
    /// The system's. Faults are none: a node whose log was damaged still serves.
    pub fn open(folder: &Path, now: UnixSecs) -> Result<Self, LogError> {
        Self::with(folder, now, LIMITS)
    }

    fn with(folder: &Path, now: UnixSecs, limits: Limits) -> Result<Self, LogError> {
        let failed = |source| LogError::Io {
            path: folder.to_owned(),
            source,
        };
        private_file::make_folder(folder).map_err(failed)?;
        let Checked {
            segments,
            at,
            faults,
            fault_count,
            noted,
            whole,
            digest,
        } = check::all(folder, limits).map_err(failed)?;
        let file = match segments.back().filter(|_| whole) {
            Some(last) => Some(
                OpenOptions::new()
                    .append(true)
                    .open(last.path(folder))
                    .map_err(failed)?,
            ),
            None => None,
        };
        let state = State {
            segments,
            file,
            at,
            torn: false,
            reserved: 0,
        };
        let log = Self {
            folder: folder.to_owned(),
            limits,
            state: Mutex::new(state),
            faults,
            fault_count,
        };
        if let Some(first) = log.faults.first() {
            tracing::warn!(faults = log.fault_count, %first, "the log of operator actions is not as it was written");
            if !noted {
                let draft = Draft {
                    time: now,
                    actor: LogActorBody {
                        id: "node".to_owned(),
                        name: "node".to_owned(),
                    },
                    address: None,
                    action: DAMAGED,
                    parameters: json!({ "digest": digest, "faults": log.fault_count, "first": first.to_string() }),
                    outcome: DONE,
                };
                log.append(draft)?;
            }
        }
        Ok(log)
    }

    /// Sees to it that an entry can be written: with a file, and with room on the disk. Where there is none, nothing is to be done that
    /// would need an entry.
    ///
    /// # Errors
    /// The system's.
    pub fn ready(&self) -> Result<(), LogError> {
        let mut state = self.state.lock();
        self.mend(&mut state)?;
        self.reserve(&mut state).map_err(|source| self.failed(source))
    }

    fn reserve(&self, state: &mut State) -> Result<(), Error> {
        let full = |segment: &Segment| segment.length + MAX_LINE > self.limits.file_bytes;
        if state.file.is_none() || state.segments.back().is_none_or(full) {
            let next = state.at.sequence.saturating_add(1);
            self.begin_file(state, next)?;
        }
        let (Some(file), Some(segment)) = (&state.file, state.segments.back()) else {
            return Ok(());
        };
        if segment.length + MAX_LINE > state.reserved {
            match fallocate(file, FallocateFlags::KEEP_SIZE, segment.length, RESERVED) {
                // Not every file system can: there the write itself finds out.
                Ok(()) | Err(Errno::NOTSUP | Errno::NOSYS | Errno::INVAL) => {}
                Err(error) => return Err(error.into()),
            }
            state.reserved = segment.length + RESERVED;
        }
        Ok(())
    }

    /// Writes an entry; it is on the disk when this returns.
    ///
    /// # Errors
    /// The system's; then nothing was written.
    pub fn append(&self, draft: Draft) -> Result<LogEntryBody, LogError> {
        let mut state = self.state.lock();
        self.mend(&mut state)?;
        let (entry, line) = line::write(draft, state.at);
        self.put(&mut state, entry.sequence, &line)
            .map_err(|source| self.failed(source))?;
        state.at = Position {
            sequence: entry.sequence,
            hash: entry.hash,
        };
        Ok(entry)
    }

    /// The last entry.
    pub fn head(&self) -> Option<LogHeadBody> {
        let Position { sequence, hash } = self.state.lock().at;
        (sequence > 0).then_some(LogHeadBody { sequence, hash })
    }

    /// What was not as it was written when this log was opened, at most 16 places, and how many there were.
    pub fn faults(&self) -> (&[Fault], u64) {
        (&self.faults, self.fault_count)
    }

    /// At most `limit` entries with smaller numbers than `before`, the newest first. Lines that are none are left out: they are
    /// among the faults.
    ///
    /// # Errors
    /// The system's.
    pub fn page(&self, before: u64, limit: usize) -> Result<Vec<LogEntryBody>, LogError> {
        let mut entries = Vec::new();
        for part in self.parts().into_iter().rev() {
            if entries.len() >= limit {
                break;
            }
            if part.first >= before {
                continue;
            }
            let Some(bytes) = part.read().map_err(|source| self.failed(source))? else {
                continue;
            };
            let lines = bytes.split(|byte| *byte == b'\n').rev();
            let found = lines.filter_map(line::read).filter(|entry| entry.sequence < before);
            entries.extend(found.take(limit - entries.len()));
        }
        Ok(entries)
    }

    /// The log as it is on the disk now, in parts, the oldest first.
    pub fn parts(&self) -> Vec<Part> {
        let state = self.state.lock();
        let part = |segment: &Segment| Part {
            path: segment.path(&self.folder),
            first: segment.first,
            length: segment.length,
        };
        state.segments.iter().map(part).collect()
    }

    /// Cuts off what a failed write may have left: it was not acknowledged.
    fn mend(&self, state: &mut State) -> Result<(), LogError> {
        if !state.torn {
            return Ok(());
        }
        if let (Some(file), Some(segment)) = (&state.file, state.segments.back()) {
            let cut = file.set_len(segment.length).and_then(|()| file.sync_all());
            cut.map_err(|source| self.failed(source))?;
            // The room beyond went with it.
            state.reserved = 0;
        }
        state.torn = false;
        Ok(())
    }

    fn put(&self, state: &mut State, sequence: u64, line: &str) -> Result<(), Error> {
        let length = line.len() as u64;
        let full = |segment: &Segment| segment.length + length > self.limits.file_bytes;
        if state.segments.back().is_none_or(full) {
            state.file = None;
        }
        if state.file.is_none() {
            self.begin_file(state, sequence)?;
        }
        let (Some(file), Some(segment)) = (&mut state.file, state.segments.back_mut()) else {
            return Err(Error::other("no file is open"));
        };
        state.torn = true;
        file.write_all(line.as_bytes())?;
        file.sync_data()?;
        state.torn = false;
        segment.length += length;
        Ok(())
    }

    /// Begins the next file, and removes the oldest where there are too many.
    fn begin_file(&self, state: &mut State, first: u64) -> Result<(), Error> {
        let number = state.segments.back().map_or(1, |last| last.number.saturating_add(1));
        let segment = Segment {
            number,
            first,
            length: 0,
        };
        let path = segment.path(&self.folder);
        // A failed attempt may have left an empty one.
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(&path)?;
        private_file::leave_to_owner_of(&self.folder, &file);
        // The name has to be on the disk, too.
        File::open(&self.folder)?.sync_all()?;
        state.file = Some(file);
        state.reserved = 0;
        state.segments.push_back(segment);
        while state.segments.len() > self.limits.files {
            if let Some(oldest) = state.segments.pop_front() {
                std::fs::remove_file(oldest.path(&self.folder))?;
            }
        }
        Ok(())
    }

    fn failed(&self, source: Error) -> LogError {
        LogError::Io {
            path: self.folder.clone(),
            source,
        }
    }
}

/// A file of the log, as far as it was written.
#[derive(Debug, Clone)]
pub struct Part {
    path: PathBuf,
    first: u64,
    length: u64,
}

impl Part {
    /// Its whole lines; none where it was removed meanwhile. Blocks.
    ///
    /// # Errors
    /// The system's.
    pub fn read(&self) -> Result<Option<Vec<u8>>, Error> {
        match std::fs::read(&self.path) {
            Ok(mut bytes) => {
                bytes.truncate(usize::try_from(self.length).unwrap_or(usize::MAX));
                Ok(Some(bytes))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Before the first entry, which has zeros in the place of a hash.
pub const BEGIN: Position = Position {
    sequence: 0,
    hash: B256::ZERO,
};

#[cfg(test)]
mod tests;
