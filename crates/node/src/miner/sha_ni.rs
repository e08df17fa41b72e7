//! The nonce search with the SHA instructions of x86-64, two nonces side by side: while one waits for its round, the
//! other computes. Finds what [`Search`](tally_chain::pow::Search) finds.
#![allow(
    unsafe_code,
    reason = "the processor's SHA instructions, called only where they were found"
)]

use std::arch::x86_64::{
    __m128i, _mm_add_epi32, _mm_alignr_epi8, _mm_blend_epi16, _mm_cvtsi128_si64, _mm_set_epi32, _mm_sha256msg1_epu32,
    _mm_sha256msg2_epu32, _mm_sha256rnds2_epu32, _mm_shuffle_epi32,
};

use sha2::block_api::compress256;
use tally_chain::Header;
use tally_chain::pow::Target;

/// Nonces tried side by side; two fill the pipeline of the SHA unit.
const LANES: usize = 2;

type Lanes = [__m128i; LANES];

const INIT: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

#[rustfmt::skip]
const K: [u32; 64] = [
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
];

/// A header prepared for the search. Exists only on machines that have the instructions.
pub(super) struct ShaNiSearch {
    header: Header,
    target: Target,
    midstate: [u32; 8],
    /// Words of the second block before the nonce.
    words: [u32; 3],
    /// Most significant 32 bits of the target.
    top: u32,
}

impl ShaNiSearch {
    /// `None` on machines without the instructions.
    pub fn new(header: &Header, target: Target) -> Option<Self> {
        let able =
            is_x86_feature_detected!("sha") && is_x86_feature_detected!("sse4.1") && is_x86_feature_detected!("ssse3");
        able.then(|| {
            let bytes = header.encode();
            let mut first = [0; 64];
            first.copy_from_slice(&bytes[..64]);
            let mut midstate = INIT;
            compress256(&mut midstate, &[first]);
            let word = |at: usize| u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
            Self {
                header: *header,
                target,
                midstate,
                words: [word(64), word(68), word(72)],
                top: (target.0 >> 224usize).to::<u32>(),
            }
        })
    }

    /// Tries `count` nonces from `first` on and returns the first that seals the header.
    pub fn scan(&self, first: u32, count: u32) -> Option<u32> {
        // SAFETY: `new` makes a value only after it has found the features that `scan` is compiled for.
        unsafe { scan(self, first, count) }
    }

    /// The whole check, for the few nonces that pass the quick one.
    fn seals(&self, nonce: u32) -> bool {
        let header = Header { nonce, ..self.header };
        self.target.is_met_by(&header.id())
    }
}

#[target_feature(enable = "sha,sse4.1,ssse3")]
fn scan(search: &ShaNiSearch, first: u32, count: u32) -> Option<u32> {
    let midstate = load(&search.midstate);
    let [w0, w1, w2] = search.words;
    let mut offset = 0;
    while offset < count {
        let nonces: [u32; LANES] = std::array::from_fn(|lane| first.wrapping_add(offset).wrapping_add(lane as u32));
        let head = nonces.map(|nonce| vector([w0, w1, w2, nonce.swap_bytes()]));
        let tops = double_sha256_tops(midstate, head);
        for (lane, nonce) in nonces.into_iter().enumerate() {
            let within = (lane as u32) < count - offset;
            if tops[lane] <= search.top && within && search.seals(nonce) {
                return Some(nonce);
            }
        }
        offset = offset.saturating_add(LANES as u32);
    }
    None
}

/// The most significant 32 bits of the ids, from the midstate and the first words of the second block.
#[inline]
#[target_feature(enable = "sha,sse4.1,ssse3")]
fn double_sha256_tops(midstate: [__m128i; 2], head: Lanes) -> [u32; LANES] {
    // First hash: the rest of the header, padded; 640 bits in all.
    let padding = vector([0x8000_0000, 0, 0, 0]);
    let (mut abef, mut cdgh) = ([midstate[0]; LANES], [midstate[1]; LANES]);
    let block = [
        head,
        [padding; LANES],
        [vector([0; 4]); LANES],
        [vector([0, 0, 0, 640]); LANES],
    ];
    rounds::<64>(&mut abef, &mut cdgh, block);
    let digest: [[__m128i; 2]; LANES] = std::array::from_fn(|lane| {
        let abef = _mm_add_epi32(abef[lane], midstate[0]);
        let cdgh = _mm_add_epi32(cdgh[lane], midstate[1]);
        let (feba, dchg) = (_mm_shuffle_epi32(abef, 0x1B), _mm_shuffle_epi32(cdgh, 0xB1));
        [_mm_blend_epi16(feba, dchg, 0xF0), _mm_alignr_epi8(dchg, feba, 8)]
    });

    // Second hash: the digest, padded; 256 bits in all. What is f after 62 rounds is h after 64.
    let init = load(&INIT);
    let (mut abef, mut cdgh) = ([init[0]; LANES], [init[1]; LANES]);
    let block = [
        digest.map(|words| words[0]),
        digest.map(|words| words[1]),
        [padding; LANES],
        [vector([0, 0, 0, 256]); LANES],
    ];
    rounds::<62>(&mut abef, &mut cdgh, block);
    abef.map(|abef| (_mm_cvtsi128_si64(abef) as u32).wrapping_add(INIT[7]).swap_bytes())
}

/// The first `ROUNDS` rounds (62 or 64) over one block.
#[inline]
#[target_feature(enable = "sha,sse4.1,ssse3")]
fn rounds<const ROUNDS: usize>(abef: &mut Lanes, cdgh: &mut Lanes, mut w: [Lanes; 4]) {
    for step in 0..16 {
        let at = step % 4;
        if step >= 4 {
            let [w0, w1, w2, w3] = [w[at], w[(at + 1) % 4], w[(at + 2) % 4], w[(at + 3) % 4]];
            w[at] = std::array::from_fn(|lane| {
                let sum = _mm_add_epi32(
                    _mm_sha256msg1_epu32(w0[lane], w1[lane]),
                    _mm_alignr_epi8(w3[lane], w2[lane], 4),
                );
                _mm_sha256msg2_epu32(sum, w3[lane])
            });
        }
        let k = vector([K[4 * step], K[4 * step + 1], K[4 * step + 2], K[4 * step + 3]]);
        let wk = w[at].map(|w| _mm_add_epi32(w, k));
        for lane in 0..LANES {
            cdgh[lane] = _mm_sha256rnds2_epu32(cdgh[lane], abef[lane], wk[lane]);
        }
        if 4 * step + 2 == ROUNDS {
            // The halves have changed places: what would be abef stands in cdgh.
            *abef = *cdgh;
            return;
        }
        for lane in 0..LANES {
            abef[lane] = _mm_sha256rnds2_epu32(abef[lane], cdgh[lane], _mm_shuffle_epi32(wk[lane], 0x0E));
        }
    }
}

/// Four words, the first in the lowest lane.
#[inline]
#[target_feature(enable = "sse2")]
fn vector([a, b, c, d]: [u32; 4]) -> __m128i {
    _mm_set_epi32(d as i32, c as i32, b as i32, a as i32)
}

/// A state as the instructions want it: a, b, e, f and c, d, g, h, from the highest lane down.
#[inline]
#[target_feature(enable = "sse2")]
fn load([a, b, c, d, e, f, g, h]: &[u32; 8]) -> [__m128i; 2] {
    [vector([*f, *e, *b, *a]), vector([*h, *g, *d, *c])]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tally_chain::pow::Search;
    use tally_chain::{B256, BlockId, U256};

    use super::*;

    proptest! {
        #[test]
        fn finds_what_the_portable_search_finds(
            parent: [u8; 32], root: [u8; 32], time: u32, bits: u32, first: u32, near_end: bool, count in 0u32..700, shift in 1usize..14,
        ) {
            let header = Header {
                version: 1,
                parent: BlockId(B256::new(parent)),
                manifest_root: B256::new(root),
                time,
                bits,
                nonce: 0,
            };
            let target = Target(U256::MAX >> shift);
            let first = if near_end { u32::MAX - first % 500 } else { first };
            let Some(search) = ShaNiSearch::new(&header, target) else {
                eprintln!("SKIP: this machine has no SHA instructions");
                return Ok(());
            };
            prop_assert_eq!(search.scan(first, count), Search::new(&header, target).scan(first, count));
        }
    }

    /// Prints hashes per second of both searches; run with `--release -- --ignored --nocapture`.
    #[test]
    #[ignore = "a measurement"]
    fn speed() {
        let header = Header::decode(&[7; 80]);
        let target = Target(U256::from(1));
        let count = if cfg!(debug_assertions) { 1 << 18 } else { 1 << 26 };
        let rate = |scan: &mut dyn FnMut() -> Option<u32>| {
            let begun = std::time::Instant::now();
            assert_eq!(scan(), None);
            f64::from(count) / begun.elapsed().as_secs_f64() / 1e6
        };
        let mut portable = Search::new(&header, target);
        println!("portable {:.1} MH/s", rate(&mut || portable.scan(0, count)));
        if let Some(search) = ShaNiSearch::new(&header, target) {
            println!("SHA-NI {:.1} MH/s", rate(&mut || search.scan(0, count)));
        }
    }
}
