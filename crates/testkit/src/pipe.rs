//! A file that is none: reading it never ends.

use std::path::{Path, PathBuf};

/// Makes a named pipe in this folder, without a writer: opening it to read waits for ever. It panics where that fails.
pub fn pipe(folder: &Path) -> PathBuf {
    let pipe = folder.join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.expect("mkfifo runs").success());
    pipe
}
