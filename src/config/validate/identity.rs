//! The checks of `identity:`: those of `identity` itself, with their places, and those that need the rest of the
//! configuration.

use std::collections::BTreeMap;
use std::path::{Component, Path as FsPath, PathBuf};

use super::{Checks, Danger, Profile};
use crate::document::tree::Path;
use crate::identity::dev::ISSUER;
use crate::identity::{
    ConfigError, IssuerConfig, Pace, Risk, api_key, capability, certificate, check, introspection, partner,
    resource,
};
use crate::model::principal::IdentityMode;
use crate::model::request::EntryPath;
use crate::model::units::Period;
use crate::registry;

impl Checks<'_> {
    pub(super) fn identity(&mut self) {
        let identity = &self.config.identity;
        let at = Path::dotted("identity");
        for path in identity.entrypoints.keys() {
            self.document(at.key("entrypoints").key(path), path);
        }
        let modes = || identity.entrypoints.values().chain([&identity.mode]);
        let asked = modes().any(|mode| matches!(mode, IdentityMode::Required | IdentityMode::Optional));
        if matches!(self.profile, Profile::Run(_)) && modes().any(|mode| *mode == IdentityMode::None) {
            self.findings.warnings.push(
                "credentials are not looked at where the identity mode is `none`: every caller is anonymous"
                    .to_owned(),
            );
        }
        let anybody = identity.trusts_anybody() || self.config.registry.enabled;
        if asked && !anybody && !self.profile.trusts_dev_issuer() {
            self.no_issuers(at.key("issuers"));
        }
        if matches!(self.profile, Profile::Run(insecure) if insecure.dev_issuer) {
            let flag = Danger::DevIssuer.flag();
            self.findings.warnings.push(format!(
                "INSECURE, allowed by `{flag}`: the development issuer is trusted: whoever can read `{}` can be anyone",
                self.config.state.display()
            ));
        }
        self.entrypoints_once(&at.key("entrypoints"));
        for (n, issuer) in identity.issuers.iter().enumerate() {
            self.development(&at.key("issuers").index(n), issuer);
        }
        let of_keys = api_key::check(&identity.api_keys);
        for error in check(identity, Period(Pace::default().cooldown)).into_iter().chain(of_keys) {
            self.report(error);
        }
        for error in partner::check::check(&identity.partners, Period(Pace::default().cooldown)) {
            self.report(error);
        }
        for error in identity.resource.iter().flat_map(resource::check) {
            self.report(error);
        }
        for error in identity.introspection.iter().flat_map(introspection::check::check) {
            self.report(error);
        }
        for error in certificate::check::check(identity) {
            self.report(error);
        }
        for error in identity.spiffe.iter().flat_map(crate::identity::spiffe::check::check) {
            self.report(error);
        }
        for error in identity.capabilities.iter().flat_map(capability::check::check) {
            self.report(error);
        }
    }

    /// The checks of `registry:`.
    pub(super) fn registry(&mut self) {
        if let Err(error) = registry::config::check(&self.config.registry) {
            self.flaw(Path::dotted(&error.at), error.message, error.hint);
        }
        if self.config.registry.enabled && self.config.identity.static_file.is_some() {
            let message = "there is a registry, and only one of the two can say who there is";
            self.flaw(
                Path::dotted("identity.static"),
                message,
                "remove it, or set `registry.enabled: false`",
            );
        }
    }

    /// What `identity` itself found.
    pub(super) fn report(&mut self, ConfigError { at, message, hint, risk }: ConfigError) {
        let at = Path::dotted(&at);
        match risk {
            Some(Risk::NoAudience) => self.danger(Danger::NoAudience, at, &message, &hint),
            Some(Risk::HttpJwks) => self.danger(Danger::HttpJwks, at, &message, &hint),
            None => self.flaw(at, message, hint),
        }
    }

    /// Two spellings of one path would leave open which mode counts.
    fn entrypoints_once(&mut self, at: &Path) {
        let mut seen = BTreeMap::new();
        for text in self.config.identity.entrypoints.keys() {
            let Ok(path) = EntryPath::parse(text) else { continue };
            if let Some(before) = seen.insert(path.segments().to_vec(), text) {
                let message = format!("`{before}` is the same path");
                self.flaw(at.key(text), message, "keep one of the two");
            }
        }
    }

    fn no_issuers(&mut self, at: Path) {
        self.danger(
            Danger::DevIssuer,
            at,
            "nobody may vouch for callers, and identity is not off",
            "add the issuer of your tokens, or set `identity.mode: off` behind a loopback listener",
        );
    }

    fn development(&mut self, at: &Path, issuer: &IssuerConfig) {
        let in_state = |file: &FsPath| plain(file).starts_with(plain(&self.config.state));
        if issuer.issuer == ISSUER || issuer.files().any(|file| in_state(file)) {
            self.danger(
                Danger::DevIssuer,
                at.clone(),
                "this is the development issuer: whoever can read the state folder can be anyone",
                "configure the issuer of your identity provider",
            );
        }
    }
}

/// Without `.` and `..`, as far as the text says.
fn plain(path: &FsPath) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}
