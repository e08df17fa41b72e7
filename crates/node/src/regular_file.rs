//! Regular files, read up to a limit: nothing that never ends, and nothing that waits for a writer. All that the program and its
//! network read of files that people may have put there goes through here.

use std::fs::{File, Metadata};
use std::io::{Error, ErrorKind, Read as _};
use std::path::Path;

use rustix::fs::{Mode, OFlags};

/// Why a file is not read.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant names its fields")]
pub enum NotRead {
    #[error(transparent)]
    Io(#[from] Error),
    /// A folder, a pipe, a device.
    #[error("it is no regular file")]
    NotRegular,
    #[error("it has more than {limit} bytes")]
    TooLong {
        /// In bytes.
        limit: u64,
    },
    #[error("it is not UTF-8 from byte {at} on")]
    NotUtf8 {
        /// Bytes before it.
        at: usize,
    },
    /// Its length is not what it was when it was opened.
    #[error("it was changed while it was read; it had {length} bytes")]
    Changed {
        /// In bytes, when it was opened.
        length: u64,
    },
}

/// Opens a regular file to read it, and returns what the system knows of it.
///
/// # Errors
/// [`NotRead::NotRegular`] for anything else, at once; the system's error.
pub fn open(path: &Path) -> Result<(File, Metadata), NotRead> {
    // Before it is opened: some devices act as soon as they are.
    regular(std::fs::metadata(path)?)?;
    // Another thing may stand there by now. Opening a pipe without this flag waits for its writer; files do not mind it.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty()).map_err(Error::from)?);
    let found = regular(file.metadata()?)?;
    Ok((file, found))
}

fn regular(found: Metadata) -> Result<Metadata, NotRead> {
    match found.is_file() {
        true => Ok(found),
        false => Err(NotRead::NotRegular),
    }
}

/// The bytes of a regular file, at most `limit` of them.
///
/// # Errors
/// As [`open`], and [`NotRead::TooLong`] before anything of it is read.
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>, NotRead> {
    let (file, found) = open(path)?;
    read_open(&file, &found, limit)
}

/// The same of a file that [`open`] gave.
///
/// # Errors
/// [`NotRead::TooLong`], or the system's error.
pub fn read_open(file: &File, found: &Metadata, limit: u64) -> Result<Vec<u8>, NotRead> {
    let length = found.len();
    if length > limit {
        return Err(NotRead::TooLong { limit });
    }
    // Room for all of it at once, so that no copies of a secret are left behind.
    let room = usize::try_from(length).unwrap_or(usize::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(room).map_err(Error::from)?;
    // One byte more, so that a longer file is seen to be so: it may have grown, and some of the system's files claim to be empty.
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(NotRead::TooLong { limit });
    }
    Ok(bytes)
}

/// Bytes that [`read_parts`] has in memory.
const PART: usize = 1 << 16;

/// Hands the bytes of a file that [`open`] gave to `take`, part by part: a file of any length, which must not change it meanwhile.
///
/// # Errors
/// [`NotRead::Changed`], after parts of it were handed over; the system's error.
pub fn read_parts(file: &File, found: &Metadata, mut take: impl FnMut(&[u8])) -> Result<(), NotRead> {
    let length = found.len();
    // One byte more shows that it grew; one that grows as fast as it is read would never end.
    let mut file = file.take(length.saturating_add(1));
    let (mut part, mut read) = ([0; PART], 0);
    loop {
        let count = match file.read(&mut part) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.into()),
        };
        take(&part[..count]);
        read += count as u64;
    }
    match read == length {
        true => Ok(()),
        false => Err(NotRead::Changed { length }),
    }
}

/// The text of a regular file, at most `limit` bytes of it.
///
/// # Errors
/// As [`read`], and [`NotRead::NotUtf8`].
pub fn read_text(path: &Path, limit: u64) -> Result<String, NotRead> {
    String::from_utf8(read(path, limit)?).map_err(|error| NotRead::NotUtf8 {
        at: error.utf8_error().valid_up_to(),
    })
}

#[cfg(test)]
mod tests {
    use tally_testkit::pipe;

    use super::*;

    #[test]
    fn a_file_is_read_up_to_its_limit() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        std::fs::write(&path, b"four").expect("written");
        assert_eq!(read(&path, 4).expect("fits"), b"four");
        assert_eq!(read_text(&path, 4).expect("fits"), "four");
        let long = read(&path, 3).expect_err("one byte too many");
        assert_eq!(long.to_string(), "it has more than 3 bytes");
        std::fs::write(&path, b"ab\xff").expect("written");
        let text = read_text(&path, 3).expect_err("no text");
        assert_eq!(text.to_string(), "it is not UTF-8 from byte 2 on");
    }

    #[test]
    fn a_huge_file_is_rejected_before_it_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        // A hole: it has that length and takes no room.
        let file = File::create(&path).expect("made");
        file.set_len(1 << 36).expect("a hole");
        let long = read(&path, 1 << 20).expect_err("too long");
        assert_eq!(long.to_string(), "it has more than 1048576 bytes");
    }

    #[test]
    fn a_file_that_grows_is_read_up_to_its_limit() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        std::fs::write(&path, b"one").expect("written");
        let (file, found) = open(&path).expect("regular");
        std::fs::write(&path, b"three").expect("written");
        assert_eq!(read_open(&file, &found, 5).expect("fits"), b"three");
        let (file, _) = open(&path).expect("regular");
        let long = read_open(&file, &found, 4).expect_err("too long by now");
        assert_eq!(long.to_string(), "it has more than 4 bytes");
    }

    #[test]
    fn a_file_of_any_length_is_read_part_by_part_if_it_keeps_its_length() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        let bytes: Vec<u8> = (0..PART + 7).map(|at| (at % 251) as u8).collect();
        let read_after = |change: &[u8]| {
            std::fs::write(&path, &bytes).expect("written");
            let (file, found) = open(&path).expect("regular");
            std::fs::write(&path, change).expect("written");
            let (mut got, mut longest) = (Vec::new(), 0);
            let read = read_parts(&file, &found, |part| {
                got.extend_from_slice(part);
                longest = longest.max(part.len());
            });
            assert!(longest <= PART, "{longest} bytes at once");
            read.map(|()| got).map_err(|error| error.to_string())
        };
        assert_eq!(read_after(&bytes), Ok(bytes.clone()));
        let changed = format!("it was changed while it was read; it had {} bytes", bytes.len());
        let longer = [&bytes[..], b"x"].concat();
        for change in [&bytes[1..], &longer, b""] {
            assert_eq!(read_after(change), Err(changed.clone()));
        }
    }

    #[test]
    fn what_never_ends_or_waits_is_not_opened() {
        let folder = tempfile::tempdir().expect("a folder");
        let pipe = pipe(folder.path());
        for path in [Path::new("/dev/zero"), Path::new("/dev/null"), &pipe, folder.path()] {
            let error = read(path, 4).expect_err("no file");
            assert!(matches!(error, NotRead::NotRegular), "{}: {error}", path.display());
        }
    }
}
