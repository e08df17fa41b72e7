//! What one address may have done at once: more of its work waits, and that of others does not wait behind it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::household;

/// Shares of work by address; clones count together.
#[derive(Clone)]
pub struct Shares(Arc<Inner>);

struct Inner {
    /// Pieces of work of one remote address, or one /64 of IPv6, at once. Loopback has no limit: a proxy may stand there.
    each: usize,
    /// How long work waits for its turn.
    patience: Duration,
    /// Of addresses that have work or wait, with how many requests of theirs that are.
    addresses: Mutex<BTreeMap<IpAddr, (Arc<Semaphore>, usize)>>,
}

/// Every place of the address stayed taken for too long.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{each} requests of this address are being worked on, and none ended in time")]
pub struct Taken {
    pub each: usize,
}

impl Shares {
    pub fn new(each: usize, patience: Duration) -> Self {
        let addresses = Mutex::default();
        Self(Arc::new(Inner {
            each,
            patience,
            addresses,
        }))
    }

    /// Waits for a place of this address.
    ///
    /// # Errors
    /// Where none becomes free in time.
    pub async fn enter(&self, address: IpAddr) -> Result<Share, Taken> {
        let address = household(address);
        if address.is_loopback() {
            return Ok(Share::default());
        }
        // Before it waits: a request that ends while it waits leaves the table again.
        let (entry, places) = self.entry(address);
        let place = tokio::time::timeout(self.0.patience, places.acquire_owned()).await;
        let each = self.0.each;
        let place = place.map_err(|_| Taken { each })?;
        Ok(Share {
            _place: Some(place.expect("the places are never closed")),
            _entry: Some(entry),
        })
    }

    fn entry(&self, address: IpAddr) -> (Entry, Arc<Semaphore>) {
        let mut addresses = self.0.addresses.lock();
        let (places, requests) = addresses
            .entry(address)
            .or_insert_with(|| (Arc::new(Semaphore::new(self.0.each)), 0));
        *requests += 1;
        let shares = self.clone();
        (Entry { shares, address }, places.clone())
    }
}

/// A place of an address; it is given back on drop.
#[derive(Default)]
pub struct Share {
    // First the place, then the entry: while there is one, the places are those that others wait for.
    _place: Option<OwnedSemaphorePermit>,
    _entry: Option<Entry>,
}

struct Entry {
    shares: Shares,
    address: IpAddr,
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut addresses = self.shares.0.addresses.lock();
        if let Some((_, requests)) = addresses.get_mut(&self.address) {
            *requests -= 1;
            if *requests == 0 {
                addresses.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_of_one_address_waits_and_that_of_others_does_not() {
        let shares = Shares::new(2, Duration::from_millis(20));
        let (one, other) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        let first = shares.enter(one).await.expect("a place");
        let second = shares.enter(one).await.expect("a place");
        assert_eq!(shares.enter(one).await.err(), Some(Taken { each: 2 }));
        shares.enter(other).await.expect("a place of its own");
        let waiting = shares.enter(one);
        drop(first);
        let third = waiting.await.expect("one ended");
        drop((second, third));
        assert!(shares.0.addresses.lock().is_empty(), "nothing is kept of who is gone");
    }

    #[tokio::test]
    async fn loopback_waits_for_nothing() {
        let shares = Shares::new(1, Duration::ZERO);
        let _places = [
            shares.enter(IpAddr::from([127, 0, 0, 1])).await.expect("a place"),
            shares.enter(IpAddr::from([127, 0, 0, 1])).await.expect("another"),
        ];
        assert!(shares.0.addresses.lock().is_empty());
    }
}
