//! What a listener takes at once: places in all and for one address, with room kept for this machine itself; and what it
//! does where the system gives it no connection.
//!
//! A connection that does nothing gives its place up to one that comes: silent ones can fill a listener, but not close it.

mod shares;

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

pub use shares::{Share, Shares};

/// How long a listener waits after the system gave it no connection.
const BACK_OFF: Duration = Duration::from_millis(200);
/// A line about the same is logged at most so often.
const SELDOM: Duration = Duration::from_secs(60);

/// How many places there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// For all addresses together.
    pub all: usize,
    /// For one remote address, or one /64 of IPv6. Loopback has no limit of its own: a proxy may stand there.
    pub per_address: usize,
    /// How many of `all` only loopback may take, so that the operator always reaches the node.
    pub kept_for_loopback: usize,
}

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Full {
    #[error("all {max} places are taken")]
    All { max: usize },
    #[error("the address has {max} places already")]
    Address { max: usize },
}

impl Full {
    /// The limit that was met.
    pub fn max(self) -> usize {
        match self {
            Self::All { max } | Self::Address { max } => max,
        }
    }
}

/// Counts places; clones count together.
#[derive(Clone)]
pub struct Guard(Arc<Inner>);

struct Inner {
    room: Room,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    taken: BTreeMap<u64, Taken>,
    next: u64,
}

struct Taken {
    address: IpAddr,
    /// Since when it has nothing to do; `None`: it is busy and keeps its place.
    idle: Option<Instant>,
    evict: watch::Sender<bool>,
}

impl Guard {
    pub fn new(room: Room) -> Self {
        let state = Mutex::default();
        Self(Arc::new(Inner { room, state }))
    }

    /// Takes a busy place for this address; an idle one of the same kind gives up its own if there is none left.
    ///
    /// # Errors
    /// The limit that is met, by places that are all busy.
    pub fn admit(&self, address: IpAddr) -> Result<Place, Full> {
        let address = household(address);
        let mut state = self.0.state.lock();
        self.make_room(&mut state, address)?;
        let (evict, evicted) = watch::channel(false);
        let number = state.next;
        state.next += 1;
        let idle = None;
        state.taken.insert(number, Taken { address, idle, evict });
        Ok(Place {
            guard: self.clone(),
            number,
            evicted,
        })
    }

    fn make_room(&self, state: &mut State, address: IpAddr) -> Result<(), Full> {
        let room = self.0.room;
        if address.is_loopback() {
            return state.hold(room.all, |_| true).map_err(|max| Full::All { max });
        }
        state
            .hold(room.per_address, |other| *other == address)
            .map_err(|max| Full::Address { max })?;
        let remote = room.all.saturating_sub(room.kept_for_loopback);
        state
            .hold(remote, |other| !other.is_loopback())
            .map_err(|max| Full::All { max })?;
        // What loopback has taken beyond what is kept for it.
        state.hold(room.all, |_| true).map_err(|max| Full::All { max })
    }

    /// Places taken now.
    pub fn taken(&self) -> usize {
        self.0.state.lock().taken.len()
    }
}

impl State {
    /// Sees to it that fewer than `max` of the counted places are taken; the longest idle one goes.
    fn hold(&mut self, max: usize, counted: impl Fn(&IpAddr) -> bool) -> Result<(), usize> {
        let counted = || self.taken.iter().filter(|(_, taken)| counted(&taken.address));
        if counted().count() < max {
            return Ok(());
        }
        let idle = counted().filter_map(|(number, taken)| Some((taken.idle?, *number)));
        let (_, number) = idle.min().ok_or(max)?;
        if let Some(taken) = self.taken.remove(&number) {
            taken.evict.send_replace(true);
        }
        Ok(())
    }
}

/// A place taken; it is given back on drop.
pub struct Place {
    guard: Guard,
    number: u64,
    evicted: watch::Receiver<bool>,
}

impl Place {
    /// It has nothing to do from now on: it goes first where places are few.
    pub fn idle(&self) {
        self.set(Some(Instant::now()));
    }

    /// It keeps its place from now on.
    pub fn busy(&self) {
        self.set(None);
    }

    fn set(&self, idle: Option<Instant>) {
        if let Some(taken) = self.guard.0.state.lock().taken.get_mut(&self.number) {
            taken.idle = idle;
        }
    }

    /// Waits until the place was given to another.
    pub async fn evicted(&self) {
        let mut evicted = self.evicted.clone();
        if evicted.wait_for(|evicted| *evicted).await.is_err() && !*evicted.borrow() {
            std::future::pending().await
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.guard.0.state.lock().taken.remove(&self.number);
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Place({})", self.number)
    }
}

/// A household has 2^64 addresses of IPv6: they count as one. IPv4 written as IPv6 is IPv4.
pub fn household(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(v6) if !v6.is_loopback() => IpAddr::V6(Ipv6Addr::from(u128::from(v6) >> 64 << 64)),
        ip => ip,
    }
}

/// Lets one line about the same through a minute, however often it happens.
#[derive(Debug, Default)]
pub struct Seldom(Mutex<(Option<Instant>, u64)>);

impl Seldom {
    /// Whether to log now; then how often it happened since the last line, without one.
    pub fn now(&self) -> Option<u64> {
        self.at(Instant::now())
    }

    fn at(&self, now: Instant) -> Option<u64> {
        let mut state = self.0.lock();
        let (last, silent) = &mut *state;
        if last.is_some_and(|last| now.saturating_duration_since(last) < SELDOM) {
            *silent += 1;
            return None;
        }
        *last = Some(now);
        Some(std::mem::take(silent))
    }
}

/// The next connection. Where the system gives none (too many open files), it waits a little and logs one line a minute.
pub async fn accept(listener: &TcpListener, name: &'static str, seldom: &Seldom) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) => {
                if let Some(unlogged) = seldom.now() {
                    tracing::warn!(listener = name, %error, unlogged, "connections cannot be taken");
                }
                tokio::time::sleep(BACK_OFF).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    const ROOM: Room = Room {
        all: 4,
        per_address: 2,
        kept_for_loopback: 1,
    };

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn places_are_limited_in_all_and_by_address_and_loopback_has_its_own() {
        let guard = Guard::new(ROOM);
        let first = guard.admit(ip("192.0.2.1")).expect("room");
        let _second = guard.admit(ip("192.0.2.1")).expect("room");
        assert_eq!(guard.admit(ip("192.0.2.1")).expect_err("two"), Full::Address { max: 2 });
        let _third = guard.admit(ip("192.0.2.2")).expect("room");
        assert_eq!(
            guard.admit(ip("192.0.2.3")).expect_err("three of four"),
            Full::All { max: 3 }
        );
        let _own = guard.admit(ip("127.0.0.1")).expect("kept for it");
        assert_eq!(guard.admit(ip("::1")).expect_err("all"), Full::All { max: 4 });
        drop(first);
        assert_eq!(guard.taken(), 3);
        guard
            .admit(ip("::ffff:192.0.2.1"))
            .expect("given back, and the same address");
    }

    #[test]
    fn the_longest_idle_gives_up_its_place() {
        let guard = Guard::new(ROOM);
        let first = guard.admit(ip("192.0.2.1")).expect("room");
        let second = guard.admit(ip("192.0.2.1")).expect("room");
        second.idle();
        let third = guard.admit(ip("192.0.2.1")).expect("the idle one goes");
        assert_eq!(second.evicted().now_or_never(), Some(()));
        assert_eq!(first.evicted().now_or_never(), None);
        drop(second);
        assert_eq!(guard.taken(), 2, "it was given back once");
        third.idle();
        third.busy();
        assert_eq!(
            guard.admit(ip("192.0.2.1")).expect_err("both busy"),
            Full::Address { max: 2 }
        );
    }

    #[test]
    fn silent_connections_of_this_machine_do_not_close_the_listener() {
        let guard = Guard::new(ROOM);
        let silent: Vec<_> = (0..300)
            .map(|_| {
                let place = guard.admit(ip("127.0.0.1")).expect("an older one goes");
                place.idle();
                place
            })
            .collect();
        assert_eq!(guard.taken(), 4);
        let evicted = silent.iter().filter(|place| place.evicted().now_or_never().is_some());
        assert_eq!(evicted.count(), 296);
    }

    #[test]
    fn a_household_is_one() {
        let one = |text: &str| household(ip(text));
        assert_eq!(one("2001:db8::1"), one("2001:db8::ffff:2"));
        assert_ne!(one("2001:db8::1"), one("2001:db8:0:1::1"));
        assert_eq!(one("::ffff:192.0.2.1"), ip("192.0.2.1"));
        assert_eq!(one("::1"), ip("::1"), "loopback stays loopback");
    }

    #[test]
    fn a_line_a_minute() {
        let (seldom, start) = (Seldom::default(), Instant::now());
        let after = |secs| start + Duration::from_secs(secs);
        let lines: Vec<_> = [0, 1, 59, 60, 61, 121]
            .into_iter()
            .map(|secs| seldom.at(after(secs)))
            .collect();
        assert_eq!(lines, [Some(0), None, None, Some(2), None, Some(1)]);
    }
}
