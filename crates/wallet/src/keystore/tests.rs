//! Bounds and weak keys: what can only be built by hand.

use crypto_bigint::{BoxedUint, ConcatenatingMul, Integer, Resize};
use serde_json::{Value, json};

use super::kdf::Kdf;
use super::*;
use crate::keys::{RsaBits, RsaKey};
use crate::system_rng;

const PASSWORD: &str = "testpassword";

/// A v3 file that opens with [`PASSWORD`], cheap to open.
fn cheap() -> Value {
    serde_json::from_str(include_str!("../../tests/data/keystore/web3-scrypt-cheap.json")).unwrap()
}

fn refused(file: &Value) -> KeystoreError {
    let text = serde_json::to_vec(file).unwrap();
    read(&text, PASSWORD).map(drop).unwrap_err()
}

#[test]
fn every_bound_of_the_derivation_has_its_own_error() {
    let scrypt = |n: u64, r: u64, p: u64| {
        let mut file = cheap();
        file["crypto"]["kdfparams"]["n"] = n.into();
        file["crypto"]["kdfparams"]["r"] = r.into();
        file["crypto"]["kdfparams"]["p"] = p.into();
        refused(&file)
    };
    let out = |field, found, min, max| KeystoreError::OutOfBounds { field, found, min, max };
    assert_eq!(scrypt(1, 8, 1), out("scrypt's n", 1, 2, 2_097_152));
    assert_eq!(scrypt(1 << 40, 8, 1), out("scrypt's n", 1 << 40, 2, 2_097_152));
    assert_eq!(scrypt(8, 0, 1), out("scrypt's r", 0, 1, 128));
    assert_eq!(scrypt(8, u64::MAX, 1), out("scrypt's r", u64::MAX, 1, 128));
    assert_eq!(scrypt(8, 8, 17), out("scrypt's p", 17, 1, 16));
    assert_eq!(scrypt(1_000, 8, 1), KeystoreError::NotPowerOfTwo { found: 1_000 });
    let max = 268_435_456;
    assert_eq!(scrypt(524_288, 8, 1), KeystoreError::Memory { bytes: 2 * max, max });
    let (work, max) = (8_388_608, 4_194_304);
    assert_eq!(scrypt(262_144, 8, 4), KeystoreError::Work { work, max });
    // The strongest that geth writes is within.
    assert!(Kdf::scrypt(262_144, 8, 1).is_ok());

    let mut file = cheap();
    file["crypto"]["kdf"] = "pbkdf2".into();
    file["crypto"]["kdfparams"] = json!({ "c": 10_000_001, "dklen": 32, "prf": "hmac-sha256", "salt": "00" });
    let field = "the number of PBKDF2 rounds";
    assert_eq!(refused(&file), out(field, 10_000_001, 1, 10_000_000));
    file["crypto"]["kdfparams"]["dklen"] = 64.into();
    assert_eq!(refused(&file), out("the length of the derived key (dklen)", 64, 32, 32));
}

#[test]
fn fields_of_web3_files_are_checked_one_by_one() {
    let with = |path: &str, value: Value| {
        let mut file = cheap();
        *file.pointer_mut(path).unwrap() = value;
        refused(&file)
    };
    let damaged = |field| KeystoreError::Damaged { field };
    let unknown = |field, found: &str, known| KeystoreError::UnknownAlgorithm {
        field,
        found: found.to_owned(),
        known,
    };
    let supported = 3;
    assert_eq!(
        with("/version", 4.into()),
        KeystoreError::UnknownVersion { found: 4, supported }
    );
    assert_eq!(
        with("/version", "1".into()),
        KeystoreError::UnknownVersion { found: 1, supported }
    );
    assert_eq!(with("/version", json!({})), damaged("version"));
    assert_eq!(with("/crypto", 5.into()), damaged("crypto"));
    let found = unknown("crypto.cipher", "aes-128-cbc", "aes-128-ctr");
    assert_eq!(with("/crypto/cipher", "aes-128-cbc".into()), found);
    let found = unknown("crypto.kdf", "argon2id", "scrypt and pbkdf2");
    assert_eq!(with("/crypto/kdf", "argon2id".into()), found);
    let length = |field, len, min, max| KeystoreError::Length { field, len, min, max };
    let mac = "ab".repeat(31);
    assert_eq!(with("/crypto/mac", mac.into()), length("crypto.mac", 31, 32, 32));
    let long = "ab".repeat(513);
    assert_eq!(
        with("/crypto/ciphertext", long.into()),
        length("crypto.ciphertext", 513, 1, 512)
    );
    let field = "crypto.cipherparams.iv";
    assert_eq!(with("/crypto/cipherparams/iv", "".into()), length(field, 0, 1, 16));
    assert_eq!(with("/crypto/cipherparams/iv", "zz".into()), damaged(field));
    let salt = "ab".repeat(129);
    let field = "crypto.kdfparams.salt";
    assert_eq!(with("/crypto/kdfparams/salt", salt.into()), length(field, 129, 1, 128));
    assert_eq!(with("/crypto/kdfparams/n", "two".into()), damaged("crypto.kdfparams.n"));
    assert_eq!(with("/crypto/kdfparams/n", json!(-2)), damaged("crypto.kdfparams.n"));
    assert_eq!(with("/crypto/kdfparams/n", json!(1e30)), damaged("crypto.kdfparams.n"));
    // A piece of a key in the place of a name is not repeated.
    let piece = "7a28b5ba57c53603b0b07b56bba752f7";
    assert_eq!(
        with("/crypto/kdf", piece.into()),
        unknown("crypto.kdf", "unknown", "scrypt and pbkdf2")
    );
    assert_eq!(with("/version", json!(7_334_560_293_847_561_u64)), damaged("version"));
    assert_eq!(with("/crypto/kdfparams/n", json!(2.5)), damaged("crypto.kdfparams.n"));
    assert_eq!(with("/address", "00".into()), length("address", 1, 20, 20));

    let mut twice = cheap();
    twice["Crypto"] = json!({});
    assert_eq!(refused(&twice), damaged("crypto"));
    let other = Address::repeat_byte(7);
    let KeystoreError::OtherAddress { stated, found } = with("/address", hex::encode(other).into()) else {
        panic!("another address is named");
    };
    assert_eq!(
        (stated, found.to_string().as_str()),
        (other, "0x008AeEda4D805471dF9b2A5B0f38A0C3bCBA786b")
    );
    assert_eq!(read(b"{}", "").map(drop).unwrap_err(), KeystoreError::Unknown);
    let vault = br#"{"format":"tally-vault","version":1}"#;
    assert_eq!(read(vault, "").map(drop).unwrap_err(), KeystoreError::Vault);
}

#[test]
fn old_spellings_are_read() {
    let file = cheap();
    let crypto = &file["crypto"];
    let old = json!({
        "VERSION": 3,
        "Crypto": {
            "CIPHER": "AES-128-CTR",
            "cipherParams": crypto["cipherparams"],
            "ciphertext": format!("0x{}", crypto["ciphertext"].as_str().unwrap().to_uppercase()),
            "KDF": "Scrypt",
            "KdfParams": crypto["kdfparams"],
            "mac": crypto["mac"],
        },
    });
    let read = read(old.to_string().as_bytes(), PASSWORD).unwrap();
    assert_eq!(read.warnings, [Warning::NotChecked]);
    assert_eq!(read.address().to_string(), "0x008AeEda4D805471dF9b2A5B0f38A0C3bCBA786b");
}

#[test]
fn an_iv_without_its_leading_zeros_is_read() {
    // As some programs write it: this one was made with the IV 00 … 00 07.
    let secret = [0x42; 32];
    let key = SigningKey::Secp256k1(secp256k1::from_secret(&secret).unwrap());
    let SigningKey::Secp256k1(inner) = &key else {
        unreachable!()
    };
    let costs = web3::NewCosts { n: 2, r: 1, p: 1 };
    let text = web3::write(inner, b"pw", costs, &mut SmallIv).unwrap();
    let mut file: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(file["crypto"]["cipherparams"]["iv"], "00000000000000000000000000000007");
    file["crypto"]["cipherparams"]["iv"] = "07".into();
    assert_eq!(
        read(file.to_string().as_bytes(), "pw").unwrap().address(),
        key.address()
    );
}

/// Gives zeros that end in 7.
struct SmallIv;

impl rand_core::TryRng for SmallIv {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        Ok(7)
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        Ok(7)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        bytes.fill(0);
        bytes[bytes.len() - 1] = 7;
        Ok(())
    }
}

impl rand_core::TryCryptoRng for SmallIv {}

#[test]
fn passwords_of_two_normal_forms_open_the_same_file() {
    let key = secp256k1::from_secret(&[0x42; 32]).unwrap();
    let costs = web3::NewCosts { n: 2, r: 1, p: 1 };
    let (composed, decomposed) = ("Pa\u{df}w\u{f6}rt", "Pa\u{df}wo\u{308}rt");
    let write = |password: &[u8]| web3::write(&key, password, costs, &mut system_rng()).unwrap();
    // What we write opens with either; what others wrote from bytes as typed opens as typed.
    let ours = write(normalised(decomposed).as_bytes());
    let theirs = write(decomposed.as_bytes());
    for (file, password, opens) in [
        (&ours, composed, true),
        (&ours, decomposed, true),
        (&theirs, decomposed, true),
        (&theirs, composed, true),
        (&theirs, "Pa\u{df}wort", false),
    ] {
        assert_eq!(read(file.as_bytes(), password).is_ok(), opens);
    }
    // Each of the four normal forms of a password that has four.
    let typed = "\u{fb01}\u{e9}";
    for form in ["\u{fb01}\u{e9}", "\u{fb01}e\u{301}", "fi\u{e9}", "fie\u{301}"] {
        assert!(read(write(form.as_bytes()).as_bytes(), typed).is_ok(), "{form:?}");
    }
}

/// A v3 file of any bytes, with this address in it.
fn web3_of(plain: &[u8], address: &str) -> Vec<u8> {
    let costs = web3::NewCosts { n: 2, r: 1, p: 1 };
    let text = web3::write_plain(plain, address.to_owned(), b"pw", costs, &mut system_rng());
    text.unwrap().into_bytes()
}

#[test]
fn zeros_at_the_left_are_forgiven_only_where_the_address_shows_that_it_is_right() {
    let secret = [&[0; 1][..], &[0x42; 31]].concat();
    let address = hex::encode(secp256k1::from_secret(&secret).unwrap().address());
    for plain in [&secret[1..], &secret, &[&[0][..], &secret].concat()] {
        let found = read(&web3_of(plain, &address), "pw").unwrap();
        assert_eq!(hex::encode(found.address()), address, "{}", plain.len());
    }
    let refused = |plain: &[u8], address: &str| read(&web3_of(plain, address), "pw").map(drop).unwrap_err();
    for len in [31, 33] {
        let expected = KeystoreError::SecretLength { len, expected: 32 };
        assert_eq!(refused(&vec![0x42; len], ""), expected);
    }
    let KeystoreError::OtherAddress { .. } = refused(&[0x42; 31], &"07".repeat(20)) else {
        panic!("the address shows that it is another key");
    };
    let advice = KeystoreError::SecretLength { len: 31, expected: 32 }.advice();
    assert!(advice.contains("A zero may be missing at the left"), "{advice}");
}

#[test]
fn a_phrase_in_a_keystore_is_named() {
    let phrase = "legal winner thank year wave sausage worth useful legal winner thank yellow";
    let found = read(&web3_of(phrase.as_bytes(), &"07".repeat(20)), "pw").map(drop);
    assert_eq!(found, Err(KeystoreError::Foreign(Foreign::PhraseInside)));
}

#[test]
fn whole_numbers_are_read_however_they_are_written() {
    for (path, value) in [
        ("/version", json!(3.0)),
        ("/version", json!("3")),
        ("/crypto/kdfparams/n", json!(2.0)),
        ("/crypto/kdfparams/r", json!("1")),
        ("/crypto/kdfparams/dklen", json!(32.0)),
    ] {
        let mut file: Value = serde_json::from_slice(&web3_of(&[0x42; 32], "")).unwrap();
        *file.pointer_mut(path).unwrap() = value.clone();
        assert!(read(file.to_string().as_bytes(), "pw").is_ok(), "{path} {value}");
    }
}

#[test]
fn sizes_and_forms_are_refused_before_anything_else() {
    let long = vec![b'{'; MAX_FILE_BYTES + 1];
    let (len, max) = (65_537, 65_536);
    assert_eq!(read(&long, "").map(drop), Err(KeystoreError::TooLarge { len, max }));
    for unknown in [&b"hello"[..], b"0x", b"0x12g4", b"12345"] {
        assert_eq!(read(unknown, "").map(drop), Err(KeystoreError::Unknown), "{unknown:?}");
    }
    // Nesting that would exhaust the stack is not followed.
    let deep = "{\"a\":".repeat(10_000);
    let Err(KeystoreError::Foreign(Foreign::JsonSyntax { line: 1, .. })) = read(deep.as_bytes(), "").map(drop) else {
        panic!("the place in the text is named");
    };
    let damaged = |field| Err(KeystoreError::Damaged { field });
    let block = "-----BEGIN PRIVATE KEY-----\nAAAA\n";
    let end = "the END line of the PEM block";
    assert_eq!(read(block.as_bytes(), "").map(drop), damaged(end));
    let wrong_end = format!("{block}-----END PUBLIC KEY-----\n");
    assert_eq!(read(wrong_end.as_bytes(), "").map(drop), damaged(end));
    let wrong_text = "-----BEGIN PRIVATE KEY-----\nAA§A\n-----END PRIVATE KEY-----\n";
    let found = read(wrong_text.as_bytes(), "").map(drop);
    assert_eq!(found, damaged("the base64 of the PEM block"));
    assert_eq!(
        write_pkcs8(&small_key(), "", &mut system_rng()),
        Err(KeystoreError::EmptyPassword)
    );
}

fn small_key() -> SigningKey {
    SigningKey::Secp256k1(secp256k1::from_secret(&[0x42; 32]).unwrap())
}

/// Numbers made for this test: primes near to each other, of unequal size, and no primes.
fn number(name: &str) -> BoxedUint {
    let all: Value = serde_json::from_str(include_str!("../../tests/data/keystore/weak-primes.json")).unwrap();
    let digits = all[name].as_str().unwrap();
    let padded = format!("{digits:0>width$}", width = digits.len().next_multiple_of(16));
    BoxedUint::from_be_slice_vartime(&hex::decode(padded).unwrap())
}

/// The PKCS#1 numbers of two primes (n, e, d, p, q, dp, dq, qinv), right or not.
fn numbers(p: &BoxedUint, q: &BoxedUint) -> [BoxedUint; 8] {
    let less = |prime: &BoxedUint| prime.wrapping_sub(BoxedUint::one_with_precision(prime.bits_precision()));
    let n = p.concatenating_mul(q);
    let phi = less(p).concatenating_mul(less(q));
    let e = BoxedUint::from(65_537u32).resize(phi.bits_precision());
    let d = e.invert_mod(&phi.to_nz().unwrap()).unwrap();
    let (dp, dq) = (d.rem(&less(p).to_nz().unwrap()), d.rem(&less(q).to_nz().unwrap()));
    let rest = q.rem(&p.to_nz().unwrap());
    let qinv = rest
        .invert_odd_mod(&p.to_odd().unwrap())
        .into_option()
        .unwrap_or_else(BoxedUint::one);
    [n, e, d, p.clone(), q.clone(), dp, dq, qinv]
}

fn pkcs1(numbers: &[BoxedUint]) -> Vec<u8> {
    let items: Vec<_> = numbers
        .iter()
        .map(|number| der::unsigned(&number.to_be_bytes()))
        .collect();
    let mut parts: Vec<&[u8]> = vec![&[der::INTEGER, 1, 0]];
    parts.extend(items.iter().map(|item| item.as_slice()));
    pem::write(Label::RsaPrivate, &der::item(der::SEQUENCE, &parts)).into_bytes()
}

fn verdict(numbers: &[BoxedUint]) -> Result<(), KeystoreError> {
    read(&pkcs1(numbers), "").map(drop)
}

fn public_verdict(n: &BoxedUint) -> Result<(), KeystoreError> {
    let numbers = [der::unsigned(&n.to_be_bytes()), der::unsigned(&[1, 0, 1])];
    let der = der::item(der::SEQUENCE, &[&numbers[0], &numbers[1]]);
    read(pem::write(Label::RsaPublic, &der).as_bytes(), "").map(drop)
}

#[test]
fn weak_rsa_keys_are_refused_each_with_its_reason() {
    let weak = |reason: WeakKey| Err(KeystoreError::Weak(reason));
    let (p, q) = (number("p"), number("q"));
    let good = numbers(&p, &q);
    assert_eq!(verdict(&good), Ok(()));
    assert_eq!(verdict(&numbers(&q, &p)), Ok(()), "either prime may come first");
    assert_eq!(public_verdict(&good[0]), Ok(()));

    let (close, near) = (number("close"), number("near"));
    assert_eq!(verdict(&numbers(&p, &close)), weak(WeakKey::RsaClosePrimes));
    assert_eq!(
        public_verdict(&p.concatenating_mul(&close)),
        weak(WeakKey::RsaClosePrimes)
    );
    // 2^900 apart: too far for Fermat, too near for the standard.
    assert_eq!(verdict(&numbers(&p, &near)), weak(WeakKey::RsaClosePrimes));
    assert_eq!(verdict(&numbers(&p, &p)), weak(WeakKey::RsaEqualPrimes));
    assert_eq!(public_verdict(&p.concatenating_mul(&p)), weak(WeakKey::RsaEqualPrimes));
    assert_eq!(public_verdict(&number("prime_modulus")), weak(WeakKey::RsaPrimeModulus));
    let composite = number("composite");
    assert_eq!(
        verdict(&numbers(&p, &composite)),
        weak(WeakKey::RsaNotPrime { name: "q" })
    );
    assert_eq!(
        verdict(&numbers(&composite, &q)),
        weak(WeakKey::RsaNotPrime { name: "p" })
    );
    let (name, bits, expected) = ("p", 1000, 1024);
    let unequal = numbers(&number("short"), &number("long"));
    assert_eq!(verdict(&unequal), weak(WeakKey::RsaPrimeSize { name, bits, expected }));

    let small = BoxedUint::from(8_191u32);
    // A cofactor of the right size: q without its lowest 13 bits, made odd.
    let cofactor = p.concatenating_mul(&q).wrapping_shr_vartime(13);
    let cofactor = cofactor.wrapping_sub(BoxedUint::from(u8::from(!bool::from(cofactor.is_odd()))));
    let divisible = cofactor.wrapping_mul(&small);
    let WeakKey::RsaSmallFactor { factor } = (match public_verdict(&divisible) {
        Err(KeystoreError::Weak(reason)) => reason,
        other => panic!("{other:?}"),
    }) else {
        panic!("a small factor is named");
    };
    assert_eq!(
        divisible.rem(&BoxedUint::from(factor).to_nz().unwrap()),
        BoxedUint::zero()
    );

    let even = good[0].wrapping_sub(BoxedUint::one());
    assert_eq!(public_verdict(&even), weak(WeakKey::RsaEven));
    assert_eq!(public_verdict(&p), weak(WeakKey::RsaSize { bits: 1024 }));
}

#[test]
fn factors_and_patterns_beyond_the_first_look_are_found_in_both_halves_of_a_key() {
    let weak = |reason: WeakKey| Err(KeystoreError::Weak(reason));
    // The largest prime below 2^20, and a cofactor of the right size that has no smaller one.
    let factor = 1_048_573u32;
    let prime = number("prime_modulus");
    let cofactor = prime.wrapping_shr_vartime(20);
    let odd = cofactor.wrapping_sub(BoxedUint::from(u8::from(!bool::from(cofactor.is_odd()))));
    let small = |n: &BoxedUint| crate::prime::small_factor(&n.to_be_bytes()).is_some();
    let divisible = (0..200u32)
        .map(|step| {
            odd.wrapping_sub(BoxedUint::from(2 * step))
                .wrapping_mul(BoxedUint::from(factor))
        })
        .find(|n| !small(n))
        .unwrap();
    let Err(KeystoreError::Weak(WeakKey::RsaSmallFactor { factor: found })) = public_verdict(&divisible) else {
        panic!("a factor above the first bound is found");
    };
    let rest = divisible.rem(&BoxedUint::from(found).to_nz().unwrap());
    assert!(found > 8_192 && bool::from(rest.is_zero()), "{found}");

    let repeated = BoxedUint::from_be_slice_vartime(&hex::decode("c3a5".repeat(64)).unwrap());
    let q = number("q");
    let pattern = |name| weak(WeakKey::RsaPattern { name });
    assert_eq!(verdict(&numbers(&repeated, &q)), pattern("p"));
    assert_eq!(verdict(&numbers(&q, &repeated)), pattern("q"));
    // As of primes right after two round numbers: almost all zeros.
    let mut round = vec![0; 256];
    (round[0], round[120], round[255]) = (0xa8, 0x47, 0x01);
    assert_eq!(
        public_verdict(&BoxedUint::from_be_slice_vartime(&round)),
        pattern("modulus")
    );
}

#[test]
fn every_number_of_a_private_key_is_checked() {
    let good = numbers(&number("p"), &number("q"));
    let names = ["n", "e", "d", "p", "q", "dp", "dq", "qinv"];
    for (place, name) in names.into_iter().enumerate() {
        let mut wrong = good.clone();
        wrong[place] = wrong[place].wrapping_sub(BoxedUint::from(2u8));
        let expected = match name {
            "e" => WeakKey::RsaExponent,
            // Other primes are noticed by their product.
            "p" | "q" => WeakKey::RsaInconsistent { name: "n" },
            name => WeakKey::RsaInconsistent { name },
        };
        assert_eq!(verdict(&wrong), Err(KeystoreError::Weak(expected)), "{name}");
    }
    // The exponent may be taken modulo phi or modulo the least common multiple, but is below n.
    let mut large = good.clone();
    large[2] = good[0].wrapping_add(BoxedUint::one()).resize(2_112);
    assert_eq!(
        verdict(&large),
        Err(KeystoreError::Weak(WeakKey::RsaInconsistent { name: "d" }))
    );
}

#[test]
fn rsa_keys_survive_the_way_out_and_in() {
    let bytes = |name| number(name).to_be_bytes();
    let [p, q] = [bytes("p"), bytes("q")];
    let key = SigningKey::Rsa(RsaKey::from_primes(RsaBits::B2048, &p, &q).unwrap());
    let text = write_pkcs8(&key, "harbour violin", &mut system_rng()).unwrap();
    assert!(text.lines().all(|line| line.len() <= 64));
    let back = read(text.as_bytes(), "harbour violin").unwrap();
    assert_eq!((back.format, back.address()), (Format::EncryptedPkcs8, key.address()));
    assert_eq!(back.warnings, []);
    assert_eq!(
        read(text.as_bytes(), "harbour").map(drop),
        Err(KeystoreError::WrongPassword)
    );
    let (format, kind) = (Format::Web3, KeyKind::Rsa2048);
    let refused = write_web3(&key, "pw", &mut system_rng());
    assert_eq!(refused, Err(KeystoreError::NotForKind { format, kind }));
    for text in [write_spki(&key.public_key()), write_hex_public(&key.public_key())] {
        let back = read(text.as_bytes(), "").unwrap();
        assert!(matches!(&back.key, Found::Public(found) if *found == key.public_key()));
    }
}

#[test]
fn a_public_key_is_recognised_as_such() {
    // The first account of the phrase that everyone knows.
    let text = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
    let found = read(text.as_bytes(), "").unwrap();
    assert_eq!(found.format, Format::HexPrivate);
    let expected = [Warning::NotEncrypted, Warning::NotChecked, Warning::Public];
    assert_eq!(found.warnings, expected);
    assert_eq!(
        format!("{found:?}").matches("ac0974").count(),
        0,
        "nothing secret is printed"
    );
}
