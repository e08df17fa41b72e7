//! A disk after a power cut, built from the log that `tests/support/faults.c` writes: what was synced, and of the rest any
//! part in any order, the last write of a file torn.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

const PAGE: u64 = 4_096;

/// One change of a file.
pub struct Record {
    /// Where it begins and ends in the log.
    pub start: u64,
    pub end: u64,
    kind: u64,
    inode: u64,
    number: u64,
    path: PathBuf,
    data: Vec<u8>,
}

/// Reads a log; a record that is cut off at its end is left out.
pub fn read_log(bytes: &[u8]) -> Vec<Record> {
    let mut records = Vec::new();
    let mut at = 0usize;
    while let Some(head) = bytes.get(at..at + 40) {
        let field = |index: usize| u64::from_ne_bytes(head[index * 8..][..8].try_into().unwrap());
        let (path_end, end) = (
            at + 40 + field(3) as usize,
            at + 40 + field(3) as usize + field(4) as usize,
        );
        let (Some(path), Some(data)) = (bytes.get(at + 40..path_end), bytes.get(path_end..end)) else {
            break;
        };
        records.push(Record {
            start: at as u64,
            end: end as u64,
            kind: field(0),
            inode: field(1),
            number: field(2),
            path: PathBuf::from(std::str::from_utf8(path).unwrap()),
            data: data.to_vec(),
        });
        at = end;
    }
    records
}

/// Numbers that one seed gives, always the same.
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, below: u64) -> u64 {
        // SplitMix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % below.max(1)
    }

    fn heads(&mut self) -> bool {
        self.below(2) == 0
    }
}

/// What a file holds; pages that were never written are zeros.
#[derive(Default)]
struct Content {
    len: u64,
    pages: BTreeMap<u64, Vec<u8>>,
}

impl Content {
    fn write(&mut self, mut at: u64, mut data: &[u8]) {
        while !data.is_empty() {
            let page = self.pages.entry(at / PAGE).or_insert_with(|| vec![0; PAGE as usize]);
            let from = (at % PAGE) as usize;
            let (now, rest) = data.split_at(data.len().min(PAGE as usize - from));
            page[from..from + now.len()].copy_from_slice(now);
            at += now.len() as u64;
            data = rest;
        }
        self.len = self.len.max(at);
    }

    fn truncate(&mut self, len: u64) {
        self.pages.retain(|page, _| page * PAGE < len);
        if let Some(page) = self.pages.get_mut(&(len / PAGE)) {
            page[(len % PAGE) as usize..].fill(0);
        }
        self.len = len;
    }

    fn save(&self, path: &Path) {
        let mut file = std::fs::File::create(path).unwrap();
        file.set_len(self.len).unwrap();
        for (page, bytes) in &self.pages {
            let rest = self.len.saturating_sub(page * PAGE).min(PAGE) as usize;
            file.seek(SeekFrom::Start(page * PAGE)).unwrap();
            file.write_all(&bytes[..rest]).unwrap();
        }
    }
}

enum Change {
    Write(u64, Vec<u8>),
    Truncate(u64),
}

impl Change {
    fn apply(&self, content: &mut Content) {
        match self {
            Self::Write(at, data) => content.write(*at, data),
            Self::Truncate(len) => content.truncate(*len),
        }
    }
}

#[derive(Default)]
struct Inode {
    content: Content,
    pending: Vec<(u64, Change)>,
}

enum Name {
    /// A file stands at a path, and no longer at the one before.
    Link {
        path: PathBuf,
        file: usize,
        old: Option<PathBuf>,
    },
    Unlink(PathBuf),
    /// A folder, or a file, with all below it.
    Move {
        from: PathBuf,
        to: PathBuf,
    },
}

/// Where a path is after a move.
fn moved(path: &Path, from: &Path, to: &Path) -> Option<PathBuf> {
    let rest = path.strip_prefix(from).ok()?;
    Some(if rest.as_os_str().is_empty() {
        to.to_owned()
    } else {
        to.join(rest)
    })
}

impl Name {
    fn folder(&self) -> Option<&Path> {
        match self {
            Self::Link { path, .. } | Self::Unlink(path) | Self::Move { to: path, .. } => path.parent(),
        }
    }

    fn apply(&self, names: &mut BTreeMap<PathBuf, usize>) {
        match self {
            Self::Link { path, file, old } => {
                if let Some(old) = old {
                    names.remove(old);
                }
                names.insert(path.clone(), *file);
            }
            Self::Unlink(path) => {
                names.remove(path);
            }
            Self::Move { from, to } => {
                for (path, file) in std::mem::take(names) {
                    names.insert(moved(&path, from, to).unwrap_or(path), file);
                }
            }
        }
    }
}

/// Files and names as the process saw them, and as the disk surely has them.
#[derive(Default)]
pub struct Disk {
    files: Vec<Inode>,
    by_inode: BTreeMap<u64, usize>,
    /// Where each file stands for the process.
    live: BTreeMap<usize, PathBuf>,
    names: BTreeMap<PathBuf, usize>,
    pending: Vec<Name>,
    folders: BTreeSet<PathBuf>,
}

impl Disk {
    /// The disk after these records.
    pub fn after(records: &[Record]) -> Self {
        let mut disk = Self::default();
        records.iter().for_each(|record| disk.take(record));
        disk
    }

    fn file(&mut self, record: &Record) -> usize {
        let file = *self.by_inode.entry(record.inode).or_insert_with(|| {
            self.files.push(Inode::default());
            self.files.len() - 1
        });
        if self.live.get(&file) != Some(&record.path) {
            // New, or renamed: a rename is seen when the file is used at its new place.
            let old = self.live.insert(file, record.path.clone());
            let others = self
                .live
                .iter()
                .filter(|(other, path)| **other != file && **path == record.path);
            let replaced: Vec<usize> = others.map(|(other, _)| *other).collect();
            replaced.iter().for_each(|other| self.forget(*other));
            self.pending.push(Name::Link {
                path: record.path.clone(),
                file,
                old,
            });
        }
        file
    }

    /// A file has no name any more: its inode may be another's from now on.
    fn forget(&mut self, file: usize) {
        self.live.remove(&file);
        self.by_inode.retain(|_, other| *other != file);
    }

    fn take(&mut self, record: &Record) {
        match record.kind {
            1 => {
                let (file, change) = (self.file(record), Change::Write(record.number, record.data.clone()));
                self.files[file].pending.push((record.start, change));
            }
            2 => self.synced(record),
            3 => {
                let file = self.file(record);
                self.files[file]
                    .pending
                    .push((record.start, Change::Truncate(record.number)));
            }
            4 => {
                self.folders.insert(record.path.clone());
                let (done, pending): (Vec<Name>, Vec<Name>) = std::mem::take(&mut self.pending)
                    .into_iter()
                    .partition(|name| name.folder() == Some(record.path.as_path()));
                self.pending = pending;
                done.iter().for_each(|name| name.apply(&mut self.names));
            }
            5 => {
                let file = self
                    .live
                    .iter()
                    .find(|(_, path)| **path == record.path)
                    .map(|(file, _)| *file);
                file.into_iter().for_each(|file| self.forget(file));
                self.pending.push(Name::Unlink(record.path.clone()));
            }
            6 => {
                self.file(record);
            }
            7 => self.move_names(&record.path, Path::new(std::str::from_utf8(&record.data).unwrap())),
            kind => panic!("a record of kind {kind}"),
        }
    }

    fn move_names(&mut self, from: &Path, to: &Path) {
        let change = |path: &mut PathBuf| {
            if let Some(moved) = moved(path, from, to) {
                *path = moved;
            }
        };
        self.live.values_mut().for_each(change);
        for name in &mut self.pending {
            match name {
                Name::Link { path, old, .. } => {
                    change(path);
                    old.iter_mut().for_each(change);
                }
                Name::Unlink(path) => change(path),
                Name::Move { .. } => {}
            }
        }
        let folders: Vec<_> = self.folders.iter().filter_map(|path| moved(path, from, to)).collect();
        self.folders.extend(folders);
        self.pending.push(Name::Move {
            from: from.to_owned(),
            to: to.to_owned(),
        });
    }

    /// What was written before the sync began is on the disk now, and so is the file's name.
    fn synced(&mut self, record: &Record) {
        let file = self.file(record);
        let Inode { content, pending } = &mut self.files[file];
        pending.retain(|(start, change)| {
            let covered = *start < record.number;
            if covered {
                change.apply(content);
            }
            !covered
        });
        let names = &mut self.names;
        self.pending.retain(|name| {
            let covered = matches!(name, Name::Link { file: linked, .. } if *linked == file);
            if covered {
                name.apply(names);
            }
            !covered
        });
    }

    /// The power goes off: what the disk has then, in `target` in the place of `folder`.
    pub fn cut(mut self, dice: &mut Dice, folder: &Path, target: &Path) {
        for name in &self.pending {
            if dice.heads() {
                name.apply(&mut self.names);
            }
        }
        for Inode { content, pending } in &mut self.files {
            let count = pending.len();
            for (index, (_, change)) in pending.iter().enumerate() {
                match change {
                    Change::Write(at, data) if index + 1 == count => {
                        let sectors = dice.below(data.len() as u64 / 512 + 1) as usize * 512;
                        content.write(*at, &data[..sectors.min(data.len())]);
                    }
                    change if dice.heads() => change.apply(content),
                    _ => {}
                }
            }
        }
        let place = |path: &Path| target.join(path.strip_prefix(folder).unwrap());
        for path in &self.folders {
            std::fs::create_dir_all(place(path)).unwrap();
        }
        for (path, file) in &self.names {
            let path = place(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            self.files[*file].content.save(&path);
        }
    }
}
