//! The first store of a data directory: made beside its place and moved there whole. A start that is cut off would leave a
//! store in its place that no later start can open.

use std::fs::{File, TryLockError};
use std::path::Path;

use tally_chain::ChainSpec;

use super::{Store, StoreError};

/// The file that the database writes when it is made.
const MARKER: &str = "version";
/// What a start that was cut off may have left without it.
const LEFTOVERS: [&str; 3] = ["lock", "0.jnl", TABLES];
/// The folder of the database's tables; empty until the marker is there.
const TABLES: &str = "keyspaces";

impl Store {
    /// Opens or creates the store for the chain of `spec`. The folder around `path` must exist.
    pub fn open(path: &Path, spec: &ChainSpec) -> Result<Self, StoreError> {
        make(path, spec)?;
        Self::open_in(path, spec)
    }
}

/// Makes the store in `path` unless there is one.
fn make(path: &Path, spec: &ChainSpec) -> Result<(), StoreError> {
    let cannot = |error: std::io::Error| StoreError::cannot_write(path, &error);
    let made = || path.join(MARKER).try_exists().map_err(cannot);
    if made()? {
        return Ok(());
    }
    let lock_path = path.with_extension("lock");
    let lock = File::create(&lock_path).map_err(cannot)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(StoreError::Locked {
                path: path.display().to_string(),
            });
        }
        Err(TryLockError::Error(error)) => return Err(cannot(error)),
    }
    // Another process may have made it before this one had the lock.
    if !made()? {
        remove_leftovers(path)?;
        let making = path.with_extension("making");
        if making.try_exists().map_err(cannot)? {
            std::fs::remove_dir_all(&making).map_err(cannot)?;
        }
        let store = Store::open_in(&making, spec)?;
        store.sync()?;
        drop(store);
        std::fs::rename(&making, path).map_err(cannot)?;
        sync_parent(path).map_err(cannot)?;
    }
    // Another process may have removed it; it has no meaning once the store is made.
    let _ = std::fs::remove_file(&lock_path);
    Ok(())
}

/// Removes what a start that was cut off has left in `path`; nothing else is touched.
fn remove_leftovers(path: &Path) -> Result<(), StoreError> {
    let cannot = |error: std::io::Error| StoreError::cannot_write(path, &error);
    if !path.try_exists().map_err(cannot)? {
        return Ok(());
    }
    for entry in std::fs::read_dir(path).map_err(cannot)? {
        let name = entry.map_err(cannot)?.file_name();
        if !LEFTOVERS.iter().any(|known| name == *known) {
            return Err(StoreError::CannotWrite {
                path: path.to_owned(),
                cause: format!("it holds {}, which is not of a store", name.display()),
            });
        }
    }
    let tables = path.join(TABLES);
    if tables.try_exists().map_err(cannot)? && std::fs::read_dir(&tables).map_err(cannot)?.next().is_some() {
        return Err(StoreError::CannotWrite {
            path: path.to_owned(),
            cause: format!(
                "it holds a store that has lost its file {MARKER}: bring that back, or move the folder away"
            ),
        });
    }
    std::fs::remove_dir_all(path).map_err(cannot)
}

/// The name of a moved folder is on the disk only once the folder around it is.
fn sync_parent(path: &Path) -> std::io::Result<()> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_start_that_was_cut_off_left_is_no_store_and_is_made_anew() {
        let (folder, spec) = (tempfile::tempdir().unwrap(), ChainSpec::built_in("test").unwrap());
        let path = folder.path().join("store");
        std::fs::create_dir_all(path.join("keyspaces")).unwrap();
        for (place, name) in [(&path, "lock"), (&path, "0.jnl")] {
            std::fs::write(place.join(name), "").unwrap();
        }
        std::fs::create_dir_all(folder.path().join("store.making/keyspaces")).unwrap();
        let genesis = tally_chain::genesis::block(&spec).id();
        // The second start finds it made.
        for _ in 0..2 {
            let store = Store::open(&path, &spec).unwrap();
            assert_eq!(store.snapshot().tip().unwrap(), genesis);
        }
        let left: Vec<_> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(left, ["store"]);
    }

    #[test]
    fn a_store_that_has_lost_its_marker_is_not_made_anew() {
        let (folder, spec) = (tempfile::tempdir().unwrap(), ChainSpec::built_in("test").unwrap());
        let path = folder.path().join("store");
        drop(Store::open(&path, &spec).unwrap());
        let marker = std::fs::read(path.join(MARKER)).unwrap();
        std::fs::remove_file(path.join(MARKER)).unwrap();
        let error = Store::open(&path, &spec).err().unwrap().to_string();
        assert!(error.contains("has lost its file version"), "{error}");
        std::fs::write(path.join(MARKER), marker).unwrap();
        let genesis = tally_chain::genesis::block(&spec).id();
        assert_eq!(Store::open(&path, &spec).unwrap().snapshot().tip().unwrap(), genesis);
    }

    #[test]
    fn files_of_others_are_not_touched() {
        let (folder, spec) = (tempfile::tempdir().unwrap(), ChainSpec::built_in("test").unwrap());
        let path = folder.path().join("store");
        std::fs::create_dir(&path).unwrap();
        std::fs::write(path.join("letter"), "mine").unwrap();
        let error = Store::open(&path, &spec).err().unwrap().to_string();
        let expected = format!(
            "cannot write {}: it holds letter, which is not of a store",
            path.display()
        );
        assert_eq!(error, expected);
        assert_eq!(std::fs::read_to_string(path.join("letter")).unwrap(), "mine");
    }
}
