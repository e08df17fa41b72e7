//! What this wallet sent, by chain: kept in this browser before it is sent, so that it can be sped up, cancelled or sent again
//! after a reload, and is never made again by mistake. Nothing of it is secret. Rule: docs/protocol.md#W54

use serde::{Deserialize, Serialize};
use tally_chain::Bytes;

use crate::{browser, model::Status};

/// Entries that are kept of what a node has acknowledged; the oldest go first. What is in doubt is kept however much there is.
const MAX_ACKNOWLEDGED: usize = 64;
/// Bytes of envelopes that are kept of what a node has acknowledged, the newest first: a browser's storage is small, some five
/// million characters for a whole site, and a byte takes two of them.
const MAX_ENVELOPES: usize = 524_288;

/// Why a transaction was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    Payment,
    /// The same again for a higher fee.
    SpeedUp,
    /// Nothing, in the place of a payment.
    Cancel,
    /// Nothing, for a nonce that was missing.
    Fill,
}

impl Purpose {
    pub fn words(self) -> &'static str {
        match self {
            Self::Payment => "Payment",
            Self::SpeedUp => "Payment, sped up",
            Self::Cancel => "Cancellation",
            Self::Fill => "Filler of a gap",
        }
    }
}

/// One transaction that was signed, to be handed to a node.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Sent {
    pub id: String,
    pub from: String,
    pub nonce: u64,
    /// Unix seconds.
    pub at: u64,
    pub purpose: Purpose,
    /// The one in whose place it stands.
    pub replaces: Option<String>,
    /// Whole until a node has acknowledged it; empty where there was no room for it any more.
    pub envelope: Bytes,
    /// Whether the node has acknowledged it; entries of older versions were kept only then.
    #[serde(default = "yes")]
    pub acknowledged: bool,
    /// Whether the same bytes were handed in once more since this entry was made, in this tab or in another. Only [`add`] sets it.
    #[serde(default)]
    pub again: bool,
}

fn yes() -> bool {
    true
}

impl Sent {
    /// Whom it pays, read from its bytes; none of what only fills a nonce.
    #[cfg(feature = "hydrate")]
    pub fn recipient(&self) -> Option<String> {
        let pays = matches!(self.purpose, Purpose::Payment | Purpose::SpeedUp);
        let raw = tally_chain::RawTransaction::decode(self.envelope.clone())
            .ok()
            .filter(|_| pays)?;
        raw.transaction().view().to.map(|to| to.to_string())
    }
}

#[cfg(test)]
impl Sent {
    /// A payment of nonce 3 that got no answer: what tests begin with.
    pub fn in_doubt(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            from: "0xA".to_owned(),
            nonce: 3,
            at: 1,
            purpose: Purpose::Payment,
            replaces: None,
            envelope: Bytes::from_static(&[0x54]),
            acknowledged: false,
            again: false,
        }
    }
}

/// What is known of an envelope before it is sent. Rule: docs/protocol.md#W56
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Earlier {
    /// It is not in the journal: it was never sent, or was rejected at its first sending.
    Never,
    /// It was sent, and what became of it is not known.
    Open,
    /// A node had it.
    Accepted,
}

#[cfg(any(feature = "hydrate", test))]
impl From<Earlier> for tally_wallet::Earlier {
    fn from(earlier: Earlier) -> Self {
        match earlier {
            Earlier::Never => Self::Never,
            Earlier::Open => Self::Open,
            Earlier::Accepted => Self::Accepted,
        }
    }
}

/// What has become of one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    /// In the pool.
    Waiting,
    /// In a block.
    Included,
    /// Another of its nonce took its place: this one, if it is the wallet's.
    Replaced { by: Option<String> },
    /// The node does not know it, and its nonce is still free.
    Dropped,
}

/// What has become of `sent`, from what the node reports of it and of its account's nonce. Rule: docs/protocol.md#W54
pub fn fate(sent: &Sent, reported: Option<Status>, account_nonce: u64, journal: &[Sent]) -> Fate {
    match reported {
        Some(Status::Pending) => return Fate::Waiting,
        Some(Status::Succeeded | Status::Failed) => return Fate::Included,
        None => {}
    }
    let same = |other: &&Sent| other.from == sent.from && other.nonce == sent.nonce && other.id != sent.id;
    let later = journal
        .iter()
        .skip_while(|other| other.id != sent.id)
        .filter(same)
        .last();
    match later {
        Some(later) => Fate::Replaced {
            by: Some(later.id.clone()),
        },
        None if account_nonce > sent.nonce => Fate::Replaced { by: None },
        None => Fate::Dropped,
    }
}

fn key(genesis: &str) -> String {
    format!("tally.sent.{genesis}")
}

/// Why this browser does not keep what is sent, or does not know what it kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotKept {
    #[error("{0}")]
    Storage(String),
    #[error("what this browser kept of earlier payments cannot be read")]
    Unreadable,
}

/// An entry, or one that another version of this page has written: it is left as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Entry {
    Sent(Sent),
    Other(serde_json::Value),
}

impl Entry {
    fn sent(&self) -> Option<&Sent> {
        match self {
            Self::Sent(sent) => Some(sent),
            Self::Other(_) => None,
        }
    }

    fn has_id(&self, id: &str) -> bool {
        self.sent().is_some_and(|sent| sent.id == id)
    }
}

fn parsed(text: Option<String>) -> Result<Vec<Entry>, NotKept> {
    let Some(text) = text else { return Ok(Vec::new()) };
    serde_json::from_str(&text).map_err(|_| NotKept::Unreadable)
}

fn read(genesis: &str) -> Result<Vec<Entry>, NotKept> {
    parsed(browser::kept(&key(genesis)).map_err(NotKept::Storage)?)
}

fn write(genesis: &str, journal: &[Entry]) -> Result<(), NotKept> {
    let text = serde_json::to_string(journal).map_err(|error| NotKept::Storage(error.to_string()))?;
    browser::keep(&key(genesis), &text).map_err(NotKept::Storage)
}

/// What was sent on this chain, oldest first.
pub fn load(genesis: &str) -> Result<Vec<Sent>, NotKept> {
    let entries = read(genesis)?.into_iter();
    Ok(entries
        .filter_map(|entry| match entry {
            Entry::Sent(sent) => Some(sent),
            Entry::Other(_) => None,
        })
        .collect())
}

/// What is known of the envelope of this id. Of a journal that cannot be read nothing is: then nothing is sent either.
pub fn earlier(genesis: &str, id: &str) -> Earlier {
    earlier_in(&read(genesis).unwrap_or_default(), id)
}

fn earlier_in(journal: &[Entry], id: &str) -> Earlier {
    let mut entries = journal.iter().filter_map(Entry::sent);
    entries.find(|sent| sent.id == id).map_or(Earlier::Never, known)
}

/// What an entry records of its envelope.
pub fn known(sent: &Sent) -> Earlier {
    match sent.acknowledged {
        true => Earlier::Accepted,
        false => Earlier::Open,
    }
}

/// Reads the journal, changes it and writes it while no other tab does so: of two that write what each has read, the later
/// would forget what the earlier sent.
async fn change<T: 'static>(
    genesis: &str,
    edit: impl FnOnce(&str) -> Result<T, NotKept> + 'static,
) -> Result<T, NotKept> {
    let owned = genesis.to_owned();
    let done = browser::alone(&key(genesis), move || edit(&owned)).await;
    done.map_err(NotKept::Storage)?
}

/// Remembers one more, with its bytes, and reads that back: only then it may be sent. What was known of it before is found
/// under the same lock: of two tabs that hand in the same bytes only one is the first.
pub async fn add(genesis: &str, sent: Sent) -> Result<Earlier, NotKept> {
    change(genesis, move |genesis| add_alone(genesis, sent)).await
}

fn add_alone(genesis: &str, sent: Sent) -> Result<Earlier, NotKept> {
    let journal = read(genesis)?;
    let is_there = keeps(&journal, &sent);
    let (earlier, journal) = added(journal, sent);
    match write(genesis, &journal) {
        // It was kept when it was sent before: only its place among the others stays as it was.
        Err(_) if is_there => Ok(earlier),
        outcome => outcome.map(|()| earlier),
    }
}

/// The journal with one more, and what it recorded of that one before.
fn added(journal: Vec<Entry>, sent: Sent) -> (Earlier, Vec<Entry>) {
    (earlier_in(&journal, &sent.id), with(journal, sent))
}

/// Whether these very bytes are kept already.
fn keeps(journal: &[Entry], sent: &Sent) -> bool {
    let mut known = journal.iter().filter_map(Entry::sent);
    known.any(|known| known.id == sent.id && known.envelope == sent.envelope)
}

/// Remembers that the node has it. Where that cannot be kept, the entry stays in doubt, and the node is queried again.
pub async fn acknowledge(genesis: &str, id: &str) {
    let id = id.to_owned();
    let edit = move |genesis: &str| {
        let mut journal = read(genesis)?;
        for entry in &mut journal {
            if let Entry::Sent(sent) = entry {
                sent.acknowledged |= sent.id == id;
            }
        }
        write(genesis, &trimmed(journal))
    };
    let _ = change(genesis, edit).await;
}

/// Forgets one that the node rejected at its first sending: it never was on its way, unless another tab that has the same
/// proposal handed in the same bytes meanwhile; then it stays. What is known of it, without the rejection: nothing where it was
/// forgotten. Where that cannot be kept, it stays in doubt. Rule: docs/protocol.md#W56
pub async fn forget_rejected(genesis: &str, id: &str) -> Earlier {
    let id = id.to_owned();
    let edit = move |genesis: &str| {
        let (earlier, journal) = without_rejected(read(genesis)?, &id);
        if earlier == Earlier::Never {
            write(genesis, &journal)?;
        }
        Ok(earlier)
    };
    open_unless_known(change(genesis, edit).await)
}

/// What is known of one that may stay in the list because that could not be changed: the page shows what the list will show.
fn open_unless_known(known: Result<Earlier, NotKept>) -> Earlier {
    known.unwrap_or(Earlier::Open)
}

/// The journal without one whose first sending was rejected, where nothing else was sent of it; and what is known of it.
fn without_rejected(mut journal: Vec<Entry>, id: &str) -> (Earlier, Vec<Entry>) {
    let mut entries = journal.iter().filter_map(Entry::sent);
    let kept = entries.find(|sent| sent.id == id && (sent.again || sent.acknowledged));
    if let Some(kept) = kept {
        return (known(kept), journal);
    }
    journal.retain(|entry| !entry.has_id(id));
    (Earlier::Never, journal)
}

/// Forgets one that is of no more use. Where that cannot be kept, it stays in doubt.
pub async fn forget(genesis: &str, id: &str) {
    let id = id.to_owned();
    let edit = move |genesis: &str| {
        let mut journal = read(genesis)?;
        journal.retain(|entry| !entry.has_id(&id));
        write(genesis, &journal)
    };
    let _ = change(genesis, edit).await;
}

/// Forgets all of a chain, with its wallet.
pub async fn clear(genesis: &str) {
    let edit = |genesis: &str| {
        browser::forget(&key(genesis));
        Ok(())
    };
    let _ = change(genesis, edit).await;
}

fn with(mut journal: Vec<Entry>, mut sent: Sent) -> Vec<Entry> {
    // Sent again, it stays known as accepted.
    let mut entries = journal.iter().filter_map(Entry::sent);
    if let Some(known) = entries.find(|known| known.id == sent.id) {
        sent.acknowledged |= known.acknowledged;
        sent.again = true;
    }
    journal.retain(|entry| !entry.has_id(&sent.id));
    journal.push(Entry::Sent(sent));
    trimmed(journal)
}

/// Within the bounds, which are for what a node has acknowledged: of what is in doubt nothing is let go, since its bytes are
/// the only ones that may be sent again.
fn trimmed(mut journal: Vec<Entry>) -> Vec<Entry> {
    let (mut entries, mut bytes) = (0_usize, 0);
    for entry in journal.iter_mut().rev() {
        let Entry::Sent(sent) = entry else { continue };
        if !sent.acknowledged {
            continue;
        }
        entries += 1;
        bytes += sent.envelope.len();
        if bytes > MAX_ENVELOPES {
            sent.envelope = Bytes::new();
        }
    }
    let mut surplus = entries.saturating_sub(MAX_ACKNOWLEDGED);
    journal.retain(|entry| {
        let goes = surplus > 0 && entry.sent().is_some_and(|sent| sent.acknowledged);
        surplus -= usize::from(goes);
        !goes
    });
    journal
}

#[cfg(test)]
mod tests;
