//! `/metrics`: figures for Prometheus.

mod network;
mod node;
mod plain;

use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use parking_lot::Mutex;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use tally_network::NetworkSlot;
use tally_node::Node;

use super::problem::{Answer, Problem};
use crate::memory::resident_memory;
use crate::server::Shared;
use node::NodeFigures;

const PLAIN: &str = "text/plain; version=0.0.4; charset=utf-8";
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// One kind of HTTP answer. Routes are patterns, so that their number is bounded.
#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    route: String,
    status: u16,
}

/// What the server counts itself, and what it reads from the node at each request.
pub struct Metrics {
    registry: Mutex<Registry>,
    requests: Family<RequestLabels, Counter>,
    request_time: Histogram,
    gauges: Gauges,
}

#[derive(Default)]
struct Gauges {
    streams: Gauge,
    memory: Gauge,
    disk: Gauge,
}

impl Metrics {
    pub fn new(node: &Node, network: &NetworkSlot) -> Self {
        let mut registry = Registry::with_prefix("tally");
        let identity = node.identity();
        let info = [
            ("version", env!("CARGO_PKG_VERSION").to_owned()),
            ("chain", node.spec().name.clone()),
            ("chain_id", identity.chain_id.to_string()),
            ("genesis", identity.genesis.to_string()),
        ];
        registry.register("node", "This node and its chain", Info::new(info.to_vec()));
        let requests = Family::default();
        registry.register("http_requests", "HTTP answers by route and status", requests.clone());
        let request_time = Histogram::new(exponential_buckets(0.000_5, 2.0, 15));
        registry.register_with_unit(
            "http_request_duration",
            "Time to the head of an answer",
            Unit::Seconds,
            request_time.clone(),
        );
        let gauges = Gauges::default();
        registry.register("event_streams", "Event streams open now", gauges.streams.clone());
        registry.register_with_unit(
            "process_resident_memory",
            "Resident memory of the process",
            Unit::Bytes,
            gauges.memory.clone(),
        );
        registry.register_with_unit(
            "store_disk",
            "Disk space of the store",
            Unit::Bytes,
            gauges.disk.clone(),
        );
        registry.register_collector(Box::new(NodeFigures {
            node: node.clone(),
            network: network.clone(),
        }));
        Self {
            registry: Mutex::new(registry),
            requests,
            request_time,
            gauges,
        }
    }

    /// Counts one HTTP answer.
    pub fn request(&self, method: &Method, route: Option<&str>, status: StatusCode, took: Duration) {
        let method = match *method {
            Method::GET => "GET",
            Method::POST => "POST",
            Method::HEAD => "HEAD",
            Method::OPTIONS => "OPTIONS",
            _ => "other",
        };
        let labels = RequestLabels {
            method,
            route: route.unwrap_or("other").to_owned(),
            status: status.as_u16(),
        };
        self.requests.get_or_create(&labels).inc();
        self.request_time.observe(took.as_secs_f64());
    }

    /// All figures in OpenMetrics' text, with so many event streams open. Blocks the thread: the pool's lock is waited for, and
    /// files are read.
    fn text(&self, node: &Node, streams: usize) -> Answer<String> {
        self.gauges.streams.set(streams as i64);
        self.gauges.memory.set(resident_memory().unwrap_or(0));
        self.gauges.disk.set(node.disk_space() as i64);
        let mut text = String::new();
        encode(&mut text, &self.registry.lock()).map_err(Problem::internal)?;
        Ok(text)
    }
}

/// Figures for Prometheus: its text format 0.0.4, or OpenMetrics where the request wants that.
pub async fn metrics(State(server): State<Shared>, headers: HeaderMap) -> Answer<Response> {
    let measured = server.clone();
    let text = server.probe(move |node| measured.metrics.text(node, measured.open_streams()));
    let text = text.await?;
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let (kind, text) = match plain::wants_open_metrics(accept.unwrap_or_default()) {
        true => (OPEN_METRICS, text),
        false => (PLAIN, plain::from_open_metrics(&text)),
    };
    Ok(([(header::CONTENT_TYPE, kind), (header::VARY, "accept")], text).into_response())
}
