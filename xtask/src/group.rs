//! A command that ends with all that it has started.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};

/// Runs its arguments in a process group, and kills the group when the shell's standard input closes, or when they have ended.
/// The latter ends the part that waits for the former.
const SCRIPT: &str = "exec 3<&0 </dev/null\n\
    (read -r end <&3; kill -KILL 0) &\n\
    \"$@\" 3<&-\n\
    kill -KILL 0";

/// A process group that runs one command. It is killed when this is dropped, and when this process ends in any way: a terminal's
/// interrupt reaches one group only.
pub struct Group {
    shell: Child,
    /// The shell waits for its other end to close.
    alive: Option<ChildStdin>,
}

impl Group {
    /// Starts a command: its program, arguments, variables and folder. It reads nothing, and its outputs are discarded.
    pub fn start(command: &Command) -> io::Result<Self> {
        Self::start_with(command, Stdio::null())
    }

    fn start_with(command: &Command, output: Stdio) -> io::Result<Self> {
        let mut shell = Command::new("sh");
        shell
            .args(["-c", SCRIPT, "sh"])
            .arg(command.get_program())
            .args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        if let Some(folder) = command.get_current_dir() {
            shell.current_dir(folder);
        }
        shell
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(output)
            .stderr(Stdio::null());
        let mut shell = shell.spawn()?;
        // Waiting for a child closes what it holds of its standard input.
        let alive = shell.stdin.take();
        Ok(Self { shell, alive })
    }

    /// Waits until the command has ended. The status is that of the group, which is killed then.
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        self.shell.wait()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.alive = None;
        // It ends by itself: the group is killed.
        let _ = self.shell.wait();
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Read as _};
    use std::process::ChildStdout;
    use std::time::{Duration, Instant};

    use super::*;

    /// A group that runs a script, and what all processes of it print: that ends when none of them is left.
    fn run(script: &str) -> (Group, BufReader<ChildStdout>) {
        let mut command = Command::new("sh");
        command.args(["-c", script]).env("GROUP_TEST", "it runs");
        let mut group = Group::start_with(&command, Stdio::piped()).expect("a shell starts");
        let printed = group.shell.stdout.take().expect("its output is a pipe");
        (group, BufReader::new(printed))
    }

    #[test]
    fn what_a_command_has_started_ends_with_it() {
        let begun = Instant::now();
        let (group, mut printed) = run("sleep 60 & echo \"$GROUP_TEST\"; sleep 60");
        let mut line = String::new();
        printed.read_line(&mut line).expect("it prints");
        assert_eq!(line, "it runs\n");
        drop(group);
        let mut rest = String::new();
        printed.read_to_string(&mut rest).expect("it prints");
        assert_eq!(rest, "");
        assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    }

    #[test]
    fn a_command_runs_to_its_end() {
        let (mut group, mut printed) = run("sleep 0.3; echo \"$GROUP_TEST\"");
        group.wait().expect("a child can be waited for");
        let mut all = String::new();
        printed.read_to_string(&mut all).expect("it prints");
        assert_eq!(all, "it runs\n");
    }
}
