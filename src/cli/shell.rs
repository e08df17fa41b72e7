//! `tally completions` and `tally man`: what a package puts beside the program.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Command};
use clap_complete::Shell;

use super::out::{After as _, out, outln};
use crate::private_file::make_folder;

#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell; save the output where it looks for completions
    #[arg(value_enum)]
    shell: Shell,
}

#[derive(Debug, Args)]
pub struct ManArgs {
    /// Folder to write to, one file a command; it is made if it is missing
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// Prints the completions of this command line.
pub fn completions(mut command: Command, args: &CompletionsArgs) -> anyhow::Result<()> {
    let mut script = Vec::new();
    let name = command.get_name().to_owned();
    clap_complete::generate(args.shell, &mut command, name, &mut script);
    let mut script = String::from_utf8(script).context("the completions are not UTF-8")?;
    if args.shell == Shell::Fish {
        command.build();
        script += &deep_fish(&command, &[]);
    }
    Ok(out!("{script}")?)
}

/// Options of commands of three words, such as `wallet shared create`: what is generated for fish ends after two.
fn deep_fish(command: &Command, path: &[&str]) -> String {
    let mut lines = String::new();
    if let [first, rest @ ..] = path
        && path.len() > 2
    {
        let seen: String = rest
            .iter()
            .map(|name| format!("; and __fish_seen_subcommand_from {name}"))
            .collect();
        for argument in command.get_arguments().filter(|argument| !argument.is_hide_set()) {
            let Some(long) = argument.get_long() else { continue };
            let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
            let help = help.replace('\n', " ").replace('\\', "\\\\").replace('\'', "\\'");
            let value = if argument.get_action().takes_values() {
                " -r"
            } else {
                ""
            };
            lines += &format!(
                "complete -c tally -n \"__fish_tally_using_subcommand {first}{seen}\" -l {long} -d '{help}'{value}\n"
            );
        }
    }
    for below in command.get_subcommands().filter(|below| below.get_name() != "help") {
        lines += &deep_fish(below, &[path, &[below.get_name()]].concat());
    }
    lines
}

/// Writes the manual pages of all commands.
pub fn man(command: Command, args: &ManArgs) -> anyhow::Result<()> {
    let cannot = || format!("cannot write to {}", args.folder.display());
    make_folder(&args.folder).with_context(cannot)?;
    clap_mangen::generate_to(command, &args.folder).with_context(cannot)?;
    let shown = args.folder.display();
    Ok(outln!("{shown}").after(|| format!("the manual was written to {shown}"))?)
}
