//! `verdict sign`: the signature of a bundle, as `opa sign` writes it.
//!
//! Files are named as they lie in the bundle, and listed in order of their names. `opa sign` puts a folder's path, as it is
//! given, before them, which only verifies where the path is the same.
//!
//! Exit code, as `opa sign` has it: 0 when the signature was written, 1 when it was not.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use super::print::complain;
use super::seal::{claims, signing_key, write_whole};
use crate::bundle::build::signable;
use crate::bundle::signature::token;
use crate::bundle::{self, Limits};

/// Arguments of `verdict sign`.
#[derive(Debug, Clone, clap::Args)]
pub struct SignArgs {
    /// The bundle: a folder or an archive; the files of several are signed together
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<PathBuf>,
    /// Take each path for a bundle; there is no other way to sign
    #[arg(short, long)]
    pub bundle: bool,
    /// The private key as PEM, the secret (HMAC), or the path of a file that holds it
    #[arg(long, value_name = "KEY")]
    pub signing_key: String,
    /// What to sign with
    #[arg(long, value_name = "ALG", default_value = "RS256")]
    pub signing_alg: String,
    /// More claims for the payload, such as `scope` and `iss`, as a JSON file
    #[arg(long, value_name = "FILE")]
    pub claims_file: Option<PathBuf>,
    /// The folder to write `.signatures.json` to
    #[arg(short, long, value_name = "DIR", default_value = ".")]
    pub output_file_path: PathBuf,
}

/// Runs the command.
pub fn run(args: &SignArgs) -> ExitCode {
    match sign(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            complain(&message);
            ExitCode::from(1)
        }
    }
}

fn sign(args: &SignArgs) -> Result<(), String> {
    if !args.bundle {
        return Err(
            "only bundles are signed, not files; say with `--bundle` that the paths are bundles".to_owned()
        );
    }
    let key = signing_key(&args.signing_key, &args.signing_alg)?;
    let claims = args.claims_file.as_ref().map(claims).transpose()?;
    let limits = Limits::from(&bundle::Config::default());
    let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for path in &args.paths {
        let more = signable(path, limits).map_err(|error| error.to_string())?;
        if let Some(name) = more.keys().find(|name| *name != token::FILE && files.contains_key(*name)) {
            return Err(format!("two of the bundles hold `{name}`; sign each on its own"));
        }
        files.extend(more);
    }
    let listed = files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
    let signed = token::sign(listed, &key, claims.as_ref(), None)?;
    let target = args.output_file_path.join(token::FILE);
    write_whole(&target, &signed)
}
