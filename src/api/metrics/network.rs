//! Figures of the network: peers, bytes, messages, offences.

use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric as _};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;
use tally_network::NetworkStatus;
use tally_network::session::Counters;
use tally_network::session::offence::Offence;

/// One kind of offence of peers; their number is fixed.
#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OffenceLabels {
    offence: String,
}

/// What went on between this node and others.
pub(super) fn encode(status: &NetworkStatus, encoder: &mut DescriptorEncoder<'_>) -> std::fmt::Result {
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
        ("peers_inbound", "Inbound peers", inbound as u64),
        (
            "peers_outbound",
            "Outbound peers",
            (status.peers.len() - inbound) as u64,
        ),
        ("peers_banned", "Peers that are banned now", status.bans.len() as u64),
        (
            "addresses_found",
            "Addresses that were found and may be dialled",
            status.found.addresses,
        ),
        (
            "network_best_height",
            "Greatest height that a peer claims, or this node's own",
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
            "Requests that peers did not answer in time",
            None,
            *unanswered,
        ),
        (
            "discovery_rounds",
            "Requests to nodes for other nodes",
            None,
            status.found.rounds,
        ),
        (
            "addresses_refused",
            "Addresses that others announced and that are not dialled",
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
            "Blocks of which transactions were requested",
            None,
            *compact_partly,
        ),
        (
            "compact_blocks_failed",
            "Blocks that were requested whole",
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
