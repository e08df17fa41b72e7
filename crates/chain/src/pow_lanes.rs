//! The nonce search four at a time, for machines without SHA instructions: browsers above all.
//!
//! It finds what [`Search`](crate::pow::Search) finds. Four nonces travel side by side through SHA-256d, one in each
//! lane of a 128-bit register; on wasm32 with `simd128` these are the machine's own, elsewhere arrays that compilers
//! vectorise. Rule: docs/protocol.md#H5

use sha2::block_api::compress256;

use crate::header::Header;
use crate::pow::{SHA256_INIT, Target};

/// Nonces tried side by side.
pub const LANES: usize = 4;

/// Round constants of SHA-256 (FIPS 180-4, section 4.2.2).
const K: [u32; 64] = [
    0x428a_2f98,
    0x7137_4491,
    0xb5c0_fbcf,
    0xe9b5_dba5,
    0x3956_c25b,
    0x59f1_11f1,
    0x923f_82a4,
    0xab1c_5ed5,
    0xd807_aa98,
    0x1283_5b01,
    0x2431_85be,
    0x550c_7dc3,
    0x72be_5d74,
    0x80de_b1fe,
    0x9bdc_06a7,
    0xc19b_f174,
    0xe49b_69c1,
    0xefbe_4786,
    0x0fc1_9dc6,
    0x240c_a1cc,
    0x2de9_2c6f,
    0x4a74_84aa,
    0x5cb0_a9dc,
    0x76f9_88da,
    0x983e_5152,
    0xa831_c66d,
    0xb003_27c8,
    0xbf59_7fc7,
    0xc6e0_0bf3,
    0xd5a7_9147,
    0x06ca_6351,
    0x1429_2967,
    0x27b7_0a85,
    0x2e1b_2138,
    0x4d2c_6dfc,
    0x5338_0d13,
    0x650a_7354,
    0x766a_0abb,
    0x81c2_c92e,
    0x9272_2c85,
    0xa2bf_e8a1,
    0xa81a_664b,
    0xc24b_8b70,
    0xc76c_51a3,
    0xd192_e819,
    0xd699_0624,
    0xf40e_3585,
    0x106a_a070,
    0x19a4_c116,
    0x1e37_6c08,
    0x2748_774c,
    0x34b0_bcb5,
    0x391c_0cb3,
    0x4ed8_aa4a,
    0x5b9c_ca4f,
    0x682e_6ff3,
    0x748f_82ee,
    0x78a5_636f,
    0x84c8_7814,
    0x8cc7_0208,
    0x90be_fffa,
    0xa450_6ceb,
    0xbef9_a3f7,
    0xc671_78f2,
];

/// Four 32-bit words in one register of the machine.
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod lanes {
    use core::arch::wasm32::{
        i32x4_add, i32x4_splat, u32x4, u32x4_extract_lane, u32x4_shl, u32x4_shr, v128, v128_and, v128_andnot, v128_or,
        v128_xor,
    };

    #[derive(Clone, Copy)]
    pub struct Lanes(v128);

    impl Lanes {
        pub fn new([a, b, c, d]: [u32; 4]) -> Self {
            Self(u32x4(a, b, c, d))
        }
        pub fn splat(word: u32) -> Self {
            Self(i32x4_splat(word.cast_signed()))
        }
        pub fn words(self) -> [u32; 4] {
            [
                u32x4_extract_lane::<0>(self.0),
                u32x4_extract_lane::<1>(self.0),
                u32x4_extract_lane::<2>(self.0),
                u32x4_extract_lane::<3>(self.0),
            ]
        }
        #[inline(always)]
        pub fn plus(self, other: Self) -> Self {
            Self(i32x4_add(self.0, other.0))
        }
        #[inline(always)]
        pub fn xor(self, other: Self) -> Self {
            Self(v128_xor(self.0, other.0))
        }
        #[inline(always)]
        pub fn and(self, other: Self) -> Self {
            Self(v128_and(self.0, other.0))
        }
        /// `other` where this is not.
        #[inline(always)]
        pub fn masks(self, other: Self) -> Self {
            Self(v128_andnot(other.0, self.0))
        }
        #[inline(always)]
        pub fn rotate<const N: u32, const M: u32>(self) -> Self {
            Self(v128_or(u32x4_shr(self.0, N), u32x4_shl(self.0, M)))
        }
        #[inline(always)]
        pub fn shift<const N: u32>(self) -> Self {
            Self(u32x4_shr(self.0, N))
        }
    }
}

/// Four 32-bit words; compilers turn these loops into vector instructions where there are any.
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
mod lanes {
    #[derive(Clone, Copy)]
    pub struct Lanes([u32; 4]);

    impl Lanes {
        pub fn new(words: [u32; 4]) -> Self {
            Self(words)
        }
        pub fn splat(word: u32) -> Self {
            Self([word; 4])
        }
        pub fn words(self) -> [u32; 4] {
            self.0
        }
        #[inline(always)]
        fn zip(self, other: Self, join: impl Fn(u32, u32) -> u32) -> Self {
            Self(std::array::from_fn(|lane| join(self.0[lane], other.0[lane])))
        }
        #[inline(always)]
        pub fn plus(self, other: Self) -> Self {
            self.zip(other, u32::wrapping_add)
        }
        #[inline(always)]
        pub fn xor(self, other: Self) -> Self {
            self.zip(other, |a, b| a ^ b)
        }
        #[inline(always)]
        pub fn and(self, other: Self) -> Self {
            self.zip(other, |a, b| a & b)
        }
        /// `other` where this is not.
        #[inline(always)]
        pub fn masks(self, other: Self) -> Self {
            self.zip(other, |a, b| !a & b)
        }
        #[inline(always)]
        pub fn rotate<const N: u32, const M: u32>(self) -> Self {
            Self(self.0.map(|word| word.rotate_right(N)))
        }
        #[inline(always)]
        pub fn shift<const N: u32>(self) -> Self {
            Self(self.0.map(|word| word >> N))
        }
    }
}

use lanes::Lanes;

/// One round; `i` selects which of the eight words plays which part, so that none has to move.
#[inline(always)]
fn round(s: &mut [Lanes; 8], i: usize, k: u32, w: Lanes) {
    let at = |part: usize| (part + 8 - i % 8) % 8;
    let (a, b, c, e, f, g) = (s[at(0)], s[at(1)], s[at(2)], s[at(4)], s[at(5)], s[at(6)]);
    let sum1 = e.rotate::<6, 26>().xor(e.rotate::<11, 21>()).xor(e.rotate::<25, 7>());
    let choice = e.and(f).xor(e.masks(g));
    let first = s[at(7)].plus(sum1).plus(choice).plus(Lanes::splat(k)).plus(w);
    let sum0 = a.rotate::<2, 30>().xor(a.rotate::<13, 19>()).xor(a.rotate::<22, 10>());
    let majority = a.and(b.xor(c)).xor(b.and(c));
    s[at(3)] = s[at(3)].plus(first);
    s[at(7)] = first.plus(sum0).plus(majority);
}

/// The next word of the message schedule, in the place of the one sixteen before it.
#[inline(always)]
fn schedule(w: &mut [Lanes; 16], i: usize) -> Lanes {
    let (w1, w14) = (w[(i + 1) % 16], w[(i + 14) % 16]);
    let sigma0 = w1.rotate::<7, 25>().xor(w1.rotate::<18, 14>()).xor(w1.shift::<3>());
    let sigma1 = w14
        .rotate::<17, 15>()
        .xor(w14.rotate::<19, 13>())
        .xor(w14.shift::<10>());
    w[i % 16] = w[i % 16].plus(sigma0).plus(w[(i + 9) % 16]).plus(sigma1);
    w[i % 16]
}

/// Calls a macro once for each listed number, which must be known when compiling.
macro_rules! each {
    ($call:ident: $($i:literal)*) => { $($call!($i);)* };
}

/// Rounds `FIRST` to 60 of a block: enough for the last word of the result, see [`last_word`].
#[inline(always)]
fn rounds_to_60<const FIRST: usize>(s: &mut [Lanes; 8], w: &mut [Lanes; 16]) {
    macro_rules! plain {
        ($i:literal) => {
            if $i >= FIRST {
                round(s, $i, K[$i], w[$i]);
            }
        };
    }
    each!(plain: 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
    for k in K[16..48].as_chunks::<16>().0 {
        macro_rules! scheduled {
            ($i:literal) => {
                round(s, $i, k[$i], schedule(w, $i));
            };
        }
        each!(scheduled: 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
    }
    macro_rules! ending {
        ($i:literal) => {
            round(s, $i, K[48 + $i], schedule(w, $i));
        };
    }
    each!(ending: 0 1 2 3 4 5 6 7 8 9 10 11 12);
}

/// Rounds 61 to 63.
#[inline(always)]
fn rounds_from_61(s: &mut [Lanes; 8], w: &mut [Lanes; 16]) {
    macro_rules! ending {
        ($i:literal) => {
            round(s, $i, K[48 + $i], schedule(w, $i));
        };
    }
    each!(ending: 13 14 15);
}

/// After round 60 the word that becomes the last one is done: it only moves on from there.
#[inline(always)]
fn last_word(s: &[Lanes; 8]) -> Lanes {
    // What is e after round 60 is h after round 63, in the same place.
    s[7].plus(Lanes::splat(SHA256_INIT[7]))
}

/// A header prepared for the nonce search, four at a time.
#[derive(Clone)]
pub struct LaneSearch {
    header: Header,
    target: Target,
    midstate: [u32; 8],
    /// The state after the three rounds that no nonce changes.
    begun: [u32; 8],
    /// Words 0 to 2 of the second block: end of the root, time, bits.
    words: [u32; 3],
    /// The most significant 32 bits of the target.
    top: u32,
}

impl LaneSearch {
    /// Hashes the first 64 bytes of the header; its own nonce does not count.
    pub fn new(header: &Header, target: Target) -> Self {
        let bytes = header.encode();
        let mut block = [0; 64];
        block.copy_from_slice(&bytes[..64]);
        let mut midstate = SHA256_INIT;
        compress256(&mut midstate, &[block]);
        let word = |at: usize| u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let words = [word(64), word(68), word(72)];
        let mut begun = midstate.map(Lanes::splat);
        for (i, word) in words.into_iter().enumerate() {
            round(&mut begun, i, K[i], Lanes::splat(word));
        }
        Self {
            header: *header,
            target,
            midstate,
            begun: begun.map(|lanes| lanes.words()[0]),
            words,
            top: (target.0 >> 224usize).to::<u32>(),
        }
    }

    /// Tries `count` nonces from `first` on and returns the first that seals the header.
    #[allow(
        clippy::cast_possible_truncation,
        reason = "there are fewer lanes than a byte counts"
    )]
    pub fn scan(&self, first: u32, count: u32) -> Option<u32> {
        let mut done = 0;
        while done < count {
            let start = first.wrapping_add(done);
            let nonces: [u32; LANES] = std::array::from_fn(|lane| start.wrapping_add(lane as u32));
            let tops = self.tops(nonces);
            for (lane, top) in tops.into_iter().enumerate() {
                // The last four may reach beyond `count`. 32 bits decide for nearly every nonce: only what they let through
                // is hashed whole.
                let wanted = (lane as u32) < count - done;
                if top.swap_bytes() <= self.top && wanted && self.seals(nonces[lane]) {
                    return Some(nonces[lane]);
                }
            }
            done = done.saturating_add(LANES as u32);
        }
        None
    }

    /// The last word of SHA-256d of the header under each nonce: the most significant bytes of the id.
    #[inline(always)]
    fn tops(&self, nonces: [u32; LANES]) -> [u32; LANES] {
        let zero = Lanes::splat(0);
        let padding = Lanes::splat(0x8000_0000);
        let [w0, w1, w2] = self.words.map(Lanes::splat);
        let nonces = Lanes::new(nonces.map(u32::swap_bytes));
        // The second block of the first hash: the header's last 16 bytes, padding, 640 bits.
        let length = Lanes::splat(640);
        let mut w = [
            w0, w1, w2, nonces, padding, zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, length,
        ];
        let mut s = self.begun.map(Lanes::splat);
        rounds_to_60::<3>(&mut s, &mut w);
        rounds_from_61(&mut s, &mut w);

        // The only block of the second hash: the first one's 32 bytes, padding, 256 bits.
        let length = Lanes::splat(256);
        let mut w = [
            zero, zero, zero, zero, zero, zero, zero, zero, padding, zero, zero, zero, zero, zero, zero, length,
        ];
        for (word, (state, start)) in w.iter_mut().zip(s.into_iter().zip(self.midstate)) {
            *word = state.plus(Lanes::splat(start));
        }
        let mut s = SHA256_INIT.map(Lanes::splat);
        rounds_to_60::<0>(&mut s, &mut w);
        last_word(&s).words()
    }

    fn seals(&self, nonce: u32) -> bool {
        let header = Header { nonce, ..self.header };
        self.target.is_met_by(&header.id())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hash::BlockId;
    use crate::pow::Search;

    fn header(seed: u64, bits: u32) -> Header {
        Header {
            version: 1,
            parent: BlockId(crate::hash::sha256d(&seed.to_le_bytes())),
            manifest_root: crate::hash::sha256d(&seed.to_be_bytes()),
            time: 1_700_000_000 + seed as u32 % 100_000,
            bits,
            nonce: 0,
        }
    }

    #[test]
    fn the_last_word_is_that_of_the_id() {
        let header = header(7, 0x1d00_ffff);
        let search = LaneSearch::new(&header, Target::from_bits(header.bits).unwrap());
        let nonces = [0, 1, 0x8000_0000, u32::MAX];
        for (nonce, top) in nonces.into_iter().zip(search.tops(nonces)) {
            let id = Header { nonce, ..header }.id();
            assert_eq!(top.to_be_bytes(), id.as_bytes()[28..], "nonce {nonce}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn it_finds_what_the_plain_search_finds(
            seed: u64,
            first: u32,
            count in 0u32..600,
            bits in prop_oneof![Just(0x2100_ffffu32), Just(0x2000_ffff), Just(0x2001_0000), Just(0x1f3f_ffff)],
        ) {
            let header = header(seed, bits);
            let target = Target::from_bits(bits).unwrap();
            let plain = Search::new(&header, target).scan(first, count);
            prop_assert_eq!(LaneSearch::new(&header, target).scan(first, count), plain);
        }
    }
}
