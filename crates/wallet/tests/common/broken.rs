//! Broken key files and phrases, the same every time, and the search for pieces of what they hold.

use std::collections::HashSet;
use std::path::PathBuf;

use base64ct::{Base64, Encoding as _};

/// Bytes of a secret that no message may hold.
const PIECE: usize = 8;

/// The same accidents every time.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: usize) -> usize {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((x ^ (x >> 31)) % sides as u64) as usize
    }
}

/// Key files of every form, with the bytes that are secret in each.
pub fn key_files() -> Vec<(String, Vec<u8>, Vec<Vec<u8>>)> {
    let folder = PathBuf::from(super::KEYSTORE_FILES);
    let plain = |name: &str| std::fs::read(folder.join(name)).unwrap();
    let ec = der_of(&plain("ec-sec1.pem"), "EC PRIVATE KEY");
    let other = octets(&der_of(&plain("ec-with-parameters.pem"), "EC PRIVATE KEY"), 0x04, 32);
    let rsa = der_of(&plain("rsa-2048-pkcs1.pem"), "RSA PRIVATE KEY");
    let web3 =
        alloy_primitives::hex::decode("7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d").unwrap();
    let (ec, rsa) = (octets(&ec, 0x04, 32), octets(&rsa, 0x02, 128));
    let hex = |bytes: &[u8]| alloy_primitives::hex::encode(bytes).into_bytes();
    let mut files = Vec::new();
    for (names, secrets) in [
        (&["ec.pem", "ec-sec1.pem", "ec-one-round.pem", "ec-des3.pem"][..], &ec),
        (
            &[
                "rsa-2048.pem",
                "rsa-2048-pkcs1.pem",
                "rsa-2048-one-round.pem",
                "rsa-2048-legacy.pem",
            ],
            &rsa,
        ),
        (&["ec-with-parameters.pem"], &other),
        (&["web3-pbkdf2-cheap.json"], &vec![web3.clone()]),
    ] {
        files.extend(
            names
                .iter()
                .map(|name| (name.to_string(), plain(name), secrets.clone())),
        );
    }
    let prefixed = [b"0x", &hex(&web3)[..]].concat();
    files.push(("hex".to_owned(), hex(&web3), vec![web3.clone()]));
    files.push(("hex with 0x".to_owned(), prefixed, vec![web3.clone()]));
    let json = format!(
        "{{\"address\":\"00\",\"privateKey\":\"{}\"}}",
        String::from_utf8(hex(&web3)).unwrap()
    );
    files.push(("plain JSON".to_owned(), json.into_bytes(), vec![web3]));
    files
}

/// The DER of the block with this label.
fn der_of(file: &[u8], label: &str) -> Vec<u8> {
    let text = String::from_utf8(file.to_vec()).unwrap();
    let body = text.split_once(&format!("-----BEGIN {label}-----")).unwrap().1;
    let body = body.split_once("-----END").unwrap().0;
    let base64: String = body.split_whitespace().collect();
    Base64::decode_vec(&base64).unwrap()
}

/// Every item of this tag with so many bytes or more: the secret numbers.
fn octets(der: &[u8], tag: u8, min: usize) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    // The content of the one sequence.
    let mut rest = if der[1] & 0x80 == 0 {
        &der[2..]
    } else {
        &der[2 + usize::from(der[1] & 0x7f)..]
    };
    while let [kind, first, ..] = *rest {
        let (header, len) = match first {
            0x81 => (3, usize::from(rest[2])),
            0x82 => (4, usize::from(rest[2]) << 8 | usize::from(rest[3])),
            len => (2, usize::from(len)),
        };
        let content = &rest[header..header + len];
        if kind == tag && len >= min {
            found.push(content.iter().copied().skip_while(|byte| *byte == 0).collect());
        }
        rest = &rest[header + len..];
    }
    if tag == 0x02 {
        // The modulus is public.
        found.remove(0);
    }
    assert!(!found.is_empty());
    found
}

/// One accident, of those that happen to texts and of those that happen to bytes.
pub fn broken(file: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = file.to_vec();
    for _ in 0..1 + dice.roll(3) {
        if bytes.len() < 4 {
            break;
        }
        let place = dice.roll(bytes.len());
        let piece = (1 + dice.roll(12)).min(bytes.len() - place);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        bytes = match dice.roll(16) {
            0 => text.replace('\n', " ").into_bytes(),
            1 => text.replace('\n', "").into_bytes(),
            2 => text.replace('\n', "\r").into_bytes(),
            3 => text.replace('\n', "\\n").into_bytes(),
            4 => text.replacen("-----", "----", 1 + dice.roll(3)).into_bytes(),
            5 => text.replacen("-----\n", "", 1).into_bytes(),
            6 => text
                .replacen("PRIVATE KEY", ["PRIVATE", "KEY", "SECRET KEY", ""][dice.roll(4)], 1)
                .into_bytes(),
            7 => text.replace('"', "").into_bytes(),
            8 => text.to_uppercase().into_bytes(),
            9 => text.lines().rev().collect::<Vec<_>>().join("\n").into_bytes(),
            10 => bytes[place..].to_vec(),
            11 => bytes[..place].to_vec(),
            12 => [&bytes[..place], &bytes[place + piece..]].concat(),
            13 => {
                let copy = bytes[place..place + piece].to_vec();
                bytes.splice(place..place, copy);
                bytes
            }
            14 => {
                bytes[place] = b" -:{}\"\n0aZ"[dice.roll(10)];
                bytes
            }
            _ => {
                bytes[place] ^= 1 << dice.roll(8);
                bytes
            }
        };
    }
    bytes
}

/// A phrase with an accident: a word lost, doubled, changed, glued, cut; or something around it.
pub fn broken_phrase(phrase: &str, dice: &mut Dice) -> String {
    let mut words: Vec<String> = phrase.split(' ').map(str::to_owned).collect();
    for _ in 0..1 + dice.roll(2) {
        let (place, other) = (dice.roll(words.len()), dice.roll(words.len()));
        match dice.roll(8) {
            0 => drop(words.remove(place)),
            1 => words.insert(place, words[other].clone()),
            2 => words.swap(place, other),
            3 => words[place].push(['x', '1', '\u{e9}', '\u{200b}'][dice.roll(4)]),
            4 => drop(words[place].pop()),
            5 => words[place] = format!("{}{}", words[place], words[other]),
            6 => words[place] = words[place].chars().rev().collect(),
            _ => words[place].clear(),
        }
    }
    words.join([" ", ", ", "\n", " 7 ", ""][dice.roll(5)])
}

/// What must not be found in any message.
pub struct Secrets {
    hex: HashSet<String>,
    base64: HashSet<String>,
    plain: HashSet<Vec<u8>>,
}

impl Secrets {
    pub fn of(secrets: &[Vec<u8>]) -> Self {
        let pieces = || secrets.iter().flat_map(|secret| secret.windows(PIECE));
        let base64 = |piece: &[u8], skipped: usize| {
            // Only the characters that the piece alone decides.
            let padded = [&[0; 2][..skipped], piece].concat();
            let all = Base64::encode_string(&padded);
            let (start, end) = ((skipped * 8).div_ceil(6), (skipped + PIECE) * 8 / 6);
            all[start..end].to_owned()
        };
        Self {
            hex: pieces().map(alloy_primitives::hex::encode).collect(),
            base64: pieces()
                .flat_map(|piece| [0, 1, 2].map(|skipped| base64(piece, skipped)))
                .collect(),
            plain: pieces().map(<[u8]>::to_vec).collect(),
        }
    }

    /// The piece of a secret that a text holds, in hex, base64 or as it is; white space and quotation marks hide nothing.
    pub fn find(&self, text: &str) -> Option<String> {
        let packed: String = text
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || "+/-_".contains(*c))
            .collect();
        let standard = packed.replace('-', "+").replace('_', "/");
        let lower = packed.to_lowercase();
        let piece = |found: &[u8]| String::from_utf8_lossy(found).into_owned();
        // Ten characters are decided by the piece, wherever it begins.
        let in_base64 = standard
            .as_bytes()
            .windows(10)
            .find(|window| self.base64.contains(&piece(window)));
        let in_hex = lower
            .as_bytes()
            .windows(2 * PIECE)
            .find(|window| self.hex.contains(&piece(window)));
        let in_plain = text
            .as_bytes()
            .windows(PIECE)
            .find(|window| self.plain.contains(*window));
        in_base64.or(in_hex).or(in_plain).map(piece)
    }
}

/// Two words of a phrase that stand in a text one after the other.
pub fn words_in(phrase: &str, text: &str) -> Option<String> {
    let words: Vec<&str> = phrase.split(' ').collect();
    let text: Vec<String> = text
        .split(|c: char| !c.is_alphabetic())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    let held = |pair: &&[&str]| text.windows(2).any(|found| found[0] == pair[0] && found[1] == pair[1]);
    words.windows(2).find(held).map(|pair| pair.join(" "))
}
