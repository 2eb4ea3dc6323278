//! One run: what happens, step by step, and what must hold after each.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use verdict::registry::Directory as _;
use verdict::registry::actor::{Actor, Power};
use verdict::registry::change::Done;
use verdict::registry::command::{Command, NewAgent, NewOrganisation};
use verdict::registry::store::{StoreErrorKind, WriteError};

use super::allowed::Call;
use super::commands::{Maker, ORGANISATIONS};
use super::disk::{CommitFault, Disk, Durable, Fault, Seen};
use super::random::Dice;
use super::sidecar::{MAX_AGE, Sidecar, judge};
use super::stored::{last_entry, tamper};
use super::world::{Presented, World, sees};

/// What the database was from some moment on.
pub struct Version {
    at: u64,
    world: Arc<World>,
    /// How many commits led to it.
    commits: u64,
}

/// How often things happened, so that it can be seen that they do.
pub type Tally = BTreeMap<&'static str, u64>;

pub struct Run {
    dice: Dice,
    /// Of ids.
    ids: Arc<Mutex<Dice>>,
    disk: Arc<Disk>,
    sidecars: Vec<Sidecar>,
    history: Vec<Version>,
    backups: Vec<(Durable, Arc<World>, u64)>,
    /// The texts of keys, where the answer arrived.
    texts: BTreeMap<String, String>,
    replaced: bool,
    pub trace: Vec<String>,
    pub tally: Tally,
}

/// A command that was tried.
struct Attempt {
    sidecar: usize,
    actor: Actor,
    command: Command,
    now: i64,
    fresh: String,
    seen: Seen,
    died: bool,
    result: Result<Done, WriteError>,
}

type Checked = Result<(), String>;

impl Run {
    pub fn new(seed: u64) -> Self {
        let disk = Disk::new();
        let mut dice = Dice::new(seed);
        let sidecars = (0..2 + dice.below(2)).map(|_| Sidecar::new(&disk)).collect();
        Self {
            ids: Arc::new(Mutex::new(Dice::new(dice.next()))),
            dice,
            disk,
            sidecars,
            history: vec![Version { at: 0, world: Arc::default(), commits: 1 }],
            backups: Vec::new(),
            texts: BTreeMap::new(),
            replaced: false,
            trace: Vec::new(),
            tally: Tally::new(),
        }
    }

    fn count(&mut self, what: &'static str) {
        *self.tally.entry(what).or_default() += 1;
    }

    fn note(&mut self, what: &'static str, line: impl FnOnce() -> String) {
        self.count(what);
        let time = self.disk.now();
        self.trace.push(format!("{:>3} {time:>6} ms  {what}: {}", self.trace.len(), line()));
    }

    fn last(&self) -> &Version {
        &self.history[self.history.len() - 1]
    }

    /// Does it all.
    pub fn all(&mut self) -> Checked {
        for which in 0..self.sidecars.len() {
            self.reopen(which)?;
        }
        self.settle()?;
        for _ in 0..self.dice.below(40) + 40 {
            self.step()?;
        }
        self.end()
    }

    /// Something to begin with.
    fn settle(&mut self) -> Checked {
        let operator = Actor { id: "founder".into(), power: Power::Operator, peer: None };
        for id in &ORGANISATIONS[..2] {
            let id = Some((*id).to_owned());
            let new = NewOrganisation { id: id.clone(), ..NewOrganisation::default() };
            let attempt = self.attempt(0, operator.clone(), Command::CreateOrganisation(new), None);
            self.check(attempt)?;
            for _ in 0..2 {
                let new = NewAgent { organisation: id.clone(), ..NewAgent::default() };
                let attempt = self.attempt(0, operator.clone(), Command::CreateAgent(new), None);
                self.check(attempt)?;
            }
        }
        for _ in 0..4 {
            let (world, now) = (Arc::clone(&self.last().world), self.sidecars[0].now());
            let command = Maker { dice: &mut self.dice, world: &world, now, operates: true }.create_key();
            let attempt = self.attempt(0, operator.clone(), command, None);
            self.check(attempt)?;
        }
        Ok(())
    }

    fn step(&mut self) -> Checked {
        let which = self.dice.below(self.sidecars.len());
        match self.dice.below(100) {
            0..40 => self.execute(which),
            40..64 => self.decide(which),
            64..76 => self.catch_up(which),
            76..86 => {
                let longest = if self.dice.chance(15) { 2 * MAX_AGE } else { 400 };
                let ms = self.dice.next() % longest;
                self.disk.time.fetch_add(ms, std::sync::atomic::Ordering::SeqCst);
                self.note("time passes", || format!("{ms} ms"));
                Ok(())
            }
            86..90 => {
                let parted = self.dice.chance(30);
                self.sidecars[which].line.plan().parted = parted;
                self.note(if parted { "parted" } else { "joined" }, || format!("sidecar {which}"));
                Ok(())
            }
            90..93 => self.reopen(which),
            93..95 => {
                let wrong = i64::try_from(self.dice.below(20_000)).unwrap() - 10_000;
                self.sidecars[which].wrong = wrong;
                self.note("a clock jumps", || format!("sidecar {which} is {wrong} ms wrong"));
                Ok(())
            }
            95 => self.verify(which),
            96..98 => {
                let (durable, last) = (self.disk.durable().clone(), self.last());
                let backup = (durable, Arc::clone(&last.world), last.commits);
                self.backups.push(backup);
                self.note("a backup", String::new);
                Ok(())
            }
            98 if self.dice.chance(60) => self.restore(),
            98 => self.replace_master_key(),
            _ => self.compare_stored(),
        }
    }

    /// Starts a sidecar, or starts it again.
    fn reopen(&mut self, which: usize) -> Checked {
        let fault = self.fault();
        let begun = self.history.len() - 1;
        let sidecar = &mut self.sidecars[which];
        sidecar.registry = None;
        {
            let mut plan = sidecar.line.plan();
            (plan.dead, plan.seen, plan.delay) = (false, Seen::default(), 0);
            plan.fault = fault.filter(|_| begun > 0);
        }
        let opened = sidecar.open(&self.ids, self.replaced);
        let parted = {
            let mut plan = sidecar.line.plan();
            plan.fault = None;
            plan.parted || plan.seen.fired
        };
        match opened {
            Ok(()) => sidecar.floor = begun,
            Err(error) if !parted => return Err(format!("sidecar {which} does not open: {error}")),
            Err(_) => {}
        }
        let up = sidecar.registry.is_some();
        self.note(if up { "opened" } else { "not opened" }, || format!("sidecar {which}"));
        if up { self.compare_mirror(which) } else { Ok(()) }
    }

    fn fault(&mut self) -> Option<(u32, Fault)> {
        if !self.dice.chance(18) {
            return None;
        }
        let kinds =
            [StoreErrorKind::Locked, StoreErrorKind::Full, StoreErrorKind::Gone, StoreErrorKind::Other];
        let fault = match self.dice.below(4) {
            0 => Fault::Dies,
            1 => Fault::Parts,
            _ => Fault::Fails(kinds[self.dice.below(4)]),
        };
        Some((u32::try_from(self.dice.below(9)).unwrap(), fault))
    }

    fn commit_fault(&mut self) -> Option<CommitFault> {
        if !self.dice.chance(12) {
            return None;
        }
        let faults = [
            CommitFault::Fails(StoreErrorKind::Full),
            CommitFault::Lost,
            CommitFault::Unheard,
            CommitFault::DiesBefore,
            CommitFault::DiesAfter,
        ];
        self.dice.pick(&faults)
    }

    fn random_command(&mut self, which: usize) -> (Actor, Command) {
        let (world, now) = (Arc::clone(&self.last().world), self.sidecars[which].now());
        let mut maker = Maker { dice: &mut self.dice, world: &world, now, operates: true };
        (maker.actor(), maker.command())
    }

    /// Lays faults on a sidecar's line, and possibly a command of another sidecar's between two of its steps.
    fn lay(&mut self, which: usize) -> Option<Arc<Mutex<Option<Attempt>>>> {
        let (fault, commit) = (self.fault(), self.commit_fault());
        let delay = if self.dice.chance(30) { self.dice.next() % 300 } else { 0 };
        let other = self.dice.below(self.sidecars.len());
        let other = (other != which && self.sidecars[other].registry.is_some()).then_some(other);
        let other = other.filter(|_| self.dice.chance(20));
        let between = other.map(|other| {
            let (actor, command) = self.random_command(other);
            (self.prepared(other, actor, command), u32::try_from(self.dice.below(5)).unwrap())
        });
        let kept = Arc::new(Mutex::new(None));
        let mut plan = self.sidecars[which].line.plan();
        (plan.fault, plan.commit, plan.delay, plan.short) = (fault, commit, delay, true);
        let (prepared, after) = between?;
        let keep = Arc::clone(&kept);
        plan.interrupt = Some((after, Box::new(move || *keep.lock().unwrap() = Some(prepared()))));
        Some(kept)
    }

    /// A command that is ready to be tried.
    fn prepared(
        &self,
        which: usize,
        actor: Actor,
        command: Command,
    ) -> impl FnOnce() -> Attempt + Send + use<> {
        let sidecar = &self.sidecars[which];
        let registry = sidecar.registry.clone().unwrap();
        let (line, drawn, now) = (Arc::clone(&sidecar.line), Arc::clone(&sidecar.drawn), sidecar.now());
        move || {
            line.plan().seen = Seen::default();
            let result = registry.execute(&actor, &command);
            let plan = line.plan();
            let fresh = drawn.lock().unwrap().iter().map(|byte| format!("{byte:02x}")).collect();
            let (seen, died) = (plan.seen, plan.dead);
            Attempt { sidecar: which, actor, command, now, fresh, seen, died, result }
        }
    }

    fn attempt(
        &mut self,
        which: usize,
        actor: Actor,
        command: Command,
        between: Option<&Mutex<Option<Attempt>>>,
    ) -> Vec<Attempt> {
        let mut attempts = vec![self.prepared(which, actor, command)()];
        attempts.extend(between.and_then(|kept| kept.lock().unwrap().take()));
        // In the order in which they were carried out.
        attempts.sort_by_key(|attempt| (attempt.seen.began, attempt.seen.committed.is_some()));
        attempts
    }

    fn execute(&mut self, which: usize) -> Checked {
        if self.sidecars[which].registry.is_none() {
            return Ok(());
        }
        let (actor, command) = self.random_command(which);
        let between = self.lay(which);
        let attempts = self.attempt(which, actor, command, between.as_deref());
        self.clear(which);
        self.check(attempts)
    }

    /// Takes the faults away that did not happen.
    fn clear(&mut self, which: usize) {
        let sidecar = &mut self.sidecars[which];
        let mut plan = sidecar.line.plan();
        (plan.fault, plan.commit, plan.interrupt, plan.delay) = (None, None, None, 0);
        if plan.dead {
            sidecar.registry = None;
        }
    }

    fn check(&mut self, attempts: Vec<Attempt>) -> Checked {
        let several = attempts.len() > 1;
        for attempt in attempts {
            self.check_one(&attempt)?;
            if several {
                self.count("between the steps of another");
            }
        }
        Ok(())
    }

    fn check_one(&mut self, attempt: &Attempt) -> Checked {
        let Attempt { sidecar, actor, command, result, .. } = attempt;
        let (what, shown) = match result {
            Ok(done) => ("done", format!("as {}", done.seq)),
            Err(WriteError::Rejected(rejection)) => ("rejected", rejection.to_string()),
            Err(WriteError::Store(error)) if attempt.seen.committed.is_some() => {
                ("done, unheard", error.to_string())
            }
            Err(WriteError::Store(error)) => ("failed", error.to_string()),
        };
        self.note(what, || format!("sidecar {sidecar}, {actor}: {command:?}: {shown}"));
        let call = Call { by: actor, now: attempt.now, fresh: &attempt.fresh };
        let before = Arc::clone(&self.last().world);
        let expected = before.after(&call, command);
        match (result, &expected) {
            (Ok(_), None) => return Err("a command was carried out that is not allowed".into()),
            (Err(WriteError::Rejected(rejection)), Some(_)) => {
                return Err(format!("not allowed: {rejection}"));
            }
            _ => {}
        }
        check_sight(attempt, &before)?;
        match (attempt.seen.committed, result) {
            (None, Ok(_)) => return Err("acknowledged, and not committed".into()),
            (Some(_), Err(WriteError::Rejected(_))) => return Err("rejected, and committed".into()),
            (Some(_), Err(WriteError::Store(error)))
                if error.kind != StoreErrorKind::Unknown && !attempt.died =>
            {
                return Err(format!("failed ({error}), and committed"));
            }
            (None, Err(_)) => return self.check_head(),
            _ => {}
        }
        let Some(after) = expected else { return Err("committed what is not allowed".into()) };
        self.committed(attempt, after)
    }

    /// That the database has come as far as it should.
    fn check_head(&self) -> Checked {
        let (seq, commits) = (self.disk.durable().head.seq, self.last().commits);
        // What came between the steps of another may be looked at later.
        if seq < commits || seq > commits + 1 {
            return Err(format!("the database is at commit {seq}, and should be at {commits}"));
        }
        Ok(())
    }

    fn committed(&mut self, attempt: &Attempt, after: World) -> Checked {
        let (seq, at) = attempt.seen.committed.unwrap_or_default();
        let commits = self.last().commits + 1;
        if seq != commits {
            return Err(format!("commit {seq} should be {commits}"));
        }
        if self.disk.durable().head.seq == seq
            && let Some(problem) = last_entry(&self.disk.durable(), &attempt.actor.id)
        {
            return Err(problem);
        }
        self.history.push(Version { at, world: Arc::new(after), commits });
        if let Ok(done) = &attempt.result {
            let sidecar = &mut self.sidecars[attempt.sidecar];
            sidecar.floor = self.history.len() - 1;
            sidecar.confirmed = attempt.seen.looked;
            if done.seq != seq {
                return Err(format!("commit {seq} was acknowledged as {}", done.seq));
            }
            if let Some(text) = &done.once {
                self.texts.insert(format!("key_{}", attempt.fresh), text.expose().clone());
            }
            self.compare_mirror_if_last(attempt.sidecar)?;
        }
        Ok(())
    }

    fn compare_mirror_if_last(&self, which: usize) -> Checked {
        if self.disk.durable().head.seq == self.last().commits { self.compare_mirror(which) } else { Ok(()) }
    }

    /// A sidecar that is up to date knows what there is.
    fn compare_mirror(&self, which: usize) -> Checked {
        let Some(registry) = &self.sidecars[which].registry else { return Ok(()) };
        match self.last().world.difference(&registry.known()) {
            Some(problem) => Err(format!("sidecar {which} is up to date, but {problem}")),
            None => Ok(()),
        }
    }

    fn catch_up(&mut self, which: usize) -> Checked {
        let Some(registry) = self.sidecars[which].registry.clone() else { return Ok(()) };
        let between = self.lay(which);
        let begun = self.history.len() - 1;
        let caught_up = registry.catch_up();
        let looked = self.sidecars[which].line.plan().seen.looked;
        self.clear(which);
        let between = between.and_then(|kept| kept.lock().unwrap().take());
        let alone = between.is_none();
        self.note(if caught_up.is_ok() { "caught up" } else { "did not catch up" }, || {
            format!("sidecar {which}")
        });
        if caught_up.is_ok() {
            let sidecar = &mut self.sidecars[which];
            sidecar.floor = sidecar.floor.max(begun);
            sidecar.confirmed = looked;
            if alone {
                self.compare_mirror(which)?;
            }
        }
        self.check(between.into_iter().collect())
    }

    /// Judges something on a sidecar. It must come to what one of the versions says that the sidecar may still have.
    fn decide(&mut self, which: usize) -> Checked {
        let sidecar = &self.sidecars[which];
        let Some(records) = sidecar.records() else { return Ok(()) };
        let (time, now) = (self.disk.now(), sidecar.now());
        let old = time - sidecar.confirmed;
        if records.is_ok() != (old <= MAX_AGE) {
            return Err(format!("what was confirmed {old} ms ago: {:?}", records.map(drop)));
        }
        let Ok(records) = records else {
            self.note("too old", || format!("sidecar {which}, {old} ms"));
            return Ok(());
        };
        // What was committed so long ago cannot be unknown.
        let known = self.history.iter().rposition(|version| version.at + MAX_AGE < time).unwrap_or(0);
        let oldest = known.max(sidecar.floor);
        // The newest that is possible and the oldest know different things to ask about.
        let asked = self.dice.below(self.history.len() - oldest) + oldest;
        let world = Arc::clone(
            &self.history[if self.dice.chance(70) { asked } else { oldest.saturating_sub(1) }].world,
        );
        let mut maker = Maker { dice: &mut self.dice, world: &world, now, operates: true };
        let presented: Vec<Presented> = (0..4).map(|_| maker.presented()).collect();
        let judged: Vec<_> = presented
            .iter()
            .map(|one| {
                let text = match one {
                    Presented::Key(id) => self.texts.get(id).map(String::as_str),
                    _ => None,
                };
                judge(&records, one, text, now)
            })
            .collect();
        let agrees = |version: &Version| {
            presented.iter().zip(&judged).all(|(one, judged)| version.world.judge(one, now) == *judged)
        };
        let good = self.history[oldest..].iter().any(agrees);
        self.note("decided", || format!("sidecar {which}: {presented:?}: {judged:?}"));
        if good {
            return Ok(());
        }
        let newest = self.history.len() - 1;
        let expected: Vec<_> = presented.iter().map(|one| self.last().world.judge(one, now)).collect();
        Err(format!("no version from {oldest} to {newest} decides like that; the last: {expected:?}"))
    }

    fn restore(&mut self) -> Checked {
        let Some((durable, world, commits)) = self.dice.pick(&self.backups) else { return Ok(()) };
        *self.disk.durable() = durable;
        self.history.push(Version { at: self.disk.now(), world, commits });
        self.note("restored", || format!("commit {commits}"));
        Ok(())
    }

    /// All start again with another master key.
    fn replace_master_key(&mut self) -> Checked {
        if self.replaced {
            return Ok(());
        }
        self.replaced = true;
        self.note("another master key", String::new);
        (0..self.sidecars.len()).try_for_each(|which| self.reopen(which))
    }

    /// What is stored is what was acknowledged.
    fn compare_stored(&mut self) -> Checked {
        let stored = World::stored(&self.disk.durable());
        self.count("compared");
        if stored != *self.last().world {
            return Err(format!("there is stored {stored:#?}\nand should be {:#?}", self.last().world));
        }
        Ok(())
    }

    fn verify(&mut self, which: usize) -> Checked {
        let Some(registry) = self.sidecars[which].registry.clone() else { return Ok(()) };
        let commits = self.last().commits;
        let between = self.lay(which);
        let verified = registry.verify_audit();
        self.clear(which);
        let between = between.and_then(|kept| kept.lock().unwrap().take());
        self.note(if verified.is_ok() { "verified" } else { "not verified" }, || format!("sidecar {which}"));
        if let Ok(verified) = verified
            && (!verified.problems.is_empty() || verified.entries < commits)
        {
            return Err(format!("after {commits} commits: {verified:?}"));
        }
        self.check(between.into_iter().collect())
    }

    /// Everybody is up again, and agrees; then somebody tampers with the database.
    fn end(&mut self) -> Checked {
        for which in 0..self.sidecars.len() {
            *self.sidecars[which].line.plan() = Default::default();
            if self.sidecars[which].registry.is_none() {
                self.sidecars[which].open(&self.ids, self.replaced).map_err(|error| error.to_string())?;
            }
            let registry = self.sidecars[which].registry.clone().unwrap();
            registry.catch_up().map_err(|error| error.to_string())?;
            self.compare_mirror(which)?;
            registry.records().map_err(|error| error.to_string())?;
        }
        self.compare_stored()?;
        let registry = self.sidecars[0].registry.clone().unwrap();
        let verified = registry.verify_audit().map_err(|error| error.to_string())?;
        if !verified.problems.is_empty() || verified.entries != self.last().commits {
            return Err(format!("after {} commits: {verified:?}", self.last().commits));
        }
        let what = tamper(&mut self.disk.durable(), &mut self.dice);
        let verified = registry.verify_audit().map_err(|error| error.to_string())?;
        if verified.problems.is_empty() {
            return Err(format!("nobody notices that somebody tampered with {what}"));
        }
        Ok(())
    }
}

/// What an actor is told names nothing that it does not see, unless it named it itself.
fn check_sight(attempt: &Attempt, world: &World) -> Checked {
    let told = match &attempt.result {
        Ok(done) => done.record.to_string(),
        Err(WriteError::Rejected(rejection)) => rejection.to_string(),
        Err(WriteError::Store(_)) => return Ok(()),
    };
    let said = format!("{:?}", attempt.command);
    let seen = |organisation: Option<&str>| sees(&attempt.actor, organisation);
    let foreign = |(id, of): &(&str, Option<&str>)| !seen(*of) && told.contains(id) && !said.contains(id);
    match world.belongings().into_iter().find(foreign) {
        Some((id, of)) => Err(format!("{} was told of {id} of {of:?}: {told}", attempt.actor)),
        None => Ok(()),
    }
}
