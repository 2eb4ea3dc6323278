//! `verdict build`: builds one bundle from folders, files and bundles, as `opa build` does for its target `rego`.
//!
//! Policy is compiled first. Builds are reproducible: the same files give the same bytes.
//!
//! Exit code, as for `opa build`: 0 if the bundle was written, 1 otherwise.

use std::path::PathBuf;
use std::process::ExitCode;

use super::print::{complain, warn};
use super::reading::{VersionArgs, capabilities};
use super::seal::{claims, signing_key, write_whole};
use super::sources;
use super::verification::{VerificationArgs, WithoutKey};
use crate::bundle::Pattern;
use crate::bundle::build::{Draft, Inputs, Seal};
use crate::bundle::{self, Limits};
use crate::model::request::EntryPath;
use verdict_rego::Checks;

/// Arguments of `verdict build`.
#[derive(Debug, Clone, clap::Args)]
pub struct BuildArgs {
    /// Folders and files of policy and data; with `-b`, bundles
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<PathBuf>,
    /// Treat each path as a bundle (folder or archive)
    #[arg(short, long)]
    pub bundle: bool,
    /// Output file
    #[arg(short, long, value_name = "FILE", default_value = "bundle.tar.gz")]
    pub output: PathBuf,
    /// Revision of the bundle
    #[arg(short, long, value_name = "TEXT")]
    pub revision: Option<String>,
    /// Document that a rule must declare, e.g. `app/allow`; can be repeated
    #[arg(short, long, value_name = "PATH")]
    pub entrypoint: Vec<String>,
    /// Files and folders to exclude by name, e.g. `*_test.rego`; can be repeated or separated by commas
    #[arg(long, value_name = "PATTERN", value_delimiter = ',', value_parser = Pattern::parse)]
    pub ignore: Vec<Pattern>,
    /// Version of OPA, e.g. `v1.9.0`, or capabilities file, that policy is to be for
    #[arg(long, value_name = "FILE|VERSION")]
    pub capabilities: Option<String>,
    /// Build target; only `rego` is supported
    #[arg(short, long, default_value = "rego")]
    pub target: String,
    /// Optimization level; only 0 is supported
    #[arg(short = 'O', long, value_name = "LEVEL", default_value_t = 0)]
    pub optimize: u8,
    /// Not supported: unused rules are kept
    #[arg(long)]
    pub prune_unused: bool,
    /// Sign with this private key (PEM) or HMAC secret, or the file that contains it
    #[arg(long, value_name = "KEY")]
    pub signing_key: Option<String>,
    /// JSON file with additional claims for the signature
    #[arg(long, value_name = "FILE", requires = "signing_key")]
    pub claims_file: Option<PathBuf>,
    /// Which Rego the policy is read as; the bundle then says so
    #[command(flatten)]
    pub version: VersionArgs,
    /// Verification of the inputs; `--signing-alg` applies to them and to the built bundle
    #[command(flatten)]
    pub verification: VerificationArgs,
}

/// Runs the command.
pub fn run(args: &BuildArgs) -> ExitCode {
    match build(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            complain(&message);
            ExitCode::from(1)
        }
    }
}

fn build(args: &BuildArgs) -> Result<(), String> {
    check_supported(args)?;
    let key = args.signing_key.as_ref().map(|key| signing_key(key, &args.verification.signing_alg));
    let key = key.transpose()?;
    let claims = args.claims_file.as_ref().map(claims).transpose()?;
    let verification = args.verification.verification(WithoutKey::Refuse)?;
    let entrypoints = args.entrypoint.iter().map(|path| EntryPath::parse(path));
    let entrypoints = entrypoints.collect::<Result<Vec<_>, _>>()?;
    for path in &args.paths {
        let problem = |error| format!("cannot read `{}`: {error}", path.display());
        std::fs::metadata(path).map_err(problem)?;
    }
    let inputs = Inputs {
        paths: &args.paths,
        as_bundle: args.bundle,
        ignore: &args.ignore,
        verification: &verification,
        limits: Limits::from(&bundle::Config::default()),
        version: args.version.chosen(),
    };
    let wrong = |error: bundle::LoadError| error.to_string();
    let mut draft = Draft::new(&inputs).map_err(wrong)?;
    draft.notices.iter().for_each(|notice| warn(notice));
    let explained = |error| sources::explain(error).to_string();
    let capabilities = args.capabilities.as_deref().map(capabilities).transpose()?;
    let checks = Checks { capabilities, ..Checks::default() };
    draft.compile(&entrypoints, &checks).map_err(explained)?;
    if let Some(revision) = &args.revision {
        draft.set_revision(revision);
    }
    // As OPA does: the claims decide about `keyid` where there are any.
    let key_id = claims.is_none().then_some(args.verification.verification_key_id.as_str());
    let seal = key.as_ref().map(|key| Seal { key, claims: claims.as_ref(), key_id });
    draft.seal(seal.as_ref()).map_err(wrong)?;
    write_whole(&args.output, &draft.archive().map_err(wrong)?)
}

fn check_supported(args: &BuildArgs) -> Result<(), String> {
    match args.target.as_str() {
        "rego" => {}
        target @ ("wasm" | "plan") => {
            return Err(format!("target `{target}` is not supported; use `rego`"));
        }
        target => return Err(format!("unknown target `{target}`; use `rego`")),
    }
    if args.optimize > 0 {
        return Err(format!("`-O {}` is not supported; policy is compiled when it is loaded", args.optimize));
    }
    if args.prune_unused {
        return Err("`--prune-unused` is not supported; OPA ignores it for the target `rego`, too".to_owned());
    }
    if args.signing_key.is_some() && !args.bundle {
        return Err("only bundles can be signed; add `--bundle`".to_owned());
    }
    Ok(())
}
