//! The command line: one file a command.
//!
//! Standard output has what was asked for, standard error what is said about it. Exit codes: 0 for yes, 1 for no (a test
//! fails, a check finds errors, a request fails), 2 for what could not even be tried.

use std::process::ExitCode;

use clap::CommandFactory as _;

mod around;
pub mod bench;
pub mod build;
pub mod capabilities;
pub mod capability;
pub mod check;
pub mod completion;
pub mod config;
pub mod credential;
pub mod deps;
pub mod eval;
pub mod exec;
pub mod fmt;
pub mod inspect;
pub mod keys;
pub mod man;
pub mod parse;
mod print;
mod reading;
pub mod seal;
mod serve;
pub mod sign;
mod sources;
mod table;
pub mod test;
pub mod token;
pub mod verification;

/// An authorization sidecar: verify the credential, evaluate Rego, answer, record.
#[derive(Debug, clap::Parser)]
#[command(name = "verdict", version, about, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Run a development server, with an issuer of its own and commands to try
    Dev(serve::DevArgs),
    /// Run the server
    Run(serve::RunArgs),
    /// Print a token of the development issuer
    Token(token::TokenArgs),
    /// Make keys for capability tokens, and tokens
    Capability(capability::CapabilityArgs),
    /// Generate API keys and hashes of them
    Keys(keys::KeysArgs),
    /// Show what a credential says, and whether it would be accepted
    Credential(credential::CredentialArgs),
    /// Print the effective configuration, without secrets
    Config(config::ConfigArgs),
    /// Evaluate a query
    Eval(eval::EvalArgs),
    /// List built-in functions and features
    Capabilities(capabilities::CapabilitiesArgs),
    /// Check policy files for errors
    Check(check::CheckArgs),
    /// Format policy files
    Fmt(fmt::FmtArgs),
    /// List the documents a query depends on
    Deps(deps::DepsArgs),
    /// Show a bundle's contents
    Inspect(inspect::InspectArgs),
    /// Print the syntax tree of a policy file
    Parse(parse::ParseArgs),
    /// Run policy tests
    Test(test::TestArgs),
    /// Benchmark a policy or a running server
    Bench(bench::BenchArgs),
    /// Evaluate a document for many input files
    Exec(exec::ExecArgs),
    /// Build a bundle
    Build(build::BuildArgs),
    /// Sign a bundle
    Sign(sign::SignArgs),
    /// Generate a shell completion script
    Completion(completion::CompletionArgs),
    /// Print the manual page
    Man(man::ManArgs),
}

impl Cli {
    /// Runs the command.
    pub fn run(self) -> ExitCode {
        let code = match self.command {
            Command::Dev(args) => serve::dev(args),
            Command::Run(args) => serve::run(args),
            Command::Token(args) => token::run(args),
            Command::Capability(args) => capability::run(args),
            Command::Keys(args) => keys::run(args),
            Command::Credential(args) => credential::run(args),
            Command::Config(args) => config::run(args),
            Command::Eval(args) => eval::run(&args),
            Command::Capabilities(args) => capabilities::run(&args),
            Command::Check(args) => check::run(&args),
            Command::Fmt(args) => fmt::run(&args),
            Command::Deps(args) => deps::run(&args),
            Command::Inspect(args) => inspect::run(&args),
            Command::Parse(args) => parse::run(&args),
            Command::Test(args) => test::run(&args),
            Command::Bench(args) => bench::run(args),
            Command::Exec(args) => exec::run(&args),
            Command::Build(args) => build::run(&args),
            Command::Sign(args) => sign::run(&args),
            Command::Completion(args) => completion::run(&args, Self::command()),
            Command::Man(args) => man::run(&args, Self::command()),
        };
        print::finish(code)
    }
}
