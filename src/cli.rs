//! The command line: one file a command.

mod audit;
mod banner;
mod bench;
mod chain;
mod client;
mod health;
pub(crate) mod hidden;
mod lab;
mod licenses;
mod light;
mod net;
mod node;
pub mod out;
mod receipt;
mod shell;
mod token;
mod wallet;

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser, Subcommand};

use crate::exit::{EXIT_CODES, Exit};
use hidden::Hidden;

/// How long the process may take to print why it ends, where nothing is left for it to do.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// A self-hosted, tamper-evident ledger in one binary: node, explorer, wallet and miner
#[derive(Debug, Parser)]
#[command(name = "tally", version, after_help = EXIT_CODES, propagate_version = true)]
#[command(arg_required_else_help = true, args_conflicts_with_subcommands = true)]
struct Cli {
    /// Print the third-party packages in this program, with their licences
    #[arg(long)]
    licenses: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a node with its interface and API
    #[command(after_help = EXIT_CODES)]
    Node(Box<crate::config::NodeOptions>),
    /// Run a network of several nodes on this machine
    #[command(after_help = EXIT_CODES)]
    Net(net::NetArgs),
    /// Keep accounts and send payments from the command line
    #[command(after_help = EXIT_CODES)]
    Wallet(Box<wallet::WalletArgs>),
    /// Get or check a portable receipt: a file that proves what is on the chain
    #[command(after_help = EXIT_CODES)]
    Receipt(receipt::ReceiptArgs),
    /// Check whether a node is alive, or ready to do its work
    #[command(after_help = EXIT_CODES)]
    Health(health::HealthArgs),
    /// Create, list, rotate and revoke tokens of a running node, and read its log of operator actions
    #[command(after_help = EXIT_CODES)]
    Token(token::TokenArgs),
    /// Execute and check the whole store again from genesis on, trusting nothing in it
    #[command(after_help = EXIT_CODES)]
    Audit(audit::AuditArgs),
    /// Verify the chain that nodes show, from the genesis id on, and compare them
    #[command(after_help = EXIT_CODES)]
    Light(light::LightArgs),
    /// Show or write a chain spec
    #[command(after_help = EXIT_CODES)]
    Chain(chain::ChainArgs),
    /// Attack nodes of a sandbox, and see which rule stops each attack
    #[command(after_help = EXIT_CODES)]
    Lab(lab::LabArgs),
    /// Measure this machine: mining, signatures, import, load
    #[command(after_help = EXIT_CODES)]
    Bench(bench::BenchArgs),
    /// Print the completions of a shell
    #[command(after_help = EXIT_CODES)]
    Completions(shell::CompletionsArgs),
    /// Write manual pages
    #[command(after_help = EXIT_CODES)]
    Man(shell::ManArgs),
}

impl Command {
    /// Whether ids are arguments of this command: they look like keys, and its messages name them.
    fn takes_ids(&self) -> bool {
        match self {
            Self::Receipt(_) | Self::Light(_) => true,
            Self::Node(options) => options.checkpoint.is_some(),
            Self::Wallet(args) => args.takes_ids(),
            _ => false,
        }
    }
}

/// Runs the command line of this process to its end, and returns how it went as a code.
pub fn main() -> ExitCode {
    let hidden = Hidden::of_process();
    let parsed = match Cli::try_parse() {
        Ok(parsed) => parsed,
        Err(help) if !help.use_stderr() => return end(print(&help), &hidden),
        Err(wrong) => {
            reject(&wrong, &hidden.with_keys());
            return ExitCode::from(Exit::Usage as u8);
        }
    };
    let Some(command) = parsed.command else {
        return without_command(parsed.licenses, &hidden.with_keys());
    };
    let hidden = match command.takes_ids() {
        true => hidden,
        false => hidden.with_keys(),
    };
    end(run(command), &hidden)
}

/// `tally --licenses`. Where nothing at all is given, clap shows the help before.
fn without_command(licenses: bool, hidden: &Hidden) -> ExitCode {
    if licenses {
        return end(licenses::print(), hidden);
    }
    reject(
        &Cli::command().error(ErrorKind::MissingSubcommand, "a command is missing"),
        hidden,
    );
    ExitCode::from(Exit::Usage as u8)
}

/// All commands and arguments as data: what completions and manual pages are made from, and what tests walk over.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Prints what is wrong with the command line, in colours where nothing of it has to be left out. Whether the command would
/// have served is not known then, so that each one ends in time.
fn reject(wrong: &clap::Error, hidden: &Hidden) {
    end_in_time(Exit::Usage);
    let text = wrong.render().to_string();
    let left = hidden.out_of(&text);
    if left == text {
        let _ = wrong.print();
    } else {
        out::err!("{left}");
    }
}

/// The text of `--help` or `--version`.
fn print(help: &clap::Error) -> anyhow::Result<()> {
    let printed = help.print().and_then(|()| std::io::stdout().flush());
    Ok(printed.map_err(out::Unprinted::from)?)
}

fn end(result: anyhow::Result<()>, hidden: &Hidden) -> ExitCode {
    let Err(error) = result else {
        return ExitCode::from(Exit::Success as u8);
    };
    let exit = Exit::of(&error);
    if exit != Exit::ClosedPipe {
        out::errln!("tally: {}", hidden.out_of(&reason(&error)));
    }
    ExitCode::from(exit as u8)
}

fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Node(options) => without_words(node::run(*options)),
        Command::Net(args) => without_words(net::run(args)),
        Command::Wallet(args) => wallet::run(*args),
        Command::Receipt(args) => receipt::run(&args),
        Command::Health(args) => health::run(&args),
        Command::Token(args) => token::run(&args),
        Command::Audit(args) => audit::run(&args),
        Command::Light(args) => light::run(&args),
        Command::Chain(args) => chain::run(&args),
        Command::Lab(args) => lab::run(args),
        Command::Bench(args) => bench::run(args),
        Command::Completions(args) => shell::completions(self::command(), &args),
        Command::Man(args) => shell::man(self::command(), &args),
    }
}

/// Of a command that serves: where it failed, the process ends in time, whether the error is printed or not. Other commands wait
/// for their reader, a pager perhaps.
fn without_words(ended: anyhow::Result<()>) -> anyhow::Result<()> {
    if let Err(error) = &ended {
        end_in_time(Exit::of(error));
    }
    ended
}

/// Ends the process with this code after [`LAST_WORDS`], where `main` has not returned by then. A supervisor waits for the code
/// and may not read standard error, and printing to a full pipe would wait for ever.
fn end_in_time(exit: Exit) {
    std::thread::spawn(move || {
        std::thread::sleep(LAST_WORDS);
        #[allow(clippy::exit, reason = "an output that nothing reads keeps `main` from returning")]
        std::process::exit(exit as i32);
    });
}

/// An error with its causes in one line, each once: many errors name their cause in their own words.
fn reason(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if line.is_empty() {
            line = cause;
        } else if !line.contains(&cause) {
            line = format!("{line}: {cause}");
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;
    use clap::CommandFactory as _;

    #[test]
    fn a_cause_is_named_once() {
        let cause = tally_node::StoreError::Missing {
            what: "the tip".to_owned(),
        };
        let error = Err::<(), _>(cause)
            .context("cannot start")
            .expect_err("an error was given");
        assert_eq!(super::reason(&error), "cannot start: store: the tip is missing");
        let named = error.context("cannot start: store: the tip is missing, it seems");
        assert_eq!(
            super::reason(&named),
            "cannot start: store: the tip is missing, it seems"
        );
    }

    #[test]
    fn the_command_line_is_sound_and_every_option_is_explained() {
        let mut command = super::Cli::command();
        command.build();
        let mut open = vec![&command];
        while let Some(command) = open.pop() {
            assert!(command.get_about().is_some(), "{} has no help", command.get_name());
            for argument in command.get_arguments() {
                assert!(
                    argument.get_help().is_some(),
                    "{} of {} has no help",
                    argument.get_id(),
                    command.get_name()
                );
            }
            open.extend(command.get_subcommands());
        }
        super::Cli::command().debug_assert();
    }
}
