//! The resumable search for the primes of a derived RSA key.

use crypto_bigint::{U1024, U1536, U2048, Uint};
use zeroize::{Zeroize, Zeroizing};

use crate::hd::Drng;
use crate::keys::{RsaBits, RsaKey};
use crate::prime::{BASES, Probe, has_small_factor, residue};

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
            RsaBits::B2048 => PairOf::B1024(Box::default()),
            RsaBits::B3072 => PairOf::B1536(Box::default()),
            RsaBits::B4096 => PairOf::B2048(Box::default()),
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

    /// Goes on by one exponentiation. After `Found`, further steps give the same key again.
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
    B1024(Box<Pair<{ U1024::LIMBS }>>),
    B1536(Box<Pair<{ U1536::LIMBS }>>),
    B2048(Box<Pair<{ U2048::LIMBS }>>),
}

type Bytes = Zeroizing<Vec<u8>>;

/// The two primes of a key, as far as they are known.
#[derive(Default)]
struct Pair<const LIMBS: usize> {
    first: Option<Uint<LIMBS>>,
    second: Option<Uint<LIMBS>>,
    /// A candidate that passed base two, and the place of the next base to try it with.
    confirming: Option<(Probe<LIMBS>, usize)>,
    drawn: u32,
}

impl<const LIMBS: usize> Pair<LIMBS> {
    const BITS: u32 = Uint::<LIMBS>::BITS;
    const BYTES: usize = Self::BITS as usize / 8;

    /// One exponentiation further; the larger and the smaller prime once both are known.
    fn step(&mut self, stream: &mut Drng) -> Option<(Bytes, Bytes)> {
        if let (Some(first), Some(second)) = (&self.first, &self.second) {
            let (p, q) = if first > second {
                (first, second)
            } else {
                (second, first)
            };
            return Some((bytes_of(p), bytes_of(q)));
        }
        match self.confirming.take() {
            Some((probe, next)) if next == BASES.len() => self.accept(probe.number()),
            Some((probe, next)) => {
                if probe.passes(BASES[next]) {
                    self.confirming = Some((probe, next + 1));
                }
            }
            None => {
                let probe = self.draw(stream);
                if probe.passes(BASES[0]) {
                    self.confirming = Some((probe, 1));
                }
            }
        }
        None
    }

    /// The next candidate of the stream that small primes do not rule out. Rule: docs/protocol.md#W4
    fn draw(&mut self, stream: &mut Drng) -> Probe<LIMBS> {
        let mut bytes = Zeroizing::new(vec![0u8; Self::BYTES]);
        loop {
            stream.read(&mut bytes);
            self.drawn = self.drawn.saturating_add(1);
            bytes[0] |= 0xc0;
            bytes[Self::BYTES - 1] |= 1;
            if residue(&bytes, 65_537) != 1 && !has_small_factor(&bytes) {
                let number = Uint::<LIMBS>::from_be_slice(&bytes);
                return Probe::new(number.to_odd().expect_copied("the lowest bit was set above"));
            }
        }
    }

    fn accept(&mut self, prime: Uint<LIMBS>) {
        match &self.first {
            None => self.first = Some(prime),
            Some(first) => {
                let distance = if *first > prime {
                    first.wrapping_sub(&prime)
                } else {
                    prime.wrapping_sub(first)
                };
                // |p - q| must be above 2^(h - 100); at or below it, the second prime is drawn again.
                let limit = Uint::ONE.wrapping_shl_vartime(Self::BITS - 100);
                if distance > limit {
                    self.second = Some(prime);
                }
            }
        }
    }

    fn progress(&self) -> (u8, u32) {
        (
            u8::from(self.first.is_some()) + u8::from(self.second.is_some()),
            self.drawn,
        )
    }
}

impl<const LIMBS: usize> Drop for Pair<LIMBS> {
    fn drop(&mut self) {
        self.first.zeroize();
        self.second.zeroize();
    }
}

fn bytes_of<const LIMBS: usize>(number: &Uint<LIMBS>) -> Bytes {
    // Words are least significant first, the bytes to return most significant first.
    let mut bytes = Zeroizing::new(Vec::with_capacity(Uint::<LIMBS>::BITS as usize / 8));
    for word in number.as_words().iter().rev() {
        bytes.extend_from_slice(&word.to_be_bytes());
    }
    bytes
}
