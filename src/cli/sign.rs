//! `verdict sign`: signs a bundle, as `opa sign` does.
//!
//! Files are listed by their path inside the bundle, sorted. `opa sign` prefixes the folder's path as given on the command
//! line, which can only be verified with the same path.
//!
//! Exit code, as for `opa sign`: 0 if the signature was written, 1 otherwise.

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
    /// Bundle to sign (folder or archive); the files of several bundles are signed together
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<PathBuf>,
    /// Treat each path as a bundle (required)
    #[arg(short, long)]
    pub bundle: bool,
    /// Private key (PEM) or HMAC secret, or the file that contains it
    #[arg(long, value_name = "KEY")]
    pub signing_key: String,
    /// Signature algorithm
    #[arg(long, value_name = "ALG", default_value = "RS256")]
    pub signing_alg: String,
    /// JSON file with additional claims, such as `scope` and `iss`
    #[arg(long, value_name = "FILE")]
    pub claims_file: Option<PathBuf>,
    /// Folder for `.signatures.json`
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
        return Err("only bundles can be signed; add `--bundle`".to_owned());
    }
    let key = signing_key(&args.signing_key, &args.signing_alg)?;
    let claims = args.claims_file.as_ref().map(claims).transpose()?;
    let limits = Limits::from(&bundle::Config::default());
    let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for path in &args.paths {
        let more = signable(path, limits).map_err(|error| error.to_string())?;
        if let Some(name) = more.keys().find(|name| *name != token::FILE && files.contains_key(*name)) {
            return Err(format!("two bundles contain `{name}`; sign each separately"));
        }
        files.extend(more);
    }
    let listed = files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
    let signed = token::sign(listed, &key, claims.as_ref(), None)?;
    let target = args.output_file_path.join(token::FILE);
    write_whole(&target, &signed)
}
