use std::collections::HashSet;

use serde::de::IgnoredAny;
use serde_json::Value;

use super::*;
use crate::system_rng;

/// Cheap costs, accepted in these tests only.
const CHEAP: KdfParams = KdfParams { m_kib: 8, t: 1, p: 1 };
const CHEAP_BOUNDS: Bounds = Bounds {
    m_kib: (8, 64),
    t: (1, 10),
    p: (1, 4),
};

fn key(password: &str) -> VaultKey {
    VaultKey::with_salt(password, CHEAP, (0..32).collect(), &CHEAP_BOUNDS).unwrap()
}

fn sealed(plaintext: &[u8]) -> Vec<u8> {
    seal(plaintext, &key("tally"), &mut Counter(0)).unwrap()
}

fn opened(bytes: &[u8], password: &str) -> Result<Vec<u8>, ContainerError> {
    open_within(bytes, password, &CHEAP_BOUNDS).map(|(plaintext, _)| plaintext.to_vec())
}

/// Bytes 0, 1, 2, … for published vectors.
struct Counter(u8);

impl rand_core::TryRng for Counter {
    type Error = std::convert::Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        unimplemented_number()
    }
    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        unimplemented_number()
    }
    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> {
        for byte in out {
            *byte = self.0;
            self.0 = self.0.wrapping_add(1);
        }
        Ok(())
    }
}
impl rand_core::TryCryptoRng for Counter {}

fn unimplemented_number<T>() -> T {
    panic!("the container deserializes bytes only")
}

/// SplitMix64: the same damage in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % limit as u64) as usize
    }
}

#[test]
fn the_published_container_is_what_this_code_writes_and_reads() {
    // Published in docs/protocol.md#W13.
    let params = KdfParams {
        m_kib: 8_192,
        t: 1,
        p: 1,
    };
    let key = VaultKey::with_salt("Pässwort", params, (0..32).collect(), &BOUNDS).unwrap();
    let bytes = seal(b"tally", &key, &mut Counter(0)).unwrap();
    let published = include_str!("../../../../docs/protocol.md")
        .lines()
        .find(|line| line.starts_with(r#"{"format":"tally-vault""#))
        .expect("the protocol publishes a container");
    assert_eq!(std::str::from_utf8(&bytes).unwrap(), published);
    let (plaintext, _) = open(published.as_bytes(), "Pa\u{308}sswort").unwrap();
    assert_eq!(plaintext.as_slice(), b"tally");
}

#[test]
fn what_was_sealed_opens_and_the_key_seals_again() {
    let first = sealed(b"secret");
    let (plaintext, key) = open_within(&first, "tally", &CHEAP_BOUNDS).unwrap();
    assert_eq!(plaintext.as_slice(), b"secret");
    let second = seal(b"changed", &key, &mut system_rng()).unwrap();
    assert_eq!(opened(&second, "tally"), Ok(b"changed".to_vec()));
    let third = seal(b"changed", &key, &mut system_rng()).unwrap();
    assert_ne!(second, third, "each sealing has its own nonce");
}

#[test]
fn a_wrong_password_is_distinguished_from_damage_and_from_tampering() {
    let good = sealed(b"secret");
    assert_eq!(opened(&good, "Tally"), Err(ContainerError::WrongPassword));
    assert_eq!(opened(&good, ""), Err(ContainerError::EmptyPassword));

    let mut damaged = Container::read(&good, &CHEAP_BOUNDS).unwrap();
    let text = String::from_utf8(good.clone()).unwrap();
    let ciphertext = Base64::encode_string(&damaged.ciphertext);
    damaged.ciphertext[0] ^= 1;
    let broken = text.replace(&ciphertext, &Base64::encode_string(&damaged.ciphertext));
    assert_eq!(opened(broken.as_bytes(), "tally"), Err(ContainerError::Damaged));

    // Someone who repairs the checksum is still found out, whatever part they change.
    assert_eq!(opened(&damaged.write(), "tally"), Err(ContainerError::Tampered));
    let mut other_nonce = Container::read(&good, &CHEAP_BOUNDS).unwrap();
    other_nonce.nonce[23] ^= 0x80;
    assert_eq!(opened(&other_nonce.write(), "tally"), Err(ContainerError::Tampered));
    let mut other_costs = Container::read(&good, &CHEAP_BOUNDS).unwrap();
    other_costs.params.t = 2;
    assert_eq!(
        opened(&other_costs.write(), "tally"),
        Err(ContainerError::WrongPassword)
    );
}

#[test]
fn each_bad_field_has_its_own_error() {
    let text = String::from_utf8(sealed(b"secret")).unwrap();
    let out = |field, found, min, max| ContainerError::OutOfBounds { field, found, min, max };
    let unreadable = |field| ContainerError::Unreadable { field };
    let unknown = |field, found: &str, expected| ContainerError::UnknownAlgorithm {
        field,
        found: found.into(),
        expected,
    };
    let version = |found| ContainerError::UnknownVersion { found, supported: 1 };
    for (from, to, error) in [
        ("tally-vault", "tally-wallet", ContainerError::NotAVault),
        ("\"version\":1", "\"version\":2", version(2)),
        ("argon2id", "argon2d", unknown("kdf.name", "argon2d", "argon2id")),
        (
            "xchacha20",
            "chacha20",
            unknown("cipher.name", "chacha20-poly1305", CIPHER),
        ),
        (
            "\"m_kib\":8",
            "\"m_kib\":4294967295",
            out("kdf.m_kib", 4_294_967_295, 8, 64),
        ),
        ("\"t\":1", "\"t\":11", out("kdf.t", 11, 1, 10)),
        ("\"p\":1", "\"p\":5", out("kdf.p", 5, 1, 4)),
        ("\"p\":1", "\"p\":0", out("kdf.p", 0, 1, 4)),
        ("\"t\":1", "\"t\":-1", unreadable("a field")),
        ("\"t\":1", "\"t\":1,\"t\":1", unreadable("a field")),
        ("\"t\":1", "\"t\":1,\"x\":1", unreadable("a field")),
        ("\"check\":\"", "\"check\":\"AAAA", out("check", 19, 16, 16)),
        ("\"salt\":\"AAEC", "\"salt\":\"*AEC", unreadable("kdf.salt")),
        ("\"salt\":\"AAEC", "\"salt\":\"ABEC", ContainerError::Damaged),
    ] {
        assert!(text.contains(from), "{from}");
        let changed = text.replacen(from, to, 1);
        assert_eq!(opened(changed.as_bytes(), "tally"), Err(error), "{to}");
    }
    let real = open(text.as_bytes(), "tally").err();
    assert_eq!(
        real,
        Some(out("kdf.m_kib", 8, 8_192, 262_144)),
        "cheap costs are for tests"
    );
    let long = vec![b' '; MAX_CONTAINER_BYTES + 1];
    let (len, max) = (long.len(), MAX_CONTAINER_BYTES);
    assert_eq!(opened(&long, "tally"), Err(ContainerError::TooLarge { len, max }));
    assert_eq!(opened(b"", "tally"), Err(ContainerError::NotAVault));
    let deep = [b'['; 10_000];
    assert_eq!(opened(&deep, "tally"), Err(ContainerError::NotAVault));
    let big = vec![0; MAX_CIPHERTEXT_BYTES - 15];
    assert_eq!(
        seal(&big, &key("tally"), &mut Counter(0)).err(),
        Some(out("ciphertext", 1_048_577, 16, 1_048_576))
    );
}

/// Damage as it happens and as it is done: bits, letters, ends, whole fields. None comes to the password at all, so no
/// memory is taken for the key's derivation.
#[test]
fn each_of_a_hundred_thousand_damaged_containers_is_rejected_for_its_first_fault() {
    let good = sealed(b"a phrase that must not come out of a damaged file");
    let document: Value = serde_json::from_slice(&good).unwrap();
    let mut dice = Dice(100_000);
    let (mut same, mut kinds) = (0, HashSet::new());
    for round in 0..100_000 {
        let bytes = match dice.below(8) {
            0 => other_field(&document, &mut dice),
            _ => damaged(good.clone(), &mut dice),
        };
        let found = Container::read(&bytes, &CHEAP_BOUNDS).err();
        let expected = fault(&file_text::decode(&bytes), &document);
        assert_eq!(found, expected, "round {round}: {}", String::from_utf8_lossy(&bytes));
        match found {
            Some(error) => drop(kinds.insert(std::mem::discriminant(&error))),
            None => same += 1,
        }
    }
    assert!(same < 100, "{same} were not damaged");
    assert_eq!(kinds.len(), 6, "every error that needs no password");
}

/// Why a text is no container, found in its JSON alone and in the order of docs/protocol.md#W11. None where it is the document:
/// a needless escape (`\/`) is another spelling of the same.
fn fault(text: &str, document: &Value) -> Option<ContainerError> {
    if serde_json::from_str::<IgnoredAny>(text).is_err() {
        return Some(ContainerError::NotAVault);
    }
    // JSON all the same: half a surrogate pair in a text, a number that no type has room for.
    let Ok(found) = serde_json::from_str::<Value>(text) else {
        return Some(ContainerError::Unreadable { field: "a field" });
    };
    match found == *document {
        true => None,
        false => Some(check(&found, document).err().unwrap_or(ContainerError::Damaged)),
    }
}

/// All that W11 names before the checksum.
fn check(found: &Value, document: &Value) -> Result<(), ContainerError> {
    let text = |at: &str| {
        found
            .pointer(at)
            .and_then(Value::as_str)
            .ok_or(ContainerError::NotAVault)
    };
    let number = |at: &str| {
        found
            .pointer(at)
            .and_then(Value::as_u64)
            .ok_or(ContainerError::NotAVault)
    };
    if text("/format")? != FORMAT {
        return Err(ContainerError::NotAVault);
    }
    let version = number("/version")?;
    if version != 1 {
        return Err(ContainerError::UnknownVersion {
            found: version,
            supported: 1,
        });
    }
    if !has_the_fields_of(found, document) {
        return Err(ContainerError::Unreadable { field: "a field" });
    }
    for (field, at, expected) in [
        ("kdf.name", "/kdf/name", "argon2id"),
        ("cipher.name", "/cipher/name", "xchacha20-poly1305"),
    ] {
        let found = text(at)?;
        if found != expected {
            let found = found.chars().take(32).collect();
            return Err(ContainerError::UnknownAlgorithm { field, found, expected });
        }
    }
    in_bounds("kdf.m_kib", number("/kdf/m_kib")?, 8, 64)?;
    in_bounds("kdf.t", number("/kdf/t")?, 1, 10)?;
    in_bounds("kdf.p", number("/kdf/p")?, 1, 4)?;
    for (field, at, min, max) in [
        ("kdf.salt", "/kdf/salt", 16, 64),
        ("cipher.nonce", "/cipher/nonce", 24, 24),
        ("check", "/check", 16, 16),
        ("ciphertext", "/ciphertext", 16, 1_048_576),
        ("checksum", "/checksum", 32, 32),
    ] {
        let text = text(at)?;
        let padding = text.len() - text.trim_end_matches('=').len();
        let len = (text.len() / 4 * 3).saturating_sub(padding.min(2));
        in_bounds(field, len as u64, min, max)?;
        if !is_base64(text, padding) {
            return Err(ContainerError::Unreadable { field });
        }
    }
    Ok(())
}

/// Exactly the same fields, texts where texts are, and numbers that 32 bits hold where numbers are.
fn has_the_fields_of(found: &Value, document: &Value) -> bool {
    match (found, document) {
        (Value::Object(found), Value::Object(document)) => {
            let mut fields = document.iter();
            found.len() == document.len()
                && fields.all(|(name, value)| found.get(name).is_some_and(|found| has_the_fields_of(found, value)))
        }
        (Value::String(_), Value::String(_)) => true,
        (Value::Number(found), Value::Number(_)) => found.as_u64().is_some_and(|number| number <= u64::from(u32::MAX)),
        _ => false,
    }
}

/// RFC 4648, section 4: groups of four digits, the last one padded, and no bits set that belong to no byte.
fn is_base64(text: &str, padding: usize) -> bool {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = text[..text.len() - padding].bytes();
    let values = digits.map(|byte| DIGITS.iter().position(|digit| *digit == byte));
    let Some(values) = values.collect::<Option<Vec<usize>>>() else {
        return false;
    };
    let unused_bits = 2 * padding;
    padding <= 2
        && text.len().is_multiple_of(4)
        && values.last().is_none_or(|last| last.is_multiple_of(1 << unused_bits))
}

fn damaged(mut bytes: Vec<u8>, dice: &mut Dice) -> Vec<u8> {
    for _ in 0..=dice.below(3) {
        let place = dice.below(bytes.len());
        // Never white space: between the tokens of JSON it would change nothing.
        let byte = b'!' + dice.below(94) as u8;
        match dice.below(5) {
            0 => bytes.truncate(place),
            1 => bytes.insert(place, byte),
            2 => drop(bytes.remove(place)),
            3 => bytes[place] ^= 1 << dice.below(8),
            _ => bytes[place] = if bytes[place] == byte { b'!' } else { byte },
        }
        if bytes.is_empty() {
            break;
        }
    }
    bytes
}

/// The document with one value that is another, or missing, or of another type.
fn other_field(document: &Value, dice: &mut Dice) -> Vec<u8> {
    let mut changed = document.clone();
    let fields = [
        "/format",
        "/version",
        "/kdf",
        "/kdf/name",
        "/kdf/m_kib",
        "/kdf/t",
        "/kdf/p",
        "/kdf/salt",
        "/cipher",
        "/cipher/name",
        "/cipher/nonce",
        "/check",
        "/ciphertext",
        "/checksum",
    ];
    let field = changed.pointer_mut(fields[dice.below(fields.len())]).unwrap();
    let old = field.clone();
    *field = match dice.below(9) {
        0 => Value::Null,
        1 => 4_294_967_295u32.into(),
        2 => (-1).into(),
        3 => (dice.below(70) as u64).into(),
        4 => "".into(),
        5 => "AAAA".repeat(dice.below(400)).into(),
        6 => serde_json::json!([[], {}, "x"]),
        7 => 1.5.into(),
        _ => format!("{}=", old.as_str().unwrap_or_default()).into(),
    };
    if *field == old {
        *field = Value::Null;
    }
    serde_json::to_vec(&changed).unwrap()
}

#[test]
fn two_thousand_forged_containers_are_all_rejected() {
    let good = sealed(b"a phrase that must not come out of a forged file");
    let mut dice = Dice(2_000);
    for round in 0..2_000 {
        let mut forged = Container::read(&good, &CHEAP_BOUNDS).unwrap();
        let bit = 1 << dice.below(8);
        let expected = match dice.below(5) {
            0 => {
                let place = dice.below(forged.ciphertext.len());
                forged.ciphertext[place] ^= bit;
                ContainerError::Tampered
            }
            1 => {
                forged.nonce[dice.below(NONCE_BYTES)] ^= bit;
                ContainerError::Tampered
            }
            2 => {
                forged.check[dice.below(CHECK_BYTES)] ^= bit;
                ContainerError::WrongPassword
            }
            3 => {
                let place = dice.below(forged.salt.len());
                forged.salt[place] ^= bit;
                ContainerError::WrongPassword
            }
            _ => {
                forged.params.m_kib = 9 + dice.below(50) as u32;
                ContainerError::WrongPassword
            }
        };
        assert_eq!(opened(&forged.write(), "tally"), Err(expected), "round {round}");
    }
}
