//! Handles a stable reading of the directory, or a write: activates what comes of it, or keeps the active snapshot and says why.

mod write;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::activate::{Conditions, TestRunner, activate};
use super::config::Config;
use super::contents::Digest;
use super::error::{ErrorKind, LoadError};
use super::load::{Bundle, hold, parse_all, verification};
use super::manifest::{data_path, entry_point};
use super::name::is_fixture_file;
use super::places::Places;
use super::presence::Presence;
use super::remote::Shelf;
use super::scan::Scan;
use super::signature::{Signed, Verification};
use super::status::{Report, Status};
use super::written::base::{Base, Writes};
use crate::model::clock::{Clock, Timestamp};
use crate::model::request::EntryPath;
use crate::pdp::snapshot::{Snapshot, SnapshotSlot};

/// Is told about reloads, e.g. to count them. Called on the watcher's thread, after the status was updated.
pub trait Observer: Send + Sync {
    /// A snapshot was activated.
    fn activated(&self, snapshot: &Snapshot, report: &Report);
    /// The contents of the directory were not activated; the old snapshot stays active.
    fn failed(&self, error: &LoadError, report: &Report);
    /// A bundle was asked for, at this time. Called by the task that asked.
    fn asked(&self, _bundle: &str, _outcome: Asked, _at: Timestamp) {}
}

/// What came of asking for a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Another one than before.
    New,
    /// The same as before.
    Unchanged,
    /// None.
    Failed,
}

/// What reloading needs from the rest of the server.
#[derive(Clone)]
pub struct Setup {
    /// `bundles:` of the configuration.
    pub config: Config,
    /// Where snapshots come into force.
    pub slot: Arc<dyn SnapshotSlot>,
    /// The state, for readers.
    pub status: Arc<Status>,
    /// The clock.
    pub clock: Clock,
    /// Runs the bundles' tests, if required.
    pub runner: Option<Arc<TestRunner>>,
    /// Who is told about reloads.
    pub observers: Vec<Arc<dyn Observer>>,
    /// What is fetched.
    pub shelf: Arc<Shelf>,
    /// Whether policy that makes network calls is refused.
    pub no_calls: bool,
    /// Whether a log mask is accepted that nobody applies.
    pub allow_unmasked: bool,
    /// How policies and data are written through the API; not at all without it.
    pub writes: Option<Writes>,
}

/// The reading that was handled last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Handled {
    Active(Digest),
    Failed(Digest),
}

/// Handles readings one after another.
pub(super) struct Reloader {
    setup: Setup,
    required: Vec<EntryPath>,
    required_data: Vec<EntryPath>,
    presence: Presence,
    /// The bundles that were missing from the directory in the last reading.
    missing: BTreeSet<String>,
    verification: Verification,
    active: Option<Digest>,
    last: Option<Handled>,
    base: Option<Base>,
}

impl Reloader {
    /// # Errors
    /// An invalid path or verification key; what was written cannot be read again.
    pub(super) fn new(setup: Setup) -> Result<Self, LoadError> {
        let config = &setup.config;
        let wrong = |kind, key: &str, why: String| LoadError::new(kind, format!("`bundles.{key}`: {why}"));
        let required = config.required_entrypoints.iter().map(|path| {
            entry_point(path).map_err(|why| wrong(ErrorKind::EntryPoint, "required_entrypoints", why))
        });
        let required = required.collect::<Result<_, _>>()?;
        let data = config
            .required_data
            .iter()
            .map(|path| data_path(path).map_err(|why| wrong(ErrorKind::MissingData, "required_data", why)));
        let required_data = data.collect::<Result<_, _>>()?;
        let presence = Presence::new(config);
        let missing = BTreeSet::new();
        let verification = verification(config)?;
        let base = setup.writes.clone().map(Base::read).transpose()?;
        let (active, last) = (None, None);
        Ok(Self { setup, required, required_data, presence, missing, verification, active, last, base })
    }

    /// Whether the last reading is not in force.
    pub(super) const fn failed(&self) -> bool {
        !matches!(self.last, Some(Handled::Active(_)))
    }

    /// An operator confirmed the removal of these bundles.
    pub(super) fn confirm(&mut self, names: BTreeSet<String>) {
        for name in &names {
            tracing::info!(bundle = name, "the removal of the bundle is confirmed");
        }
        self.presence.confirm(names);
    }

    /// Whether the last handled reading has this digest.
    pub(super) fn knows(&self, digest: &Digest) -> bool {
        matches!(&self.last, Some(Handled::Active(known) | Handled::Failed(known)) if known == digest)
    }

    /// Handles a stable reading. `again` retries one that failed before.
    pub(super) fn handle(&mut self, scan: Scan, again: bool) {
        let digest = scan.digest;
        if self.knows(&digest) && !(again && self.last == Some(Handled::Failed(digest))) {
            return;
        }
        let present = scan.present();
        self.missing = self.presence.missing(&present);
        self.presence.returned(&present);
        if self.active == Some(digest) {
            self.setup.status.restored(self.setup.clock.now());
            self.last = Some(Handled::Active(digest));
            tracing::info!("the bundle directory matches the active bundles again");
            return;
        }
        let names: Vec<String> = scan.bundles.iter().map(|(name, _)| name.clone()).collect();
        let attempt = catch_unwind(AssertUnwindSafe(|| self.attempt(scan)));
        let attempt = attempt.unwrap_or_else(|_| {
            Err(vec![LoadError::new(
                ErrorKind::Internal,
                "internal error: reading the bundles panicked; please report it",
            )])
        });
        match attempt {
            Ok((snapshot, bundles)) => {
                let written = self.written();
                self.succeed(snapshot, &bundles, written.as_ref());
                self.keep(bundles);
                self.active = Some(digest);
                self.last = Some(Handled::Active(digest));
            }
            Err(errors) => {
                self.fail(&names, &errors);
                self.last = Some(Handled::Failed(digest));
            }
        }
    }

    /// INVARIANT (last good): nothing but [`Reloader::succeed`] touches the store, so any error leaves it as it was.
    fn attempt(&mut self, scan: Scan) -> Result<(Snapshot, Vec<Bundle>), Vec<LoadError>> {
        let absent = self.presence.missing(&scan.names());
        let (mut bundles, mut broken) = (Vec::new(), Vec::new());
        let now = self.setup.clock.now();
        for (_, parsed) in parse_all(scan, &self.verification, &self.setup.config) {
            match parsed.and_then(|bundle| hold(&bundle, &self.verification, now).map(|()| bundle)) {
                Ok(bundle) => bundles.push(bundle),
                Err(error) => broken.push(error),
            }
        }
        let mut errors = self.presence.check(&Places::from(&self.setup.config).shown(), &absent, &bundles);
        errors.append(&mut broken);
        if !errors.is_empty() {
            return Err(errors);
        }
        let written = self.written();
        match self.snapshot_of(&bundles, written.as_ref()) {
            Ok(snapshot) => Ok((snapshot, bundles)),
            Err(error) => {
                if self.setup.slot.snapshot().generation == 0 {
                    self.keep(bundles);
                }
                Err(vec![error])
            }
        }
    }

    /// A snapshot of bundles, and of what was written.
    fn snapshot_of(&self, bundles: &[Bundle], written: Option<&Bundle>) -> Result<Snapshot, LoadError> {
        let in_force = self.setup.slot.snapshot();
        let limits = self.setup.slot.limits();
        let of_bundles = |id: &str| !self.base.as_ref().is_some_and(|base| base.written.has_policy(id));
        let conditions = Conditions {
            limits: Some(&limits),
            required: &self.required,
            required_data: &self.required_data,
            run_tests: self.setup.config.run_tests,
            runner: self.setup.runner.as_deref(),
            no_calls: self.setup.no_calls,
            replaces_policy: in_force.modules().any(|(_, module, _)| of_bundles(&module.id)),
            allow_unmasked: self.setup.allow_unmasked,
            written,
        };
        let generation = in_force.generation.saturating_add(1);
        activate(bundles, generation, self.setup.clock.now(), &conditions)
    }

    fn succeed(&mut self, snapshot: Snapshot, bundles: &[Bundle], written: Option<&Bundle>) {
        for name in self.presence.activated(bundles) {
            tracing::warn!(
                bundle = name,
                "the bundle was removed from the directory, and is no longer in force"
            );
        }
        let Setup { slot, status, clock, observers, .. } = &self.setup;
        let generation = snapshot.generation;
        warn_unverified(bundles, self.setup.config.verification.is_some());
        warn_unbound(bundles, &self.setup.config);
        warn_unread(bundles);
        slot.activate(snapshot);
        status.activated(clock.now(), generation, bundles.iter().chain(written));
        self.keep_fetched(bundles);
        let (report, snapshot) = (status.report(), slot.snapshot());
        let revision = |bundle: &Bundle| format!("{}@{}", bundle.name, bundle.manifest.revision);
        let bundles: Vec<String> = bundles.iter().chain(written).map(revision).collect();
        tracing::info!(generation = report.generation, bundles = bundles.join(" "), "bundles are active");
        for observer in observers {
            observer.activated(&snapshot, &report);
        }
    }

    /// Keeps what was fetched and is now in force.
    fn keep_fetched(&self, bundles: &[Bundle]) {
        let Setup { shelf, status, clock, .. } = &self.setup;
        for fetched in bundles.iter().filter_map(|bundle| bundle.fetched.as_ref()) {
            let kept = shelf.activated(fetched, clock.now());
            status.kept(&fetched.name, kept.is_ok());
            if let Err(error) = kept {
                tracing::warn!(
                    bundle = fetched.name,
                    %error,
                    "the bundle cannot be kept in the state directory; a start without its service will not find it"
                );
            }
        }
    }

    fn fail(&self, names: &[String], errors: &[LoadError]) {
        let Setup { status, clock, observers, .. } = &self.setup;
        status.failed(clock.now(), names, &self.missing, errors);
        let report = status.report();
        for error in errors {
            tracing::error!(
                kind = error.kind.name(),
                in_force = report.generation,
                "bundles not activated, {}: {}",
                if report.is_active() { "the last good ones stay active" } else { "and none is active yet" },
                error.explained()
            );
            for observer in observers {
                observer.failed(error, &report);
            }
        }
    }

    /// The directory as a whole could not be read as bundles.
    pub(super) fn unusable(&mut self, mut error: LoadError, again: bool) {
        if error.kind == ErrorKind::Empty && self.presence.wanted().is_empty() {
            match self.goes_without_bundles() {
                Ok(true) => {
                    // What was wrong with a bundle is no longer, once there is none.
                    if matches!(self.last.take(), Some(Handled::Failed(_))) {
                        self.setup.status.restored(self.setup.clock.now());
                    }
                    return;
                }
                Ok(false) => {}
                Err(why) => error = why,
            }
        }
        // In a directory that is gone, empty or unreadable all bundles are missing; in an ambiguous one they are not.
        let lost = matches!(error.kind, ErrorKind::Empty | ErrorKind::Unreadable);
        self.missing = if lost { self.presence.wanted() } else { BTreeSet::new() };
        let mut context = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
        super::contents::hash_field(&mut context, error.to_string().as_bytes());
        let digest = super::contents::finish_digest(context);
        if again || !self.knows(&digest) {
            self.fail(&[], &[error]);
        }
        self.last = Some(Handled::Failed(digest));
    }

    /// The directory keeps changing; reported once, and not remembered as handled.
    pub(super) fn unsettled(&mut self) {
        let message = "the bundle directory keeps changing and cannot be read; \
                       stop writing to it, or publish by renaming complete files into place";
        self.fail(&[], &[LoadError::new(ErrorKind::Unsettled, message)]);
        self.last = None;
    }
}

/// A name that is misspelt binds nothing, and the bundle that was meant decides for everybody.
fn warn_unbound(bundles: &[Bundle], config: &Config) {
    for (name, organisation) in &config.organisations {
        if !bundles.iter().any(|bundle| bundle.name == *name) {
            tracing::warn!(
                bundle = name,
                organisation,
                "`bundles.organisations` binds a bundle that is not in the directory; check its name: a bundle that is not \
                 listed decides for all organisations"
            );
        }
    }
}

/// Of a folder that is served as it is, a newcomer may expect every JSON and YAML file to be data.
fn warn_unread(bundles: &[Bundle]) {
    for bundle in bundles.iter().filter(|bundle| bundle.is_tree) {
        let unread =
            bundle.fixtures.iter().map(|file| file.name.as_str()).filter(|file| !is_fixture_file(file));
        let files: Vec<String> = unread.map(|file| format!("`{file}`")).collect();
        if !files.is_empty() {
            tracing::warn!(
                bundle = bundle.name,
                "not read as data: {}; in a folder that is served, data is in files called `data.json` or `data.yaml`, each at \
                 the path of its folder",
                files.join(", ")
            );
        }
    }
}

/// Logs at every activation how the bundles were verified.
fn warn_unverified(bundles: &[Bundle], configured: bool) {
    for bundle in bundles {
        let name = bundle.name.as_str();
        match &bundle.signed {
            Signed::By(key, _) => tracing::info!(bundle = name, key, "the bundle's signature is verified"),
            Signed::Unchecked => {
                tracing::warn!(
                    bundle = name,
                    "INSECURE: the bundle's signature is not verified (skip_verify)"
                );
            }
            Signed::No if configured => {
                tracing::warn!(bundle = name, "the bundle is not signed and was not verified");
            }
            Signed::No => {}
        }
    }
}
