//! Performs a write: what would come of it is made a snapshot, kept, and put in force.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::Reloader;
use crate::bundle::error::LoadError;
use crate::bundle::load::Bundle;
use crate::bundle::written::change::{Change, WriteError, WriteErrorKind};
use crate::bundle::written::state::Written;
use crate::bundle::written::{check, file};
use crate::pdp::snapshot::Snapshot;

impl Reloader {
    /// Writes, and says whether that changed anything.
    ///
    /// # Errors
    /// Why nothing was written.
    pub(in crate::bundle) fn write(&mut self, change: &Change) -> Result<bool, WriteError> {
        let unavailable = |message: String| WriteError::new(WriteErrorKind::Unavailable, message);
        let Some(base) = &self.base else {
            return Err(unavailable("nothing is written through the API here".to_owned()));
        };
        let Some(bundles) = &base.bundles else {
            let message = "the bundles that it would stand beside have not been read, or cannot be";
            return Err(unavailable(message.to_owned()));
        };
        check::check_change(bundles, change)?;
        let Some(next) = base.written.with(change)? else { return Ok(false) };
        let text = file::text(&next).map_err(unavailable)?;
        next.check(base.writes.limits, text.len() as u64)?;
        let written = next.bundle();
        let snapshot = catch_unwind(AssertUnwindSafe(|| self.snapshot_of(bundles, Some(&written))));
        let snapshot = snapshot
            .map_err(|_| unavailable("internal error: compiling it panicked; please report it".to_owned()))?
            .map_err(WriteError::not_activated)?;
        let saved = file::save(&base.writes.file, &text);
        saved.map_err(|error| unavailable(format!("it cannot be kept: {error}; nothing was changed")))?;
        self.put_in_force(next, &written, snapshot);
        Ok(true)
    }

    fn put_in_force(&mut self, next: Written, written: &Bundle, snapshot: Snapshot) {
        let first = self.setup.slot.snapshot().generation == 0;
        let Some(base) = &mut self.base else { return };
        base.written = next;
        if first {
            let bundles = base.bundles.take().unwrap_or_default();
            self.succeed(snapshot, &bundles, Some(written));
            self.keep(bundles);
            return;
        }
        let generation = snapshot.generation;
        self.setup.slot.activate(snapshot);
        self.setup.status.written(self.setup.clock.now(), generation, written);
        tracing::info!(generation, revision = written.manifest.revision, "what was written is active");
        let (report, snapshot) = (self.setup.status.report(), self.setup.slot.snapshot());
        for observer in &self.setup.observers {
            observer.activated(&snapshot, &report);
        }
    }

    /// What was written, as a bundle, if there is anything.
    pub(super) fn written(&self) -> Option<Bundle> {
        let base = self.base.as_ref()?;
        (!base.written.is_empty()).then(|| base.written.bundle())
    }

    /// From now on, writes stand beside these bundles.
    pub(super) fn keep(&mut self, bundles: Vec<Bundle>) {
        if let Some(base) = &mut self.base {
            base.bundles = Some(bundles);
        }
    }

    /// Whether there need not be any bundles, because of what was or may be written: in a directory that is still empty, none is
    /// missing.
    ///
    /// # Errors
    /// What was written does not stand alone.
    pub(super) fn goes_without_bundles(&mut self) -> Result<bool, LoadError> {
        if self.base.is_none() || self.setup.slot.snapshot().generation > 0 {
            return Ok(self.base.is_some());
        }
        self.keep(Vec::new());
        let Some(written) = self.written() else { return Ok(false) };
        let snapshot = self.snapshot_of(&[], Some(&written))?;
        self.succeed(snapshot, &[], Some(&written));
        Ok(true)
    }
}
