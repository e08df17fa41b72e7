//! A chain that is long enough for a sample, without the hour that executing it would take: headers and manifests in a store.

use std::path::PathBuf;

use tally::config::WebConfig;
use tally_chain::block::encode_block;
use tally_chain::history::{History, Node as Leaf};
use tally_chain::light::ChainReader as _;
use tally_chain::light::forge::{self, Chain, Next, SealMethod};
use tally_chain::pow::{Search, Target};
use tally_chain::spec::ConsensusSpec;
use tally_chain::{Amount, ChainSpec, Height, UnixSecs, Weight, genesis};
use tally_node::store::{Commit, Store};
use tally_node::{BlockRecord, ChangeSet, Node, Status, system_clock};

use crate::common::{TestServer, config};

/// Blocks that are written at once.
const BATCH: u64 = 2_000;

/// The chain `local` with blocks of 16 hashes: one that is sampled.
pub fn sampled() -> ChainSpec {
    let mut spec = ChainSpec::built_in("local").unwrap();
    let ConsensusSpec::Pow(pow) = &mut spec.consensus;
    (pow.pow_limit_bits, pow.initial_bits) = (0x207f_ffff, 0x200f_ffff);
    spec
}

/// A true chain of this height whose last block has the state of genesis, so that a node begins with it.
fn chain(spec: &ChainSpec, height: u64) -> Chain<'_> {
    let mut chain = forge::honest(spec, height - 1, 1);
    let (mut header, mut manifest) = {
        let mut next = chain.fork(chain.height(), 1);
        let time = (next.tip().time + 10).max(next.median() + 1);
        assert!(next.push(Next::at(time), SealMethod::None));
        (next.tip(), next.manifest(Height(height)).unwrap())
    };
    manifest.state_root = genesis::block(spec).manifest.state_root;
    header.manifest_root = manifest.root();
    let target = Target::from_bits(header.bits).unwrap();
    header.nonce = Search::new(&header, target).scan(0, u32::MAX).unwrap();
    chain.splice(header, manifest);
    chain
}

fn write(store: &Store, spec: &ChainSpec, chain: &Chain<'_>) {
    let mut history = History::default();
    let mut total = Weight::default();
    let heights: Vec<u64> = (0..=chain.height()).collect();
    for batch in heights.chunks(BATCH as usize) {
        let mut commit = Commit::new(store);
        for height in batch.iter().copied() {
            let (header, manifest) = (chain.at(height), chain.manifest(Height(height)).unwrap());
            let (id, weight) = (header.id(), spec.engine().weight(&header));
            let nodes = history.push(Leaf::leaf(id, &header, weight));
            total = total.plus(weight);
            // Genesis is there.
            if height == 0 {
                continue;
            }
            let bytes = encode_block(&header, &manifest, std::iter::empty());
            let record = BlockRecord {
                id,
                header,
                manifest,
                status: Status::Executed,
                weight: total,
                supply: spec.allocated().unwrap(),
                burned: Amount::ZERO,
                total_transactions: 0,
                transaction_count: 0,
                bytes: bytes.len() as u64,
                received: UnixSecs(header.time.into()),
            };
            commit.block(&record, &bytes);
            commit.active(&record, &[], &[], &ChangeSet::default(), &nodes);
            commit.tip(&record);
        }
        commit.apply().unwrap();
    }
}

/// A server whose node has a chain of this height.
pub fn server(spec: ChainSpec, height: u64) -> TestServer {
    server_with(spec, height, |_| {})
}

/// The same with other settings of its web side.
pub fn server_with(spec: ChainSpec, height: u64, change: impl FnOnce(&mut WebConfig)) -> TestServer {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("store"), &spec).unwrap();
    write(&store, &spec, &chain(&spec, height));
    drop(store);
    let mut config = config(folder.path().to_owned());
    config.spec = spec;
    let node = Node::open(config, system_clock()).unwrap();
    assert_eq!(node.tip().record.height(), Height(height));
    TestServer::of(node, folder, change)
}

/// Writes `spec.toml` and `data`, a data directory, into the new folder that `LONG_CHAIN` names.
#[test]
#[ignore = "LONG_CHAIN=DIR writes a chain of LONG_BLOCKS blocks there, for end2end/tests/figures-light.spec.ts"]
fn a_chain_for_the_figures_of_pages() {
    let folder = PathBuf::from(std::env::var_os("LONG_CHAIN").expect("LONG_CHAIN names a folder"));
    let height = std::env::var("LONG_BLOCKS").map_or(100_000, |blocks| blocks.parse().unwrap());
    let spec = sampled();
    std::fs::create_dir_all(folder.join("data")).unwrap();
    std::fs::write(folder.join("spec.toml"), spec.to_toml()).unwrap();
    let store = Store::open(&folder.join("data/store"), &spec).unwrap();
    write(&store, &spec, &chain(&spec, height));
}
