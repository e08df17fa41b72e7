//! What this wallet sent, by chain: kept in this browser before it is sent, so that it can be sped up, cancelled or sent again
//! after a reload, and is never made anew by mistake. Nothing of it is secret. Rule: docs/protocol.md#W54

use serde::{Deserialize, Serialize};
use tally_chain::Bytes;

use crate::{browser, model::Status};

/// Entries that are kept of what a node has acknowledged; the oldest go first. What is in doubt is kept however much there is.
const MAX_ACKNOWLEDGED: usize = 64;
/// Bytes of envelopes that are kept of what a node has acknowledged, the newest first: a browser's storage is small, some five
/// million characters for a whole site, and a byte takes two of them.
const MAX_ENVELOPES: usize = 524_288;

/// Why a transaction was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Whether the node said that it has it; entries of older versions were kept only then.
    #[serde(default = "yes")]
    pub acknowledged: bool,
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

/// What is known of an envelope before it is sent. Rule: docs/protocol.md#W56
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Earlier {
    /// It is not in the journal: it was never sent, or was rejected at its first sending.
    Never,
    /// It was sent, and what became of it is not known.
    Open,
    /// A node had it.
    Taken,
}

#[cfg(any(feature = "hydrate", test))]
impl From<Earlier> for tally_wallet::Earlier {
    fn from(earlier: Earlier) -> Self {
        match earlier {
            Earlier::Never => Self::Never,
            Earlier::Open => Self::Open,
            Earlier::Taken => Self::Taken,
        }
    }
}

/// What has become of one.
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// What has become of `sent`, from what the node says of it and of its account's nonce. Rule: docs/protocol.md#W54
pub fn fate(sent: &Sent, told: Option<Status>, account_nonce: u64, journal: &[Sent]) -> Fate {
    match told {
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

/// What an entry says of its envelope.
pub fn known(sent: &Sent) -> Earlier {
    match sent.acknowledged {
        true => Earlier::Taken,
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

/// The journal with one more, and what it said of that one before.
fn added(journal: Vec<Entry>, sent: Sent) -> (Earlier, Vec<Entry>) {
    (earlier_in(&journal, &sent.id), with(journal, sent))
}

/// Whether these very bytes are kept already.
fn keeps(journal: &[Entry], sent: &Sent) -> bool {
    let mut known = journal.iter().filter_map(Entry::sent);
    known.any(|known| known.id == sent.id && known.envelope == sent.envelope)
}

/// Remembers that the node has it. Where that cannot be kept, the entry stays in doubt, and the node is asked again.
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
    // Sent again, it stays known as taken.
    let mut known = journal.iter().filter_map(Entry::sent);
    sent.acknowledged |= known.any(|known| known.id == sent.id && known.acknowledged);
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
mod tests {
    use tally_chain::transaction::MAX_TRANSACTION_BYTES;

    use super::*;

    fn sent(id: &str, nonce: u64) -> Sent {
        Sent {
            id: id.to_owned(),
            from: "0xA".to_owned(),
            nonce,
            at: 1,
            purpose: Purpose::Payment,
            replaces: None,
            envelope: Bytes::from_static(&[0x54]),
            acknowledged: false,
        }
    }

    #[test]
    fn what_the_node_knows_is_where_it_says() {
        let one = sent("a", 3);
        assert_eq!(fate(&one, Some(Status::Pending), 3, &[]), Fate::Waiting);
        assert_eq!(fate(&one, Some(Status::Failed), 4, &[]), Fate::Included);
        assert_eq!(fate(&one, Some(Status::Succeeded), 4, &[]), Fate::Included);
    }

    #[test]
    fn what_it_does_not_know_was_replaced_or_dropped() {
        let journal = [sent("a", 3), sent("b", 3), sent("c", 4)];
        let by = |id: &str| Fate::Replaced {
            by: Some(id.to_owned()),
        };
        assert_eq!(fate(&journal[0], None, 3, &journal), by("b"));
        assert_eq!(fate(&journal[1], None, 3, &journal), Fate::Dropped, "a is older");
        assert_eq!(fate(&journal[1], None, 4, &journal), Fate::Replaced { by: None });
        assert_eq!(fate(&journal[2], None, 4, &journal), Fate::Dropped);
        let other = Sent {
            from: "0xB".to_owned(),
            ..sent("d", 3)
        };
        assert_eq!(fate(&journal[0], None, 3, &[journal[0].clone(), other]), Fate::Dropped);
    }

    #[test]
    fn what_the_node_once_had_stays_acknowledged() {
        let taken = Sent {
            acknowledged: true,
            ..sent("a", 3)
        };
        let journal = with(vec![Entry::Sent(taken.clone())], sent("a", 3));
        assert_eq!(journal, vec![Entry::Sent(taken)]);
        // Older versions kept an entry only once it was taken.
        let old = r#"[{"id":"a","from":"0xA","nonce":3,"at":1,"purpose":"payment","replaces":null,"envelope":"0x54"}]"#;
        assert_eq!(parsed(Some(old.to_owned())), Ok(journal));
    }

    #[test]
    fn what_is_kept_says_what_is_known_before_a_sending() {
        let taken = Sent {
            acknowledged: true,
            ..sent("b", 4)
        };
        let journal = [Entry::Sent(sent("a", 3)), Entry::Sent(taken)];
        assert_eq!(earlier_in(&journal, "a"), Earlier::Open);
        assert_eq!(earlier_in(&journal, "b"), Earlier::Taken);
        assert_eq!(earlier_in(&journal, "c"), Earlier::Never);
    }

    #[test]
    fn of_two_that_hand_in_the_same_only_one_is_the_first() {
        let (first, journal) = added(Vec::new(), sent("a", 3));
        let (second, journal) = added(journal, sent("a", 3));
        let (other, journal) = added(journal, sent("b", 4));
        assert_eq!([first, second, other], [Earlier::Never, Earlier::Open, Earlier::Never]);
        assert_eq!(nonces(&journal), vec![3, 4], "kept once");
    }

    fn nonces(journal: &[Entry]) -> Vec<u64> {
        journal.iter().filter_map(Entry::sent).map(|sent| sent.nonce).collect()
    }

    /// Entries of these nonces, one after the other.
    fn filled(nonces: std::ops::Range<u64>, acknowledged: bool) -> Vec<Entry> {
        nonces.fold(Vec::new(), |journal, nonce| {
            let sent = Sent {
                acknowledged,
                ..sent(&nonce.to_string(), nonce)
            };
            with(journal, sent)
        })
    }

    #[test]
    fn what_is_in_doubt_is_never_let_go() {
        let mut journal = filled(0..70, false);
        assert_eq!(nonces(&journal), (0..70).collect::<Vec<_>>());
        // Of those that a node has, the oldest go, and only those.
        journal.extend(filled(70..140, true));
        let journal = trimmed(journal);
        assert_eq!(nonces(&journal), (0..70).chain(76..140).collect::<Vec<_>>());
        assert_eq!(nonces(&filled(0..70, true)), (6..70).collect::<Vec<_>>());
    }

    #[test]
    fn the_bytes_of_what_is_in_doubt_are_kept_whole() {
        let largest = |id: &str, nonce, acknowledged| Sent {
            envelope: vec![0x54; MAX_TRANSACTION_BYTES].into(),
            acknowledged,
            ..sent(id, nonce)
        };
        let length = |entry: &Entry| entry.sent().map(|sent| sent.envelope.len());
        let mut journal = vec![Entry::Sent(largest("doubt", 1, false))];
        for (nonce, id) in (2..).zip(["a", "b", "c", "d", "e"]) {
            journal = with(journal, largest(id, nonce, true));
        }
        // Four of the largest fit beside it.
        let whole = Some(MAX_TRANSACTION_BYTES);
        let lengths: Vec<_> = journal.iter().map(length).collect();
        assert_eq!(lengths, vec![whole, Some(0), whole, whole, whole, whole]);
        assert!(keeps(&journal, &largest("doubt", 1, false)));
        assert!(
            !keeps(&journal, &largest("a", 2, true)),
            "its bytes are no longer there"
        );
    }

    #[test]
    fn entries_of_other_versions_stay_and_a_broken_list_is_no_empty_one() {
        let text = r#"[{"id":"z","purpose":"gift"},{"id":"a","from":"0xA","nonce":3,"at":1,"purpose":"cancel","replaces":null,"envelope":"0x54","acknowledged":false}]"#;
        let journal = parsed(Some(text.to_owned())).unwrap();
        assert_eq!(nonces(&journal), vec![3]);
        let longer = with(journal.clone(), sent("b", 4));
        assert_eq!((longer.len(), &longer[0]), (3, &journal[0]));
        let written = serde_json::to_string(&longer).unwrap();
        assert!(written.starts_with(r#"[{"id":"z","purpose":"gift"},"#), "{written}");
        assert_eq!(parsed(Some("[{".to_owned())), Err(NotKept::Unreadable));
        assert_eq!(parsed(None), Ok(Vec::new()));
    }

    #[test]
    fn without_a_storage_nothing_may_be_sent() {
        let none = NotKept::Storage("only a browser keeps something".to_owned());
        assert_eq!(add_alone("0x00", sent("a", 3)), Err(none));
    }
}
