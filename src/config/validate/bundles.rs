//! The checks of `bundles.required_*`, `bundles.expected`, `bundles.organisations` and `bundles.verification`.

use super::{Checks, Danger, Profile};
use crate::bundle::Pattern;
use crate::bundle::signature::keys::Algorithm;
use crate::bundle::signature::{Config, KeyConfig};
use crate::bundle::{check_name, remote};
use crate::document::tree::{Origin, Path};
use crate::model::request::EntryPath;
use crate::model::subject::check_tenant;

const BUNDLE_NAME: &str = "a bundle is called as its folder or archive in `bundles.dir`, without `.tar.gz`";

impl Checks<'_> {
    pub(super) fn required_of_bundles(&mut self) {
        let bundles = &self.config.bundles;
        for (key, paths, example) in [
            ("required_entrypoints", &bundles.required_entrypoints, "the path of a rule, e.g. `app/allow`"),
            ("required_data", &bundles.required_data, "the path below `data`, e.g. `app/users`"),
        ] {
            for (n, path) in paths.iter().enumerate() {
                let at = Path::dotted("bundles").key(key).index(n);
                match EntryPath::parse(path) {
                    Ok(all) if all.segments().is_empty() => {
                        self.flaw(at, "the path is empty", format!("write {example}"));
                    }
                    _ => self.document(at, path),
                }
            }
        }
        for (n, _) in bundles.paths.iter().enumerate().filter(|(_, path)| path.as_os_str().is_empty()) {
            let at = Path::dotted("bundles.paths").index(n);
            self.flaw(at, "the path is empty", "name a file or a folder");
        }
        let at = Path::dotted("bundles.paths");
        let by_flag = matches!(self.tree.origin_of(&at), Origin::Flag(_));
        if !bundles.paths.is_empty() && !by_flag && self.tree.get(&Path::dotted("bundles.dir")).is_some() {
            let hint = "keep one of the two; a directory of bundles may stand in `bundles.paths`, too";
            self.flaw(at, "`bundles.dir` and `bundles.paths` are mutually exclusive", hint);
        }
        for (n, name) in bundles.expected.iter().enumerate() {
            if let Err(message) = check_name(name) {
                self.flaw(Path::dotted("bundles.expected").index(n), message, BUNDLE_NAME);
            }
        }
    }

    pub(super) fn organisations_of_bundles(&mut self) {
        let organisations = &self.config.bundles.organisations;
        let at = Path::dotted("bundles.organisations");
        for (bundle, organisation) in organisations {
            if let Err(message) = check_name(bundle) {
                self.flaw(at.key(bundle), message, BUNDLE_NAME);
            }
            if let Err(problem) = check_tenant(organisation) {
                let message = format!("the organisation `{organisation}` {problem}");
                self.flaw(at.key(bundle), message, "write the tenant, as verified callers have it");
            }
        }
        let identity = &self.config.identity;
        let open = identity.mode.is_open() && identity.entrypoints.values().all(|mode| mode.is_open());
        if open && !organisations.is_empty() {
            self.findings.warnings.push(format!(
                "{at}: nobody is verified (`identity.mode`), so no caller has an organisation, and these bundles decide \
                 nothing"
            ));
        }
    }

    pub(super) fn verification(&mut self) {
        let at = Path::dotted("bundles.verification");
        let Some(verification) = &self.config.bundles.verification else { return };
        // Destructured wholly, so that a new key cannot be forgotten here.
        let Config { keys, key_id, scope: _, exclude_files, required: _, bound: _, skip_verify } =
            verification;
        for (id, key) in keys {
            self.verification_key(&at.key("keys").key(id), key);
        }
        if let Some(id) = key_id.as_ref().filter(|id| !keys.contains_key(*id)) {
            let known: Vec<_> = keys.keys().map(|id| format!("`{id}`")).collect();
            let hint = format!(
                "the keys are {}",
                if known.is_empty() { "none".to_owned() } else { known.join(", ") }
            );
            self.flaw(at.key("key_id"), format!("no key has the id `{id}`"), hint);
        }
        for (n, pattern) in exclude_files.iter().enumerate() {
            if let Err(message) = Pattern::parse(pattern) {
                self.flaw(
                    at.key("exclude_files").index(n),
                    message,
                    "write a file's name, in which `*` stops at `/`",
                );
            }
        }
        if *skip_verify {
            self.danger(
                Danger::SkipVerify,
                at.key("skip_verify"),
                "signatures of bundles are not checked: whoever can write the bundles decides what is allowed",
                "configure the keys that may sign, and take `skip_verify` out",
            );
        } else if keys.is_empty() {
            let hint =
                "add the key that signs, e.g. `keys: {release: {algorithm: ES256, file: release.pem}}`";
            self.flaw(at.key("keys"), "there is no key to verify with", hint);
        }
    }

    pub(super) fn remote_bundles(&mut self) {
        for (keys, message, hint) in remote::check(&self.config.bundles) {
            let at = keys.iter().fold(Path::dotted("bundles"), |path, key| path.key(key));
            self.flaw(at, message, hint);
        }
    }

    fn verification_key(&mut self, at: &Path, config: &KeyConfig) {
        let KeyConfig { algorithm, key, file } = config;
        if let Err(message) = Algorithm::parse(algorithm) {
            return self.flaw(
                at.key("algorithm"),
                message,
                "name the algorithm that the publisher signs with",
            );
        }
        let part = match (key, file) {
            (Some(_), Some(_)) => {
                return self.flaw(
                    at.key("file"),
                    "`key` and `file` are mutually exclusive",
                    "keep one of the two",
                );
            }
            (None, None) => {
                return self.flaw(
                    at.clone(),
                    "there is no key",
                    "add `file: PATH`, or `key:` with the key itself",
                );
            }
            (Some(_), None) => "key",
            // What is only printed need not be there.
            (None, Some(_)) if self.profile == Profile::Inspect => return,
            (None, Some(_)) => "file",
        };
        if let Err(message) = config.read() {
            self.flaw(
                at.key(part),
                message,
                "give the public key or certificate as PEM, or the secret for HMAC",
            );
        }
    }
}
