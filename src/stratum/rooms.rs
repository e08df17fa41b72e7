//! Room for miners: in all, and for each address, so that one address cannot take the places of the others.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use parking_lot::Mutex;

/// Miners connected at once.
pub const MAX_MINERS: usize = 256;
/// Of these, from one address: a farm behind one router, or a proxy on this machine, which gets all of them.
pub const MAX_PER_ADDRESS: usize = 64;

/// Why there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Full {
    #[error("there are {MAX_MINERS} miners already")]
    All,
    #[error("this address has {MAX_PER_ADDRESS} connections already")]
    Address,
}

#[derive(Clone, Default)]
pub struct Rooms(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// A place; free again when it is dropped.
pub struct Place {
    rooms: Rooms,
    key: IpAddr,
}

impl Rooms {
    pub fn enter(&self, ip: IpAddr) -> Result<Place, Full> {
        let key = household(ip);
        let max = if key.is_loopback() { MAX_MINERS } else { MAX_PER_ADDRESS };
        let mut taken = self.0.lock();
        if taken.values().sum::<usize>() >= MAX_MINERS {
            return Err(Full::All);
        }
        let own = taken.entry(key).or_default();
        if *own >= max {
            return Err(Full::Address);
        }
        *own += 1;
        Ok(Place {
            rooms: self.clone(),
            key,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.rooms.0.lock();
        if let Some(own) = taken.get_mut(&self.key) {
            *own -= 1;
            if *own == 0 {
                taken.remove(&self.key);
            }
        }
    }
}

/// A household has 2^64 addresses of IPv6: they count as one.
fn household(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(v6) if !v6.is_loopback() => Ipv6Addr::from(u128::from(v6) >> 64 << 64).into(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_leaves_room_for_others() {
        let rooms = Rooms::default();
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let mut places: Vec<_> = (0..MAX_PER_ADDRESS as u16)
            .map(|n| rooms.enter(ip(&format!("2001:db8::{n:x}"))).unwrap())
            .collect();
        assert_eq!(rooms.enter(ip("2001:db8::ffff")).err(), Some(Full::Address));
        let other = rooms.enter(ip("2001:db8:0:1::1")).unwrap();
        drop(places.pop());
        places.push(rooms.enter(ip("2001:db8::ffff")).unwrap());
        let local: Vec<_> = std::iter::from_fn(|| rooms.enter(ip("::ffff:127.0.0.1")).ok()).collect();
        assert_eq!(local.len(), MAX_MINERS - MAX_PER_ADDRESS - 1);
        assert_eq!(rooms.enter(ip("192.0.2.1")).err(), Some(Full::All));
        drop((places, other, local));
        assert!(rooms.0.lock().is_empty());
    }
}
