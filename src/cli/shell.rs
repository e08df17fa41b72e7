//! `tally completions` and `tally man`: what a package puts beside the program.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Command};
use clap_complete::Shell;

use super::out::{After as _, out, outln};

#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell; put what is printed where it looks for completions
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
    Ok(out!(
        "{}",
        String::from_utf8(script).context("the completions are not UTF-8")?
    )?)
}

/// Writes the manual pages of all commands.
pub fn man(command: Command, args: &ManArgs) -> anyhow::Result<()> {
    let cannot = || format!("cannot write to {}", args.folder.display());
    std::fs::create_dir_all(&args.folder).with_context(cannot)?;
    clap_mangen::generate_to(command, &args.folder).with_context(cannot)?;
    let shown = args.folder.display();
    Ok(outln!("{shown}").after(|| format!("the manual was written to {shown}"))?)
}
