//! What this wallet sent: written down, on the disk, before it is handed to a node, so that the same bytes can be sent again
//! where the answer was lost. A private file beside the vault; nothing in it is secret. Rules: docs/protocol.md#W54, #W56

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use tally_chain::transaction::{LIFETIME, Payload};
use tally_chain::{Address, Amount, BlockId, Bytes, RawTransaction, TxId, UnixSecs};
use tally_wallet::{Earlier, Signed};

use super::file::{Lock, VaultFile, create, follow, replace};
use crate::regular_file::{self, NotRead};

/// Settled entries that are kept; the oldest go first. Rule: docs/protocol.md#W54
const MAX_SETTLED: usize = 64;
/// A change of the journal takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(20);
const VERSION: u32 = 1;

/// What is known of a transaction that was handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// No clear answer came: it may have been accepted.
    Unanswered,
    /// Journals of earlier versions have this name of it.
    #[serde(rename = "taken")]
    Accepted,
    Rejected,
}

impl State {
    /// What it stands for before the same bytes are sent again.
    pub fn earlier(self) -> Earlier {
        match self {
            Self::Unanswered => Earlier::Open,
            Self::Accepted => Earlier::Accepted,
            Self::Rejected => Earlier::Never,
        }
    }
}

/// A transaction that was handed over, or was about to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub id: TxId,
    /// Of the chain that it was signed for.
    pub genesis: BlockId,
    /// As people read it, with its checksum.
    pub from: String,
    pub nonce: u64,
    /// When it was written down.
    pub at: UnixSecs,
    pub envelope: Bytes,
    pub state: State,
    /// Whether the same bytes were handed over once more since this was written down, by this command or by another one. Only
    /// [`Journal::add`] and [`Journal::open_again`] set it.
    #[serde(default)]
    pub again: bool,
}

/// What a payment does: the very same payment has all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paid {
    pub to: Option<Address>,
    pub value: Amount,
    pub data: Bytes,
}

impl Paid {
    /// What an envelope pays, read from its bytes.
    pub fn by(envelope: &Bytes) -> anyhow::Result<Self> {
        let raw = RawTransaction::decode(envelope.clone())?;
        let view = raw.transaction().view();
        Ok(Self {
            to: view.to,
            value: view.value,
            data: view.data.clone(),
        })
    }

    /// What bytes that are about to be signed pay.
    pub fn in_payload(payload: &[u8]) -> anyhow::Result<Self> {
        let Payload { to, value, data, .. } = Payload::decode(payload)?;
        Ok(Self { to, value, data })
    }

    /// Whether a person would take one for the other: receiver and amount, and where nothing moves the data, which is then all
    /// that is done. Rule: docs/protocol.md#W58
    pub fn is_equal(&self, other: &Self) -> bool {
        let alike = self.to == other.to && self.value == other.value;
        alike && (!self.value.is_zero() || self.data == other.data)
    }

    /// Whether it moves nothing and has no memo, as a cancelling one: twice is as good as once. Rule: docs/protocol.md#W53
    pub fn is_nothing(&self, sender: Address) -> bool {
        self.to == Some(sender) && self.value.is_zero() && self.data.is_empty()
    }
}

impl Entry {
    /// Of an envelope that is about to be sent.
    pub fn of(signed: &Signed, genesis: BlockId, at: UnixSecs) -> anyhow::Result<Self> {
        let raw = RawTransaction::decode(signed.envelope.clone())?;
        Ok(Self {
            id: signed.id,
            genesis,
            from: signed.sender.to_string(),
            nonce: raw.transaction().view().nonce,
            at,
            envelope: signed.envelope.clone(),
            state: State::Unanswered,
            again: false,
        })
    }

    /// Whether no block takes it any more: a day after the time in it, which a proposal of others may have dated ahead, and
    /// never sooner than a day after it was written down. Rule: docs/protocol.md#T7
    pub fn is_over(&self, now: UnixSecs) -> bool {
        let raw = RawTransaction::decode(self.envelope.clone()).ok();
        let dated = raw.and_then(|raw| raw.transaction().view().timestamp);
        now > dated.unwrap_or_default().max(self.at).saturating_add(LIFETIME)
    }
}

#[derive(Serialize, Deserialize)]
struct Contents {
    version: u32,
    entries: Vec<Entry>,
}

/// The file of what was sent.
pub struct Journal {
    path: PathBuf,
    lock: PathBuf,
}

impl Journal {
    /// Of this vault. Like the vault, it is written where a symbolic link leads.
    pub fn of(file: &VaultFile) -> anyhow::Result<Self> {
        Ok(Self {
            path: follow(&file.beside(".sent.json")?)?,
            lock: file.beside(".sent.lock")?,
        })
    }

    /// All entries, oldest first.
    pub fn entries(&self) -> anyhow::Result<Vec<Entry>> {
        let damaged = || format!("{} cannot be read; move it away", self.path.display());
        // Open payments are kept whatever their number, so the file may have any size.
        let bytes = match regular_file::read(&self.path, u64::MAX) {
            Ok(bytes) => bytes,
            Err(NotRead::Io(error)) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error).with_context(damaged),
        };
        let contents: Contents = serde_json::from_slice(&bytes).with_context(damaged)?;
        anyhow::ensure!(
            contents.version == VERSION,
            "{} has version {}, this program reads {VERSION}",
            self.path.display(),
            contents.version
        );
        Ok(contents.entries)
    }

    /// Those of this chain whose fate is open, oldest first.
    pub fn unanswered(&self, genesis: BlockId) -> anyhow::Result<Vec<Entry>> {
        let mut entries = self.entries()?;
        entries.retain(|entry| entry.genesis == genesis && entry.state == State::Unanswered);
        Ok(entries)
    }

    /// Writes one down, and returns when it is on the disk. What was known of it before is found under the same lock: of two
    /// commands that hand over the same bytes only one is the first.
    pub fn add(&self, mut entry: Entry) -> anyhow::Result<Earlier> {
        self.change(|entries| {
            let known = entries.iter().find(|known| known.id == entry.id);
            let state = known.map_or(State::Rejected, |known| known.state);
            // What a node had stays known so.
            if state != State::Accepted {
                entry.again = state == State::Unanswered;
                entries.retain(|known| known.id != entry.id);
                entries.push(entry);
            }
            state.earlier()
        })
    }

    /// Writes down that the bytes of an entry are handed over once more: one that was rejected is open from here on. What was
    /// known of it before; none where it is no longer there.
    pub fn open_again(&self, id: TxId) -> anyhow::Result<Option<Earlier>> {
        self.change(|entries| {
            let entry = entries.iter_mut().find(|entry| entry.id == id)?;
            let earlier = entry.state.earlier();
            if entry.state != State::Accepted {
                entry.again = entry.state == State::Unanswered;
                entry.state = State::Unanswered;
            }
            Some(earlier)
        })
    }

    /// Writes down that the node rejected one at its first sending: no copy of it was on its way, unless another command has
    /// handed over the same bytes meanwhile; then it stays as it is. What is known of it without the rejection.
    /// Rule: docs/protocol.md#W56
    pub fn reject(&self, id: TxId) -> anyhow::Result<Earlier> {
        self.change(|entries| {
            let Some(entry) = entries.iter_mut().find(|entry| entry.id == id) else {
                return Earlier::Never;
            };
            if entry.state == State::Accepted || entry.again {
                return entry.state.earlier();
            }
            entry.state = State::Rejected;
            Earlier::Never
        })
    }

    /// Writes down what became of one; one that is not there is left so.
    pub fn settle(&self, id: TxId, state: State) -> anyhow::Result<()> {
        self.change(|entries| {
            for entry in entries.iter_mut().filter(|entry| entry.id == id) {
                entry.state = state;
            }
        })
    }

    /// What is known of the bytes of this id before they are sent.
    pub fn earlier(&self, id: TxId) -> anyhow::Result<Earlier> {
        let entries = self.entries()?;
        let known = entries.iter().find(|entry| entry.id == id);
        Ok(known.map_or(Earlier::Never, |entry| entry.state.earlier()))
    }

    /// Takes one away that its owner gave up.
    pub fn forget(&self, id: TxId) -> anyhow::Result<()> {
        self.change(|entries| entries.retain(|entry| entry.id != id))
    }

    fn change<T>(&self, edit: impl FnOnce(&mut Vec<Entry>) -> T) -> anyhow::Result<T> {
        let _lock = Lock::take(&self.lock, "the list of sent transactions", PATIENCE)?;
        let mut entries = self.entries()?;
        let known = edit(&mut entries);
        trim(&mut entries);
        let contents = Contents {
            version: VERSION,
            entries,
        };
        let bytes = serde_json::to_vec_pretty(&contents)?;
        match self.path.exists() {
            true => replace(&self.path, &bytes),
            false => create(&self.path, &bytes),
        }?;
        Ok(known)
    }
}

/// Forgets the oldest settled entries; an open one is never forgotten.
fn trim(entries: &mut Vec<Entry>) {
    let settled = entries.iter().filter(|entry| entry.state != State::Unanswered).count();
    let mut surplus = settled.saturating_sub(MAX_SETTLED);
    entries.retain(|entry| {
        let goes = surplus > 0 && entry.state != State::Unanswered;
        surplus -= usize::from(goes);
        !goes
    });
}

#[cfg(test)]
mod tests {
    use tally_chain::B256;

    use super::*;

    fn entry(number: u8, state: State) -> Entry {
        Entry {
            id: TxId(B256::repeat_byte(number)),
            genesis: BlockId(B256::repeat_byte(9)),
            from: "0xA".to_owned(),
            nonce: number.into(),
            at: UnixSecs(1),
            envelope: Bytes::from_static(&[0x54]),
            state,
            again: false,
        }
    }

    fn journal(folder: &tempfile::TempDir) -> Journal {
        Journal {
            path: folder.path().join("wallet.json.sent.json"),
            lock: folder.path().join("wallet.json.sent.lock"),
        }
    }

    #[test]
    fn what_was_sent_is_kept_and_settled() {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = journal(&folder);
        assert_eq!(journal.entries().expect("reads"), []);
        let (first, second) = (entry(1, State::Unanswered), entry(2, State::Unanswered));
        journal.add(first.clone()).expect("written");
        journal.add(second.clone()).expect("written");
        journal.settle(first.id, State::Accepted).expect("written");
        assert_eq!(
            journal.unanswered(first.genesis).expect("reads"),
            std::slice::from_ref(&second)
        );
        assert_eq!(journal.unanswered(BlockId::ZERO).expect("reads"), []);
        let taken = Entry {
            state: State::Accepted,
            ..first
        };
        assert_eq!(journal.entries().expect("reads"), [taken.clone(), second.clone()]);
        let earlier = |id| journal.earlier(id).expect("reads");
        assert_eq!(earlier(taken.id), Earlier::Accepted);
        assert_eq!(earlier(second.id), Earlier::Open);
        journal.settle(second.id, State::Rejected).expect("written");
        assert_eq!(earlier(second.id), Earlier::Never);
        journal.forget(second.id).expect("written");
        assert_eq!(journal.entries().expect("reads"), [taken]);
        assert_eq!(earlier(second.id), Earlier::Never);
        std::fs::write(&journal.path, "{").expect("written");
        let error = journal.add(entry(3, State::Unanswered)).expect_err("it cannot be read");
        assert!(error.to_string().ends_with("cannot be read; move it away"), "{error:#}");
    }

    #[test]
    fn a_rejection_settles_nothing_of_what_another_command_has_sent() {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = journal(&folder);
        let sent = entry(1, State::Unanswered);
        let state = || journal.entries().expect("reads")[0].state;
        let add = || journal.add(sent.clone()).expect("written");
        let reject = || journal.reject(sent.id).expect("written");
        let open_again = || journal.open_again(sent.id).expect("written");
        // Alone, a rejection ends it, and the same bytes start again.
        assert_eq!(
            (add(), reject(), state()),
            (Earlier::Never, Earlier::Never, State::Rejected)
        );
        assert_eq!((open_again(), state()), (Some(Earlier::Never), State::Unanswered));
        assert_eq!((reject(), state()), (Earlier::Never, State::Rejected));
        // Two commands, of which the first is rejected: what becomes of the second is not known yet.
        assert_eq!((add(), add()), (Earlier::Never, Earlier::Open));
        assert_eq!((reject(), state()), (Earlier::Open, State::Unanswered));
        // The second was accepted, and stays so, no matter which command begins or is rejected after that.
        journal.settle(sent.id, State::Accepted).expect("written");
        assert_eq!((reject(), state()), (Earlier::Accepted, State::Accepted));
        assert_eq!((add(), open_again()), (Earlier::Accepted, Some(Earlier::Accepted)));
        assert_eq!(state(), State::Accepted);
        journal.forget(sent.id).expect("written");
        assert_eq!((open_again(), reject()), (None, Earlier::Never));
        // Entries of older versions do not record a second sending.
        let old = serde_json::to_string(&sent)
            .expect("JSON")
            .replace(r#","again":false"#, "");
        assert_eq!(serde_json::from_str::<Entry>(&old).expect("reads"), sent);
    }

    #[test]
    fn payments_are_equal_by_receiver_and_amount_and_by_data_where_nothing_moves() {
        let (ann, bob) = (Address::repeat_byte(1), Address::repeat_byte(2));
        let paid = |to: Option<Address>, value: &str, data: &'static str| Paid {
            to,
            value: Amount::from_coins(value).expect("an amount"),
            data: Bytes::from_static(data.as_bytes()),
        };
        let tea = paid(Some(ann), "1.5", "tea");
        for (other, equal) in [
            (tea.clone(), true),
            (paid(Some(ann), "1.5", "another memo"), true),
            (paid(Some(ann), "1.5", ""), true),
            (paid(Some(bob), "1.5", "tea"), false),
            (paid(Some(ann), "1.6", "tea"), false),
            (paid(None, "1.5", "tea"), false),
        ] {
            assert_eq!(tea.is_equal(&other), equal, "{other:?}");
        }
        let call = paid(Some(ann), "0", "call");
        for (other, equal) in [
            (call.clone(), true),
            (paid(Some(ann), "0", "another call"), false),
            (paid(Some(ann), "0", ""), false),
        ] {
            assert_eq!(call.is_equal(&other), equal, "{other:?}");
        }
        let nothing = paid(Some(ann), "0", "");
        assert!(nothing.is_nothing(ann) && !nothing.is_nothing(bob));
        assert!(!call.is_nothing(ann) && !tea.is_nothing(ann));
    }

    #[test]
    #[cfg(unix)]
    fn a_list_behind_a_link_is_changed_where_it_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("real.json"), r#"{"version":1,"entries":[]}"#).expect("written");
        std::os::unix::fs::symlink("real.json", at("wallet.json.sent.json")).expect("linked");
        let vault = VaultFile::at(Some(at("wallet.json"))).expect("a path");
        let journal = Journal::of(&vault).expect("leads somewhere");
        let sent = entry(1, State::Unanswered);
        journal.add(sent.clone()).expect("written");
        assert!(at("wallet.json.sent.json").is_symlink());
        let real = std::fs::read_to_string(at("real.json")).expect("reads");
        assert!(real.contains(&sent.id.to_string()), "{real}");
    }

    #[test]
    fn the_oldest_settled_ones_go_and_open_ones_stay() {
        let mut entries = vec![entry(0, State::Unanswered)];
        entries.extend((1..=70).map(|number| entry(number, State::Accepted)));
        trim(&mut entries);
        assert_eq!(entries.len(), 1 + MAX_SETTLED);
        assert_eq!((entries[0].nonce, entries[1].nonce), (0, 7));
    }
}
