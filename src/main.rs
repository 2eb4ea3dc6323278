//! The `verdict` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    verdict::cli::Cli::from_arguments().run()
}
