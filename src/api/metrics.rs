//! `/metrics`: figures for Prometheus.

mod plain;

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use parking_lot::Mutex;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric as _};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use tally_node::net::Counters;
use tally_node::net::offence::Offence;
use tally_node::{NetworkStatus, Node};

use super::problem::{Answer, Problem};
use crate::server::Shared;

const PLAIN: &str = "text/plain; version=0.0.4; charset=utf-8";
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// One kind of HTTP answer. Routes are patterns, so that their number is bounded.
#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    route: String,
    status: u16,
}

/// One kind of offence of peers; their number is fixed.
#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OffenceLabels {
    offence: String,
}

/// What the server counts itself, and what it reads from the node when it is asked.
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
    pub fn new(node: &Node) -> Self {
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
        registry.register_collector(Box::new(NodeFigures(node.clone())));
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
        self.gauges.disk.set(node.store().disk_space() as i64);
        let mut text = String::new();
        encode(&mut text, &self.registry.lock()).map_err(Problem::internal)?;
        Ok(text)
    }
}

/// Figures for Prometheus: its text format 0.0.4, or OpenMetrics where that is asked for.
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

/// Resident memory of this process in bytes, where the system tells it.
pub fn resident_memory() -> Option<i64> {
    resident_memory_of(std::process::id())
}

/// The same of any process.
pub fn resident_memory_of(process: u32) -> Option<i64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: i64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

/// What the node knows of itself, read at the moment it is asked.
#[derive(Clone)]
struct NodeFigures(Node);

impl std::fmt::Debug for NodeFigures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NodeFigures")
    }
}

impl prometheus_client::collector::Collector for NodeFigures {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> std::fmt::Result {
        let node = &self.0;
        let (tip, stats, mining) = (node.tip(), node.stats(), node.mining().status());
        let (count, pending, bytes) = node.with_pool(|pool| (pool.len(), pool.pending_len(), pool.bytes()));
        let mut gauge = |name: &str, help: &str, unit: Option<&Unit>, value: f64| {
            let metric = ConstGauge::new(value);
            metric.encode(encoder.encode_descriptor(name, help, unit, metric.metric_type())?)
        };
        gauge("chain_height", "Height of the tip", None, tip.record.height().0 as f64)?;
        gauge(
            "chain_tip_time",
            "Header time of the tip",
            Some(&Unit::Seconds),
            f64::from(tip.record.header.time),
        )?;
        gauge(
            "chain_transactions",
            "Transactions in the active chain",
            None,
            tip.record.total_transactions as f64,
        )?;
        gauge("mempool_transactions", "Transactions in the pool", None, count as f64)?;
        gauge(
            "mempool_pending",
            "Transactions in the pool that a block could take",
            None,
            pending as f64,
        )?;
        gauge(
            "mempool_size",
            "Envelopes in the pool",
            Some(&Unit::Bytes),
            bytes as f64,
        )?;
        gauge(
            "mining_on",
            "Whether the native miner is on",
            None,
            f64::from(u8::from(mining.config.on)),
        )?;
        gauge(
            "mining_threads",
            "Threads of the native miner",
            None,
            mining.config.threads as f64,
        )?;
        gauge(
            "mining_hash_rate",
            "Hashes a second of the native miner",
            None,
            mining.hash_rate,
        )?;
        let workers = node.workers().total();
        gauge(
            "stratum_workers",
            "External miners that are connected",
            None,
            workers.connected as f64,
        )?;
        gauge(
            "stratum_hash_rate",
            "Hashes a second of external miners, estimated from their shares",
            None,
            workers.hash_rate,
        )?;
        for (name, help, ring) in [
            (
                "block_import_time",
                "Time from bytes to durable, of the last 1,000 blocks",
                &stats.import_time,
            ),
            (
                "confirmation_time",
                "Time from arrival to block, of the last 1,000 transactions",
                &stats.confirmation_time,
            ),
        ] {
            for (part, p) in [("median", 50), ("p99", 99)] {
                // Nothing measured yet is no sample, which is not the same as zero.
                let Some(value) = ring.percentile(p) else { continue };
                gauge(
                    &format!("{name}_{part}"),
                    help,
                    Some(&Unit::Seconds),
                    value.as_secs_f64(),
                )?;
            }
        }
        for (name, help, ring) in [
            (
                "transaction_hop_time",
                "Time from hearing of a transaction to having it from the peer, of the last 1,000",
                &stats.transaction_hop,
            ),
            (
                "block_hop_time",
                "Time from telling a peer of a block to hearing that it has taken it, of the last 1,000",
                &stats.block_hop,
            ),
        ] {
            for p in [50, 95] {
                let Some(value) = ring.percentile(p) else { continue };
                gauge(&format!("{name}_p{p}"), help, Some(&Unit::Seconds), value.as_secs_f64())?;
            }
        }
        for (name, help, value) in [
            (
                "blocks_imported",
                "Blocks that joined the active chain",
                &stats.blocks_imported,
            ),
            ("blocks_refused", "Blocks that broke a rule", &stats.blocks_refused),
            ("reorgs", "Changes of branch", &stats.reorgs),
            (
                "transactions_accepted",
                "Transactions taken into the pool",
                &stats.transactions_accepted,
            ),
            (
                "transactions_refused",
                "Transactions refused",
                &stats.transactions_refused,
            ),
            (
                "transactions_included",
                "Transactions put into blocks",
                &stats.transactions_included,
            ),
        ] {
            let metric = ConstCounter::new(value.load(Relaxed));
            metric.encode(encoder.encode_descriptor(name, help, None, metric.metric_type())?)?;
        }
        for (name, help, value) in [
            (
                "templates_assembled",
                "Blocks put together for miners",
                node.templates_assembled(),
            ),
            ("stratum_shares", "Shares of external miners", workers.shares),
            ("stratum_shares_rejected", "Shares that did not count", workers.rejected),
            ("stratum_blocks", "Blocks of external miners", workers.blocks),
        ] {
            let metric = ConstCounter::new(value);
            metric.encode(encoder.encode_descriptor(name, help, None, metric.metric_type())?)?;
        }
        match node.network() {
            Some(network) => network_figures(&network.status(), &mut encoder),
            None => Ok(()),
        }
    }
}

/// What went on between this node and others.
fn network_figures(status: &NetworkStatus, encoder: &mut DescriptorEncoder<'_>) -> std::fmt::Result {
    let inbound = status.peers.iter().filter(|peer| !peer.outbound).count();
    if let Some(reading) = status.clock {
        let metric = ConstGauge::new(reading.offset_secs as f64);
        let help = "This machine's clock less the median of its peers'";
        metric.encode(encoder.encode_descriptor(
            "clock_offset",
            help,
            Some(&Unit::Seconds),
            metric.metric_type(),
        )?)?;
    }
    let syncing = status.sync.as_ref();
    for (name, help, value) in [
        ("peers_inbound", "Peers that called this node", inbound as u64),
        (
            "peers_outbound",
            "Peers that this node called",
            (status.peers.len() - inbound) as u64,
        ),
        ("peers_banned", "Peers that are banned now", status.bans.len() as u64),
        (
            "addresses_found",
            "Addresses that nobody named and that may be called",
            status.found.addresses,
        ),
        (
            "network_best_height",
            "Greatest height that anybody speaks of",
            status.best_height,
        ),
        (
            "sync_blocks_left",
            "Blocks still to fetch, as far as headers are known",
            syncing.map_or(0, |sync| sync.blocks_left as u64),
        ),
        (
            "network_unread_bytes",
            "Frames for peers that are still to be written",
            status.unread_bytes as u64,
        ),
    ] {
        let metric = ConstGauge::new(value);
        metric.encode(encoder.encode_descriptor(name, help, None, metric.metric_type())?)?;
    }
    let Counters {
        bans,
        compact_whole,
        compact_partly,
        compact_failed,
        traffic,
        offences,
        unanswered,
    } = &status.counters;
    for (name, help, unit, value) in [
        (
            "network_received",
            "What peers sent",
            Some(&Unit::Bytes),
            traffic.bytes_in,
        ),
        (
            "network_sent",
            "What was sent to peers",
            Some(&Unit::Bytes),
            traffic.bytes_out,
        ),
        (
            "network_messages_received",
            "Messages from peers",
            None,
            traffic.messages_in,
        ),
        ("network_messages_sent", "Messages to peers", None, traffic.messages_out),
        ("peer_bans", "Bans of peers since the start", None, *bans),
        (
            "peer_questions_unanswered",
            "Questions that peers did not answer in time",
            None,
            *unanswered,
        ),
        (
            "discovery_rounds",
            "Times that nodes were asked for other nodes",
            None,
            status.found.rounds,
        ),
        (
            "addresses_refused",
            "Addresses that others told of and that are not called",
            None,
            status.found.refused,
        ),
        (
            "compact_blocks_whole",
            "Blocks put together from the pool alone",
            None,
            *compact_whole,
        ),
        (
            "compact_blocks_partly",
            "Blocks of which transactions were asked for",
            None,
            *compact_partly,
        ),
        (
            "compact_blocks_failed",
            "Blocks that were asked for whole",
            None,
            *compact_failed,
        ),
    ] {
        let metric = ConstCounter::new(value);
        metric.encode(encoder.encode_descriptor(name, help, unit, metric.metric_type())?)?;
    }
    let family = Family::<OffenceLabels, Counter>::default();
    // Each begins with a zero: an alarm on a rate needs the sample before the first offence.
    for name in Offence::NAMES {
        let labels = OffenceLabels {
            offence: name.to_owned(),
        };
        let count = offences.get(name).copied().unwrap_or(0);
        family.get_or_create(&labels).inc_by(count);
    }
    family.encode(encoder.encode_descriptor(
        "peer_offences",
        "What peers did wrong, by its name",
        None,
        family.metric_type(),
    )?)
}
