//! Limits in requests and in time.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use http_body_util::Limited;

use crate::api::check_length;
use crate::api::problem::{Problem, kinds};
use crate::config::WebConfig;
use crate::net_guard::{Full, Guard, Room, household};
use crate::web::Client;

/// A burst is this many seconds of the rate.
const BURST_SECS: u32 = 4;
/// Requests after which addresses that have been quiet are forgotten.
const SWEEP_EVERY: u64 = 10_000;

/// Requests a second by address: one quota for this machine, one for all others.
#[derive(Clone)]
pub struct Rates(Arc<Inner>);

struct Inner {
    local: Option<Limiter>,
    remote: Option<Limiter>,
    seen: AtomicU64,
    clock: DefaultClock,
}

struct Limiter {
    per_second: u32,
    buckets: DefaultKeyedRateLimiter<IpAddr>,
}

impl Limiter {
    fn new(per_second: u32) -> Option<Self> {
        let rate = NonZeroU32::new(per_second)?;
        let burst = rate.saturating_mul(NonZeroU32::new(BURST_SECS)?);
        Some(Self {
            per_second,
            buckets: RateLimiter::keyed(Quota::per_second(rate).allow_burst(burst)),
        })
    }
}

impl Rates {
    pub fn of(web: &WebConfig) -> Self {
        Self(Arc::new(Inner {
            local: Limiter::new(web.rate_limit_local),
            remote: Limiter::new(web.rate_limit),
            seen: AtomicU64::new(0),
            clock: DefaultClock::default(),
        }))
    }

    /// How long this address has to wait, if it has to.
    fn wait(&self, ip: IpAddr) -> Option<(u32, Duration)> {
        let limiter = if ip.is_loopback() {
            &self.0.local
        } else {
            &self.0.remote
        };
        let limiter = limiter.as_ref()?;
        // Addresses that are quiet again leave the table, so that a scan from many addresses does not fill memory for good.
        if self.0.seen.fetch_add(1, Ordering::Relaxed) % SWEEP_EVERY == SWEEP_EVERY - 1 {
            limiter.buckets.retain_recent();
        }
        // By household, a /64 of IPv6: one client has all addresses of it, and could otherwise use a new one each time.
        let refused = limiter.buckets.check_key(&household(ip)).err()?;
        Some((limiter.per_second, refused.wait_time_from(self.0.clock.now())))
    }
}

/// Rejects an address that sends too many requests.
pub async fn rate(State(rates): State<Rates>, request: Request, next: Next) -> Response {
    let Client(ip) = Client::of(&request);
    let Some((per_second, wait)) = rates.wait(ip.to_canonical()) else {
        return next.run(request).await;
    };
    let seconds = wait.as_secs() + 1;
    Problem::new(
        &kinds::TOO_MANY_REQUESTS,
        format!("more than {per_second} requests a second; wait {seconds} s"),
    )
    .with("limit", per_second)
    .with("retry_after", seconds)
    .header(header::RETRY_AFTER, HeaderValue::from(seconds))
    .into_response()
}

/// Requests whose handlers run at once: in all, of one remote address, and how many only loopback may have.
const UNDER_WAY: Room = Room {
    all: 1_024,
    per_address: 64,
    kept_for_loopback: 128,
};

/// Counts the requests whose handlers run.
#[derive(Clone)]
pub struct UnderWay(Guard);

impl UnderWay {
    pub fn new() -> Self {
        Self(Guard::new(UNDER_WAY))
    }
}

/// Rejects what comes while too many requests are under way, in all or of one address.
pub async fn under_way(State(UnderWay(guard)): State<UnderWay>, request: Request, next: Next) -> Response {
    match guard.admit(Client::of(&request).0) {
        Ok(_place) => next.run(request).await,
        Err(full) => {
            let whose = match full {
                Full::All { .. } => "",
                Full::Address { .. } => " of this address",
            };
            let max = full.max();
            Problem::new(
                &kinds::BUSY,
                format!("{max} requests{whose} are under way, more are not taken"),
            )
            .with("limit", max)
            .header(header::RETRY_AFTER, HeaderValue::from(1))
            .into_response()
        }
    }
}

/// Answers for a handler that takes too long. Streams are not touched: they begin at once.
pub async fn time(State(limit): State<Duration>, request: Request, next: Next) -> Response {
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::new(&kinds::TIMEOUT, format!("no answer within {} s", limit.as_secs()))
            .with("limit", limit.as_secs())
            .header(header::RETRY_AFTER, HeaderValue::from(1))
            .into_response(),
    }
}

/// Bounds every body, for every handler; paths have tighter limits of their own.
pub async fn size(State(limit): State<usize>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    match check_length(&parts.headers, body, limit).await {
        Ok(body) => {
            next.run(Request::from_parts(parts, Body::new(Limited::new(body, limit))))
                .await
        }
        Err(problem) => problem.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_has_its_own_bucket_and_loopback_its_own_rate() {
        let web = WebConfig {
            rate_limit: 1,
            rate_limit_local: 0,
            ..WebConfig::default()
        };
        let rates = Rates::of(&web);
        let one: IpAddr = "192.0.2.1".parse().expect("an address");
        assert!((0..4).all(|_| rates.wait(one).is_none()), "a burst of four seconds");
        assert_eq!(rates.wait(one).map(|(limit, _)| limit), Some(1));
        assert!(rates.wait("192.0.2.2".parse().expect("an address")).is_none());
        assert!((0..1_000).all(|_| rates.wait("127.0.0.1".parse().expect("an address")).is_none()));
    }
}
