//! Files of a known size, read whole: nothing that never ends, and nothing that waits for a writer.

use std::io::{Error, Read as _};
use std::path::Path;

/// Why a file is not read.
#[derive(Debug, thiserror::Error)]
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
}

/// The bytes of a regular file, at most `limit` of them.
pub fn read_regular(path: &Path, limit: u64) -> Result<Vec<u8>, NotRead> {
    // Before it is opened: opening a pipe waits for its writer.
    if !std::fs::metadata(path)?.is_file() {
        return Err(NotRead::NotRegular);
    }
    let mut bytes = Vec::new();
    // One byte more, so that a longer file is seen to be so; its length as it was before says nothing of what comes.
    let file = std::fs::File::open(path)?;
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(NotRead::TooLong { limit });
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_up_to_its_limit() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        std::fs::write(&path, b"four").expect("written");
        assert_eq!(read_regular(&path, 4).expect("fits"), b"four");
        let long = read_regular(&path, 3).expect_err("one byte too many");
        assert_eq!(long.to_string(), "it has more than 3 bytes");
        let folder = read_regular(folder.path(), 4).expect_err("a folder");
        assert!(matches!(folder, NotRead::NotRegular), "{folder}");
    }

    #[cfg(unix)]
    #[test]
    fn what_never_ends_or_waits_is_not_opened() {
        let folder = tempfile::tempdir().expect("a folder");
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.expect("mkfifo runs").success());
        for path in [Path::new("/dev/zero"), Path::new("/dev/null"), pipe.as_path()] {
            let error = read_regular(path, 4).expect_err("no file");
            assert!(matches!(error, NotRead::NotRegular), "{}: {error}", path.display());
        }
    }
}
