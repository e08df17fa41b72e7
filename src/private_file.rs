//! Files of this program that are whole at every moment: written beside with mode 0600, on the disk, then put in place. Whatever
//! ends the process or the machine meanwhile, the old file or the new one is there, and no part of one.

use std::fs::File;
use std::io::{Error, ErrorKind, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use tempfile::NamedTempFile;

/// Puts a whole file in the place of what is there, if anything.
///
/// # Errors
/// The error of the system; the old file then stays.
pub fn replace(target: &Path, bytes: &[u8]) -> Result<(), Error> {
    let file = written(target, bytes)?;
    leave_to_owner_of(target, file.as_file());
    file.persist(target).map_err(|error| error.error)?;
    sync_folder(target)
}

/// Puts a whole file where there is none.
///
/// # Errors
/// `AlreadyExists` where there is one, which stays; else the error of the system.
pub fn create(target: &Path, bytes: &[u8]) -> Result<(), Error> {
    let file = written(target, bytes)?;
    leave_to_owner_of(folder(target), file.as_file());
    file.persist_noclobber(target).map_err(|error| error.error)?;
    sync_folder(target)
}

/// Makes a folder, and those above it that are missing.
///
/// # Errors
/// As [`check_folder`]; else the error of the system, which is `AlreadyExists` for a file in the way.
pub fn make_folder(folder: &Path) -> Result<(), Error> {
    check_folder(folder)?;
    std::fs::create_dir_all(folder)
}

/// Whether there is, or can be, a folder of this path.
///
/// # Errors
/// `NotADirectory` with the name of what stands in the way: something that is no folder.
pub fn check_folder(folder: &Path) -> Result<(), Error> {
    let other = |path: &&Path| std::fs::metadata(path).is_ok_and(|found| !found.is_dir());
    match folder.ancestors().find(other) {
        Some(path) => Err(Error::new(
            ErrorKind::NotADirectory,
            format!("{} is not a folder", path.display()),
        )),
        None => Ok(()),
    }
}

/// What root makes in the place of another user's file, or in another user's folder, stays theirs: a single command under
/// `sudo` would lock them out of their own vault. Other users make files of their own. `file` has to be new: a file that was
/// only opened may be another's, by a link.
pub fn leave_to_owner_of(path: &Path, file: &File) {
    let (Ok(theirs), Ok(ours)) = (std::fs::metadata(path), file.metadata()) else {
        return;
    };
    if ours.uid() == 0 && theirs.uid() != 0 {
        // Where it cannot be given away it is root's, as before.
        let _ = std::os::unix::fs::fchown(file, Some(theirs.uid()), Some(theirs.gid()));
    }
}

/// A file beside the target with these bytes, on the disk; it goes away unless it is put in place.
fn written(target: &Path, bytes: &[u8]) -> Result<NamedTempFile, Error> {
    let folder = folder(target);
    make_folder(folder)?;
    // Made with mode 0600.
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    Ok(file)
}

/// The new name itself has to reach the disk, not only the bytes.
fn sync_folder(target: &Path) -> Result<(), Error> {
    if cfg!(unix) {
        std::fs::File::open(folder(target))?.sync_all()?;
    }
    Ok(())
}

/// Where the target stands.
pub fn folder(target: &Path) -> &Path {
    let parent = target.parent().filter(|folder| !folder.as_os_str().is_empty());
    parent.unwrap_or(Path::new("."))
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).expect("is there").permissions().mode() & 0o777
    }

    #[test]
    fn a_file_is_replaced_as_a_whole_and_is_private() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("new/key");
        create(&path, b"one").expect("made with its folder");
        assert_eq!(mode(&path), 0o600);
        assert_eq!(
            create(&path, b"two").expect_err("is there").kind(),
            ErrorKind::AlreadyExists
        );
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("our own file");
        let mut reader = std::fs::File::open(&path).expect("opens");
        replace(&path, b"three").expect("replaced");
        assert_eq!(
            (std::fs::read(&path).expect("reads"), mode(&path)),
            (b"three".to_vec(), 0o600)
        );
        // Another file was put in place: who had the old one open still reads that.
        assert_eq!(std::io::read_to_string(&mut reader).expect("reads"), "one");
        let names = std::fs::read_dir(path.parent().expect("a folder"))
            .expect("reads")
            .count();
        assert_eq!(names, 1, "nothing is left beside it");
    }

    #[test]
    fn what_cannot_be_written_leaves_the_old_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("key");
        std::fs::create_dir(&path).expect("a folder in its place");
        let error = replace(&path, b"new").expect_err("a folder is no file");
        assert_eq!(error.kind(), ErrorKind::IsADirectory, "{error}");
        assert!(path.is_dir());
        assert_eq!(std::fs::read_dir(folder.path()).expect("reads").count(), 1);
    }

    #[test]
    fn a_file_in_the_place_of_a_folder_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("letter");
        std::fs::write(&file, "mine").expect("written");
        for below in ["key", "new/key", "new/er/key"] {
            let target = file.join(below);
            for error in [create(&target, b"one"), replace(&target, b"one")] {
                let error = error.expect_err("no folder");
                assert_eq!(
                    (error.kind(), error.to_string()),
                    (ErrorKind::NotADirectory, format!("{} is not a folder", file.display()))
                );
            }
        }
        assert_eq!(std::fs::read(&file).expect("reads"), b"mine");
    }

    #[test]
    fn a_file_that_root_replaces_stays_its_owners() {
        let folder = tempfile::tempdir().expect("a folder");
        let theirs = Some(12_345);
        let (old, new) = (folder.path().join("old"), folder.path().join("new"));
        create(&old, b"one").expect("made");
        // Only root gives files away.
        if std::os::unix::fs::chown(&old, theirs, theirs).is_err() {
            return;
        }
        replace(&old, b"two").expect("replaced");
        std::os::unix::fs::chown(folder.path(), theirs, theirs).expect("root");
        create(&new, b"three").expect("made");
        for path in [old, new] {
            let found = std::fs::metadata(&path).expect("is there");
            assert_eq!((found.uid(), found.gid()), (12_345, 12_345), "{}", path.display());
            assert_eq!(mode(&path), 0o600);
        }
    }
}
