//! The file with credentials: which server, and the keys that it is called with.
//!
//! INVARIANT (private): a file that anybody but its owner may read is not used, and none is written.
//!
//! ```yaml
//! server: http://127.0.0.1:8282
//! credentials:
//!   - {name: acme-corp, organisation: acme-corp, key: sk_admin_…}
//!   - {name: operator, key: sk_admin_…}
//! ```
//!
//! A file with one credential may have `organisation` and `key` at the top instead.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::document;
use crate::model::secret::Secret;

/// What a file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Credentials {
    /// The URL of the management listener.
    pub server: Option<String>,
    /// In the order in which they are looked for.
    pub all: Vec<Credential>,
}

/// A key, and what it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// What it is called.
    pub name: String,
    /// The organisation that it manages; none for all.
    pub organisation: Option<String>,
    /// The key.
    pub key: Secret<String>,
}

/// A file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    server: Option<String>,
    organisation: Option<String>,
    key: Option<String>,
    #[serde(default)]
    credentials: Vec<WrittenCredential>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenCredential {
    name: Option<String>,
    organisation: Option<String>,
    key: String,
}

/// What a credential without an organisation is called unless somebody calls it something else.
pub const OPERATOR: &str = "operator";

impl Credential {
    /// A credential that is called `name`, or else as its organisation is.
    pub fn new(name: Option<String>, organisation: Option<String>, key: String) -> Self {
        let name = name.or_else(|| organisation.clone()).unwrap_or_else(|| OPERATOR.to_owned());
        Self { name, organisation, key: Secret::new(key) }
    }
}

impl Credentials {
    /// Reads a file; none where there is no file.
    ///
    /// # Errors
    /// It cannot be read, others can read it, or it is not what it should be.
    pub fn read(path: &Path) -> Result<Option<Self>, String> {
        let meta = match fs::metadata(path) {
            Ok(meta) => meta,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(format!("cannot read `{}`: {error}", path.display())),
        };
        check_private(path, &meta)?;
        let (written, _): (Written, _) = document::read_file(path).map_err(|problem| {
            // Whatever line it is, it may have a key in it.
            let hint = problem.hint.map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
            format!("{}{hint}", problem.message)
        })?;
        let Written { server, organisation, key, credentials } = written;
        let top = key.map(|key| Credential::new(None, organisation, key));
        let rest = credentials.into_iter().map(|one| Credential::new(one.name, one.organisation, one.key));
        let all: Vec<Credential> = top.into_iter().chain(rest).collect();
        for (n, one) in all.iter().enumerate() {
            if all.iter().take(n).any(|before| before.name == one.name) {
                return Err(format!("`{}` has two credentials `{}`", path.display(), one.name));
            }
        }
        if all.is_empty() {
            return Err(format!("`{}` has no key", path.display()));
        }
        Ok(Some(Self { server, all }))
    }

    /// The one that is called so; else that of the organisation; else that of no organisation, if one was asked for or an
    /// operator is needed; else the first.
    pub fn pick(
        &self,
        name: Option<&str>,
        organisation: Option<&str>,
        operator: bool,
    ) -> Result<&Credential, String> {
        if let Some(name) = name {
            let names: Vec<String> = self.all.iter().map(|one| format!("`{}`", one.name)).collect();
            let found = self.all.iter().find(|one| one.name == name);
            return found
                .ok_or_else(|| format!("there is no credential `{name}`; there are {}", names.join(", ")));
        }
        let of = |wanted: Option<&str>| self.all.iter().find(|one| one.organisation.as_deref() == wanted);
        let found = match organisation {
            Some(id) if !operator => of(Some(id)).or_else(|| of(None)),
            None if !operator => None,
            _ => of(None),
        };
        found.or_else(|| self.all.first()).ok_or_else(|| "there is no credential".to_owned())
    }

    /// As a file has it.
    fn text(&self) -> String {
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let mut text =
            "# Credentials for the commands of administration. Keep this file to yourself.\n".to_owned();
        if let Some(server) = &self.server {
            text.push_str(&format!("server: {}\n", quoted(server)));
        }
        text.push_str("credentials:\n");
        for Credential { name, organisation, key } in &self.all {
            text.push_str(&format!("  - name: {}\n", quoted(name)));
            if let Some(organisation) = organisation {
                text.push_str(&format!("    organisation: {}\n", quoted(organisation)));
            }
            text.push_str(&format!("    key: {}\n", quoted(key.expose())));
        }
        text
    }
}

#[cfg(unix)]
fn check_private(path: &Path, meta: &fs::Metadata) -> Result<(), String> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = meta.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    let path = path.display();
    Err(format!(
        "`{path}` can be read or changed by others (mode {mode:03o}), and has keys in it\nhint: chmod 600 {path}"
    ))
}

#[cfg(not(unix))]
fn check_private(_: &Path, _: &fs::Metadata) -> Result<(), String> {
    Ok(())
}

/// A file that is about to be written: what goes wrong goes wrong before there is anything to lose.
pub struct Draft {
    file: File,
    draft: PathBuf,
    path: PathBuf,
    kept: bool,
}

impl Draft {
    /// Begins a file beside `path`, which only its owner can read.
    ///
    /// # Errors
    /// It cannot be written there.
    pub fn begin(path: &Path) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("cannot write `{}`: {error}", path.display());
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        let draft = path.with_extension(format!("{}.new", std::process::id()));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&draft).map_err(failed)?;
        Ok(Self { file, draft, path: path.to_owned(), kept: false })
    }

    /// Writes it, and puts it in its place.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn finish(mut self, credentials: &Credentials) -> Result<(), String> {
        let written = self.file.write_all(credentials.text().as_bytes()).and_then(|()| self.file.sync_all());
        let moved = written.and_then(|()| fs::rename(&self.draft, &self.path));
        moved.map_err(|error| format!("cannot write `{}`: {error}", self.path.display()))?;
        self.kept = true;
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.kept {
            // What stays is an empty file that only its owner can read.
            let _ = fs::remove_file(&self.draft);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Credentials {
        let of = |name: &str, organisation: Option<&str>| {
            Credential::new(Some(name.to_owned()), organisation.map(str::to_owned), format!("key-of-{name}"))
        };
        let server = Some("http://127.0.0.1:8282".to_owned());
        Credentials {
            server,
            all: vec![of("acme", Some("acme")), of("beta", Some("beta")), of(OPERATOR, None)],
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/credentials");
        assert_eq!(Credentials::read(&path), Ok(None));
        Draft::begin(&path).unwrap().finish(&sample()).unwrap();
        assert_eq!(Credentials::read(&path), Ok(Some(sample())));
        drop(Draft::begin(&path).unwrap());
        let left: Vec<_> = fs::read_dir(path.parent().unwrap()).unwrap().collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credentials");
        fs::write(&path, "organisation: acme\nkey: sk_admin_x\n").unwrap();
        for (mode, good) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false), (0o660, false)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let read = Credentials::read(&path);
            assert_eq!(read.is_ok(), good, "{mode:o}: {read:?}");
        }
    }

    #[test]
    fn the_credential_is_that_of_what_is_asked_about() {
        let all = sample();
        for (name, organisation, operator, expected) in [
            (None, None, false, "acme"),
            (None, Some("beta"), false, "beta"),
            (None, Some("gamma"), false, "operator"),
            (None, None, true, "operator"),
            (None, Some("beta"), true, "operator"),
            (Some("beta"), Some("acme"), true, "beta"),
        ] {
            assert_eq!(all.pick(name, organisation, operator).unwrap().name, expected);
        }
        let error = all.pick(Some("nobody"), None, false).unwrap_err();
        assert_eq!(error, "there is no credential `nobody`; there are `acme`, `beta`, `operator`");
        let alone = Credentials { all: all.all.into_iter().take(1).collect(), server: None };
        assert_eq!(alone.pick(None, Some("beta"), true).unwrap().name, "acme");
    }
}
