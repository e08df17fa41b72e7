//! Files that hold secrets.

use std::fs::{File, OpenOptions};
use std::path::Path;

/// Makes a file that is not there yet and that only its owner may read, from its first byte on.
pub fn private(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
