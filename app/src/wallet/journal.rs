//! What this wallet sent, by chain: kept in this browser so that it can be sped up, cancelled or sent again after a reload.
//! Nothing of it is secret. Rule: docs/protocol.md#W54

use serde::{Deserialize, Serialize};
use tally_chain::Bytes;

use crate::{browser, model::Status};

/// Entries that are kept; the oldest go first.
const MAX_ENTRIES: usize = 64;
/// Longest envelope that is kept, in bytes.
const MAX_ENVELOPE: usize = 8_192;

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
    /// Empty where it was too long to keep.
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

/// What was sent on this chain, oldest first.
pub fn load(genesis: &str) -> Vec<Sent> {
    browser::load(&key(genesis)).unwrap_or_default()
}

/// Remembers one more.
pub fn add(genesis: &str, sent: Sent) {
    browser::store(&key(genesis), &with(load(genesis), sent));
}

/// Remembers that the node has it.
pub fn acknowledge(genesis: &str, id: &str) {
    let mut journal = load(genesis);
    if let Some(sent) = journal.iter_mut().find(|sent| sent.id == id) {
        sent.acknowledged = true;
        browser::store(&key(genesis), &journal);
    }
}

/// Forgets one that is of no more use.
pub fn forget(genesis: &str, id: &str) {
    let mut journal = load(genesis);
    journal.retain(|sent| sent.id != id);
    browser::store(&key(genesis), &journal);
}

/// Forgets all of a chain, with its wallet.
pub fn clear(genesis: &str) {
    browser::forget(&key(genesis));
}

fn with(mut journal: Vec<Sent>, mut sent: Sent) -> Vec<Sent> {
    if sent.envelope.len() > MAX_ENVELOPE {
        sent.envelope = Bytes::new();
    }
    // Sent again, it stays known as taken.
    sent.acknowledged |= journal.iter().any(|known| known.id == sent.id && known.acknowledged);
    journal.retain(|known| known.id != sent.id);
    journal.push(sent);
    let surplus = journal.len().saturating_sub(MAX_ENTRIES);
    journal.split_off(surplus)
}

#[cfg(test)]
mod tests {
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
        let journal = with(vec![taken.clone()], sent("a", 3));
        assert_eq!(journal, vec![taken]);
        // Older versions kept an entry only once it was taken.
        let old = r#"{"id":"a","from":"0xA","nonce":3,"at":1,"purpose":"payment","replaces":null,"envelope":"0x54"}"#;
        assert_eq!(serde_json::from_str::<Sent>(old).unwrap(), journal[0]);
    }

    #[test]
    fn the_journal_is_bounded() {
        let journal = (0..70).fold(Vec::new(), |journal, nonce| {
            with(journal, sent(&nonce.to_string(), nonce))
        });
        assert_eq!(journal.len(), MAX_ENTRIES);
        assert_eq!((journal[0].nonce, journal[63].nonce), (6, 69));
        let long = Sent {
            envelope: vec![0x54; MAX_ENVELOPE + 1].into(),
            ..sent("69", 69)
        };
        let journal = with(journal, long);
        assert_eq!((journal.len(), journal[63].envelope.len()), (MAX_ENTRIES, 0));
    }
}
