//! A bounded cache of two generations: what is read or put in is young; when the young ones fill their half of
//! the room they become the old ones, and the old ones go.

use std::collections::HashMap;
use std::hash::Hash;

/// Keeps at least the last `budget` of weight, and at most twice that.
pub(super) struct Recent<K, V> {
    young: HashMap<K, (V, usize)>,
    old: HashMap<K, (V, usize)>,
    young_weight: usize,
    budget: usize,
}

impl<K: Eq + Hash, V: Clone> Recent<K, V> {
    pub fn new(budget: usize) -> Self {
        Self {
            young: HashMap::new(),
            old: HashMap::new(),
            young_weight: 0,
            budget,
        }
    }

    /// The value under `key`, which becomes young again.
    pub fn get(&mut self, key: &K) -> Option<V> {
        if let Some((value, _)) = self.young.get(key) {
            return Some(value.clone());
        }
        let (key, (value, weight)) = self.old.remove_entry(key)?;
        self.insert(key, value.clone(), weight);
        Some(value)
    }

    /// Puts a value in; one that alone exceeds the budget is not kept.
    pub fn insert(&mut self, key: K, value: V, weight: usize) {
        if weight > self.budget {
            return;
        }
        if self.young_weight + weight > self.budget {
            self.old = std::mem::take(&mut self.young);
            self.young_weight = 0;
        }
        self.old.remove(&key);
        match self.young.insert(key, (value, weight)) {
            Some((_, replaced)) => self.young_weight = self.young_weight - replaced + weight,
            None => self.young_weight += weight,
        }
    }

    pub fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_last_and_what_is_looked_up() {
        let mut cache = Recent::new(3);
        for key in 0..4 {
            cache.insert(key, key * 10, 1);
        }
        // 0 to 2 are old now; looking 0 up makes it young again.
        assert_eq!(cache.get(&0), Some(0));
        cache.insert(4, 40, 1);
        cache.insert(5, 50, 1);
        assert_eq!(cache.get(&1), None);
        assert_eq!(cache.get(&0), Some(0));
        assert_eq!(cache.get(&5), Some(50));
    }

    #[test]
    fn is_bounded_by_weight() {
        let mut cache = Recent::new(100);
        cache.insert(0, (), 101);
        assert_eq!(cache.len(), 0);
        for key in 0..1_000 {
            cache.insert(key % 17, (), 30);
            assert!(cache.young_weight <= 100);
            assert!(cache.len() <= 6);
        }
    }
}
