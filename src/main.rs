//! The `verdict` command.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    verdict::cli::Cli::parse().run()
}
