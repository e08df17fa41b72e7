//! What this node sends to its peers, and what it does with what they send. Rules: docs/protocol.md#N1 to #N9
//!
//! [`Session`] does no input and output of its own: a driver brings connections, frames and the time, and
//! carries out the [`Output`]s. So the very code that runs on sockets runs in a simulation, too, the same way each time.
//! Blocks and transactions enter the node by its public doors, [`import_block`](tally_node::Node::import_block) and
//! [`submit_relayed`](tally_node::Node::submit_relayed). Types without a session come first (`peer`, `attempt`, `walk` and the
//! like), then the state of a session, then what it does about each subject: nothing points back.

mod admission;
mod budget;
mod checkpoint;
mod clock;
mod driver;
mod flow;
mod hello;
mod late;
mod lines;
mod name;
pub mod offence;
mod peer;
pub mod peers;
mod rates;
mod relay;
mod remembered;
mod serving;
mod state;
mod status;
mod sync;
mod whole;

pub use checkpoint::heavier_fork::HeavierFork;
pub use flow::Arrived;
pub use name::PeerName;
pub use peer::{PeerStatus, Traffic};
pub use peers::bans::{Ban, RangeBan};
pub use relay::compact::short_id;
pub use serving::waiting::Unread;
pub use state::{Counters, Output, Session};
pub use sync::attempt::SyncStatus;
