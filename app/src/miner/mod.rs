//! Mining in this browser: the panel on the mining page. The work is done in workers.

mod crew;
mod panel;
pub mod protocol;

pub use panel::BrowserMiner;
