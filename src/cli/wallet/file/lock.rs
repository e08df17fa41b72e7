//! One command at a time: a lock of the operating system on a file beside what it protects.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use super::super::super::out::errln;
use crate::private_file::{leave_to_owner_of, make_folder};

/// Time between two attempts.
const PAUSE: Duration = Duration::from_millis(20);
/// A wait of more than this is mentioned.
const SILENT: Duration = Duration::from_secs(1);

/// Held until it is dropped, or the process ends however it ends. The file stays: removing it would let two hold it.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Waits for the lock, at most so long. `what` is named while waiting and in errors.
    pub fn take(path: &Path, what: &str, most: Duration) -> anyhow::Result<Self> {
        let cannot = || format!("cannot lock {}", path.display());
        if let Some(folder) = path.parent() {
            make_folder(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        }
        let file = open(path).with_context(cannot)?;
        let begun = Instant::now();
        let mut noted = false;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _file: file }),
                Err(TryLockError::Error(error)) => return Err(error).with_context(cannot),
                Err(TryLockError::WouldBlock) => {}
            }
            if begun.elapsed() >= most {
                bail!(
                    "another command has held {what} for {} s ({}); nothing was changed",
                    most.as_secs(),
                    path.display()
                );
            }
            if !noted && begun.elapsed() >= SILENT {
                errln!(
                    "another command changes {what}; waiting for it, at most {} s",
                    most.as_secs()
                );
                noted = true;
            }
            std::thread::sleep(PAUSE);
        }
    }
}

/// The file of a lock; made where it is missing.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.clone().create_new(true).open(path) {
        Ok(file) => {
            // Only what was made here: one that is there may be a link to anything.
            if let Some(folder) = path.parent() {
                leave_to_owner_of(folder, &file);
            }
            Ok(file)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => options.open(path),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holds_it_and_the_next_gets_it_or_an_error_why_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("below").join("x.lock");
        let held = Lock::take(&path, "the vault", Duration::ZERO).expect("nobody has it");
        let error = Lock::take(&path, "the vault", Duration::ZERO).expect_err("it is held");
        assert_eq!(
            error.to_string(),
            format!(
                "another command has held the vault for 0 s ({}); nothing was changed",
                path.display()
            )
        );
        drop(held);
        Lock::take(&path, "the vault", Duration::ZERO).expect("free again");
        let error = Lock::take(&path.join("y.lock"), "the vault", Duration::ZERO).expect_err("below a file");
        let path = path.display();
        assert_eq!(
            format!("{error:#}"),
            format!("cannot make {path}: {path} is not a folder")
        );
    }
}
