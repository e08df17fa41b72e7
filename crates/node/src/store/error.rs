//! What can be wrong with the store, in words that name the path, the process and the cause once.

use std::error::Error;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use tally_chain::{BlockId, CodecError, Height};

/// Why the store cannot answer or write.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant names its fields")]
pub enum StoreError {
    #[error("data directory {path} is in use by another process")]
    Locked { path: String },
    #[error("data directory {path} has format {found}, this program reads {expected}")]
    WrongFormat { path: String, found: u32, expected: u32 },
    #[error("data directory {path} holds chain {found}, not {expected}; choose another --data-dir or --chain")]
    WrongChain {
        path: String,
        found: BlockId,
        expected: BlockId,
    },
    /// The data directory cannot be made or opened; `cause` names the operating system's reason and the user of the process.
    #[error("cannot write {}: {cause}", path.display())]
    CannotWrite { path: PathBuf, cause: String },
    /// Nothing was written: the file system would be left with too little room. All in bytes.
    #[error("no room in {}: {free} bytes are free, {needed} are needed; nothing was written", path.display())]
    NoRoom { path: PathBuf, free: u64, needed: u64 },
    /// A write failed before this one, and what the disk holds is only known once the store is opened again.
    #[error("the store in {} is broken: {detail}", path.display())]
    Broken { path: PathBuf, detail: String },
    /// The database did not answer.
    #[error("store: {}", plain(.0))]
    Database(fjall::Error),
    #[error("store: {what} is damaged: {source}")]
    Damaged { what: &'static str, source: CodecError },
    /// What others need is not there.
    #[error("store: {what} is missing")]
    Missing { what: String },
    /// It is there, and is not what was written: it cannot be read, or does not fit what was written with it.
    #[error("store: {what} is not as it was stored")]
    Altered { what: String },
    /// What came to begin with does not fit its checkpoint; nothing was written. Rule: docs/protocol.md#Q4
    #[error("the state to begin with does not fit its checkpoint: {what}")]
    Unfit { what: &'static str },
    /// Changes that came after the last one that is written.
    #[error("the node is closing: nothing more is stored")]
    Closing,
    #[error("block {height} is not kept here: this node began with the state of block {base}")]
    NotKept { height: Height, base: Height },
    #[error("store: {0}")]
    State(tally_ledger::StateError),
}

impl From<fjall::Error> for StoreError {
    fn from(error: fjall::Error) -> Self {
        Self::Database(error)
    }
}

impl From<tally_ledger::StateError> for StoreError {
    fn from(error: tally_ledger::StateError) -> Self {
        Self::State(error)
    }
}

impl StoreError {
    /// Whether the store itself failed, as far as can be known now; not for what is merely not there by right, for a full
    /// disk, for a node that closes, or for what others sent.
    pub fn is_failure(&self) -> bool {
        !matches!(
            self,
            Self::NoRoom { .. } | Self::NotKept { .. } | Self::Unfit { .. } | Self::Closing
        )
    }

    /// Whether what was read is not what was written: reading again gives the same. A read that failed may work later.
    pub(crate) fn is_damage(&self) -> bool {
        use fjall::Error as Db;
        match self {
            Self::Missing { .. } | Self::Altered { .. } | Self::Damaged { .. } => true,
            Self::Database(error) => {
                let read = matches!(
                    error,
                    Db::Storage(_) | Db::Decompress(_) | Db::InvalidTag(_) | Db::InvalidTrailer
                );
                read && io_source(error).is_none()
            }
            _ => false,
        }
    }

    /// Why a write failed, for another who waited for it. A full disk and a node that closes stay what they are; all else
    /// has broken the store in `path`.
    pub(crate) fn of_shared_write(&self, path: &Path) -> Self {
        match self {
            Self::NoRoom { path, free, needed } => Self::NoRoom {
                path: path.clone(),
                free: *free,
                needed: *needed,
            },
            Self::Closing => Self::Closing,
            Self::Broken { path, detail } => Self::Broken {
                path: path.clone(),
                detail: detail.clone(),
            },
            other => Self::Broken {
                path: path.to_owned(),
                detail: other.to_string(),
            },
        }
    }

    pub(crate) fn cannot_write(path: &Path, error: &std::io::Error) -> Self {
        Self::CannotWrite {
            path: path.to_owned(),
            cause: format!("{}{}", io_cause(error), whose(path)),
        }
    }

    /// Why a database could not be opened in `path`.
    pub(super) fn opening(path: &Path, error: fjall::Error) -> Self {
        match (&error, io_source(&error)) {
            (fjall::Error::Locked, _) => Self::Locked {
                path: path.display().to_string(),
            },
            (_, Some(io)) => Self::cannot_write(path, io),
            _ => Self::Database(error),
        }
    }
}

/// The database's error without its Rust names; the operating system's cause where there is one.
pub(super) fn plain(error: &fjall::Error) -> String {
    match (io_source(error), error) {
        (Some(io), _) => io_cause(io),
        (None, fjall::Error::Poisoned) => "an earlier write failed".to_owned(),
        (None, fjall::Error::Locked) => "it is in use by another process".to_owned(),
        (None, other) => format!("{other:?}"),
    }
}

fn io_source(error: &fjall::Error) -> Option<&std::io::Error> {
    let causes = std::iter::successors(error.source(), |cause: &&(dyn Error + 'static)| (*cause).source());
    causes.filter_map(|cause| cause.downcast_ref()).next()
}

fn io_cause(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::PermissionDenied => "permission denied".to_owned(),
        ErrorKind::ReadOnlyFilesystem => "the file system is read-only".to_owned(),
        ErrorKind::StorageFull => "no space left".to_owned(),
        ErrorKind::QuotaExceeded => "the quota is used up".to_owned(),
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => "there is a file where a folder is needed".to_owned(),
        ErrorKind::NotFound => "not found".to_owned(),
        _ => {
            let text = error.to_string();
            text.split(" (os error").next().unwrap_or(&text).to_lowercase()
        }
    }
}

/// The user of the process and the owner of the nearest folder that exists: a foreign owner is the usual cause.
fn whose(path: &Path) -> String {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let uid = |path: &Path| std::fs::metadata(path).map(|found| found.uid());
        let owned = path.ancestors().find_map(|path| Some((path, uid(path).ok()?)));
        if let (Ok(own), Some((path, owner))) = (uid(Path::new("/proc/self")), owned) {
            return match own == owner {
                true => format!(" (running as uid {own})"),
                false => format!(" (running as uid {own}); {} belongs to uid {owner}", path.display()),
            };
        }
    }
    String::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_named_once_and_without_rust_names() {
        let raw = |code| std::io::Error::from_raw_os_error(code);
        for (code, cause) in [
            (13, "permission denied"),
            (30, "the file system is read-only"),
            (28, "no space left"),
            (20, "there is a file where a folder is needed"),
            (5, "input/output error"),
            (24, "too many open files"),
        ] {
            assert_eq!(
                StoreError::from(fjall::Error::Io(raw(code))).to_string(),
                format!("store: {cause}")
            );
        }
        let poisoned = StoreError::Database(fjall::Error::Poisoned);
        assert_eq!(poisoned.to_string(), "store: an earlier write failed");
        assert!(poisoned.source().is_none(), "a chain of causes would name it twice");
    }

    #[test]
    fn a_read_that_failed_may_pass_and_other_bytes_do_not() {
        let io = fjall::Error::Io(std::io::Error::from_raw_os_error(24));
        assert!(!StoreError::Database(io).is_damage());
        assert!(!StoreError::Database(fjall::Error::Poisoned).is_damage());
        assert!(StoreError::Database(fjall::Error::InvalidTrailer).is_damage());
    }

    #[test]
    fn what_is_wrong_with_the_store_is_divided_by_meaning() {
        let what = || "the tip".to_owned();
        let no_room = || StoreError::NoRoom {
            path: "store".into(),
            free: 1,
            needed: 2,
        };
        // (error, whether the store failed, whether reading again gives the same)
        for (error, failure, damage) in [
            (StoreError::Missing { what: what() }, true, true),
            (StoreError::Altered { what: what() }, true, true),
            (
                StoreError::Unfit {
                    what: "it has no block",
                },
                false,
                false,
            ),
            (StoreError::Closing, false, false),
            (no_room(), false, false),
        ] {
            assert_eq!((error.is_failure(), error.is_damage()), (failure, damage), "{error}");
        }
        let shared = |error: StoreError| error.of_shared_write(Path::new("store")).to_string();
        assert_eq!(shared(StoreError::Closing), StoreError::Closing.to_string());
        assert_eq!(shared(no_room()), no_room().to_string(), "a full disk breaks nothing");
        let broken = "the store in store is broken: cannot write";
        let detail = "cannot write".to_owned();
        let path = "store".into();
        assert_eq!(shared(StoreError::Broken { path, detail }), broken, "it is named once");
        assert_eq!(
            shared(StoreError::from(fjall::Error::Poisoned)),
            "the store in store is broken: store: an earlier write failed"
        );
    }

    #[test]
    fn what_cannot_be_opened_is_named_with_its_path_and_the_user() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let error = StoreError::cannot_write(&file, &std::io::Error::from_raw_os_error(13)).to_string();
        let own = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").unwrap());
        let expected = format!(
            "cannot write {}: permission denied (running as uid {own})",
            file.display()
        );
        assert_eq!(error, expected);
    }
}
