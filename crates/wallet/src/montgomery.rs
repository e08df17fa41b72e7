//! Powers of small numbers modulo four odd numbers at once, for the Miller-Rabin test of the RSA key search.
//!
//! Numbers are rows of digits below 2^28, least significant first, and each digit stands in a vector beside those of three
//! other numbers (a lane each). Let `n` be a modulus, `D` the count of digits and `R = 2^(28 D)`.
//!
//! * **Montgomery's reduction** (P. Montgomery, 1985) divides by `R` where a division by `n` would be needed: for `t`, the
//!   number `q = -t / n mod R` makes `t + q n` a multiple of `R`, so `(t + q n) / R` is whole, and it is `t / R` modulo `n`. The
//!   digits of `q` come out one after the other, while the columns of `t + q n` are summed from the lowest.
//! * **No carries in between**: a column sums at most `2 D` products of two digits, below `2 * 74 * 2^56 < 2^63.3`, and the
//!   carry of the column before it, so 64 bits hold it.
//! * **No subtraction at the end**: what is squared is below `2 b n`, where `b <= 2^8` is the base. Its square divided by `R`
//!   is at most `n` if `R >= 4 b^2 n`, for which 18 bits more than `n` has are enough ([`digits`]). The reduction then gives
//!   less than `2 n`, and with the factor `b` less than `2 b n` again.
//! * **One multiplication in place of two**: `x^2 b` costs a factor in each digit of the result, not another product of
//!   long numbers. Where the bit of an exponent is 0, the factor is 1.
//!
//! While powers are computed, nothing branches on a digit, an exponent's bit or a base, and no address depends on them.

use zeroize::{Zeroize, Zeroizing};

use lanes::{Wide, Word};

/// Bits of a digit.
const DIGIT_BITS: usize = 28;
const DIGIT_MASK: u32 = (1 << DIGIT_BITS) - 1;

/// Numbers worked on side by side.
pub(crate) const LANES: usize = 4;

/// Digits for moduli of at most so many bits, see above.
pub(crate) const fn digits(bits: usize) -> usize {
    (bits + 18).div_ceil(DIGIT_BITS)
}

/// What the Miller-Rabin test looks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Residue {
    /// 1.
    One,
    /// `n - 1`.
    MinusOne,
    /// Any other.
    Other,
}

impl Residue {
    fn of<const DIGITS: usize>(value: &[u32; DIGITS], modulus: &[u32; DIGITS]) -> Self {
        // The modulus is odd: n - 1 differs from it in the lowest digit alone.
        if value[1..] == modulus[1..] && value[0] + 1 == modulus[0] {
            Self::MinusOne
        } else if value[0] == 1 && value[1..].iter().all(|digit| *digit == 0) {
            Self::One
        } else {
            Self::Other
        }
    }
}

/// Four odd moduli above 1, and a power modulo each. Wiped when dropped.
pub(crate) struct Powers<const DIGITS: usize> {
    numbers: [[u32; DIGITS]; LANES],
    moduli: [Word; DIGITS],
    /// `-1 / n mod 2^28`.
    inverses: Word,
    /// The powers, times `R`.
    powers: [Word; DIGITS],
    /// Scratch: the digits of `q`.
    quotients: [Word; DIGITS],
}

impl<const DIGITS: usize> Powers<DIGITS> {
    /// Of odd numbers above 1, big-endian; each power is 1.
    ///
    /// A number has at most the bits that [`digits`] was given for `DIGITS`.
    pub(crate) fn new(moduli: [&[u8]; LANES]) -> Self {
        let numbers = moduli.map(digits_of::<DIGITS>);
        let mut ones = numbers.map(|number| one(&number));
        let powers = Self {
            moduli: beside(&numbers),
            inverses: Word::new(numbers.map(|number| negative_inverse(number[0]))),
            powers: beside(&ones),
            quotients: [Word::default(); DIGITS],
            numbers,
        };
        ones.zeroize();
        powers
    }

    /// A bit of a modulus, from the lowest.
    pub(crate) fn bit(&self, lane: usize, place: usize) -> u32 {
        let digit = self.numbers[lane].get(place / DIGIT_BITS);
        digit.map_or(0, |digit| digit >> (place % DIGIT_BITS) & 1)
    }

    /// Squares each power and multiplies it by its factor, at most 2^8.
    pub(crate) fn square_times(&mut self, factors: [u32; LANES]) {
        self.reduce(square_column, factors);
    }

    /// What each power is, modulo its modulus.
    pub(crate) fn residues(&mut self) -> [Residue; LANES] {
        let values = self.values();
        std::array::from_fn(|lane| Residue::of(&values[lane], &self.numbers[lane]))
    }

    /// The powers modulo their moduli. A multiple of a modulus may give the modulus in place of 0.
    fn values(&mut self) -> Zeroizing<[[u32; DIGITS]; LANES]> {
        let kept = Zeroizing::new(self.powers);
        // Of t < R the reduction gives less than n + 1.
        self.reduce(
            |powers, place| Wide::from(powers.get(place).copied().unwrap_or_default()),
            [1; LANES],
        );
        let values = Zeroizing::new(apart(&self.powers));
        self.powers = *kept;
        values
    }

    /// Puts `(t + q n) / R`, times the factors, in the place of the powers, where `column` gives the columns of `t`.
    #[inline(always)]
    fn reduce(&mut self, column: impl Fn(&[Word; DIGITS], usize) -> Wide, factors: [u32; LANES]) {
        let factors = Word::new(factors);
        let mut sum = Wide::zero();
        for place in 0..DIGITS {
            sum = sum.plus(column(&self.powers, place));
            sum = sum.plus(products(&self.quotients[..place], &self.moduli[1..=place]));
            self.quotients[place] = sum.digit().times_low(self.inverses);
            // The lowest digit becomes zero here, and is dropped.
            sum = sum.plus_product(self.quotients[place], self.moduli[0]).shifted();
        }
        let mut scaled = Wide::zero();
        for place in DIGITS..2 * DIGITS {
            let first = place + 1 - DIGITS;
            // Columns from here on read no digit of the powers below `first`, so the result takes their place.
            sum = sum.plus(column(&self.powers, place));
            sum = sum.plus(products(&self.quotients[first..], &self.moduli[first..]));
            scaled = scaled.plus_product(sum.digit(), factors);
            self.powers[place - DIGITS] = scaled.digit();
            scaled = scaled.shifted();
            sum = sum.shifted();
        }
    }
}

impl<const DIGITS: usize> Drop for Powers<DIGITS> {
    fn drop(&mut self) {
        self.numbers.zeroize();
        self.moduli.zeroize();
        self.inverses.zeroize();
        self.powers.zeroize();
        self.quotients.zeroize();
    }
}

/// Column `place` of the squares: the products of two different digits stand in it twice.
#[inline(always)]
fn square_column<const DIGITS: usize>(digits: &[Word; DIGITS], place: usize) -> Wide {
    let first = (place + 1).saturating_sub(DIGITS);
    let middle = place.div_ceil(2);
    let twice = products(&digits[first..middle], &digits[place + 1 - middle..=place - first]).doubled();
    if place.is_multiple_of(2) {
        twice.plus_product(digits[middle], digits[middle])
    } else {
        twice
    }
}

/// The sum of the products of the first of one with the last of the other, and so on.
#[inline(always)]
fn products(up: &[Word], down: &[Word]) -> Wide {
    let pairs = up.iter().zip(down.iter().rev());
    pairs.fold(Wide::zero(), |sum, (a, b)| sum.plus_product(*a, *b))
}

/// Digits of a big-endian number, least significant first.
fn digits_of<const DIGITS: usize>(bytes: &[u8]) -> [u32; DIGITS] {
    let mut digits = [0; DIGITS];
    for (place, byte) in bytes.iter().rev().enumerate() {
        let (digit, shift) = (place * 8 / DIGIT_BITS, place * 8 % DIGIT_BITS);
        let wide = u64::from(*byte) << shift;
        digits[digit] |= wide as u32 & DIGIT_MASK;
        // Only a byte that crosses into the next digit has something there, and the numbers end before the last digit does.
        if shift + 8 > DIGIT_BITS {
            digits[digit + 1] |= (wide >> DIGIT_BITS) as u32;
        }
    }
    digits
}

/// `R mod n`, which stands for 1: a power of two below `2 n`, doubled modulo n until it is `R`.
fn one<const DIGITS: usize>(n: &[u32; DIGITS]) -> [u32; DIGITS] {
    let top = n.iter().rposition(|digit| *digit != 0).unwrap_or_default();
    let bits = top * DIGIT_BITS + n[top].checked_ilog2().unwrap_or_default() as usize;
    // The highest bit of n alone: less than n, for n is odd and above 1.
    let mut power = [0; DIGITS];
    power[bits / DIGIT_BITS] = 1 << (bits % DIGIT_BITS);
    for _ in bits..DIGITS * DIGIT_BITS {
        double(&mut power, n);
    }
    power
}

/// `2 x mod n` of `x < n`.
fn double<const DIGITS: usize>(x: &mut [u32; DIGITS], n: &[u32; DIGITS]) {
    let mut less = [0; DIGITS];
    let (mut carry, mut borrow) = (0, 0);
    for place in 0..DIGITS {
        let twice = x[place] << 1 | carry;
        x[place] = twice & DIGIT_MASK;
        carry = twice >> DIGIT_BITS;
        let rest = x[place].wrapping_sub(n[place]).wrapping_sub(borrow);
        less[place] = rest & DIGIT_MASK;
        borrow = rest >> 31;
    }
    // All ones where 2 x is below n and stays; there are digits enough for 2 x.
    let stays = borrow.wrapping_neg();
    for (digit, less) in x.iter_mut().zip(less) {
        *digit = *digit & stays | less & !stays;
    }
    less.zeroize();
}

/// `-1 / n mod 2^28` of an odd n, by Newton's iteration: each step doubles the bits that are right.
fn negative_inverse(n: u32) -> u32 {
    // Right modulo 8, for every odd square is 1 there.
    let mut inverse = n;
    for _ in 0..4 {
        inverse = inverse.wrapping_mul(2u32.wrapping_sub(n.wrapping_mul(inverse)));
    }
    inverse.wrapping_neg() & DIGIT_MASK
}

fn beside<const DIGITS: usize>(numbers: &[[u32; DIGITS]; LANES]) -> [Word; DIGITS] {
    std::array::from_fn(|place| Word::new(numbers.each_ref().map(|number| number[place])))
}

fn apart<const DIGITS: usize>(words: &[Word; DIGITS]) -> [[u32; DIGITS]; LANES] {
    std::array::from_fn(|lane| words.each_ref().map(|word| word.words()[lane]))
}

impl zeroize::DefaultIsZeroes for Word {}

/// A digit of each number, and sums of their products, in the registers of the machine.
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod lanes {
    use core::arch::wasm32::{
        i32x4_mul, i32x4_splat, u32x4, u32x4_extract_lane, u32x4_shuffle, u64x2_add, u64x2_extend_high_u32x4,
        u64x2_extend_low_u32x4, u64x2_extmul_high_u32x4, u64x2_extmul_low_u32x4, u64x2_shl, u64x2_shr, u64x2_splat,
        v128, v128_and,
    };

    use super::{DIGIT_BITS, DIGIT_MASK, LANES};

    /// Four digits.
    #[derive(Clone, Copy)]
    pub struct Word(v128);

    impl Word {
        pub fn new([a, b, c, d]: [u32; LANES]) -> Self {
            Self(u32x4(a, b, c, d))
        }

        pub fn words(self) -> [u32; LANES] {
            [
                u32x4_extract_lane::<0>(self.0),
                u32x4_extract_lane::<1>(self.0),
                u32x4_extract_lane::<2>(self.0),
                u32x4_extract_lane::<3>(self.0),
            ]
        }

        /// The lowest digit of the product.
        #[inline(always)]
        pub fn times_low(self, other: Self) -> Self {
            Self(v128_and(i32x4_mul(self.0, other.0), mask()))
        }
    }

    impl Default for Word {
        fn default() -> Self {
            Self(i32x4_splat(0))
        }
    }

    /// Four sums of 64 bits: of the two lower lanes, and of the two higher ones.
    #[derive(Clone, Copy)]
    pub struct Wide(v128, v128);

    impl From<Word> for Wide {
        fn from(Word(word): Word) -> Self {
            Self(u64x2_extend_low_u32x4(word), u64x2_extend_high_u32x4(word))
        }
    }

    impl Wide {
        #[inline(always)]
        pub fn zero() -> Self {
            Self(u64x2_splat(0), u64x2_splat(0))
        }

        #[inline(always)]
        pub fn plus(self, other: Self) -> Self {
            Self(u64x2_add(self.0, other.0), u64x2_add(self.1, other.1))
        }

        #[inline(always)]
        pub fn plus_product(self, a: Word, b: Word) -> Self {
            self.plus(Self(
                u64x2_extmul_low_u32x4(a.0, b.0),
                u64x2_extmul_high_u32x4(a.0, b.0),
            ))
        }

        #[inline(always)]
        pub fn doubled(self) -> Self {
            Self(u64x2_shl(self.0, 1), u64x2_shl(self.1, 1))
        }

        /// The lowest digit of each.
        #[inline(always)]
        pub fn digit(self) -> Word {
            Word(v128_and(u32x4_shuffle::<0, 2, 4, 6>(self.0, self.1), mask()))
        }

        /// Without the lowest digit.
        #[inline(always)]
        pub fn shifted(self) -> Self {
            Self(
                u64x2_shr(self.0, DIGIT_BITS as u32),
                u64x2_shr(self.1, DIGIT_BITS as u32),
            )
        }
    }

    #[inline(always)]
    fn mask() -> v128 {
        i32x4_splat(DIGIT_MASK.cast_signed())
    }
}

/// The same as arrays, whose loops compilers turn into vector instructions where there are any.
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
mod lanes {
    use std::array::from_fn;

    use super::{DIGIT_BITS, DIGIT_MASK, LANES};

    /// Four digits.
    #[derive(Clone, Copy, Default)]
    pub struct Word([u32; LANES]);

    impl Word {
        pub fn new(words: [u32; LANES]) -> Self {
            Self(words)
        }

        pub fn words(self) -> [u32; LANES] {
            self.0
        }

        /// The lowest digit of the product.
        #[inline(always)]
        pub fn times_low(self, other: Self) -> Self {
            Self(from_fn(|lane| self.0[lane].wrapping_mul(other.0[lane]) & DIGIT_MASK))
        }
    }

    /// Four sums of 64 bits.
    #[derive(Clone, Copy)]
    pub struct Wide([u64; LANES]);

    impl From<Word> for Wide {
        fn from(word: Word) -> Self {
            Self(word.0.map(u64::from))
        }
    }

    impl Wide {
        #[inline(always)]
        pub fn zero() -> Self {
            Self([0; LANES])
        }

        #[inline(always)]
        pub fn plus(self, other: Self) -> Self {
            Self(from_fn(|lane| self.0[lane].wrapping_add(other.0[lane])))
        }

        #[inline(always)]
        pub fn plus_product(self, a: Word, b: Word) -> Self {
            self.plus(Self(from_fn(|lane| u64::from(a.0[lane]) * u64::from(b.0[lane]))))
        }

        #[inline(always)]
        pub fn doubled(self) -> Self {
            Self(self.0.map(|sum| sum << 1))
        }

        /// The lowest digit of each.
        #[inline(always)]
        pub fn digit(self) -> Word {
            Word(self.0.map(|sum| sum as u32 & DIGIT_MASK))
        }

        /// Without the lowest digit.
        #[inline(always)]
        pub fn shifted(self) -> Self {
            Self(self.0.map(|sum| sum >> DIGIT_BITS))
        }
    }
}

#[cfg(test)]
mod tests;
