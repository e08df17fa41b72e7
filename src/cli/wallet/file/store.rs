//! Private files that are whole at every moment: mode 0600, written beside and then put in place, behind symbolic links.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use tempfile::NamedTempFile;

/// Where a path leads: a symbolic link is followed to its end, so that what is written stands there and the link stays.
pub fn follow(path: &Path) -> anyhow::Result<PathBuf> {
    match std::fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => {}
        _ => return Ok(path.to_owned()),
    }
    std::fs::canonicalize(path).with_context(|| {
        let to = std::fs::read_link(path).unwrap_or_default();
        format!(
            "{} is a link to {}, which cannot be reached",
            path.display(),
            to.display()
        )
    })
}

/// Puts a whole file in the place of what is there, if anything.
pub fn replace(target: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let cannot = || format!("cannot write {}", target.display());
    let file = written(target, bytes)?;
    file.persist(target).map_err(|error| error.error).with_context(cannot)?;
    sync_folder(target).with_context(cannot)
}

/// Puts a whole file where there is none.
pub fn create(target: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let cannot = || format!("cannot write {}", target.display());
    let file = written(target, bytes)?;
    match file.persist_noclobber(target) {
        Ok(_) => sync_folder(target).with_context(cannot),
        Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => {
            bail!("{} exists already; it was left alone", target.display())
        }
        Err(error) => Err(error.error).with_context(cannot),
    }
}

/// A file beside the target with these bytes, on the disk; it goes away unless it is put in place.
fn written(target: &Path, bytes: &[u8]) -> anyhow::Result<NamedTempFile> {
    let cannot = || format!("cannot write {}", target.display());
    let folder = folder(target);
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    // Made with mode 0600.
    let mut file = NamedTempFile::new_in(folder).with_context(cannot)?;
    file.write_all(bytes).with_context(cannot)?;
    file.as_file().sync_all().with_context(cannot)?;
    Ok(file)
}

/// The new name itself has to reach the disk, not only the bytes.
fn sync_folder(target: &Path) -> std::io::Result<()> {
    if cfg!(unix) {
        std::fs::File::open(folder(target))?.sync_all()?;
    }
    Ok(())
}

fn folder(target: &Path) -> &Path {
    let parent = target.parent().filter(|folder| !folder.as_os_str().is_empty());
    parent.unwrap_or(Path::new("."))
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn a_link_stays_and_what_it_leads_to_is_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let (real, first, link) = (
            folder.path().join("real"),
            folder.path().join("first"),
            folder.path().join("link"),
        );
        std::fs::write(&real, "old").expect("written");
        // By two steps, one of them relative.
        symlink("real", &first).expect("linked");
        symlink(&first, &link).expect("linked");
        let target = follow(&link).expect("leads somewhere");
        replace(&target, b"new").expect("written");
        assert_eq!(std::fs::read(&real).expect("reads"), b"new");
        assert!(link.is_symlink() && first.is_symlink());
        let mode = std::fs::metadata(&real).expect("is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);

        std::fs::remove_file(&real).expect("removed");
        let error = follow(&link).expect_err("leads nowhere");
        assert_eq!(
            error.to_string(),
            format!(
                "{} is a link to {}, which cannot be reached",
                link.display(),
                first.display()
            )
        );
    }
}
