//! Signatures: verifies that a bundle is as its publisher signed it, in the format of OPA's signed bundles.
//!
//! INVARIANT (whole or not at all): a bundle is verified before anything in it is parsed, and all of it: every file must
//! be listed by the signature and every listed file must be there, with the digest that is listed.
//! INVARIANT (no way around): if keys are configured, a bundle without a signature is refused, unless `required` is off; if
//! none are, a signed bundle is refused, unless verification is explicitly skipped.
//!
//! INVARIANT (tied down): what a signature says of name, revision and end ([`bound`]) holds wherever the server loads a bundle.
//!
//! Deliberately absent: signing plugins (`iat` is ignored, as in OPA).
//!
//! Reading order: [`keys`] (with `pem`) → `canonical` → `hash` → [`token`], [`bound`] → [`Verification`] as [`Config`] has it;
//! [`exclude`] has patterns.

pub mod bound;
mod canonical;
mod config;
mod hash;
pub mod keys;
mod pem;
#[cfg(test)]
mod tests;
pub mod token;

use std::collections::BTreeMap;
use std::sync::Arc;

use self::bound::Bound;
pub use self::config::{Config, KeyConfig, KeyText, read_key_file};
use self::keys::VerificationKey;
use self::token::{Claims, FILE, Token};
use super::error::{ErrorKind, LoadError};
use super::pattern::Pattern;

/// The most files of a kind that a message names.
const MOST_NAMED: usize = 5;

/// The result of verifying a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signed {
    /// It is not signed.
    No,
    /// It is signed, but was not verified.
    Unchecked,
    /// It is signed with this key, and matches its signature, which says this of it.
    By(String, Bound),
}

/// How bundles are verified. By default, signed bundles are refused, because there is no key to verify them.
#[derive(Debug, Clone, Default)]
pub struct Verification(Arc<Mode>);

#[derive(Debug, Default)]
enum Mode {
    #[default]
    Unconfigured,
    Skip,
    Verify(Box<Trust>),
}

#[derive(Debug)]
struct Trust {
    keys: BTreeMap<String, VerificationKey>,
    key_id: Option<String>,
    scope: String,
    exclude: Vec<Pattern>,
    required: bool,
    bound: bool,
}

impl Verification {
    /// Skips verification.
    pub fn skip() -> Self {
        Self(Arc::new(Mode::Skip))
    }

    /// As configured.
    ///
    /// # Errors
    /// An invalid key or pattern.
    pub fn from_config(config: Option<&Config>) -> Result<Self, String> {
        let Some(Config { keys, key_id, scope, exclude_files, required, bound, skip_verify }) = config else {
            return Ok(Self::default());
        };
        if *skip_verify {
            return Ok(Self::skip());
        }
        if keys.is_empty() {
            return Err("there is no verification key".to_owned());
        }
        let read = |(id, key): (&String, &KeyConfig)| {
            key.read()
                .map(|key| (id.clone(), key))
                .map_err(|why| format!("the verification key `{id}`: {why}"))
        };
        let keys = keys.iter().map(read).collect::<Result<BTreeMap<_, _>, _>>()?;
        if let Some(id) = key_id.as_ref().filter(|id| !keys.contains_key(*id)) {
            return Err(format!("no verification key has the id `{id}`"));
        }
        let exclude = exclude_files.iter().map(|text| Pattern::parse(text)).collect::<Result<_, _>>()?;
        let (key_id, scope, required, bound) = (key_id.clone(), scope.clone(), *required, *bound);
        Ok(Self(Arc::new(Mode::Verify(Box::new(Trust { keys, key_id, scope, exclude, required, bound })))))
    }

    /// Whether signatures must say which bundle they are for, which revision, and until when.
    pub(super) fn is_bound(&self) -> bool {
        matches!(&*self.0, Mode::Verify(trust) if trust.bound)
    }

    /// Verifies a bundle; `files` are all of its files.
    pub(super) fn check(&self, files: &BTreeMap<String, Vec<u8>>) -> Result<Signed, LoadError> {
        let refuse = |message: String| LoadError::new(ErrorKind::Signature, message);
        match (&*self.0, files.get(FILE)) {
            (Mode::Unconfigured | Mode::Skip, None) => Ok(Signed::No),
            (Mode::Skip, Some(_)) => Ok(Signed::Unchecked),
            (Mode::Unconfigured, Some(file)) if token::says_nothing(file) => Ok(Signed::No),
            (Mode::Unconfigured, Some(_)) => Err(refuse(format!(
                "is signed (`{FILE}`), but cannot be verified: verification key not provided; configure \
                 `bundles.verification.keys`, or use `--verification-key` or `--skip-verify`"
            ))),
            (Mode::Verify(trust), None) if trust.required => Err(refuse(format!(
                "is not signed: bundle missing {FILE} file; sign it with `verdict sign`, or set \
                 `bundles.verification.required: false`"
            ))),
            (Mode::Verify(_), None) => Ok(Signed::No),
            (Mode::Verify(trust), Some(file)) => {
                trust.verify(file, files).map_err(refuse).map(|(key, bound)| Signed::By(key, bound))
            }
        }
    }
}

impl Trust {
    /// Verifies the files; gives the ID of the key, and what else is signed.
    fn verify(&self, file: &[u8], files: &BTreeMap<String, Vec<u8>>) -> Result<(String, Bound), String> {
        let text = token::of_file(file)?;
        let token = Token::parse(&text)?;
        let (id, key) = self.key_for(&token)?;
        let expected = key.algorithm().name();
        if token.header.alg != expected {
            return Err(format!(
                "the signature's algorithm is `{}`, but key `{id}` is for {expected}",
                token.header.alg.escape_debug()
            ));
        }
        if !key.verifies(token.message.as_bytes(), &token.signature) {
            return Err(format!(
                "the signature was not made with key `{id}` ({expected}): `{FILE}` was changed, or signed with another key"
            ));
        }
        let claims = Claims::parse(&token.payload)?;
        if claims.scope != self.scope {
            return Err(format!(
                "scope mismatch: the signature's scope is `{}`, expected `{}`",
                claims.scope.escape_debug(),
                self.scope
            ));
        }
        self.compare(&claims, files)?;
        Ok((id.to_owned(), claims.bound))
    }

    fn key_for(&self, token: &Token<'_>) -> Result<(&str, &VerificationKey), String> {
        let named =
            || token.header.kid.clone().filter(|id| !id.is_empty()).or_else(|| token::key_id(&token.payload));
        let found = match (self.key_id.clone().or_else(named), self.keys.len()) {
            (Some(id), _) => {
                let shown = id.escape_debug().to_string();
                let missing = || {
                    format!(
                        "verification key corresponding to ID `{shown}`, which the signature names, not found"
                    )
                };
                self.keys.get_key_value(&id).ok_or_else(missing)?
            }
            (None, 1) => self.keys.first_key_value().ok_or("there is no verification key")?,
            (None, _) => {
                return Err(
                    "the signature does not name its key; set `bundles.verification.key_id`".to_owned()
                );
            }
        };
        Ok((found.0, found.1))
    }

    /// Compares the files with the signed list, both ways.
    fn compare(&self, claims: &Claims, files: &BTreeMap<String, Vec<u8>>) -> Result<(), String> {
        let counts = |name: &str| !self.exclude.iter().any(|pattern| pattern.matches(name));
        let (mut changed, mut added) = (Vec::new(), Vec::new());
        for (name, bytes) in files.iter().filter(|(name, _)| *name != FILE && counts(name)) {
            match claims.files.get(name) {
                None => added.push(name.as_str()),
                Some((algorithm, wanted)) => changed.extend(difference(name, bytes, *algorithm, wanted)),
            }
        }
        let missing: Vec<&str> = claims
            .files
            .keys()
            .map(String::as_str)
            .filter(|name| !files.contains_key(*name) && *name != FILE && counts(name))
            .collect();
        let mut problems = Vec::new();
        if !changed.is_empty() {
            let more = changed.len().saturating_sub(MOST_NAMED);
            changed.truncate(MOST_NAMED);
            problems.push(changed.join("; ") + &also(more));
        }
        if !added.is_empty() {
            problems.push(format!("not included in the bundle's signature: {}", listed(&added)));
        }
        if !missing.is_empty() {
            problems.push(format!("specified in the bundle's signature but not found: {}", listed(&missing)));
        }
        if problems.is_empty() {
            return Ok(());
        }
        let hint = prefix_hint(&added, &missing).unwrap_or_default();
        Err(format!("does not match its signature: {}{hint}", problems.join("; ")))
    }
}

fn difference(name: &str, bytes: &[u8], algorithm: hash::Algorithm, wanted: &str) -> Option<String> {
    match (algorithm.of_file(name, bytes), hash::from_hex(wanted)) {
        (Err(fault), _) => Some(format!("`{name}` has no digest: {fault}")),
        (Ok(_), None) => Some(format!("the signature's digest of `{name}` is not hexadecimal")),
        (Ok(got), Some(wanted)) if got == wanted => None,
        (Ok(got), Some(wanted)) => {
            let (want, got) = (hash::hex(&wanted), hash::hex(&got));
            Some(format!("`{name}`: digest mismatch ({}, want: {want}, got: {got})", algorithm.name()))
        }
    }
}

fn listed(names: &[&str]) -> String {
    let shown: Vec<_> =
        names.iter().take(MOST_NAMED).map(|name| format!("`{}`", name.escape_debug())).collect();
    shown.join(", ") + &also(names.len().saturating_sub(MOST_NAMED))
}

fn also(more: usize) -> String {
    if more == 0 { String::new() } else { format!(" and {more} more") }
}

/// `opa sign` lists the files of a folder by the path given on its command line.
fn prefix_hint(added: &[&str], missing: &[&str]) -> Option<String> {
    let (first, other) =
        (added.first()?, missing.iter().find(|name| name.ends_with(added.first().copied().unwrap_or("?")))?);
    let prefix = other.strip_suffix(first).filter(|prefix| prefix.ends_with('/'))?;
    let all = added.len() == missing.len()
        && added.iter().all(|name| missing.iter().any(|other| other.strip_prefix(prefix) == Some(*name)));
    all.then(|| {
        format!(
            "; the signature names the files below `{prefix}`: sign the folder with `verdict sign`, or from inside the folder"
        )
    })
}
