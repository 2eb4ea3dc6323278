//! `verdict build`: one bundle of folders, files and bundles, as `opa build` makes it for its target `rego`.
//!
//! Policy is compiled first, and the archive is the same, byte by byte, wherever it is built.
//!
//! Exit code, as `opa build` has it: 0 when the bundle was written, 1 when it was not.

use std::path::PathBuf;
use std::process::ExitCode;

use super::print::{complain, warn};
use super::seal::{claims, signing_key, write_whole};
use super::sources;
use super::verification::{VerificationArgs, WithoutKey};
use crate::bundle::Pattern;
use crate::bundle::build::{Draft, Inputs, Seal};
use crate::bundle::{self, Limits};
use crate::model::request::EntryPath;

/// Arguments of `verdict build`.
#[derive(Debug, Clone, clap::Args)]
pub struct BuildArgs {
    /// Folders and files of policy and data, or, with `-b`, bundles
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<PathBuf>,
    /// Take each path for a bundle: a folder or an archive
    #[arg(short, long)]
    pub bundle: bool,
    /// The archive to write
    #[arg(short, long, value_name = "FILE", default_value = "bundle.tar.gz")]
    pub output: PathBuf,
    /// The revision of what is built
    #[arg(short, long, value_name = "TEXT")]
    pub revision: Option<String>,
    /// A document that has to be declared, e.g. `app/allow`; may be given again
    #[arg(short, long, value_name = "PATH")]
    pub entrypoint: Vec<String>,
    /// Names of files and folders to leave out, e.g. `*_test.rego`; may be given again, or separated by commas
    #[arg(long, value_name = "PATTERN", value_delimiter = ',', value_parser = Pattern::parse)]
    pub ignore: Vec<Pattern>,
    /// What to build; only `rego`
    #[arg(short, long, default_value = "rego")]
    pub target: String,
    /// How much to optimise; only 0
    #[arg(short = 'O', long, value_name = "LEVEL", default_value_t = 0)]
    pub optimize: u8,
    /// Not available: what is not used is kept
    #[arg(long)]
    pub prune_unused: bool,
    /// Sign with this private key as PEM, secret (HMAC), or the path of a file that holds it
    #[arg(long, value_name = "KEY")]
    pub signing_key: Option<String>,
    /// More claims for the signature, as a JSON file
    #[arg(long, value_name = "FILE", requires = "signing_key")]
    pub claims_file: Option<PathBuf>,
    /// Whose signatures the inputs must have; `--signing-alg` is for them and for what is built
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
    };
    let wrong = |error: bundle::LoadError| error.to_string();
    let mut draft = Draft::new(&inputs).map_err(wrong)?;
    draft.notices.iter().for_each(|notice| warn(notice));
    let explained = |error| sources::explain(error).to_string();
    draft.compile(&entrypoints).map_err(explained)?;
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
            return Err(format!("the target `{target}` is not built here; the only one is `rego`"));
        }
        target => return Err(format!("there is no target `{target}`; the only one is `rego`")),
    }
    if args.optimize > 0 {
        return Err(format!(
            "`-O {}` is not available; policy is compiled when it is loaded, leave the flag out",
            args.optimize
        ));
    }
    if args.prune_unused {
        return Err(
            "`--prune-unused` is not available; with the target `rego`, OPA does nothing for it either"
                .to_owned(),
        );
    }
    if args.signing_key.is_some() && !args.bundle {
        return Err("only bundles are signed; say with `--bundle` that the paths are bundles".to_owned());
    }
    Ok(())
}
