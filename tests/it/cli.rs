//! The command line, as a shell sees it: what each verb prints, where, and its exit code.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

mod check_tls;
mod completion;
mod config;
mod credential;
mod health;
mod help;
mod keys;
mod opa;
mod output;
mod terminal;
mod token;
mod version;

/// What a command did.
struct Ran {
    code: i32,
    out: String,
    err: String,
}

/// The command, in `folder`, with nothing of this test's own environment in it.
fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_verdict"));
    command.args(args).current_dir(folder).env_clear().stdin(Stdio::null());
    command
}

fn verdict(folder: &Path, args: &[&str]) -> Ran {
    ran(command(folder, args))
}

fn verdict_in(folder: &Path, env: &[(&str, &str)], args: &[&str]) -> Ran {
    let mut command = command(folder, args);
    command.envs(env.iter().copied().collect::<BTreeMap<_, _>>());
    ran(command)
}

fn ran(mut command: Command) -> Ran {
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

/// The command on a terminal of so many columns, which util-linux's `script` pretends to be: what it shows, and what it
/// says goes there, too. `None` where there is no `script`.
pub fn on_terminal(folder: &Path, columns: u16, env: &[(&str, &str)], args: &[&str]) -> Option<Command> {
    let quoted = |text: &&str| format!("'{}'", text.replace('\'', "'\\''"));
    let args = args.iter().map(quoted).collect::<Vec<_>>().join(" ");
    // Among the arguments, because a shell sets `COLUMNS` itself.
    let env = env.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ");
    let binary = env!("CARGO_BIN_EXE_verdict");
    let line = format!("stty cols {columns} rows 24; exec env -u COLUMNS {env} '{binary}' {args}");
    let mut script = Command::new("script");
    script.args(["-qec", line.as_str(), "/dev/null"]).current_dir(folder).stdin(Stdio::null());
    script.env_remove("NO_COLOR").env("TERM", "xterm");
    let works = Command::new("script")
        .args(["-qec", "stty cols 80 rows 24", "/dev/null"])
        .stdin(Stdio::null())
        .output();
    works.is_ok_and(|output| output.status.success()).then_some(script)
}

impl Ran {
    /// Checks the exit code, with everything that was printed in the message.
    #[track_caller]
    fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    /// Checks that nothing stands on standard output, and this on standard error.
    #[track_caller]
    fn only_complains(self, text: &str) {
        assert!(
            self.out.is_empty() && self.err.contains(text),
            "stdout:\n{}\nstderr:\n{}",
            self.out,
            self.err
        );
    }
}
