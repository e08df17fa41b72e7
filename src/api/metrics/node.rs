//! Figures of the node: its chain, pool, miners and store.

use std::sync::atomic::Ordering::Relaxed;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;
use tally_network::NetworkSlot;
use tally_node::Node;

use super::network;

/// What the node and its network know of themselves, read at the moment of the request.
#[derive(Clone)]
pub(super) struct NodeFigures {
    pub(super) node: Node,
    pub(super) network: NetworkSlot,
}

impl std::fmt::Debug for NodeFigures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NodeFigures")
    }
}

impl Collector for NodeFigures {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> std::fmt::Result {
        let node = &self.node;
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
                "Time from the announcement of a transaction to its arrival from the peer, of the last 1,000",
                &stats.transaction_hop,
            ),
            (
                "block_hop_time",
                "Time from announcing a block to a peer until it has taken it, of the last 1,000",
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
                "Transactions rejected",
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
        match self.network.status() {
            Some(status) => network::encode(&status, &mut encoder),
            None => Ok(()),
        }
    }
}
