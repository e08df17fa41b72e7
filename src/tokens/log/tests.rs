use std::os::unix::fs::PermissionsExt as _;

use sha2::{Digest as _, Sha256};

use super::*;

const NOW: UnixSecs = UnixSecs(1_793_500_000);

fn draft(text: &str) -> Draft {
    let actor = Actor {
        id: "operator".to_owned(),
        name: "operator".to_owned(),
        address: [127, 0, 0, 1].into(),
        reach: super::super::Reach::of(super::super::Scopes::new()),
    };
    Draft {
        time: NOW,
        ..Draft::by(&actor, "peers.ban", json!({ "id": text, "secs": 60 }))
    }
}

struct Stand(tempfile::TempDir);

impl Stand {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn folder(&self) -> PathBuf {
        self.0.path().join("operator-log")
    }

    fn open(&self) -> Log {
        Log::open(&self.folder(), NOW).expect("opens")
    }

    /// A log with so many entries.
    fn with(count: usize) -> Self {
        let stand = Self::new();
        let log = stand.open();
        (0..count).for_each(|number| drop(log.append(draft(&number.to_string())).expect("written")));
        stand
    }

    fn path(&self, number: u32) -> PathBuf {
        self.folder().join(Segment::name(number))
    }

    fn text(&self, number: u32) -> String {
        std::fs::read_to_string(self.path(number)).expect("a file")
    }

    fn write(&self, text: &str) {
        std::fs::write(self.path(1), text).expect("written");
    }
}

fn faults(log: &Log) -> Vec<String> {
    log.faults().0.iter().map(ToString::to_string).collect()
}

fn actions(log: &Log) -> Vec<(u64, String)> {
    let page = log.page(u64::MAX, 100).expect("reads");
    page.into_iter().map(|entry| (entry.sequence, entry.action)).collect()
}

#[test]
fn each_entry_has_the_hash_of_the_one_before_and_its_own_over_its_text() {
    let stand = Stand::with(3);
    let text = stand.text(1);
    let mut previous = format!("0x{}", "00".repeat(32));
    for (number, line) in (1..).zip(text.lines()) {
        // As the documents say it, without this module.
        let (body, hash) = line.rsplit_once(",\"hash\":\"").expect("the last member");
        let hash = hash.strip_suffix("\"}").expect("the end");
        let computed = format!(
            "0x{}",
            alloy_primitives::hex::encode(Sha256::digest(format!("{body}}}")))
        );
        assert_eq!(hash, computed);
        let entry: Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(
            (&entry["sequence"], &entry["previous"]),
            (&json!(number), &json!(previous))
        );
        previous = computed;
    }
    assert_eq!(
        text.lines()
            .next()
            .map(|line| line.split(",\"previous\"").next().expect("a part")),
        Some(
            "{\"sequence\":1,\"time\":1793500000,\"actor\":{\"id\":\"operator\",\"name\":\"operator\"},\"address\":\"127.0.0.1\",\
             \"action\":\"peers.ban\",\"parameters\":{\"id\":\"0\",\"secs\":60},\"outcome\":\"done\""
        )
    );
    let log = stand.open();
    let head = log.head().expect("entries");
    assert_eq!((head.sequence, format!("{:#x}", head.hash)), (3, previous));
    assert_eq!(faults(&log), Vec::<String>::new());
    let mode = std::fs::metadata(stand.path(1)).expect("is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn pages_lead_from_the_newest_to_the_oldest() {
    let stand = Stand::with(7);
    let log = stand.open();
    let numbers = |before, limit| {
        let page = log.page(before, limit).expect("reads");
        page.iter().map(|entry| entry.sequence).collect::<Vec<_>>()
    };
    assert_eq!(numbers(u64::MAX, 3), [7, 6, 5]);
    assert_eq!(numbers(5, 3), [4, 3, 2]);
    assert_eq!(numbers(2, 3), [1]);
    assert_eq!(numbers(1, 3), [0; 0]);
    assert!(Stand::new().open().page(u64::MAX, 3).expect("reads").is_empty());
}

#[test]
fn every_change_of_what_was_written_is_found() {
    let stand = Stand::with(4);
    let text = stand.text(1);
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let at = |line: u64, why: &str| format!("00000001.ndjson, line {line}: {why}");
    let edited = text
        .replacen("\"secs\":60", "\"secs\":61", 2)
        .replacen("\"secs\":61", "\"secs\":60", 1);
    for (changed, found) in [
        (edited, vec![at(2, "the hash is not that of the line")]),
        (
            [lines[0], lines[2], lines[3]].concat(),
            vec![at(2, "the entry has number 3, expected 2")],
        ),
        (
            [lines[0], lines[2], lines[1], lines[3]].concat(),
            vec![
                at(2, "the entry has number 3, expected 2"),
                at(3, "the entry has number 2, expected 4"),
                at(4, "the entry has number 4, expected 3"),
            ],
        ),
        (
            [lines[1], lines[2], lines[3]].concat(),
            vec![at(1, "the entry has number 2, expected 1")],
        ),
        (
            [lines[0], "nonsense\n", lines[1], lines[2], lines[3]].concat(),
            vec![at(2, "the line is no entry")],
        ),
        (
            [lines[0], "\n", lines[1], lines[2], lines[3]].concat(),
            vec![at(2, "the line is no entry")],
        ),
    ] {
        stand.write(&changed);
        assert_eq!(faults(&stand.open()), found, "{changed}");
        assert!(stand.text(1).starts_with(&changed), "it stays as it is");
    }
    // An entry with a hash of its own making is not the one that the next one follows.
    let (_, forged) = line::write(
        draft("forged"),
        Position {
            sequence: 1,
            hash: B256::ZERO,
        },
    );
    stand.write(&[lines[0], &forged, lines[2], lines[3]].concat());
    let why = "the entry does not follow the one before";
    assert_eq!(faults(&stand.open()), [at(2, why), at(3, why)]);
    std::fs::remove_file(stand.path(1)).expect("ours");
    std::fs::write(stand.path(2), &text).expect("ours");
    assert_eq!(faults(&stand.open()), ["00000001.ndjson: the file is missing"]);
}

#[test]
fn a_torn_end_is_kept_named_once_and_the_chain_goes_on_after_it() {
    let stand = Stand::with(3);
    let text = stand.text(1);
    let torn = &text[..text.len() - 40];
    stand.write(torn);
    let log = stand.open();
    let found = ["00000001.ndjson, line 3: the line has no end"];
    assert_eq!(faults(&log), found);
    assert_eq!(actions(&log)[0], (3, "log.damaged".to_owned()));
    let entry = &log.page(u64::MAX, 1).expect("reads")[0];
    assert_eq!(
        (&entry.parameters["faults"], &entry.parameters["first"]),
        (&json!(1), &json!(found[0]))
    );
    assert_eq!((entry.actor.id.as_str(), entry.address), ("node", None));
    log.append(draft("after")).expect("written");
    drop(log);
    assert_eq!(stand.text(1), torn, "not touched");
    for _ in 0..2 {
        let again = stand.open();
        assert_eq!(faults(&again), found, "it is shown again");
        assert_eq!(actions(&again)[0], (4, "peers.ban".to_owned()), "and has its one entry");
    }
    // Another fault gets an entry of its own.
    let second = stand.text(2).replacen("\"secs\":60", "\"secs\":6", 1);
    std::fs::write(stand.path(2), second).expect("ours");
    let again = stand.open();
    assert_eq!(faults(&again).len(), 2);
    assert_eq!(actions(&again)[0], (5, "log.damaged".to_owned()));
}

#[test]
fn full_files_are_followed_by_others_and_the_oldest_goes() {
    let stand = Stand::new();
    let limits = Limits {
        file_bytes: 1_000,
        files: 3,
    };
    let open = || Log::with(&stand.folder(), NOW, limits).expect("opens");
    let log = open();
    for number in 0..20 {
        log.append(draft(&number.to_string())).expect("written");
    }
    let files = || std::fs::read_dir(stand.folder()).expect("a folder").count();
    assert_eq!(files(), 3);
    let kept = actions(&log);
    let oldest = kept.last().expect("entries").0;
    assert!(kept.len() >= 6 && oldest > 1, "{kept:?}");
    assert_eq!(kept[0].0, 20);
    let first: Vec<_> = log.parts().iter().map(|part| part.first).collect();
    assert_eq!(first[0], oldest);
    let whole: Vec<u8> = log
        .parts()
        .iter()
        .filter_map(|part| part.read().expect("reads"))
        .flatten()
        .collect();
    assert_eq!(whole.iter().filter(|byte| **byte == b'\n').count(), kept.len());
    drop(log);
    let again = open();
    assert_eq!((faults(&again), actions(&again)), (Vec::new(), kept));
    assert_eq!(again.append(draft("on")).expect("written").sequence, 21);
    // One file less than the log keeps: it has not gone by itself.
    let numbers: Vec<_> = again.parts().iter().map(|part| part.path.clone()).collect();
    std::fs::remove_file(&numbers[0]).expect("ours");
    assert_eq!(faults(&open()), ["00000001.ndjson: the file is missing"]);
}

#[test]
fn a_write_that_fails_leaves_no_part_of_a_line() {
    let stand = Stand::with(2);
    let log = stand.open();
    let before = stand.text(1);
    let good = {
        let mut state = log.state.lock();
        // Open for reading only: no write succeeds.
        let good = state.file.replace(File::open(stand.path(1)).expect("opens"));
        let error = log.put(&mut state, 3, "a line\n").expect_err("it cannot be written");
        assert_eq!(error.raw_os_error(), Some(Errno::BADF.raw_os_error()));
        good
    };
    assert!(log.ready().is_err(), "what it left cannot be cut off either");
    // The file is open for reading: it is not cut.
    let LogError::Io { source, .. } = log.append(draft("lost")).expect_err("what it left is there");
    assert_eq!(source.raw_os_error(), Some(Errno::INVAL.raw_os_error()));
    // The disk is there again, with a part of the line.
    std::fs::write(stand.path(1), format!("{before}a li")).expect("ours");
    log.state.lock().file = good;
    log.ready().expect("mended");
    assert_eq!(stand.text(1), before);
    assert_eq!(log.append(draft("kept")).expect("written").sequence, 3);
    assert_eq!(faults(&stand.open()), Vec::<String>::new());
}

#[test]
fn room_is_taken_before_it_is_needed() {
    use std::os::unix::fs::MetadataExt as _;
    let stand = Stand::new();
    let log = stand.open();
    log.ready().expect("room");
    let found = std::fs::metadata(stand.path(1)).expect("the first file");
    // A file system that takes no room before takes none.
    assert!(
        found.len() == 0 && (found.blocks() == 0 || found.blocks() * 512 >= RESERVED),
        "{found:?}"
    );
    assert_eq!(log.append(draft("one")).expect("written").sequence, 1);
    assert_eq!(stand.text(1).lines().count(), 1);
    drop(log);
    std::fs::rename(stand.folder(), stand.0.path().join("away")).expect("ours");
    let full = Log {
        folder: stand.0.path().join("away"),
        limits: Limits {
            file_bytes: 0,
            files: 3,
        },
        ..Log::open(&stand.0.path().join("away"), NOW).expect("opens")
    };
    std::fs::remove_dir_all(stand.0.path().join("away")).expect("ours");
    assert!(full.ready().is_err(), "there is nowhere to begin a file");
}

#[test]
fn long_texts_and_lists_are_cut() {
    let stand = Stand::new();
    let log = stand.open();
    let long = "ä".repeat(10_000);
    let mut many = draft(&long);
    let actor = Actor {
        id: "operator".to_owned(),
        name: "operator".to_owned(),
        address: [127, 0, 0, 1].into(),
        reach: super::super::Reach::of(super::super::Scopes::new()),
    };
    many.parameters = Draft::by(
        &actor,
        "tokens.create",
        json!({ "id": long, "scopes": vec!["\u{1}"; 10_000] }),
    )
    .parameters;
    let entry = log.append(many).expect("written");
    assert_eq!(entry.parameters["id"], format!("{}…", "ä".repeat(256)));
    assert_eq!(entry.parameters["scopes"].as_array().map(Vec::len), Some(17));
    assert_eq!(faults(&stand.open()), Vec::<String>::new());
}
