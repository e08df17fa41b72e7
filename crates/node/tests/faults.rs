//! Power cuts and failing disks at every call of a scripted run. The script runs in a process of its own: this test
//! program again, with a layer under it (`tests/support/faults.c`) that writes down or fails what reaches the disk.
//!
//! By default a spread of cuts and failures; `TALLY_FAULTS=all` takes every one.
#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]
#![cfg(target_os = "linux")]

#[path = "support/disk.rs"]
mod disk;
mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use disk::{Dice, Disk, read_log};
use support::*;
use tally_chain::{Address, BlockId, Bytes, TxId};
use tally_node::{CheckpointConfig, ImportError, Imported, Node, StoreError, SubmitError, WorkError};
use tempfile::tempdir;

const ALICE: usize = 0;
const BOB: usize = 1;
/// Where the script keeps its data, and its other branch.
const DATA: &str = "TALLY_TEST_DATA";
const BRANCH: &str = "TALLY_TEST_BRANCH";
const EIO: i32 = 5;
const ENOSPC: i32 = 28;

fn checkpoints() -> CheckpointConfig {
    CheckpointConfig {
        every: 2,
        depth: 1,
        part_leaves: 4,
        begin: false,
        trusted: None,
    }
}

/// What the script was promised: a transaction or a block, and how long the log was when it knew.
#[derive(Debug)]
struct Promise {
    what: String,
    id: String,
    log: u64,
}

/// The script's side: everything that is acknowledged goes to standard output.
struct Script {
    dir: PathBuf,
    clock: HandClock,
}

/// A failure that is the store's, and nothing else.
fn only_the_store(error: &(dyn std::error::Error + 'static)) -> bool {
    let import = |error: &ImportError| matches!(error, ImportError::Store(_));
    if let Some(error) = error.downcast_ref::<WorkError>() {
        return matches!(error, WorkError::Import(error) if import(error));
    }
    if let Some(error) = error.downcast_ref::<SubmitError>() {
        return matches!(
            error,
            SubmitError::NotStored(_) | SubmitError::State(_) | SubmitError::Store(_)
        );
    }
    error.downcast_ref::<ImportError>().is_some_and(import)
        || error.is::<StoreError>()
        || error.is::<tally_node::TemplateError>()
}

type Step = Result<(), Box<dyn std::error::Error>>;

impl Script {
    fn promised(&self, what: &str, id: impl std::fmt::Display) {
        let log = std::env::var_os("FAULTS_LOG").map_or(0, |log| std::fs::metadata(log).unwrap().len());
        println!("PROMISE {what} {id} {log}");
    }

    fn open(&self) -> Result<Node, StoreError> {
        open_at(&self.dir, &self.clock, 100, checkpoints())
    }

    /// A read may fail once: the next try has to work.
    fn again<T, E: std::error::Error + 'static>(&self, mut step: impl FnMut() -> Result<T, E>) -> Result<T, E> {
        step().or_else(|error| {
            assert!(only_the_store(&error), "WRONG {error}");
            step()
        })
    }

    fn pay(&self, node: &Node, nonces: std::ops::Range<u64>) -> Step {
        for nonce in nonces {
            let envelope = payment(node, ALICE, nonce, address_of(BOB), 7);
            let taken = self.again(|| match node.submit(envelope.clone()) {
                Err(SubmitError::Mempool(tally_node::mempool::MempoolError::AlreadyKnown { id })) => Ok(id),
                taken => taken.map(|taken| taken.id),
            })?;
            self.promised("transaction", taken);
        }
        Ok(())
    }

    fn mine(&self, node: &Node) -> Step {
        self.clock.advance(1);
        self.again(|| {
            let job = node.template(Address::repeat_byte(1)).map_err(|error| match error {
                tally_node::TemplateError::State(error) => ImportError::Store(error.into()),
                tally_node::TemplateError::NothingStored => {
                    let what = "a store that works".to_owned();
                    ImportError::Store(StoreError::Missing { what })
                }
                other => panic!("WRONG {other}"),
            })?;
            let nonce = tally_chain::pow::Search::new(&job.header, job.target)
                .scan(0, u32::MAX)
                .unwrap();
            node.submit_sealed(&job, &[0; 8], job.header.time, nonce)
                .map_err(|error| match error {
                    WorkError::Import(error) => error,
                    other => panic!("WRONG {other}"),
                })
        })?;
        self.promised("block", node.tip().record.id);
        Ok(())
    }

    fn first_half(&self) -> Step {
        let node = self.open()?;
        let done = (|| -> Step {
            for nonce in 0..3 {
                self.pay(&node, nonce..nonce + 1)?;
                self.mine(&node)?;
            }
            let batch = (3..9)
                .map(|nonce| payment(&node, ALICE, nonce, address_of(BOB), 7))
                .collect();
            for taken in node.submit_batch(batch) {
                self.promised("transaction", taken?.id);
            }
            self.mine(&node)?;
            self.pay(&node, 9..11)
        })();
        let closed = node.close();
        done?;
        Ok(closed?)
    }

    /// Everything goes from the journal into tables, which is otherwise done at 64 MiB. Where the database's own thread
    /// fails by it, nothing answers any more: that is a failure, too.
    fn flush(&self) -> Step {
        let (store, (done, wait)) = (self.dir.join("store"), std::sync::mpsc::channel());
        std::thread::spawn(move || {
            let flushed = (|| -> Result<(), fjall::Error> {
                let database = fjall::Database::builder(store).open()?;
                for name in database.list_keyspace_names() {
                    database.keyspace(&name, Default::default)?.rotate_memtable_and_wait()?;
                }
                database.persist(fjall::PersistMode::SyncAll)
            })();
            // The database is closed; no caller waits where it took too long.
            let _ = done.send(flushed);
        });
        Ok(wait.recv_timeout(std::time::Duration::from_secs(5))??)
    }

    fn second_half(&self) -> Step {
        let node = self.open()?;
        let done = (|| -> Step {
            // A branch from genesis on that is longer: all blocks so far are undone, and their payments wait again.
            for block in branch() {
                let imported = self.again(|| node.import_block(&block))?;
                if let Imported::Side { id, .. } | Imported::Known { id } = imported {
                    self.promised("block", id);
                } else {
                    self.promised("block", node.tip().record.id);
                }
            }
            self.again(|| node.checkpoint())?;
            self.pay(&node, 11..13)?;
            self.mine(&node)?;
            self.mine(&node)
        })();
        let closed = node.close();
        done?;
        Ok(closed?)
    }

    fn run(&self) -> Step {
        self.first_half()?;
        self.flush()?;
        self.second_half()
    }
}

fn branch() -> Vec<Bytes> {
    let text = std::fs::read_to_string(std::env::var_os(BRANCH).unwrap()).unwrap();
    text.lines()
        .map(|line| alloy_primitives::hex::decode(line).unwrap().into())
        .collect()
}

#[test]
#[ignore = "the script of the other tests here, in a process of its own"]
fn script() {
    let Some(dir) = std::env::var_os(DATA) else { return };
    let script = Script {
        dir: dir.into(),
        clock: clock(),
    };
    script.clock.advance(100);
    match script.run() {
        Ok(()) => println!("DONE"),
        Err(error) => println!("FAILED {error}"),
    }
    #[allow(clippy::exit, reason = "a thread of a database that failed may still hold it")]
    std::process::exit(0);
}

/// The layer, compiled once for a test; none where there is no C compiler.
fn layer(folder: &Path) -> Option<PathBuf> {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/support/faults.c");
    let library = folder.join("faults.so");
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .arg(&library)
        .arg(source)
        .args(["-ldl", "-lpthread"])
        .status();
    match built {
        Ok(status) => {
            assert!(status.success(), "the layer does not compile");
            Some(library)
        }
        Err(error) => {
            eprintln!("SKIPPED: there is no C compiler here ({error})");
            None
        }
    }
}

struct Bench {
    folder: tempfile::TempDir,
    library: PathBuf,
    branch: PathBuf,
}

/// How a run of the script ended.
struct Ended {
    promises: Vec<Promise>,
    done: bool,
    printed: String,
}

impl Bench {
    fn new() -> Option<Self> {
        let folder = tempdir().unwrap();
        let library = layer(folder.path())?;
        let hand = clock();
        let other = open(&folder.path().join("other"), &hand).unwrap();
        for _ in 0..7 {
            hand.advance(1);
            mine_now(&other, Address::repeat_byte(2));
        }
        let lines: Vec<_> = blocks(&other).iter().map(alloy_primitives::hex::encode).collect();
        other.close().unwrap();
        let branch = folder.path().join("branch");
        std::fs::write(&branch, lines.join("\n")).unwrap();
        Some(Self {
            folder,
            library,
            branch,
        })
    }

    fn dir(&self, name: &str) -> PathBuf {
        let dir = self.folder.path().join(name);
        std::fs::create_dir_all(&dir).unwrap();
        dir.canonicalize().unwrap()
    }

    /// Runs the script on `dir` over the layer.
    fn run(&self, dir: &Path, layer: &[(&str, String)]) -> Ended {
        let ran = Command::new(std::env::current_exe().unwrap())
            .args(["script", "--exact", "--ignored", "--nocapture", "--test-threads", "1"])
            .env("LD_PRELOAD", &self.library)
            .env("FAULTS_DIR", dir)
            .env(DATA, dir)
            .env(BRANCH, &self.branch)
            .envs(layer.iter().map(|(name, value)| (*name, value)))
            .output()
            .unwrap();
        let printed = String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "{:?}: {printed}", ran.status);
        let promises = printed.lines().filter_map(|line| {
            let mut words = line.split_once("PROMISE ")?.1.split(' ');
            Some(Promise {
                what: words.next()?.to_owned(),
                id: words.next()?.to_owned(),
                log: words.next()?.parse().ok()?,
            })
        });
        Ended {
            promises: promises.collect(),
            done: printed.lines().any(|line| line.ends_with("DONE")),
            printed,
        }
    }
}

/// A new start on what is left knows all that was promised, and an audit finds no fault.
fn assert_kept(dir: &Path, promises: &[&Promise], context: &str) {
    let hand = clock();
    hand.advance(200);
    let node = open_at(dir, &hand, 100, checkpoints()).unwrap_or_else(|error| panic!("{context}: {error}"));
    for promise in promises {
        let known = match promise.what.as_str() {
            "block" => {
                let id: BlockId = promise.id.parse().unwrap();
                node.snapshot().record(&id).unwrap().is_some()
            }
            _ => {
                let id: TxId = promise.id.parse().unwrap();
                node.transaction(&id).unwrap().1.is_some()
            }
        };
        assert!(known, "{context}: {promise:?} is lost");
    }
    mine(&node, &hand, Address::repeat_byte(3));
    assert_sound(&node);
    node.close().unwrap();
    drop(node);
    audit_folder(dir, hand.now());
}

fn all() -> bool {
    std::env::var("TALLY_FAULTS").is_ok_and(|which| which == "all")
}

#[test]
fn a_power_cut_at_any_moment_costs_nothing_that_was_promised() {
    let Some(bench) = Bench::new() else { return };
    let dir = bench.dir("data");
    let log = bench.folder.path().join("log");
    let ended = bench.run(&dir, &[("FAULTS_LOG", log.display().to_string())]);
    assert!(ended.done, "{}", ended.printed);
    assert!(ended.promises.len() > 20, "{}", ended.printed);
    let records = read_log(&std::fs::read(&log).unwrap());
    let mut seed = [0; 8];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut file| std::io::Read::read_exact(&mut file, &mut seed))
        .unwrap();
    let seed = u64::from_ne_bytes(seed);
    let mut dice = Dice(seed);
    let cuts: Vec<usize> = match all() {
        true => (0..=records.len()).collect(),
        false => (0..40)
            .map(|_| dice.below(records.len() as u64 + 1) as usize)
            .chain([records.len()])
            .collect(),
    };
    for cut in cuts {
        let context = format!("cut after record {cut} of {}, seed {seed}", records.len());
        let offset = cut.checked_sub(1).map_or(0, |last| records[last].end);
        let kept: Vec<_> = ended.promises.iter().filter(|promise| promise.log <= offset).collect();
        let target = tempdir().unwrap();
        Disk::after(&records[..cut]).cut(&mut dice, &dir, target.path());
        assert_kept(target.path(), &kept, &context);
    }
}

/// Runs the script with each of these calls failing, half of them at a time.
fn fail_at(bench: &Bench, kind: &str, calls: &[u64], errno: i32, count: u64) -> Vec<Ended> {
    let run = |at: u64| {
        let dir = bench.dir(&format!("{kind}-{errno}-{at}"));
        let layer = [
            ("FAULTS_KIND", kind.to_owned()),
            ("FAULTS_AT", at.to_string()),
            ("FAULTS_ERRNO", errno.to_string()),
            ("FAULTS_FOR", count.to_string()),
        ];
        let ended = bench.run(&dir, &layer);
        let promises: Vec<_> = ended.promises.iter().collect();
        assert_kept(
            &dir,
            &promises,
            &format!("{kind} {at} failed with {errno}: {}", ended.printed),
        );
        std::fs::remove_dir_all(&dir).unwrap();
        ended
    };
    let run = &run;
    std::thread::scope(|scope| {
        let halves: Vec<_> = calls.chunks(calls.len().div_ceil(2)).collect();
        let threads: Vec<_> = halves
            .into_iter()
            .map(|half| scope.spawn(move || half.iter().map(|at| run(*at)).collect::<Vec<_>>()))
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

fn spread(calls: u64, count: u64) -> Vec<u64> {
    match all() {
        true => (1..=calls).collect(),
        false => (1..=count).map(|index| index * calls / count).collect(),
    }
}

#[test]
fn a_write_that_fails_costs_nothing_that_was_promised() {
    let Some(bench) = Bench::new() else { return };
    let log = bench.folder.path().join("log");
    let plain = bench.run(&bench.dir("plain"), &[("FAULTS_LOG", log.display().to_string())]);
    assert!(plain.done, "{}", plain.printed);
    let calls = read_log(&std::fs::read(&log).unwrap()).len() as u64;
    // A disk that is full from some moment on, and one that fails once.
    let full = fail_at(&bench, "write", &spread(calls, 10), ENOSPC, 0);
    let once = fail_at(&bench, "write", &spread(calls, 10), EIO, 1);
    for ended in full.iter().chain(&once) {
        assert!(!ended.printed.contains("WRONG"), "{}", ended.printed);
    }
    let failed = full.iter().chain(&once).filter(|ended| !ended.done).count();
    assert!(failed >= 10, "the failures are met: {failed}");
}

#[test]
fn a_read_that_fails_once_is_tried_again_and_blames_no_one() {
    let Some(bench) = Bench::new() else { return };
    for ended in fail_at(&bench, "read", &spread(60, 10), EIO, 1) {
        assert!(!ended.printed.contains("WRONG"), "{}", ended.printed);
    }
}
