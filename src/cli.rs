//! The command line.

use std::process::ExitCode;

pub mod bench;
pub mod check;
pub mod eval;
mod print;
mod sources;
pub mod test;

/// The command line.
#[derive(Debug, clap::Parser)]
#[command(name = "verdict", version, about)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Run the tests of policy: `test_` rules and fixture files
    Test(test::TestArgs),
    /// Answer for one document and one input
    Eval(eval::EvalArgs),
    /// Load and compile policy, and show every error
    Check(check::CheckArgs),
}

impl Cli {
    /// Runs the command.
    pub fn run(self) -> ExitCode {
        match self.command {
            Command::Test(args) => test::run(&args),
            Command::Eval(args) => eval::run(&args),
            Command::Check(args) => check::run(&args),
        }
    }
}
