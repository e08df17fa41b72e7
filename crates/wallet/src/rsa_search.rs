//! The resumable search for the primes of a derived RSA key.

use std::collections::VecDeque;

use crypto_bigint::BoxedUint;
use zeroize::Zeroizing;

use crate::hd::Drng;
use crate::keys::{RsaBits, RsaKey};
use crate::montgomery::{LANES, digits};
use crate::prime::{BASES, has_small_factor, residue, strong_probable_primes};

/// The search for one RSA key. Rule: docs/protocol.md#W4
///
/// It is resumable, so that a page can show progress and stop it: each [`step`](Self::step) takes some
/// milliseconds at most. What it finds depends on the phrase alone, never on how it is stepped.
pub struct RsaSearch {
    bits: RsaBits,
    index: u32,
    stream: Drng,
    pair: PairOf,
}

/// What a step led to.
#[derive(Debug)]
pub enum Step {
    /// Not found yet.
    Searching(Progress),
    /// The key, at the end of the search.
    Found(RsaKey),
}

/// How far a search has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Primes found so far: 0 or 1.
    pub primes: u8,
    /// Candidates drawn from the stream so far.
    pub drawn: u32,
    /// Candidates that a search of this size draws on average.
    pub expected: u32,
}

impl RsaSearch {
    pub(crate) fn new(bits: RsaBits, index: u32, stream: Drng) -> Self {
        let pair = match bits {
            RsaBits::B2048 => PairOf::B1024(Pair::new(bits)),
            RsaBits::B3072 => PairOf::B1536(Pair::new(bits)),
            RsaBits::B4096 => PairOf::B2048(Pair::new(bits)),
        };
        Self {
            bits,
            index,
            stream,
            pair,
        }
    }

    /// Size of the key that is searched.
    pub fn bits(&self) -> RsaBits {
        self.bits
    }

    /// Derivation index of the key that is searched.
    pub fn index(&self) -> u32 {
        self.index
    }

    /// Goes on by four exponentiations, side by side. After `Found`, further steps give the same key again.
    pub fn step(&mut self) -> Step {
        let found = match &mut self.pair {
            PairOf::B1024(pair) => pair.step(&mut self.stream),
            PairOf::B1536(pair) => pair.step(&mut self.stream),
            PairOf::B2048(pair) => pair.step(&mut self.stream),
        };
        match found {
            Some((p, q)) => Step::Found(
                RsaKey::from_primes(self.bits, &p, &q)
                    .expect("the search yields two primes that make a key of this size"),
            ),
            None => Step::Searching(self.progress()),
        }
    }

    /// How far the search has come.
    pub fn progress(&self) -> Progress {
        let (primes, drawn) = match &self.pair {
            PairOf::B1024(pair) => pair.progress(),
            PairOf::B1536(pair) => pair.progress(),
            PairOf::B2048(pair) => pair.progress(),
        };
        // Of odd numbers near 2^h, one in h * ln(2) / 2 is prime; there are two primes of h = bits / 2 bits.
        let expected = (f64::from(self.bits.get()) * std::f64::consts::LN_2 / 2.0) as u32;
        Progress {
            primes,
            drawn,
            expected,
        }
    }

    /// Searches to the end.
    pub fn finish(mut self) -> RsaKey {
        loop {
            if let Step::Found(key) = self.step() {
                return key;
            }
        }
    }
}

impl std::fmt::Debug for RsaSearch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RsaSearch({}, {:?})", self.bits, self.progress())
    }
}

enum PairOf {
    B1024(Box<Pair<{ digits(1024) }>>),
    B1536(Box<Pair<{ digits(1536) }>>),
    B2048(Box<Pair<{ digits(2048) }>>),
}

type Bytes = Zeroizing<Vec<u8>>;

/// A number that the stream gave.
struct Candidate {
    /// Big-endian.
    bytes: Bytes,
    /// Its place in the stream, from 1.
    drawn: u32,
}

/// The two primes of a key, as far as they are known. The primes and the candidate that may become one are wiped when dropped;
/// so are the others, though a number that was rejected is no secret: nothing follows from it but that it is not the prime.
struct Pair<const DIGITS: usize> {
    /// Bytes of a prime.
    len: usize,
    primes: Vec<Bytes>,
    /// Candidates read from the stream. Four are tried at once, so some are read ahead.
    read: u32,
    /// The place of the candidate that is being decided on, or was last.
    decided: u32,
    /// They passed base two, in the order of the stream.
    promising: VecDeque<Candidate>,
    /// Bases that the first of these has passed.
    passed: usize,
}

impl<const DIGITS: usize> Pair<DIGITS> {
    fn new(bits: RsaBits) -> Box<Self> {
        Box::new(Self {
            len: bits.get() as usize / 16,
            primes: Vec::with_capacity(2),
            read: 0,
            decided: 0,
            promising: VecDeque::new(),
            passed: 0,
        })
    }

    /// Four exponentiations further; the larger and the smaller prime once both are known.
    fn step(&mut self, stream: &mut Drng) -> Option<(Bytes, Bytes)> {
        if let [first, second] = self.primes.as_slice() {
            let (p, q) = if **first > **second {
                (first, second)
            } else {
                (second, first)
            };
            return Some((p.clone(), q.clone()));
        }
        match self.promising.front() {
            None => self.look(stream),
            Some(candidate) => {
                self.decided = candidate.drawn;
                self.confirm();
            }
        }
        None
    }

    /// Tries the next four candidates with base two, which hardly a composite number passes.
    fn look(&mut self, stream: &mut Drng) {
        let four: [Candidate; LANES] = std::array::from_fn(|_| self.draw(stream));
        let passed =
            strong_probable_primes::<DIGITS>(four.each_ref().map(|one| one.bytes.as_slice()), [BASES[0]; LANES]);
        let last = four[LANES - 1].drawn;
        let promising = four.into_iter().zip(passed).filter(|(_, passed)| *passed);
        self.promising.extend(promising.map(|(candidate, _)| candidate));
        self.decided = self.promising.front().map_or(last, |first| first.drawn);
    }

    /// Tries the first promising candidate with the next four bases, and takes it after the last.
    fn confirm(&mut self) {
        let Some(candidate) = self.promising.front() else {
            return;
        };
        let bases = std::array::from_fn(|lane| BASES[self.passed + lane]);
        let passed = strong_probable_primes::<DIGITS>([candidate.bytes.as_slice(); LANES], bases);
        self.passed += LANES;
        let prime = passed == [true; LANES];
        if prime && self.passed < BASES.len() {
            return;
        }
        self.passed = 0;
        if let Some(candidate) = self.promising.pop_front().filter(|_| prime) {
            self.accept(candidate.bytes);
        }
    }

    /// The next candidate of the stream that small primes do not rule out. Rule: docs/protocol.md#W4
    fn draw(&mut self, stream: &mut Drng) -> Candidate {
        let mut bytes = Zeroizing::new(vec![0u8; self.len]);
        loop {
            stream.read(&mut bytes);
            self.read = self.read.saturating_add(1);
            bytes[0] |= 0xc0;
            bytes[self.len - 1] |= 1;
            if residue(&bytes, 65_537) != 1 && !has_small_factor(&bytes) {
                return Candidate {
                    bytes,
                    drawn: self.read,
                };
            }
        }
    }

    /// Takes a prime, unless it is too near the first. Rule: docs/protocol.md#W4
    fn accept(&mut self, prime: Bytes) {
        if self.primes.first().is_none_or(|first| are_apart(first, &prime)) {
            self.primes.push(prime);
        }
    }

    fn progress(&self) -> (u8, u32) {
        (self.primes.len() as u8, self.decided)
    }
}

/// Whether two primes of h bits differ by more than `2^(h - 100)`. Rule: docs/protocol.md#W4
fn are_apart(one: &[u8], other: &[u8]) -> bool {
    let bits = one.len() as u32 * 8;
    let read = |bytes| Zeroizing::new(BoxedUint::from_be_slice(bytes, bits).expect("a prime has h bits"));
    let (larger, smaller) = (read(one.max(other)), read(one.min(other)));
    let distance = Zeroizing::new(larger.wrapping_sub(&*smaller));
    *distance > BoxedUint::one_with_precision(bits).wrapping_shl_vartime(bits - 100)
}

#[cfg(test)]
mod tests;
