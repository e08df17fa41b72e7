//! `tally bench`: figures of this machine, each beside a peer or a limit of the same run.

mod fast;
mod figures;
mod floods;
mod grow;
mod import;
mod light;
mod load;
mod mine;
mod network;
mod signers;
mod source;
mod start;
#[allow(dead_code, reason = "tests compile this file too, and use all of it")]
mod verify;

use clap::{Args, Subcommand};
use serde_json::Value;

use super::out::outln;
pub(super) use figures::{Figure, Figures, millis, percentile};

#[derive(Debug, Args)]
pub struct BenchArgs {
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: BenchCommand,
}

#[derive(Debug, Subcommand)]
enum BenchCommand {
    /// Hashes a second: the native miner, the portable search, and the `sha2` crate's plain double digest
    Mine(mine::MineArgs),
    /// Signatures a second on one core: the node's checks compared with the bare libraries
    Verify(verify::VerifyArgs),
    /// Blocks of signed transfers imported into an empty store, from bytes to durable
    Import(import::ImportArgs),
    /// Signed transfers through the HTTP batch endpoint into blocks: the rate that lasts, and how long a transfer takes
    Load(load::LoadArgs),
    /// Nodes connected over loopback: how fast transfers and blocks reach all of them, bytes on the wire, catching up
    Network(network::NetworkArgs),
    /// A node under floods from hostile peers, one kind after the other: its memory, and its answers meanwhile
    Floods(floods::FloodsArgs),
    /// Forged and damaged proofs against the light client, none of which may be accepted; what true ones cost
    Light(light::LightArgs),
    /// Seconds until a node serves: on an empty directory, and on a chain of many transactions; and its memory
    Start(start::StartArgs),
    /// What a transfer costs with many accounts, beside the same with few
    Grow(grow::GrowArgs),
}

pub fn run(args: BenchArgs) -> anyhow::Result<()> {
    let found = match args.command {
        BenchCommand::Mine(args) => mine::run(&args)?,
        BenchCommand::Verify(args) => verify::run(&args)?,
        BenchCommand::Import(args) => import::run(&args)?,
        BenchCommand::Load(args) => load::run(&args)?,
        BenchCommand::Network(args) => network::run(&args)?,
        BenchCommand::Floods(args) => floods::run(&args)?,
        BenchCommand::Light(args) => light::run(&args)?,
        BenchCommand::Start(args) => start::run(&args)?,
        BenchCommand::Grow(args) => grow::run(&args)?,
    };
    if args.json {
        let mut object = serde_json::Map::new();
        object.insert("bench".to_owned(), found.bench.into());
        object.insert("version".to_owned(), env!("CARGO_PKG_VERSION").into());
        object.insert(
            "cores".to_owned(),
            std::thread::available_parallelism().map_or(0, usize::from).into(),
        );
        object.insert("optimised".to_owned(), (!cfg!(debug_assertions)).into());
        for (name, value, _) in &found.figures {
            object.insert((*name).to_owned(), Value::from(*value));
        }
        outln!("{}", serde_json::to_string_pretty(&object)?)?;
        return Ok(());
    }
    if cfg!(debug_assertions) {
        outln!("note: this binary is not optimised; its figures mean little")?;
    }
    for (name, value, unit) in &found.figures {
        outln!("{:<38} {value:>14.2} {unit}", name.replace('_', " "))?;
    }
    Ok(())
}
