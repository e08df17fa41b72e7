//! Private files that are whole at every moment, behind symbolic links.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::private_file;

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
    private_file::replace(target, bytes).with_context(|| format!("cannot write {}", target.display()))
}

/// Puts a whole file where there is none.
pub fn create(target: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    match private_file::create(target, bytes) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            bail!("{} exists already; it was left alone", target.display())
        }
        done => done.with_context(|| format!("cannot write {}", target.display())),
    }
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
