//! The `verdict` command.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    verdict::cli::without_backtraces();
    verdict::cli::Cli::parse().run()
}
