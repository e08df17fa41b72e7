//! Random numbers from a seed: the same seed gives the same laboratory.

use std::convert::Infallible;

use tally_chain::hash::sha256;
use tally_wallet::rand_core::{TryCryptoRng, TryRng};

/// SHA-256 of a seed and a counter. Good for PUBLIC keys and simulations, and for nothing that is secret.
#[derive(Debug, Clone)]
pub struct Seeded {
    seed: [u8; 32],
    counter: u64,
    left: Vec<u8>,
}

impl Seeded {
    /// Numbers that follow from this text.
    pub fn new(seed: &str) -> Self {
        Self {
            seed: sha256(&[b"tally/lab", seed.as_bytes()]).0,
            counter: 0,
            left: Vec::new(),
        }
    }

    fn byte(&mut self) -> u8 {
        if let Some(byte) = self.left.pop() {
            return byte;
        }
        self.counter += 1;
        let [first, rest @ ..] = sha256(&[&self.seed, &self.counter.to_be_bytes()]).0;
        self.left = rest.to_vec();
        first
    }

    /// The next 64 bits.
    pub fn number(&mut self) -> u64 {
        u64::from_be_bytes(std::array::from_fn(|_| self.byte()))
    }

    /// True with this probability.
    pub fn happens(&mut self, probability: f64) -> bool {
        // 53 bits are what a float holds exactly.
        let drawn = (self.number() >> 11) as f64 / (1u64 << 53) as f64;
        drawn < probability
    }
}

impl TryRng for Seeded {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_be_bytes(std::array::from_fn(|_| self.byte())))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.number())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        bytes.iter_mut().for_each(|byte| *byte = self.byte());
        Ok(())
    }
}

// The signatures that it blinds are those of keys which everybody has.
impl TryCryptoRng for Seeded {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_its_own_numbers_and_a_probability_its_share() {
        let (mut one, mut same, mut other) = (Seeded::new("a"), Seeded::new("a"), Seeded::new("b"));
        let numbers: Vec<u64> = (0..9).map(|_| one.number()).collect();
        assert!(numbers.iter().all(|number| *number == same.number()));
        assert_ne!(numbers[0], other.number());
        let hits = (0..10_000).filter(|_| one.happens(0.3)).count();
        assert!((2_800..3_200).contains(&hits), "{hits}");
        assert!(!one.happens(0.0) && one.happens(1.0));
    }
}
