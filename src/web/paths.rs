//! Paths that belong to programs, and those that nothing stands behind.

use axum::extract::Request;

use crate::api::problem::{Problem, kinds};

/// Whether a path belongs to programs rather than to people.
pub fn is_machine_path(path: &str) -> bool {
    ["/api/", "/pkg/", "/metrics", "/healthz", "/readyz"]
        .iter()
        .any(|prefix| path.starts_with(prefix))
}

/// The problem for a path that nothing stands behind.
pub fn nothing_here(request: &Request) -> Problem {
    let path: String = request.uri().path().chars().take(256).collect();
    Problem::new(&kinds::NOT_FOUND, format!("there is nothing at {path}")).with("path", path)
}
