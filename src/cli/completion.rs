//! `verdict completion`: a script with which a shell completes this command's arguments, from the same definitions as
//! the command's own help.
//!
//! Exit code: 0.

use std::process::ExitCode;

use clap_complete::Shell;

use super::print::print;

/// Arguments of `verdict completion`.
#[derive(Debug, Clone, clap::Args)]
pub struct CompletionArgs {
    /// The shell; for bash, put `source <(verdict completion bash)` into `~/.bashrc`
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: Shell,
}

/// Runs the command; `command` is the whole command line.
pub fn run(args: &CompletionArgs, mut command: clap::Command) -> ExitCode {
    let mut script = Vec::new();
    let name = command.get_name().to_owned();
    clap_complete::generate(args.shell, &mut command, name, &mut script);
    print(&String::from_utf8_lossy(&script));
    ExitCode::SUCCESS
}
