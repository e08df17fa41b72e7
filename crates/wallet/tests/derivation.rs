//! The vectors of docs/protocol.md#W6, read from that page: a phrase never changes its meaning.

use sha2::{Digest, Sha256};
use tally_wallet::{Phrase, RsaBits, RsaKey, Step};

const PROTOCOL: &str = include_str!("../../../docs/protocol.md");
const JUNK: &str = tally_testkit::PUBLIC_PHRASE;

/// The cells of the row of a published table that starts with `first`, without marks.
fn row(first: &str) -> Vec<String> {
    let cells = |line: &str| -> Vec<String> {
        let plain = line.replace(['`', '*'], "");
        plain
            .trim_matches('|')
            .split('|')
            .map(|cell| cell.trim().to_owned())
            .collect()
    };
    let mut rows = PROTOCOL.lines().filter(|line| line.starts_with('|')).map(cells);
    rows.find(|cells| cells[0] == first)
        .expect("the protocol publishes this account")
}

fn rsa(bits: RsaBits, index: u32) -> RsaKey {
    let mut search = Phrase::parse(JUNK).unwrap().seed("").rsa(bits, index).unwrap();
    let key = loop {
        if let Step::Found(key) = search.step() {
            break key;
        }
    };
    assert_eq!(key.bits(), bits);
    let name = format!("{} {index}", bits.get());
    let published = row(&name);
    assert_eq!(search.progress().drawn.to_string(), published[1], "{name}");
    let digest: [u8; 32] = Sha256::digest(key.public().spki()).into();
    assert_eq!(alloy_primitives::hex::encode(digest), published[2], "{name}");
    let address = key.public().address().to_checksum(None);
    assert_eq!(address, row(&format!("RSA-{name}"))[1], "{name}");
    key
}

#[test]
fn secp256k1_accounts_are_those_of_every_evm_wallet() {
    let seed = Phrase::parse(JUNK).unwrap().seed("");
    for index in 0..10 {
        let address = seed.secp256k1(index).unwrap().address().to_checksum(None);
        assert_eq!(address, row(&format!("secp256k1 {index}"))[1]);
    }
    assert_eq!(row("secp256k1 0")[1], "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
}

#[test]
fn the_first_rsa_2048_account_is_the_published_one() {
    let key = rsa(RsaBits::B2048, 0);
    let address = key.public().address().to_checksum(None);
    assert_eq!(address, "0x6dbBd9E1099f6e32833374e4F68E1006fAC7f0c7");
}

#[test]
fn the_second_rsa_2048_account_is_the_published_one() {
    rsa(RsaBits::B2048, 1);
}

#[test]
fn the_first_rsa_3072_account_is_the_published_one() {
    rsa(RsaBits::B3072, 0);
}

#[test]
fn the_first_rsa_4096_account_is_the_published_one() {
    rsa(RsaBits::B4096, 0);
}

#[test]
fn a_search_reports_its_progress_and_shows_nothing_of_what_it_found() {
    let mut search = Phrase::parse(JUNK).unwrap().seed("").rsa(RsaBits::B2048, 0).unwrap();
    assert_eq!((search.bits(), search.index()), (RsaBits::B2048, 0));
    let mut last = search.progress();
    assert_eq!((last.primes, last.drawn, last.expected), (0, 0, 709));
    let found = loop {
        match search.step() {
            Step::Found(key) => break key,
            Step::Searching(progress) => {
                assert!(progress.drawn >= last.drawn && progress.primes >= last.primes);
                last = progress;
            }
        }
    };
    let Step::Found(again) = search.step() else {
        panic!("a finished search gives its key again");
    };
    assert_eq!(again.public(), found.public());
    assert_eq!(format!("{found:?}"), "RsaKey(RSA-2048, hidden)");
    let shown = "RsaSearch(RSA-2048, Progress { primes: 2, drawn: 1292, expected: 709 })";
    assert_eq!(format!("{search:?}"), shown);
}
