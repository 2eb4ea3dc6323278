//! Calls to try, with what each will be answered: they are decided beforehand, by the policy and for the caller that they
//! will meet. Nothing of that is recorded, and nobody is called on the way.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::HeaderMap;
use serde_json::{Map, Value as Json, json};

use super::wishes::{Wishes, wishes};
use crate::identity::Authenticator;
use crate::identity::dev::{DevIssuer, TokenRequest};
use crate::model::clock::Timestamp;
use crate::model::decision::Outcome;
use crate::model::presented::Presented;
use crate::model::principal::{AuthContext, IdentityMode};
use crate::model::request::EntryPath;
use crate::pdp;
use crate::pdp::gate::Gate;
use crate::pdp::snapshot::Snapshot;
use verdict_rego::{EvalLimits, Program, Value};

/// How long one evaluation, and all of them together, may take.
const EACH: Duration = Duration::from_millis(100);
const ALL: Duration = Duration::from_secs(2);
/// How many documents are shown.
const MOST_DOCUMENTS: usize = 3;
/// How many inputs are tried for one document.
const MOST_INPUTS: usize = 256;
/// Who calls, where policy names nobody.
const SOMEBODY: &str = "alice";

/// What decides about the calls.
pub(super) struct Deciding {
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) authenticator: Arc<Authenticator>,
    pub(super) issuer: DevIssuer,
    pub(super) now: Timestamp,
}

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Caller {
    pub(super) sub: String,
    pub(super) role: Option<String>,
}

/// A call to try.
#[derive(Debug, Clone)]
pub(super) struct Example {
    /// What it will be answered, and why where that is known.
    pub(super) caption: String,
    /// The document.
    pub(super) path: String,
    /// Who calls; `None` is somebody with a token that nobody signed.
    pub(super) caller: Option<Caller>,
    /// The body's `input`.
    pub(super) input: Json,
}

impl Deciding {
    /// What decides by the development issuer in `state`.
    ///
    /// # Errors
    /// The issuer's key cannot be read.
    pub(super) fn new(
        snapshot: Arc<Snapshot>,
        authenticator: Arc<Authenticator>,
        state: &Path,
        now: Timestamp,
    ) -> Result<Self, String> {
        let issuer = DevIssuer::load_or_create(state).map_err(|error| error.to_string())?;
        Ok(Self { snapshot, authenticator, issuer, now })
    }

    /// The calls to try.
    pub(super) async fn examples(&self, gate: &Gate) -> Vec<Example> {
        let sample = self.sample(gate).await;
        let mut examples = match sample.is_empty() {
            true => self.of_policy(gate).await,
            false => sample,
        };
        let first = examples.first().cloned();
        let verified = |path: &EntryPath| self.authenticator.mode_for(path) == IdentityMode::Required;
        if let Some(first) =
            first.filter(|first| EntryPath::parse(&first.path).is_ok_and(|path| verified(&path)))
        {
            let caption = "refused: a token that nobody signed".to_owned();
            examples.push(Example { caption, caller: None, ..first });
        }
        examples
    }

    /// The story of the sample application; nothing where other policy is active, or the sample tells another one now.
    async fn sample(&self, gate: &Gate) -> Vec<Example> {
        let data = self.snapshot.shared.program.data();
        let told = [["app", "grants"], ["app", "owner_actions"], ["users", SOMEBODY]];
        if !told.iter().all(|path| data.at(path.iter().copied()).is_some()) {
            return Vec::new();
        }
        let path = EntryPath::from_segments(vec!["app".to_owned(), "allow".to_owned()]);
        let resource = json!({"type": "doc", "owner": "bob"});
        let mut examples = Vec::new();
        for (caption, input, expected) in [
            (
                "allowed: alice is an editor, and editors update documents",
                json!({"action": "update", "resource": resource}),
                Outcome::Allow,
            ),
            (
                "denied: editors do not delete what is not theirs",
                json!({"action": "delete", "resource": resource}),
                Outcome::Deny,
            ),
            (
                "denied: the body says carol, the token says alice, and the token counts",
                json!({"action": "delete", "resource": resource, "subject": {"id": "carol", "roles": ["admin"]}}),
                Outcome::Deny,
            ),
        ] {
            let caller = Caller { sub: SOMEBODY.to_owned(), role: None };
            if self.decide(gate, &path, &caller, &input).await.0 != Some(expected) {
                return Vec::new();
            }
            let (caption, path) = (caption.to_owned(), path.to_string());
            examples.push(Example { caption, path, caller: Some(caller), input });
        }
        examples
    }

    /// Of each document that may be asked for: a call that is allowed and one that is not, as far as they are found.
    async fn of_policy(&self, gate: &Gate) -> Vec<Example> {
        let begun = Instant::now();
        let mut examples = Vec::new();
        for path in documents(&self.snapshot.shared.program) {
            let found = self.of_document(gate, &path, begun).await;
            // Of several documents one call each; of a single one, both.
            examples.push(found);
        }
        let whole = examples.len() == 1;
        let few = examples.into_iter().flat_map(|found| found.into_iter().take(if whole { 2 } else { 1 }));
        few.collect()
    }

    async fn of_document(&self, gate: &Gate, path: &EntryPath, begun: Instant) -> Vec<Example> {
        let program = &self.snapshot.shared.program;
        let example = |caption: String, (caller, input): (Caller, Json)| Example {
            caption,
            path: path.to_string(),
            caller: Some(caller),
            input,
        };
        let mut asked = wishes(program, path);
        let callers = callers(&mut asked);
        if self.authenticator.mode_for(path) != IdentityMode::Off {
            asked.retain(|member, _| {
                let first = member.first().map(String::as_str).unwrap_or_default();
                !["subject", "asserted", "agent", "agent_id", "org_id"].contains(&first)
            });
        }
        let chosen = || callers.iter().flat_map(|caller| inputs(&asked).map(|input| (caller.clone(), input)));
        let first = |input| callers.first().map(|caller| (caller.clone(), input));
        let all = || chosen().take(MOST_INPUTS).chain(altered(&asked).filter_map(first));
        if program.blocks(path) {
            let first = all().next();
            let caption = format!("{path} asks other services when it decides");
            return first.map(|call| example(caption, call)).into_iter().collect();
        }
        let mut found: BTreeMap<bool, Example> = BTreeMap::new();
        for call in all() {
            let (outcome, words) = self.decide(gate, path, &call.0, &call.1).await;
            found
                .entry(outcome != Some(Outcome::Allow))
                .or_insert_with(|| example(format!("{path}: {words}"), call));
            if found.len() == 2 || begun.elapsed() > ALL {
                break;
            }
        }
        found.into_values().collect()
    }

    /// What a call would be answered, in words too.
    async fn decide(
        &self,
        gate: &Gate,
        path: &EntryPath,
        caller: &Caller,
        input: &Json,
    ) -> (Option<Outcome>, String) {
        let auth = match self.verified(path, caller).await {
            Ok(auth) => auth,
            Err(why) => return (None, format!("refused: {why}")),
        };
        let policy = self.snapshot.policy_of(&auth).unwrap_or(&self.snapshot.shared);
        let assembled = pdp::input::assemble(&auth, Value::from_serialize(input).ok());
        let checked = assembled.and_then(|input| gate.check(&auth, path, input.as_ref()).map(|()| input));
        let input = match checked {
            Ok(input) => input,
            Err(failure) => return (None, format!("refused: {}", failure.message)),
        };
        let limits = EvalLimits::within(EACH);
        let answer = pdp::decide(&policy.program, path, input, self.now, &limits);
        let reason = answer.reason.map(|reason| format!(": {reason}")).unwrap_or_default();
        let words = match answer.outcome {
            Outcome::Allow => "allowed".to_owned(),
            Outcome::Deny => "denied".to_owned(),
            Outcome::Undefined => format!("undefined{reason}"),
            Outcome::Value => format!("answers {}", answer.result.as_ref().map(in_words).unwrap_or_default()),
            Outcome::Error | Outcome::Refused => format!("fails{reason}"),
        };
        (Some(answer.outcome), words)
    }

    async fn verified(&self, path: &EntryPath, caller: &Caller) -> Result<AuthContext, String> {
        let request = TokenRequest {
            sub: caller.sub.clone(),
            roles: caller.role.clone().into_iter().collect(),
            ttl: Duration::from_secs(60),
            ..TokenRequest::default()
        };
        let token = self.issuer.mint(&request, self.now).map_err(|error| error.to_string())?;
        let bearer = format!("Bearer {}", token.expose());
        let mut headers = HeaderMap::new();
        let value = bearer.parse().map_err(|_| "the token is no header".to_owned())?;
        headers.insert(http::header::AUTHORIZATION, value);
        let mode = self.authenticator.mode_for(path);
        let known = self.authenticator.authenticate(mode, &Presented::from(&headers)).await;
        known.map_err(|failure| failure.message)
    }
}

/// The documents that are most likely asked for: verdicts first, and nothing that is for Verdict itself or for tests.
fn documents(program: &Program) -> Vec<EntryPath> {
    let plain = |path: &Vec<String>| {
        let internal = path.first().is_some_and(|first| first == "system" || first.ends_with("_test"));
        let word = |name: &String| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        !internal && path.iter().all(word)
    };
    let rank = |path: &[String]| match path.last().map(String::as_str) {
        Some("allow") => 0,
        Some("allowed" | "decision" | "authz" | "result") => 1,
        Some("deny" | "denied" | "violation" | "violations") => 2,
        _ => 3,
    };
    let mut paths: Vec<Vec<String>> = program.entry_paths().filter(plain).collect();
    paths.sort_by_key(|path| (rank(path), path.len()));
    paths.dedup();
    let best = paths.first().map_or(3, |path| rank(path));
    let wanted = paths.into_iter().filter(|path| rank(path) == best);
    wanted.take(if best == 3 { 1 } else { MOST_DOCUMENTS }).map(EntryPath::from_segments).collect()
}

/// Who may call: those whom policy names, and somebody else.
fn callers(asked: &mut Wishes) -> Vec<Caller> {
    let mut named =
        |member: [&str; 2]| asked.remove(member.map(str::to_owned).as_slice()).unwrap_or_default();
    let text = |value: &Json| value.as_str().map(str::to_owned);
    let subs: Vec<String> = named(["subject", "id"]).iter().filter_map(text).collect();
    let roles = named(["subject", "roles"]);
    let roles = roles
        .iter()
        .filter_map(|role| role.as_array().map_or_else(|| text(role), |list| text(list.first()?)));
    let roles: Vec<Option<String>> = roles.map(Some).chain([None]).collect();
    let subs = if subs.is_empty() { vec![SOMEBODY.to_owned()] } else { subs };
    let with =
        |sub: &String| roles.iter().map(|role| Caller { sub: sub.clone(), role: role.clone() }).collect();
    subs.iter().flat_map(|sub| -> Vec<Caller> { with(sub) }).collect()
}

/// The inputs to try: every choice of values.
fn inputs(asked: &Wishes) -> impl Iterator<Item = Json> + '_ {
    let choices: usize = asked.values().map(|values| values.len().max(1)).product();
    let nth = move |n: usize| {
        let mut rest = n;
        let mut input = json!({});
        for (member, values) in asked {
            let count = values.len().max(1);
            let value = values.get(rest % count).cloned().unwrap_or_else(|| json!(placeholder(member)));
            rest /= count;
            set(&mut input, member, value);
        }
        input
    };
    (0..choices.min(MOST_INPUTS)).map(nth)
}

/// Inputs that are likely denied: the first with another value in one place, and last one that has nothing of what is asked for.
fn altered(asked: &Wishes) -> impl Iterator<Item = Json> + '_ {
    let altered = |member: &Vec<String>| {
        let mut input = inputs(asked).next()?;
        let other = match member.last().map(String::as_str) {
            Some("user" | "username" | "owner" | "subject" | "sub" | "principal") => "bob",
            Some("action" | "operation" | "verb") => "delete",
            _ => "other",
        };
        set(&mut input, member, json!(other));
        Some(input)
    };
    asked.keys().filter_map(altered).chain([json!({})])
}

/// A value that reads well for a member of this name.
fn placeholder(member: &[String]) -> &'static str {
    match member.last().map(String::as_str) {
        Some("user" | "username" | "owner" | "subject" | "sub" | "principal") => SOMEBODY,
        Some("action" | "operation" | "verb") => "read",
        Some("method") => "GET",
        Some("path") => "/",
        Some("type" | "kind") => "doc",
        _ => "example",
    }
}

fn set(target: &mut Json, member: &[String], value: Json) {
    let Some((first, rest)) = member.split_first() else {
        *target = value;
        return;
    };
    if !target.is_object() {
        *target = Json::Object(Map::new());
    }
    if let Some(object) = target.as_object_mut() {
        set(object.entry(first.clone()).or_insert(Json::Null), rest, value);
    }
}

/// A document in a few words.
fn in_words(value: &Value) -> String {
    let count = value.elements().len();
    match value {
        Value::Object(_) => {
            let names: Vec<&str> = value.members().map(|(name, _)| name).take(5).collect();
            if names.is_empty() {
                "an empty object".to_owned()
            } else {
                format!("an object with {}", names.join(", "))
            }
        }
        Value::Array(_) | Value::Set(_) if count == 0 => "an empty list".to_owned(),
        Value::Array(_) | Value::Set(_) => format!("a list of {count}"),
        scalar => scalar.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use verdict_rego::{Module, RegoVersion};

    fn program(source: &str) -> Program {
        let module = Module { id: "p.rego".to_owned(), source: source.into(), version: RegoVersion::V1 };
        verdict_rego::compile(vec![module], Value::object()).unwrap()
    }

    #[test]
    fn inputs_are_made_of_what_policy_compares() {
        let program = program(
            "package shop\n\ndefault allow := false\n\nallow if {\n\tinput.method == \"GET\"\n\tinput.path = [\"v1\", \"orders\"]\n\t\
             input.user.level > 2\n\t\"staff\" in input.subject.roles\n\tinput.region in {\"eu\", \"us\"}\n\tinput.note\n}\n",
        );
        let path = EntryPath::parse("shop/allow").unwrap();
        assert_eq!(documents(&program), std::slice::from_ref(&path));
        let mut asked = wishes(&program, &path);
        let callers = callers(&mut asked);
        let staff = Caller { sub: "alice".to_owned(), role: Some("staff".to_owned()) };
        assert_eq!(callers, [staff, Caller { sub: "alice".to_owned(), role: None }]);
        let first = json!({
            "method": "GET", "path": ["v1", "orders"], "user": {"level": 3}, "region": "eu", "note": "example"
        });
        let all: Vec<Json> = inputs(&asked).collect();
        assert_eq!((all.len(), &all[0], &all[1]["region"]), (4, &first, &json!("us")));
        let altered: Vec<Json> = altered(&asked).collect();
        let (length, first, last) = (altered.len(), &altered[0]["method"], altered.last());
        assert_eq!((length, first, last), (6, &json!("other"), Some(&json!({}))));
    }

    #[test]
    fn verdicts_are_asked_for_and_helpers_are_not() {
        for (source, expected) in [
            ("package a\n\nallow := true\n\nhelper := 1\n", &["a/allow"][..]),
            ("package a\n\ndeny contains \"x\"\n\nhelper := 1\n", &["a/deny"]),
            ("package a_test\n\nallow := true\n", &[]),
            ("package system.log\n\nallow := true\n", &[]),
            ("package a\n\nz := 1\n\nb := 1\n", &["a/b"]),
        ] {
            let shown: Vec<String> = documents(&program(source)).iter().map(ToString::to_string).collect();
            assert_eq!(shown, expected, "{source}");
        }
    }
}
