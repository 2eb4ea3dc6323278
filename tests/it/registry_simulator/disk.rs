//! The database of a run: in memory, with what is durable and, while a transaction is under way, what is not.
//!
//! Every process has a line to it, on which faults are laid.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use verdict::model::clock::Timestamp;
use verdict::registry::row::{AuditRow, AuthEvent, Head, Kind, Row, Select, SelectAudit, SelectEvents};
use verdict::registry::store::{Store, StoreError, StoreErrorKind, Transaction, Work, WriteError};

/// What survives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Durable {
    pub head: Head,
    pub rows: BTreeMap<(Kind, String), Row>,
    pub audit: Vec<AuditRow>,
    pub events: Vec<(u64, AuthEvent)>,
    pub uses: BTreeMap<String, Timestamp>,
}

/// The database that all processes share.
#[derive(Debug)]
pub struct Disk {
    durable: Mutex<Durable>,
    /// Milliseconds since the run began.
    pub time: Arc<AtomicU64>,
}

/// What happens at some step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Fails(StoreErrorKind),
    /// The process ends.
    Dies,
    /// Nothing reaches the database any more.
    Parts,
}

/// What happens at the commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitFault {
    Fails(StoreErrorKind),
    /// Nobody knows; it did not happen.
    Lost,
    /// Nobody knows; it happened.
    Unheard,
    DiesBefore,
    DiesAfter,
}

/// What was done last on a line.
#[derive(Debug, Clone, Copy, Default)]
pub struct Seen {
    /// The head that the last transaction began with.
    pub began: Option<u64>,
    /// The number and the time of what it committed.
    pub committed: Option<(u64, u64)>,
    /// When it was last begun to read what is new.
    pub looked: u64,
    pub fired: bool,
}

/// The state of a line.
#[derive(Default)]
pub struct Plan {
    pub parted: bool,
    pub dead: bool,
    /// Whether everything is about to be read for the first time.
    pub opens: bool,
    /// Whether pages are short, so that others come between them.
    pub short: bool,
    /// How long every step takes, in milliseconds.
    pub delay: u64,
    /// After so many steps.
    pub fault: Option<(u32, Fault)>,
    pub commit: Option<CommitFault>,
    /// What others do after so many steps that are outside of a transaction.
    pub interrupt: Option<(u32, Box<dyn FnOnce() + Send>)>,
    pub seen: Seen,
}

/// One process's way to the database.
pub struct Line {
    pub disk: Arc<Disk>,
    plan: Mutex<Plan>,
}

impl Disk {
    pub fn new() -> Arc<Self> {
        let head = Head { database: "simulated".into(), seq: 0, audit_hash: [0; 32], audit_mac: [0; 32] };
        let durable = Durable {
            head,
            rows: BTreeMap::new(),
            audit: Vec::new(),
            events: Vec::new(),
            uses: BTreeMap::new(),
        };
        Arc::new(Self { durable: Mutex::new(durable), time: Arc::new(AtomicU64::new(0)) })
    }

    pub fn durable(&self) -> MutexGuard<'_, Durable> {
        self.durable.lock().unwrap()
    }

    pub fn now(&self) -> u64 {
        self.time.load(Ordering::SeqCst)
    }
}

fn gone(why: &str) -> StoreError {
    StoreError::new(StoreErrorKind::Gone, why)
}

impl Line {
    pub fn new(disk: &Arc<Disk>) -> Arc<Self> {
        Arc::new(Self { disk: Arc::clone(disk), plan: Mutex::default() })
    }

    pub fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap()
    }

    /// One step on the way; outside of a transaction others may come between.
    fn step(&self, outside: bool) -> Result<(), StoreError> {
        let interrupt = {
            let mut plan = self.plan();
            self.disk.time.fetch_add(plan.delay, Ordering::SeqCst);
            match plan.interrupt.take() {
                Some((0, interrupt)) if outside => Some(interrupt),
                Some((left, interrupt)) => {
                    plan.interrupt = Some((left - u32::from(outside && left > 0), interrupt));
                    None
                }
                None => None,
            }
        };
        if let Some(interrupt) = interrupt {
            interrupt();
        }
        let mut plan = self.plan();
        if plan.dead || plan.parted {
            return Err(gone("parted"));
        }
        match plan.fault.take() {
            Some((0, fault)) => {
                plan.seen.fired = true;
                match fault {
                    Fault::Fails(kind) => return Err(StoreError::new(kind, "simulated")),
                    Fault::Dies => plan.dead = true,
                    Fault::Parts => plan.parted = true,
                }
                Err(gone("parted"))
            }
            Some((left, fault)) => {
                plan.fault = Some((left - 1, fault));
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn read<T>(&self, read: impl FnOnce(&Durable) -> T) -> Result<T, StoreError> {
        self.step(true)?;
        Ok(read(&self.disk.durable()))
    }

    /// Makes durable what a transaction did.
    fn commit(&self, done: Durable, counts: bool) -> Result<(), StoreError> {
        self.step(false)?;
        let mut plan = self.plan();
        let fault = plan.commit.take();
        plan.seen.fired |= fault.is_some();
        match fault {
            Some(CommitFault::Fails(kind)) => return Err(StoreError::new(kind, "simulated")),
            Some(CommitFault::Lost) => return Err(StoreError::new(StoreErrorKind::Unknown, "simulated")),
            Some(CommitFault::DiesBefore) => {
                plan.dead = true;
                return Err(gone("died"));
            }
            _ => {}
        }
        if counts {
            plan.seen.committed = Some((done.head.seq, self.disk.now()));
        }
        *self.disk.durable() = done;
        match fault {
            Some(CommitFault::Unheard) => Err(StoreError::new(StoreErrorKind::Unknown, "simulated")),
            Some(CommitFault::DiesAfter) => {
                plan.dead = true;
                Err(gone("died"))
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Line")
    }
}

/// The store of one process.
#[derive(Debug)]
pub struct SimulatedStore(pub Arc<Line>);

/// A transaction, on a copy of what is durable.
struct Writing<'a> {
    line: &'a Line,
    began: Head,
    work: Durable,
    changed: bool,
    audited: bool,
    failed: bool,
}

impl Writing<'_> {
    fn step(&mut self) -> Result<(), StoreError> {
        if self.failed {
            return Err(gone("the transaction failed"));
        }
        self.line.step(false).inspect_err(|_| self.failed = true)
    }
}

fn plain(row: &Row) -> Row {
    Row { sealed: None, ..row.clone() }
}

impl Store for SimulatedStore {
    fn place(&self) -> String {
        "simulated".into()
    }

    fn head(&self) -> Result<Head, StoreError> {
        self.0.plan().seen.looked = self.0.disk.now();
        self.0.read(|durable| durable.head.clone())
    }

    fn changes(&self, after: u64, each: &mut dyn FnMut(Row)) -> Result<Head, StoreError> {
        if std::mem::take(&mut self.0.plan().opens) {
            self.0.plan().seen.looked = self.0.disk.now();
        }
        let (mut rows, head) = self.0.read(|durable| {
            let new = |row: &&Row| row.seq > after && (after > 0 || row.body.is_some());
            (durable.rows.values().filter(new).map(plain).collect::<Vec<_>>(), durable.head.clone())
        })?;
        rows.sort_by_key(|row| row.seq);
        for row in rows {
            each(row);
            // Half of it may have been read.
            if self.0.plan().fault.is_some() {
                self.0.step(true)?;
            }
        }
        Ok(head)
    }

    fn write(&self, work: &mut Work<'_>) -> Result<(), WriteError> {
        self.0.step(true)?;
        let copy = self.0.disk.durable().clone();
        self.0.plan().seen.began = Some(copy.head.seq);
        let began = copy.head.clone();
        let mut writing =
            Writing { line: &self.0, began, work: copy, changed: false, audited: false, failed: false };
        work(&mut writing)?;
        let Writing { work, changed, audited, failed, .. } = writing;
        if failed || (changed && !audited) {
            return Err(StoreError::new(StoreErrorKind::Other, "failed, or without an audit entry").into());
        }
        Ok(self.0.commit(work, audited)?)
    }

    fn select(&self, kind: Kind, which: &Select) -> Result<Vec<Row>, StoreError> {
        let fits = |row: &&Row| {
            row.kind == kind
                && row.body.is_some()
                && which.organisation.as_ref().is_none_or(|id| row.organisation.as_ref() == Some(id))
                && which.owner.as_ref().is_none_or(|id| row.owner.as_ref() == Some(id))
                && which.after.as_ref().is_none_or(|id| row.id > *id)
        };
        let limit = which.limit.min(if self.0.plan().short { 7 } else { u32::MAX }) as usize;
        self.0.read(|durable| durable.rows.values().filter(fits).take(limit).map(plain).collect())
    }

    fn get(&self, kind: Kind, id: &str) -> Result<Option<Row>, StoreError> {
        let place = (kind, id.to_owned());
        self.0.read(|durable| durable.rows.get(&place).filter(|row| row.body.is_some()).map(plain))
    }

    fn sealed(&self, kind: Kind, id: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let place = (kind, id.to_owned());
        self.0.read(|durable| durable.rows.get(&place).and_then(|row| row.sealed.clone()))
    }

    fn audit(&self, which: &SelectAudit) -> Result<Vec<AuditRow>, StoreError> {
        let fits = |entry: &&AuditRow| {
            which.organisation.as_ref().is_none_or(|id| entry.organisation.as_ref() == Some(id))
                && which.action.as_ref().is_none_or(|action| match action.strip_suffix('.') {
                    Some(_) => entry.action.starts_with(action.as_str()),
                    None => entry.action == *action,
                })
                && which.from.is_none_or(|from| entry.at >= from)
                && which.until.is_none_or(|until| entry.at < until)
                && which.before.is_none_or(|before| entry.seq < before)
        };
        let limit = which.limit as usize;
        self.0.read(|durable| durable.audit.iter().rev().filter(fits).take(limit).cloned().collect())
    }

    fn audit_chain(&self, each: &mut dyn FnMut(AuditRow)) -> Result<Head, StoreError> {
        let (entries, head) = self.0.read(|durable| (durable.audit.clone(), durable.head.clone()))?;
        entries.into_iter().for_each(each);
        Ok(head)
    }

    fn append_events(&self, events: &[AuthEvent], _keep: u64) -> Result<(), StoreError> {
        let appended = self.write(&mut |transaction| {
            events.iter().try_for_each(|event| transaction.append_event(event))?;
            Ok(())
        });
        appended.map_err(|error| gone(&error.to_string()))
    }

    fn events(&self, which: &SelectEvents) -> Result<Vec<(u64, AuthEvent)>, StoreError> {
        let fits = |(number, event): &&(u64, AuthEvent)| {
            which.organisation.as_ref().is_none_or(|id| event.organisation.as_ref() == Some(id))
                && which.agent.as_ref().is_none_or(|id| event.agent.as_ref() == Some(id))
                && which.action.as_ref().is_none_or(|action| event.action == *action)
                && which.from.is_none_or(|from| event.at >= from)
                && which.until.is_none_or(|until| event.at < until)
                && which.before.is_none_or(|before| *number < before)
        };
        let limit = which.limit as usize;
        self.0.read(|durable| durable.events.iter().rev().filter(fits).take(limit).cloned().collect())
    }

    fn note_uses(&self, uses: &[(String, Timestamp)]) -> Result<(), StoreError> {
        self.0.step(true)?;
        let mut durable = self.0.disk.durable();
        for (key, at) in uses {
            let noted = durable.uses.entry(key.clone()).or_insert(*at);
            *noted = (*noted).max(*at);
        }
        Ok(())
    }

    fn uses(&self, keys: &[String]) -> Result<Vec<(String, Timestamp)>, StoreError> {
        let of = |durable: &Durable| {
            keys.iter().filter_map(|key| Some((key.clone(), *durable.uses.get(key)?))).collect()
        };
        self.0.read(of)
    }

    fn wait(&self, _patience: Duration) {}
}

impl Transaction for Writing<'_> {
    fn head(&self) -> &Head {
        &self.began
    }

    fn get(&mut self, kind: Kind, id: &str) -> Result<Option<Row>, StoreError> {
        self.step()?;
        Ok(self.work.rows.get(&(kind, id.to_owned())).filter(|row| row.body.is_some()).cloned())
    }

    fn owned(&mut self, owner: &str, kind: Option<Kind>) -> Result<Vec<Row>, StoreError> {
        self.step()?;
        let fits = |row: &&Row| {
            row.body.is_some()
                && row.owner.as_deref() == Some(owner)
                && kind.is_none_or(|kind| kind == row.kind)
        };
        Ok(self.work.rows.values().filter(fits).cloned().collect())
    }

    fn all(&mut self, kind: Kind, after: Option<&str>, limit: u32) -> Result<Vec<Row>, StoreError> {
        self.step()?;
        let fits = |row: &&Row| {
            row.kind == kind && row.body.is_some() && after.is_none_or(|after| row.id.as_str() > after)
        };
        Ok(self.work.rows.values().filter(fits).take(limit as usize).cloned().collect())
    }

    fn put(&mut self, row: &Row) -> Result<(), StoreError> {
        self.step()?;
        assert_eq!(row.seq, self.began.seq + 1, "a row of another commit");
        let sealed = row.sealed.clone().filter(|_| row.body.is_some());
        self.work.rows.insert((row.kind, row.id.clone()), Row { sealed, ..row.clone() });
        self.changed = true;
        Ok(())
    }

    fn append_audit(&mut self, entry: &AuditRow, mac: &[u8; 32]) -> Result<(), StoreError> {
        self.step()?;
        assert!(entry.seq == self.began.seq + 1 && !self.audited, "an entry of another commit");
        self.work.audit.push(entry.clone());
        self.audited = true;
        self.work.head =
            Head { seq: entry.seq, audit_hash: entry.hash, audit_mac: *mac, ..self.began.clone() };
        Ok(())
    }

    fn append_event(&mut self, event: &AuthEvent) -> Result<(), StoreError> {
        self.step()?;
        let number = self.work.events.last().map_or(1, |(number, _)| number + 1);
        self.work.events.push((number, event.clone()));
        Ok(())
    }
}
