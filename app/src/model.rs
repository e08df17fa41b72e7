//! What a page shows, as plain data: the shapes that travel from the node to the browser.
//! Nothing here reads a store or a clock; ids and amounts are the strings that the API uses.

mod account;
mod block;
mod evidence;
mod lab;
mod listing;
mod node;
mod overview;
mod search;
mod transaction;

pub use account::{AccountKind, AccountView, HistoryLine, HistoryView, LostPlace, RewardRow};
pub use block::{BlockPage, BlockRow, HeaderView, ManifestView};
pub use evidence::{BlockEvidence, TransactionEvidence};
pub use lab::{LabGroup, LabScenario, LabScenarioView, LabView};
pub use listing::{BlockQuery, BlockSort, Listing, MAX_ROWS, StatusFilter, TransactionQuery};
pub use node::{
    BanView, ClockView, Figure, HeavierForkView, MinerView, MiningView, NetworkView, PeerView, PerformanceView,
    RangeBanView, SecurityView, SelfCheck, SyncView, Verdict, WorkerView,
};
pub use overview::{ChainInfo, ChartPoint, FeeBand, MempoolView, Notch, Overview};
pub use search::{Destination, SearchAnswer};
pub use transaction::{
    BlockRef, LogView, PolicyKeyView, PolicyView, Scheme, Status, TransactionKind, TransactionPage, TransactionRow,
};

pub use tally_api::BaseUnits;
