//! The signatures of a block as a list that other workers check, while this one executes. Rules: docs/protocol.md#A5, #A6, #T10
//!
//! A worker's yes is taken; its no is looked at again, so that a fault is never what a worker or a browser's library made of it.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use tally_chain::keys::{KeyError, RsaPublicKey, SignatureVerifier};
use tally_chain::transaction::{ChainIdentity, TransactionError};
use tally_chain::{CheckedTransaction, RawTransaction, ReferenceVerifier};

/// First byte of each claim in [`encode`].
const RSA: u8 = 1;
const SECP256K1: u8 = 2;
const RECOVERED: u8 = 3;

/// One signature whose form was checked; only its arithmetic is left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// RSASSA-PSS over `message`. Rule: docs/protocol.md#A5
    Rsa {
        /// Of the accepted form. Rule: docs/protocol.md#A4
        key: RsaPublicKey,
        /// What is hashed and signed. Rule: docs/protocol.md#T3
        message: Vec<u8>,
        /// As long as the modulus, and smaller.
        signature: Vec<u8>,
    },
    /// ECDSA of `digest`. Rule: docs/protocol.md#A6
    Secp256k1 {
        /// The compressed point.
        key: [u8; 33],
        /// What is signed.
        digest: [u8; 32],
        /// `r || s`.
        signature: [u8; 64],
    },
    /// ECDSA whose key follows from it. Rule: docs/protocol.md#T10
    Recovered {
        /// What is signed.
        digest: [u8; 32],
        /// `r || s`.
        signature: [u8; 64],
        /// Parity of the point's y.
        y_odd: bool,
    },
}

/// What a claim came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// There is none: it is checked where it is needed.
    Unknown,
    Verdict(bool),
    /// `x || y` of the key that signed.
    Point(Option<[u8; 64]>),
}

/// Why bytes are no claims, or no answers to them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant names its fields")]
pub enum ClaimsError {
    #[error("the bytes break off")]
    TooShort,
    #[error("a claim has the kind {found}")]
    UnknownKind { found: u8 },
    #[error("a claim has a key of another form: {0}")]
    Key(#[from] KeyError),
}

impl Claim {
    /// The verdict of our own arithmetic, as [`Answers`] reads it.
    pub fn answer(&self) -> Vec<u8> {
        let own = ReferenceVerifier;
        match self {
            Self::Rsa {
                key,
                message,
                signature,
            } => vec![own.verify_rsa_pss(key, message, signature).into()],
            Self::Secp256k1 { key, digest, signature } => {
                vec![own.verify_secp256k1(key, digest, signature).into()]
            }
            Self::Recovered {
                digest,
                signature,
                y_odd,
            } => match own.recover_secp256k1(digest, signature, *y_odd) {
                None => vec![0],
                Some(point) => [&[1][..], &point].concat(),
            },
        }
    }

    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Rsa {
                key,
                message,
                signature,
            } => {
                out.push(RSA);
                for bytes in [key.spki(), message, signature] {
                    // An envelope has 128 KiB at most (L3), and each of these is a part of one.
                    let length = u32::try_from(bytes.len()).expect("a part of an envelope has a short length");
                    out.extend_from_slice(&length.to_be_bytes());
                    out.extend_from_slice(bytes);
                }
            }
            Self::Secp256k1 { key, digest, signature } => {
                out.push(SECP256K1);
                out.extend_from_slice(key);
                out.extend_from_slice(digest);
                out.extend_from_slice(signature);
            }
            Self::Recovered {
                digest,
                signature,
                y_odd,
            } => {
                out.push(RECOVERED);
                out.extend_from_slice(digest);
                out.extend_from_slice(signature);
                out.push((*y_odd).into());
            }
        }
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, ClaimsError> {
        Ok(match from.array::<1>()? {
            [RSA] => Self::Rsa {
                key: RsaPublicKey::from_spki(from.bytes()?)?,
                message: from.bytes()?.to_vec(),
                signature: from.bytes()?.to_vec(),
            },
            [SECP256K1] => Self::Secp256k1 {
                key: from.array()?,
                digest: from.array()?,
                signature: from.array()?,
            },
            [RECOVERED] => Self::Recovered {
                digest: from.array()?,
                signature: from.array()?,
                y_odd: from.array()? != [0_u8],
            },
            [found] => return Err(ClaimsError::UnknownKind { found }),
        })
    }
}

/// Claims as bytes, in their order, for another worker.
pub fn encode<'a>(claims: impl IntoIterator<Item = &'a Claim>) -> Vec<u8> {
    let mut out = Vec::new();
    claims.into_iter().for_each(|claim| claim.encode(&mut out));
    out
}

/// What [`encode`] wrote.
pub fn decode(bytes: &[u8]) -> Result<Vec<Claim>, ClaimsError> {
    let mut reader = Reader(bytes);
    let mut claims = Vec::new();
    while !reader.0.is_empty() {
        claims.push(Claim::read(&mut reader)?);
    }
    Ok(claims)
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], ClaimsError> {
        let (array, rest) = self.0.split_first_chunk::<N>().ok_or(ClaimsError::TooShort)?;
        self.0 = rest;
        Ok(*array)
    }

    fn bytes(&mut self) -> Result<&'a [u8], ClaimsError> {
        let length = usize::try_from(u32::from_be_bytes(self.array()?)).map_err(|_| ClaimsError::TooShort)?;
        let (bytes, rest) = self.0.split_at_checked(length).ok_or(ClaimsError::TooShort)?;
        self.0 = rest;
        Ok(bytes)
    }
}

/// What the claims of some blocks came to, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answers(Vec<Answer>);

impl Answers {
    /// Adds the answers to these claims, each as [`Claim::answer`] gives it. Bytes that are no such answers answer none.
    pub fn add<'a>(&mut self, claims: impl IntoIterator<Item = &'a Claim>, bytes: Option<&[u8]>) {
        let claims: Vec<_> = claims.into_iter().collect();
        let unknown = || vec![Answer::Unknown; claims.len()];
        let answers = bytes.and_then(|bytes| read_answers(&claims, bytes));
        self.0.extend(answers.unwrap_or_else(unknown));
    }

    /// Takes the first `count` away, for the block that they are of.
    pub fn take(&mut self, count: usize) -> Self {
        Self(self.0.drain(..count.min(self.0.len())).collect())
    }
}

fn read_answers(claims: &[&Claim], bytes: &[u8]) -> Option<Vec<Answer>> {
    let mut reader = Reader(bytes);
    let mut answers = Vec::with_capacity(claims.len());
    for claim in claims {
        let [yes] = reader.array::<1>().ok()?;
        answers.push(match claim {
            Claim::Rsa { .. } | Claim::Secp256k1 { .. } => Answer::Verdict(yes == 1),
            Claim::Recovered { .. } if yes == 1 => Answer::Point(Some(reader.array().ok()?)),
            Claim::Recovered { .. } => Answer::Point(None),
        });
    }
    reader.0.is_empty().then_some(answers)
}

/// The signatures of one block, in its order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claims {
    list: Vec<Claim>,
    /// `x || y` of the compressed points that senders follow from.
    points: BTreeMap<[u8; 33], [u8; 64]>,
}

impl Claims {
    /// One for each signature.
    pub fn list(&self) -> &[Claim] {
        &self.list
    }

    /// Checks the transactions that the claims are of, with the answers to them; what has no answer is checked here. Of several
    /// failures it returns the one with the smallest index.
    pub fn check(
        self,
        identity: &ChainIdentity,
        answers: Answers,
        transactions: Vec<RawTransaction>,
    ) -> Result<Vec<CheckedTransaction>, (usize, TransactionError)> {
        let answered = Answered {
            claims: self,
            answers: answers.0,
            next: AtomicUsize::new(0),
        };
        check_each(identity, &answered, transactions)
    }
}

/// The claims of transactions as far as they can be included; the first that cannot is found again by [`Claims::check`].
pub(crate) fn collect(
    identity: &ChainIdentity,
    transactions: Vec<RawTransaction>,
    claims: &mut Claims,
) -> Result<Vec<CheckedTransaction>, (usize, TransactionError)> {
    let collector = Collector::default();
    let assumed = check_each(identity, &collector, transactions);
    *claims = collector
        .0
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    assumed
}

fn check_each(
    identity: &ChainIdentity,
    verifier: &dyn SignatureVerifier,
    transactions: Vec<RawTransaction>,
) -> Result<Vec<CheckedTransaction>, (usize, TransactionError)> {
    let numbered = transactions.into_iter().enumerate();
    numbered
        .map(|(index, raw)| raw.check(identity, verifier).map_err(|error| (index, error)))
        .collect()
}

/// Writes down every signature, and takes it to be right: what is checked with it stays within this module.
#[derive(Default)]
struct Collector(Mutex<Claims>);

impl Collector {
    fn push(&self, claim: Claim) {
        let mut claims = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        claims.list.push(claim);
    }
}

impl SignatureVerifier for Collector {
    fn verify_rsa_pss(&self, key: &RsaPublicKey, message: &[u8], signature: &[u8]) -> bool {
        self.push(Claim::Rsa {
            key: key.clone(),
            message: message.to_vec(),
            signature: signature.to_vec(),
        });
        true
    }

    fn verify_secp256k1(&self, key: &[u8; 33], digest: &[u8; 32], signature: &[u8; 64]) -> bool {
        self.push(Claim::Secp256k1 {
            key: *key,
            digest: *digest,
            signature: *signature,
        });
        true
    }

    fn decompress_secp256k1(&self, key: &[u8; 33]) -> Option<[u8; 64]> {
        let mut claims = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(point) = claims.points.get(key) {
            return Some(*point);
        }
        // The sender stands in the message that is signed, so it has to be known here.
        let point = ReferenceVerifier.decompress_secp256k1(key)?;
        claims.points.insert(*key, point);
        Some(point)
    }

    fn recover_secp256k1(&self, digest: &[u8; 32], signature: &[u8; 64], y_odd: bool) -> Option<[u8; 64]> {
        self.push(Claim::Recovered {
            digest: *digest,
            signature: *signature,
            y_odd,
        });
        // Nobody's: the sender is in nothing that an Ethereum signature covers.
        Some([0; 64])
    }
}

/// Gives the answers, each to the claim that it was given for.
struct Answered {
    claims: Claims,
    answers: Vec<Answer>,
    next: AtomicUsize,
}

impl Answered {
    /// The answer, if the next claim is this one. Checks come in the order in which claims were collected.
    fn answer(&self, is_this: impl FnOnce(&Claim) -> bool) -> Option<Answer> {
        let at = self.next.load(Ordering::Relaxed);
        let claim = self.claims.list.get(at).filter(|claim| is_this(claim));
        claim?;
        self.next.store(at + 1, Ordering::Relaxed);
        self.answers.get(at).copied()
    }
}

impl SignatureVerifier for Answered {
    fn verify_rsa_pss(&self, by_key: &RsaPublicKey, text: &[u8], by: &[u8]) -> bool {
        let answer = self.answer(|claim| {
            matches!(claim, Claim::Rsa { key, message, signature } if key == by_key && message == text && signature == by)
        });
        answer == Some(Answer::Verdict(true)) || ReferenceVerifier.verify_rsa_pss(by_key, text, by)
    }

    fn verify_secp256k1(&self, by_key: &[u8; 33], of: &[u8; 32], by: &[u8; 64]) -> bool {
        let answer = self.answer(|claim| {
            matches!(claim, Claim::Secp256k1 { key, digest, signature } if key == by_key && digest == of && signature == by)
        });
        answer == Some(Answer::Verdict(true)) || ReferenceVerifier.verify_secp256k1(by_key, of, by)
    }

    fn decompress_secp256k1(&self, key: &[u8; 33]) -> Option<[u8; 64]> {
        let known = self.claims.points.get(key).copied();
        known.or_else(|| ReferenceVerifier.decompress_secp256k1(key))
    }

    fn recover_secp256k1(&self, of: &[u8; 32], by: &[u8; 64], odd: bool) -> Option<[u8; 64]> {
        let answer = self.answer(|claim| {
            matches!(claim, Claim::Recovered { digest, signature, y_odd } if digest == of && signature == by && *y_odd == odd)
        });
        match answer {
            Some(Answer::Point(Some(point))) => Some(point),
            _ => ReferenceVerifier.recover_secp256k1(of, by, odd),
        }
    }
}
