//! Whether the log is as it was written: every line of every file, from the oldest on.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::io::Error;
use std::path::Path;

use sha2::{Digest as _, Sha256};
use tally_api::tokens::LogEntryBody;
use tally_chain::B256;

use super::{BEGIN, DAMAGED, Limits, MAX_FAULTS, Segment, line};
use crate::regular_file;

/// Longest line, in bytes: the parameters of an action have few members, and each is cut.
pub const MAX_LINE: u64 = 1 << 16;

/// The end of a chain: number and hash of its last entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    pub sequence: u64,
    pub hash: B256,
}

impl Position {
    /// Of this entry, as it says.
    pub fn of(entry: &LogEntryBody) -> Self {
        Self {
            sequence: entry.sequence,
            hash: entry.hash,
        }
    }
}

/// What is wrong with an entry in its line, where it should follow `before`; none: what it follows is not known.
pub fn wrong(before: Option<Position>, entry: &LogEntryBody, line: &[u8]) -> Option<Why> {
    if !line::holds(line) {
        return Some(Why::WrongHash);
    }
    let before = before?;
    let expected = before.sequence.saturating_add(1);
    if entry.sequence != expected {
        return Some(Why::WrongNumber {
            found: entry.sequence,
            expected,
        });
    }
    (entry.previous != before.hash).then_some(Why::WrongPrevious)
}

/// What is wrong with a line, or with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// A write that a power cut broke off; or a cut.
    #[error("the line has no end")]
    CutOff,
    #[error("the line is no entry")]
    NotAnEntry,
    #[error("the hash is not that of the line")]
    WrongHash,
    #[error("the entry has number {found}, expected {expected}")]
    WrongNumber { found: u64, expected: u64 },
    #[error("the entry does not follow the one before")]
    WrongPrevious,
    #[error("the file is missing")]
    Missing,
    #[error("the file cannot be read, or is longer than the log writes files")]
    Unreadable,
}

/// A place that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub file: String,
    /// From 1 on; 0: the file as a whole.
    pub line: u64,
    pub why: Why,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, why } = self;
        match line {
            0 => write!(f, "{file}: {why}"),
            line => write!(f, "{file}, line {line}: {why}"),
        }
    }
}

/// What was found.
pub struct Checked {
    pub segments: VecDeque<Segment>,
    /// What the next entry follows.
    pub at: Position,
    /// At most [`MAX_FAULTS`].
    pub faults: Vec<Fault>,
    pub fault_count: u64,
    /// Whether an entry names just these faults: the node has found them at an earlier start.
    pub noted: bool,
    /// Whether the last file ends with a whole line, and takes more.
    pub whole: bool,
    /// Over all faults.
    pub digest: B256,
}

/// Checks all files in the folder.
///
/// # Errors
/// The system's, where the folder cannot be listed.
pub fn all(folder: &Path, limits: Limits) -> Result<Checked, Error> {
    let numbers = numbers(folder)?;
    let mut checker = Checker::default();
    let mut before = None;
    for (index, number) in numbers.iter().copied().enumerate() {
        match before {
            // Only a log with all its files has lost the first ones by itself.
            None if number > 1 && numbers.len() < limits.files => checker.missing(1),
            Some(before) if number != before + 1 => checker.missing(before + 1),
            _ => {}
        }
        before = Some(number);
        // Its first entry follows one that is gone.
        if index == 0 && number > 1 {
            checker.expected = None;
        }
        checker.file(folder, number, limits);
    }
    Ok(checker.end())
}

/// Numbers of the files there, in order. Other files are none of the log's.
fn numbers(folder: &Path) -> Result<BTreeSet<u32>, Error> {
    let mut numbers = BTreeSet::new();
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(".ndjson"));
        let number = number.and_then(|number| number.parse().ok());
        numbers.extend(number.filter(|number| Segment::name(*number).as_str() == name));
    }
    Ok(numbers)
}

struct Checker {
    segments: VecDeque<Segment>,
    /// The highest number so far, and the hash of the last entry that could be read.
    at: Position,
    /// What the next line follows; none where that is not known.
    expected: Option<Position>,
    faults: Vec<Fault>,
    fault_count: u64,
    noted: u64,
    whole: bool,
    digest: Sha256,
}

impl Default for Checker {
    fn default() -> Self {
        Self {
            segments: VecDeque::new(),
            at: BEGIN,
            expected: Some(BEGIN),
            faults: Vec::new(),
            fault_count: 0,
            noted: 0,
            whole: false,
            digest: Sha256::new(),
        }
    }
}

impl Checker {
    fn fault(&mut self, number: u32, line: u64, why: Why, bytes: &[u8]) {
        let fault = Fault {
            file: Segment::name(number),
            line,
            why,
        };
        self.digest.update(fault.to_string());
        self.digest.update(Sha256::digest(bytes));
        self.fault_count += 1;
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(fault);
        }
    }

    fn missing(&mut self, number: u32) {
        self.fault(number, 0, Why::Missing, &[]);
        self.expected = None;
    }

    fn file(&mut self, folder: &Path, number: u32, limits: Limits) {
        let mut segment = Segment {
            number,
            first: self.at.sequence.saturating_add(1),
            length: 0,
        };
        self.whole = true;
        // The most that is ever written is a file with one line, or a full one.
        match regular_file::read(&segment.path(folder), 2 * limits.file_bytes.max(MAX_LINE)) {
            Ok(bytes) => {
                segment.length = bytes.len() as u64;
                self.lines(&mut segment, &bytes);
            }
            Err(_) => {
                self.fault(number, 0, Why::Unreadable, &[]);
                self.expected = None;
                self.whole = false;
            }
        }
        self.segments.push_back(segment);
    }

    fn lines(&mut self, segment: &mut Segment, bytes: &[u8]) {
        for (at, line) in (1..).zip(bytes.split_inclusive(|byte| *byte == b'\n')) {
            let Some(line) = line.strip_suffix(b"\n") else {
                self.fault(segment.number, at, Why::CutOff, line);
                // What follows is in the next file, and follows the entry before this.
                self.whole = false;
                continue;
            };
            let Some(entry) = line::read(line) else {
                self.fault(segment.number, at, Why::NotAnEntry, line);
                self.expected = None;
                continue;
            };
            if at == 1 {
                segment.first = entry.sequence;
            }
            if let Some(why) = wrong(self.expected, &entry, line) {
                self.fault(segment.number, at, why, line);
            } else if entry.action == DAMAGED && self.names_faults(&entry) {
                self.noted = self.fault_count;
            }
            // From what the line says: a fault is counted once, and those after it are found, too.
            let at = Position::of(&entry);
            self.expected = Some(at);
            self.at = Position {
                sequence: at.sequence.max(self.at.sequence),
                ..at
            };
        }
    }

    /// Whether the entry is about just those faults that were found before it.
    fn names_faults(&self, entry: &LogEntryBody) -> bool {
        entry.parameters["digest"] == format!("{:#x}", self.digest())
    }

    fn digest(&self) -> B256 {
        B256::new(self.digest.clone().finalize().into())
    }

    fn end(self) -> Checked {
        Checked {
            noted: self.noted == self.fault_count,
            digest: self.digest(),
            segments: self.segments,
            at: self.at,
            faults: self.faults,
            fault_count: self.fault_count,
            whole: self.whole,
        }
    }
}
