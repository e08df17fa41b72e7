//! What the node measured and checked about itself.

use std::{sync::atomic::Ordering::Relaxed, time::Duration};

use tally_chain::Height;
use tally_node::{StoreError, workers::Worker};

use crate::{
    at::At,
    overview::Run,
    rows::{difficulty, shown, units},
};
use tally_app::{
    format,
    model::{
        BanView, ClockView, Figure, HeavierForkView, MinerView, MiningView, NetworkView, PeerView, PerformanceView,
        RangeBanView, SecurityView, SelfCheck, SyncView, Verdict, WorkerView,
    },
};

/// Most external miners on the page.
const MAX_WORKERS: usize = 100;

/// Mining, here and in the network.
pub fn mining(at: &At<'_>) -> Result<MiningView, StoreError> {
    let run = Run::read(at)?;
    let status = at.node.mining().status();
    let next = Height(at.height() + 1);
    let (spec, bits) = (at.node.spec(), at.next_bits());
    let halving = spec.issuance.halving_interval;
    let mut workers = at.node.workers().list();
    let connected = workers.len() as u64;
    workers.truncate(MAX_WORKERS);
    Ok(MiningView {
        begins: at.node.begins().map(|begins| begins.0),
        connected,
        workers: workers.into_iter().map(worker).collect(),
        miner: MinerView {
            running: status.config.on,
            threads: status.config.threads as u32,
            hash_rate: status.hash_rate,
            paused: status.config.on.then(|| at.node.pauses()).flatten(),
            producer: shown(&status.config.producer),
            last_block: at
                .tip
                .snapshot
                .produced(&status.config.producer)
                .next()
                .transpose()?
                .map(|height| height.0),
        },
        network_hash_rate: run.hash_rate(),
        difficulty: difficulty(bits),
        bits: format!("{bits:#010x}"),
        next_height: next.0,
        pending: at.node.with_pool(|pool| pool.len()) as u64,
        subsidy: units(spec.subsidy(next)),
        halving_in: (halving > 0).then(|| halving - (next.0 - 1) % halving),
        series: run.series(at)?,
    })
}

fn worker(worker: Worker) -> WorkerView {
    WorkerView {
        name: worker.name,
        agent: worker.agent,
        hash_rate: worker.hash_rate,
        shares: worker.shares,
        rejected: worker.rejected,
        blocks: worker.blocks,
        since: worker.since.0,
    }
}

/// This node, and its peers.
pub fn network(at: &At<'_>) -> Result<NetworkView, StoreError> {
    let mut view = NetworkView {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        peer_id: None,
        listening: at.facts.listening.to_vec(),
        peers: Vec::new(),
        bans: Vec::new(),
        range_bans: Vec::new(),
        clock: at.node.clock_reading().map(|reading| ClockView {
            words: reading.words(),
            allowance_secs: at.node.clock_allowance(),
            off: at.node.clock_off().is_some(),
        }),
        behind_chain_secs: at.node.behind_own_chain(),
        heavier_fork: None,
        sync: None,
        tip: at.height(),
        tip_id: at.tip.record.id.to_string(),
    };
    if let Some(network) = at.network.get() {
        let status = network.status();
        let now = at.node.now().0;
        view.listening
            .extend(network.addresses().iter().map(ToString::to_string));
        view.peer_id = Some(network.id().to_string());
        view.heavier_fork = status.heavier_fork.map(|fork| HeavierForkView {
            peer: fork.peer.to_string(),
            tip: fork.tip.to_string(),
            height: fork.height.0,
            base: fork.base.0,
        });
        view.sync = status.sync.map(|sync| SyncView {
            source: sync.source.to_string(),
            done: sync.blocks_done,
            left: sync.blocks_left as u64,
            a_second: sync.blocks_done.saturating_mul(1_000) / sync.millis.max(1),
            headers: sync
                .headers
                .filter(|_| at.node.awaits_checkpoint())
                .map(|height| height.0),
            parts: sync.parts.map(|(done, all)| (done as u64, all as u64)),
        });
        view.bans = status
            .bans
            .into_iter()
            .map(|ban| BanView {
                id: ban.name.to_string(),
                address: ban.host.map(|host| host.to_string()),
                reason: ban.reason,
            })
            .collect();
        view.range_bans = status
            .range_bans
            .into_iter()
            .map(|ban| RangeBanView {
                range: ban.range.to_string(),
                reason: ban.reason,
            })
            .collect();
        let peers = status.peers.into_iter().map(|peer| PeerView {
            address: network
                .address_of(&peer.name)
                .map(|address| address.to_string())
                .unwrap_or_default(),
            id: peer.name.0,
            agent: peer.agent,
            height: peer.height.map(|height| height.0),
            ahead_secs: peer.ahead_secs,
            inbound: !peer.outbound,
            connected_since: now.saturating_sub(peer.connected_secs),
            latency_ms: peer.latency_ms,
            score: peer.score,
            bytes_in: peer.traffic.bytes_in,
            bytes_out: peer.traffic.bytes_out,
        });
        view.peers = peers.collect();
    }
    Ok(view)
}

/// What this node measured since it started.
pub fn performance(at: &At<'_>) -> Result<PerformanceView, StoreError> {
    let run = Run::read(at)?;
    let stats = at.node.stats();
    let mut figures = Vec::new();
    let mut figure = |name: &str, value: String, note: &str| {
        figures.push(Figure {
            name: name.to_owned(),
            value,
            note: note.to_owned(),
        });
    };
    let spent = |duration: Option<Duration>| duration.map_or_else(|| "none yet".to_owned(), milliseconds);
    figure(
        "Block import, median",
        spent(stats.import_time.percentile(50)),
        "from bytes to durable",
    );
    figure(
        "Block import, slowest 1 %",
        spent(stats.import_time.percentile(99)),
        "99th percentile of the last 1,000",
    );
    figure(
        "Confirmation, slowest 1 %",
        spent(stats.confirmation_time.percentile(99)),
        "from seen to in a block",
    );
    for (name, ring, p, note) in [
        (
            "Block to a peer, median",
            &stats.block_hop,
            50,
            "from sending it to the peer's report of its import",
        ),
        (
            "Block to a peer, slowest 5 %",
            &stats.block_hop,
            95,
            "95th percentile of the last 1,000",
        ),
        (
            "Transaction from a peer, median",
            &stats.transaction_hop,
            50,
            "from its announcement to its arrival",
        ),
        (
            "Transaction from a peer, slowest 5 %",
            &stats.transaction_hop,
            95,
            "95th percentile of the last 1,000",
        ),
    ] {
        figure(name, spent(ring.percentile(p)), note);
    }
    let counters = [
        ("Blocks imported", &stats.blocks_imported, "since the start"),
        ("Blocks rejected", &stats.blocks_refused, "that broke a rule"),
        ("Reorgs", &stats.reorgs, "changes to a branch with more work"),
        ("Transactions taken", &stats.transactions_accepted, "into the pool"),
        (
            "Transactions rejected",
            &stats.transactions_refused,
            "with a reason to the sender",
        ),
        (
            "Transactions confirmed",
            &stats.transactions_included,
            "put into blocks",
        ),
    ];
    for (name, counter, note) in counters {
        figure(name, format::count(counter.load(Relaxed)), note);
    }
    figure(
        "Native miner",
        format::hash_rate(at.node.mining().status().hash_rate),
        "measured by itself",
    );
    Ok(PerformanceView {
        started: at.node.started().0,
        figures,
        throughput: run.throughput(),
        confirmation: at.confirmation(),
        series: run.series(at)?,
        waits: at.waits(),
    })
}

fn milliseconds(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds < 1.0 {
        format!("{} ms", format::decimal(seconds * 1_000.0, 1))
    } else {
        format::duration(seconds)
    }
}

/// What this node checked about itself.
pub fn security(at: &At<'_>) -> Result<SecurityView, StoreError> {
    let started = format::utc(at.node.started().0);
    let mut checks = vec![SelfCheck {
        name: "State".to_owned(),
        verdict: Verdict::Pass,
        detail: format!(
            "At the start ({started}) the state tree was rebuilt from the store, and its root was that of the tip."
        ),
    }];
    let refused = at.node.stats().blocks_refused.load(Relaxed);
    checks.push(SelfCheck {
        name: "Blocks".to_owned(),
        verdict: if refused == 0 { Verdict::Pass } else { Verdict::Warn },
        detail: match refused {
            0 => "Every block that came since the start kept the rules.".to_owned(),
            count => format!(
                "{} rejected since the start; the log gives the reasons.",
                format::plural(count, "block was", "blocks were")
            ),
        },
    });
    checks.push(work(at));
    checks.extend(at.facts.checks.iter().cloned());
    Ok(SecurityView { checks })
}

/// Whether the node can do its work now; the same answer as `/readyz`.
fn work(at: &At<'_>) -> SelfCheck {
    let reasons: Vec<String> = at
        .network
        .health_of(at.node)
        .reasons
        .iter()
        .map(ToString::to_string)
        .collect();
    let (verdict, detail) = match reasons.is_empty() {
        true => (Verdict::Pass, "The node can do its work now.".to_owned()),
        false => (
            Verdict::Warn,
            format!("The node cannot do its work now: {}.", reasons.join("; ")),
        ),
    };
    SelfCheck {
        name: "Readiness".to_owned(),
        verdict,
        detail,
    }
}
