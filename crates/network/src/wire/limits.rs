//! What one peer, and all of them, may take of this node. Rules: docs/protocol.md#N2, #N8

/// Hashes in a locator.
pub const MAX_LOCATOR: usize = 64;
/// Headers in an answer.
pub const MAX_HEADERS: usize = 2_000;
/// Blocks in a request.
pub const MAX_BLOCKS: usize = 16;
/// Manifests in a request.
pub const MAX_MANIFESTS: usize = 512;
/// Transaction ids in an inventory or a request.
pub const MAX_IDS: usize = 1_024;
/// Transactions of one block that may be requested, four bytes each in the request.
pub const MAX_INDEXES: usize = tally_chain::block::MAX_TRANSACTIONS;
/// Envelope bytes in one answer to a request for pooled transactions; more are left out.
pub const MAX_POOLED_BYTES: usize = 4 << 20;
/// Block bytes in one answer; the first block goes regardless of its size.
pub const MAX_BODY_BYTES: usize = 8 << 20;
/// The name of a peer's program, bytes.
pub const MAX_AGENT: usize = 64;
/// What a frame may hold beside blocks or transactions.
pub const FRAME_OVERHEAD: usize = 64 << 10;

/// Headers kept of a chain that is not imported yet: 40 bytes each.
pub const MAX_PLANNED: usize = 20_000;
/// Blocks requested ahead of the next one to import.
pub const BODY_WINDOW: usize = 128;
/// Bytes of blocks held until those before them come, those on their way included.
pub const MAX_HELD_BYTES: usize = 128 << 20;
/// Of these, for each chain: one of which blocks are missing does not keep others out.
pub const MAX_HELD_OF_A_CHAIN: usize = MAX_HELD_BYTES / MAX_SYNCS;
/// What a block on its way counts as at least, bytes: its part of a full answer with as many as may be requested.
pub const MIN_EXPECTED_BYTES: usize = MAX_BODY_BYTES / MAX_BLOCKS;
/// Requests for blocks that one peer has open.
pub const MAX_BODY_REQUESTS: usize = 2;
/// Requests for parts of a state that one peer has open, and all of them.
pub const MAX_PART_REQUESTS: usize = 2;
/// Requests for parts that are open to all peers together.
pub const MAX_PARTS_REQUESTED: usize = 16;
/// Blocks imported before other input is handled.
pub const IMPORTS_A_TURN: usize = 32;

/// Ids remembered of what a peer knows, of each kind.
pub const MAX_KNOWN: usize = 65_536;
/// Transactions requested or to be requested, of all peers; where there are too many, the peer that announced most yields.
pub const MAX_WANTED: usize = 65_536;
/// Transactions that are kept because their sender's account does not allow them yet; where there are too many, those that
/// have waited too long go first; then, of the address range that sent most, the peer that sent most loses its oldest, unless
/// one of another range has it, too.
pub const MAX_EARLY: usize = 512;
/// Bytes of their envelopes.
pub const MAX_EARLY_BYTES: usize = 4 << 20;
/// Milliseconds for which each is kept: the block on which it builds was made before it and is on its way.
pub const EARLY_MS: u64 = 120_000;
/// Milliseconds until another peer, too, gets the request for a transaction that the first has not sent.
pub const REQUEST_NEXT_MS: u64 = 3_000;
/// Chains of headers that are looked at beside each other.
pub const MAX_SYNCS: usize = 3;
/// Milliseconds without progress of all of them until another is begun.
pub const STUCK_MS: u64 = 3_000;
/// Milliseconds until the source of a chain gets the request for its next block that another peer does not send.
pub const HEDGE_MS: u64 = 10_000;
/// The same where that peer has never sent a block.
pub const HEDGE_UNPROVEN_MS: u64 = 2_000;
/// Peers from which one block is put together at once; one place is for an outbound peer.
pub const MAX_REBUILDS: usize = 3;
/// Blocks that are put together from what one peer sends.
pub const MAX_REBUILDS_OF_ONE: usize = 2;
/// Milliseconds for which a block that is being put together stands in for a synchronisation.
pub const COMING_MS: u64 = 5_000;
/// Requests of one peer whose late answers are still checked.
pub const MAX_LATE: usize = 64;
/// Requests in a row, left unanswered, with which the conversation ends.
pub const MAX_SILENT: u32 = 4;
/// The same where other messages came meanwhile: the link carries, and the answers may wait behind them.
pub const MAX_UNANSWERED: u32 = 16;
/// Bytes a second at which an answer under way is waited for beyond its time.
pub const MIN_FLOW: u64 = 4 << 10;
/// Requests for announced transactions that one peer has open: more would only wait behind each other on its link.
pub const MAX_TRANSACTION_REQUESTS: usize = 4;
/// Milliseconds between two looks at the time from which on this node itself was too slow: no peer is late then.
pub const STALL_MS: u64 = 2_000;
/// Milliseconds for which a newcomer waits for the peers that its operator named, and for claims that are still looked at.
pub const NAMED_MS: u64 = 30_000;
/// Milliseconds for which a newcomer waits for claims that are still looked at.
pub const CLAIMS_MS: u64 = 120_000;
/// Peers of its own dialling for which a newcomer waits as long where its operator named none: those that come by themselves
/// may all be one person's.
pub const MIN_OUTBOUND: usize = 3;
/// Milliseconds that the state of one source's checkpoint may take while another peer could be the source; doubled with each
/// that took longer, so many times at most: a slow link gets there in the end.
pub const CHECKPOINT_MS: u64 = 300_000;
/// How often that time is doubled at most.
pub const MAX_CHECKPOINT_DOUBLINGS: u32 = 5;
/// Bytes of earlier answers above which a peer's further requests wait until it has read them.
pub const MAX_UNREAD: usize = 1 << 20;
/// Bytes of unread frames of all peers together, above which no long answer is begun.
pub const MAX_UNREAD_ALL: usize = 192 << 20;
/// Requests of one peer that wait for their answers, and bytes of them.
pub const MAX_WAITING_REQUESTS: usize = 64;
/// Bytes of the requests of one peer that wait for their answers.
pub const MAX_WAITING_BYTES: usize = 2 << 20;
/// Milliseconds after which a request that waits for room lets the slowest reader go.
pub const ROOM_MS: u64 = 5_000;
/// Milliseconds that a reader has for a long answer before it may be let go for the sake of others.
pub const READING_MS: u64 = 10_000;

/// Bytes of the store that answers to the peers of one host may read on and on, a second, and at once. No node imports blocks
/// as fast as that, so that none that synchronises waits for it.
pub const COST_A_SECOND: u64 = 64 << 20;
/// Bytes that such answers may read at once.
pub const COST_AT_ONCE: u64 = 256 << 20;
/// What looking up one block's record counts as, and one transaction of the pool: bytes.
pub const RECORD_COST: u64 = 1 << 10;
/// What one transaction of the pool counts as, in bytes.
pub const POOLED_COST: u64 = 256;
/// What a checkpoint counts as, which may have to be made, and the list of those that are kept: bytes.
pub const CHECKPOINT_COST: u64 = 64 << 20;
/// What the list of kept checkpoints counts as, in bytes.
pub const CHECKPOINTS_COST: u64 = 256 << 10;
/// Blocks below the tip of which single transactions are given: a peer that puts a block together requests them as soon as it
/// is announced.
pub const TRANSACTIONS_DEPTH: u64 = 10;

/// Inbound peers; outbound ones come on top.
pub const MAX_INBOUND: usize = 64;
/// Of these, peers of one IPv4 address or IPv6 /64, and of one IPv4 /16 or IPv6 /32.
pub const MAX_INBOUND_HOST: usize = 4;
/// Inbound peers of one IPv4 /16 or IPv6 /32.
pub const MAX_INBOUND_RANGE: usize = 16;
/// Bans remembered.
pub const MAX_BANS: usize = 4_096;

/// Milliseconds in which a peer must send hello.
pub const HELLO_MS: u64 = 10_000;
/// Milliseconds in which a request must be answered.
pub const ANSWER_MS: u64 = 20_000;
/// The same for blocks, which are large.
pub const BLOCKS_MS: u64 = 60_000;
/// Milliseconds between pings.
pub const PING_MS: u64 = 30_000;
/// Unrequested messages a second that a peer may send on and on. At once it may send what an honest one holds back while a
/// connection, or this node, stands still for two minutes: so much alone shows nothing.
pub const MESSAGES_A_SECOND: u64 = 100;
/// Unrequested messages that a peer may send at once.
pub const MESSAGES_AT_ONCE: u64 = 10_000;
/// Inventory ids a second that a peer may send on and on, and at once.
pub const IDS_A_SECOND: u64 = 40_000;
/// Inventory ids that a peer may send at once.
pub const IDS_AT_ONCE: u64 = 2_500_000;
/// Inventories and ids that this node sends: well below what it grants.
pub const ANNOUNCE_A_SECOND: u64 = 30;
/// Inventories that this node sends at once.
pub const ANNOUNCE_AT_ONCE: u64 = 300;
/// Inventory ids a second that this node sends on and on.
pub const ANNOUNCE_IDS_A_SECOND: u64 = 15_000;
/// Inventory ids that this node sends at once.
pub const ANNOUNCE_IDS_AT_ONCE: u64 = 200_000;
/// Requests for blocks of its plan that this node sends one peer: small blocks on a fast link would take more than a peer
/// may request, and be a flood.
pub const REQUESTS_A_SECOND: u64 = 30;
/// The same requests at once.
pub const REQUESTS_AT_ONCE: u64 = 5_000;
const _: () = assert!(2 * ANNOUNCE_A_SECOND + REQUESTS_A_SECOND < MESSAGES_A_SECOND);
const _: () = assert!(2 * ANNOUNCE_AT_ONCE + REQUESTS_AT_ONCE < MESSAGES_AT_ONCE);
/// Inbound conversations that one host may begin at once, and the seconds in which it may begin another on and on.
pub const BEGINNINGS_AT_ONCE: u64 = 32;
/// Seconds in which one host may begin another conversation, after those at once.
pub const BEGIN_SECS: u64 = 5;
/// Transactions of the pool that are looked at in one turn to announce them to a peer that has come.
pub const OFFERED_A_TURN: usize = 4 * MAX_IDS;
