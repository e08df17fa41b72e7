//! 100,000 damaged key files: none panics, none gives another key, none takes much memory.
#![allow(unsafe_code, reason = "an allocator that counts what is allocated")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use tally_wallet::keystore;

const PASSWORD: &str = "testpassword";
const TRIALS: usize = 100_000;
/// Far above what a file of this size needs, far below what the bounds allow an honest file.
const MEMORY: usize = 64 << 20;

struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: hands every call on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = NOW.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(now, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`, which is the system's, too.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the pointer is from `alloc` above, so from the system's allocator.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The same damage every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((x ^ (x >> 31)) % sides as u64) as usize
    }
}

/// One accident: bits, bytes, pieces lost, doubled or overwritten.
fn damaged(file: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = file.to_vec();
    let place = dice.roll(bytes.len());
    let piece = (1 + dice.roll(8)).min(bytes.len() - place);
    match dice.roll(8) {
        0 | 1 => bytes[place] ^= 1 << dice.roll(8),
        2 => bytes[place] = dice.roll(256) as u8,
        3 => bytes[place] = b"0123456789abcdefABCDEF+/="[dice.roll(25)],
        4 => drop(bytes.drain(place..place + piece)),
        5 => bytes.truncate(place),
        6 => {
            let copy = bytes[place..place + piece].to_vec();
            bytes.splice(place..place, copy);
        }
        _ => bytes[place..place + piece]
            .iter_mut()
            .for_each(|byte| *byte = dice.roll(256) as u8),
    }
    bytes
}

#[test]
fn no_damaged_file_gives_another_key() {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/keystore"));
    let names = [
        "web3-scrypt-cheap.json",
        "web3-pbkdf2-cheap.json",
        "ec-one-round.pem",
        "ec-scrypt.pem",
        "rsa-2048-one-round.pem",
    ];
    let files = names.map(|name| std::fs::read(folder.join(name)).unwrap());
    let addresses = [0, 1, 2, 3, 4].map(|i| keystore::read(&files[i], PASSWORD).unwrap().address());
    let mut dice = Dice(7);
    let (mut refused, mut harmless) = (0, 0);
    PEAK.store(NOW.load(Ordering::Relaxed), Ordering::Relaxed);
    for trial in 0..TRIALS {
        let which = trial % names.len();
        let bytes = damaged(&files[which], &mut dice);
        match keystore::read(&bytes, PASSWORD) {
            Err(_) => refused += 1,
            // Damage where nothing is meant: another id, white space, the case of a hex digit.
            Ok(found) => {
                assert_eq!(
                    found.address(),
                    addresses[which],
                    "{}: {:?}",
                    names[which],
                    String::from_utf8(bytes)
                );
                harmless += 1;
            }
        }
    }
    let peak = PEAK.load(Ordering::Relaxed);
    assert!(refused > TRIALS * 8 / 10, "{refused} refused, {harmless} harmless");
    assert!(peak < MEMORY, "{peak} bytes");
}
