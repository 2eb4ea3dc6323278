//! The command line: one file a command.
//!
//! Standard output has what was asked for, standard error what is said about it. Exit codes: 0 for yes, 1 for no (a test
//! fails, a check finds errors, a request fails), 2 for what could not even be tried.
//!
//! Some commands work on files, some are a server, and those of administration are clients of a server (`admin`).

use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _};

mod admin;
pub mod agent;
mod around;
pub mod audit;
pub mod bench;
pub mod build;
pub mod capabilities;
pub mod capability;
pub mod check;
pub mod check_tls;
pub mod completion;
pub mod config;
pub mod credential;
pub mod delegation;
pub mod deps;
pub mod device;
pub mod envelope;
pub mod eval;
pub mod exec;
pub mod fmt;
mod groups;
pub mod health;
pub mod init;
pub mod inspect;
pub mod key;
pub mod keys;
pub mod limit;
pub mod login;
pub mod man;
pub mod member;
pub mod new;
mod opa;
pub mod org;
mod paint;
pub mod parse;
mod print;
mod reading;
pub mod repl;
pub mod revocation;
pub mod role;
pub mod routes;
pub mod seal;
pub mod secret;
mod serve;
mod set;
pub mod setting;
mod shell;
pub mod sign;
mod sources;
mod table;
mod terminal;
pub mod test;
pub mod token;
pub mod verification;
pub mod version;

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
    /// Generate API keys without a server; rotate, revoke and list keys
    Keys(keys::KeysArgs),
    /// Show what a credential says, whether it would be accepted; revoke it
    Credential(credential::CredentialArgs),
    /// Take a new registry into possession: first keys, organisation, agent
    Init(Box<init::InitArgs>),
    /// Keep a key in the file with credentials
    Login(Box<login::LoginArgs>),
    /// Show whose a key is, and what it may do
    Whoami(Box<login::WhoamiArgs>),
    /// Manage organisations
    Org(Box<org::OrgArgs>),
    /// Manage the people who manage an organisation
    Member(Box<member::MemberArgs>),
    /// Manage agents
    Agent(Box<agent::AgentArgs>),
    /// Manage API keys
    Key(Box<key::KeyArgs>),
    /// Manage installations of agents
    Device(Box<device::DeviceArgs>),
    /// Manage what agents let each other do
    Delegation(Box<delegation::DelegationArgs>),
    /// Manage roles and their permissions
    Role(Box<role::RoleArgs>),
    /// Manage the hard limits of agents
    Limit(Box<limit::LimitsArgs>),
    /// Manage secrets of agents
    Secret(Box<secret::SecretArgs>),
    /// Manage settings
    Setting(Box<setting::SettingArgs>),
    /// Manage revocations
    Revocation(Box<revocation::RevocationArgs>),
    /// Read and check the audit log
    Audit(Box<audit::AuditArgs>),
    /// Print the effective configuration, without secrets
    Config(config::ConfigArgs),
    /// Explain why a TLS handshake fails, or check certificate files
    CheckTls(check_tls::CheckTlsArgs),
    /// Show what policy would see of HTTP requests
    Routes(routes::RoutesArgs),
    /// Ask a server whether it is well, for probes of containers
    Health(health::HealthArgs),
    /// Evaluate a query
    Eval(eval::EvalArgs),
    /// Begin a policy: a folder with policy, data, tests and fixtures
    New(new::NewArgs),
    /// Evaluate queries and define rules at a prompt
    Repl(Box<repl::ReplArgs>),
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
    /// Print the version, the build and the version of Rego
    Version(version::VersionArgs),
    /// Generate a shell completion script
    Completion(completion::CompletionArgs),
    /// Print the manual page
    Man(man::ManArgs),
}

impl Cli {
    /// Reads the arguments of this process; where they are none, or ask for help, ends it.
    pub fn from_arguments() -> Self {
        let mut command = groups::grouped(Self::command());
        let args = opa::spelled(std::env::args_os().collect());
        let first = args.get(1).map(|word| word.to_string_lossy().into_owned()).unwrap_or_default();
        let matches = command.try_get_matches_from_mut(args).unwrap_or_else(|mut error| {
            opa::explain(&mut error, &first);
            error.exit()
        });
        let read = Self::from_arg_matches(&matches);
        read.unwrap_or_else(|error| error.format(&mut command).exit())
    }

    /// Runs the command.
    pub fn run(self) -> ExitCode {
        let code = match self.command {
            Command::Dev(args) => serve::dev(args),
            Command::Run(args) => serve::run(args),
            Command::Token(args) => token::run(args),
            Command::Capability(args) => capability::run(args),
            Command::Keys(args) => keys::run(args),
            Command::Credential(args) => credential::run(args),
            Command::Init(args) => init::run(&args),
            Command::Login(args) => login::login(&args),
            Command::Whoami(args) => login::whoami(&args),
            Command::Org(args) => org::run(&args),
            Command::Member(args) => member::run(&args),
            Command::Agent(args) => agent::run(&args),
            Command::Key(args) => key::run(&args),
            Command::Device(args) => device::run(&args),
            Command::Delegation(args) => delegation::run(&args),
            Command::Role(args) => role::run(&args),
            Command::Limit(args) => limit::run(&args),
            Command::Secret(args) => secret::run(&args),
            Command::Setting(args) => setting::run(&args),
            Command::Revocation(args) => revocation::run(&args),
            Command::Audit(args) => audit::run(&args),
            Command::Config(args) => config::run(args),
            Command::CheckTls(args) => check_tls::run(&args),
            Command::Routes(args) => routes::run(&args),
            Command::Health(args) => health::run(&args),
            Command::Eval(args) => eval::run(&args),
            Command::New(args) => new::run(&args),
            Command::Repl(args) => repl::run(&args),
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
            Command::Version(args) => version::run(&args),
            Command::Completion(args) => completion::run(&args, Self::command()),
            Command::Man(args) => man::run(&args, Self::command()),
        };
        print::finish(code)
    }
}
