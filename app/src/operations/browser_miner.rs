//! Mining in this browser: the panel on the mining page. The work is done in workers.

mod crew;
mod panel;

pub use panel::BrowserMiner;

use tally_api::worker::miner as protocol;
