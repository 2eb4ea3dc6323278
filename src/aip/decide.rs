//! What a policy says of a call (AIP v1alpha2 section 4).

use serde_json::Value as Json;

use super::call::{Approval, TOOLS_CALL, ToolCall, stricter};
use super::canonical::schema_hash;
use super::name::normalised;
use super::policy::{Compiled, Policy};
use super::rpc;
use super::schema::Action;
use crate::model::ruling::{Effect, RpcError, Ruling, Violation};
use verdict_rego::Value;

/// The most levels of arguments that are looked into; deeper ones are blocked.
const DEEPEST: usize = 64;

/// Why a call does not keep the rules.
struct Broken {
    error: RpcError,
    reason: String,
    violation: Violation,
    /// Whether it is blocked also where the policy only watches.
    always: bool,
}

impl Broken {
    fn new(error: RpcError, kind: &'static str, field: Option<&str>, message: impl Into<String>) -> Self {
        let message = message.into();
        let violation = Violation { kind, field: field.map(str::to_owned), message: message.clone() };
        Self { error, reason: message, violation, always: false }
    }

    fn forbidden(kind: &'static str, message: impl Into<String>) -> Self {
        Self::new(rpc::FORBIDDEN, kind, None, message)
    }

    fn always(self) -> Self {
        Self { always: true, ..self }
    }
}

/// What is said where no policy is for the caller.
pub fn no_policy(call: &ToolCall<'_>) -> Ruling {
    ruling(
        None,
        call,
        Effect::Block,
        Some(Broken::forbidden("no_policy", "No policy is loaded for the caller")),
    )
}

impl Policy {
    /// What it says of a call, rates aside.
    pub fn decide(&self, call: &ToolCall<'_>) -> Ruling {
        match self.judge(call) {
            Ok(Effect::Ask) => match call.approval {
                None => ruling(Some(self), call, Effect::Ask, None),
                Some(approval) => {
                    let error = match approval {
                        Approval::Denied => rpc::USER_DENIED,
                        Approval::TimedOut => rpc::USER_TIMEOUT,
                    };
                    let broken = Broken::new(error, "approval", None, error.message);
                    ruling(Some(self), call, Effect::Block, Some(broken))
                }
            },
            Ok(effect) => ruling(Some(self), call, effect, None),
            Err(broken) if self.monitor && !broken.always => {
                ruling(Some(self), call, Effect::Allow, Some(broken))
            }
            Err(broken) => ruling(Some(self), call, Effect::Block, Some(broken)),
        }
    }

    /// What it says of a call of a tool that was called too often.
    pub fn too_often(&self, call: &ToolCall<'_>) -> Ruling {
        let broken = Broken::new(rpc::RATE_LIMITED, "rate_limit", None, rpc::RATE_LIMITED.message);
        ruling(Some(self), call, Effect::Block, Some(broken))
    }

    /// What it says of a call without a token, where one is required.
    pub fn without_token(&self, call: &ToolCall<'_>) -> Ruling {
        let message = "Identity token required for this policy";
        ruling(
            Some(self),
            call,
            Effect::Block,
            Some(Broken::new(rpc::TOKEN_REQUIRED, "token", None, message)),
        )
    }

    /// The tools of a call that are counted, as they are compared.
    pub fn counted(&self, call: &ToolCall<'_>) -> Vec<(String, crate::stores::Quota)> {
        let tools = call.tools().into_iter().map(|tool| normalised(&tool));
        tools.filter_map(|tool| Some((tool.clone(), self.rules.get(&tool)?.quota?))).collect()
    }

    fn judge(&self, call: &ToolCall<'_>) -> Result<Effect, Broken> {
        let method = normalised(call.method());
        let listed = self.allowed_methods.contains("*") || self.allowed_methods.contains(&method);
        if self.denied_methods.contains(&method) || !listed {
            let message = match listed {
                true => "Method in denied_methods",
                false => "Method not in allowed_methods",
            };
            return Err(Broken::new(rpc::METHOD_NOT_ALLOWED, "method_not_allowed", None, message));
        }
        let tools = call.tools();
        if tools.is_empty() && method == TOOLS_CALL {
            return Err(Broken::forbidden("no_tool", "The call names no tool"));
        }
        let arguments = call.arguments();
        for all in &arguments {
            self.check_paths(all, "", 0)?;
        }
        let mut effect = Effect::Allow;
        for tool in tools {
            effect = stricter(effect, self.judge_tool(&normalised(&tool), &arguments, call.schema())?);
        }
        self.check_content(&arguments)?;
        Ok(effect)
    }

    fn judge_tool(&self, tool: &str, arguments: &[&Value], schema: Option<&Value>) -> Result<Effect, Broken> {
        if self.denied_tools.contains(tool) {
            return Err(Broken::forbidden("tool_blocked", "Tool in denied_tools list"));
        }
        let Some(rule) = self.rules.get(tool) else {
            return match self.allowed_tools.contains(tool) {
                true => Ok(Effect::Allow),
                false => Err(Broken::forbidden("tool_not_allowed", "Tool not in allowed_tools list")),
            };
        };
        if rule.action == Action::Block {
            return Err(Broken::forbidden("tool_blocked", "Tool has action=block in tool_rules"));
        }
        check_schema(rule, schema)?;
        check_arguments(rule, arguments)?;
        Ok(if rule.action == Action::Ask { Effect::Ask } else { Effect::Allow })
    }

    /// Whether an argument, or a name of one, names a protected path.
    fn check_paths(&self, value: &Value, field: &str, depth: usize) -> Result<(), Broken> {
        if depth > DEEPEST {
            return Err(Broken::new(
                rpc::PROTECTED_PATH,
                "protected_path",
                Some(field),
                "Arguments nest too deep",
            )
            .always());
        }
        let check = |text: &str, field: &str| match self.protected.iter().find(|path| path.is_named_by(text))
        {
            None => Ok(()),
            Some(path) => {
                let message = format!("Access to a protected path: {}", path.written);
                Err(Broken::new(rpc::PROTECTED_PATH, "protected_path", Some(field), message).always())
            }
        };
        if let Some(text) = value.as_str() {
            return check(text, field);
        }
        for (name, member) in value.members() {
            let below = if field.is_empty() { name.to_owned() } else { format!("{field}.{name}") };
            if depth > 0 {
                check(name, field)?;
            }
            self.check_paths(member, &below, depth + 1)?;
        }
        if !value.is_object() {
            for element in value.elements() {
                self.check_paths(element, field, depth + 1)?;
            }
        }
        Ok(())
    }

    /// Whether the arguments hold what must not leave.
    fn check_content(&self, arguments: &[&Value]) -> Result<(), Broken> {
        let Some(redactor) = &self.redactor else { return Ok(()) };
        for text in arguments.iter().flat_map(|all| texts(all)) {
            match redactor.in_request(&text) {
                Some((rule, true)) => {
                    return Err(Broken::forbidden("dlp", format!("Arguments match the DLP rule: {rule}")));
                }
                Some((rule, false)) => {
                    tracing::warn!(policy = %self.name, rule, "arguments match a DLP rule")
                }
                None => {}
            }
        }
        Ok(())
    }
}

/// Every text in a value, names of members included.
fn texts(value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut left = vec![value];
    while let Some(value) = left.pop() {
        match value {
            Value::String(text) => found.push(text.to_string()),
            Value::Object(_) => {
                for (name, member) in value.members() {
                    found.push(name.to_owned());
                    left.push(member);
                }
            }
            _ => left.extend(value.elements()),
        }
    }
    found
}

fn check_schema(rule: &Compiled, schema: Option<&Value>) -> Result<(), Broken> {
    let Some(expected) = &rule.schema_hash else { return Ok(()) };
    let algorithm = expected.split(':').next().unwrap_or_default();
    let shown = schema.and_then(|schema| serde_json::to_value(schema).ok());
    let hash = shown.and_then(|schema: Json| schema_hash(algorithm, &schema));
    match hash {
        Some(hash) if hash == *expected => Ok(()),
        Some(_) => Err(mismatch("Tool schema has changed since the policy was written")),
        None => Err(mismatch("The call does not show the tool's schema")),
    }
}

fn mismatch(message: &str) -> Broken {
    Broken::new(rpc::SCHEMA_MISMATCH, "schema_mismatch", None, message).always()
}

/// INVARIANT (every reading): arguments that stand in two places are both the call's.
fn check_arguments(rule: &Compiled, arguments: &[&Value]) -> Result<(), Broken> {
    let wrong = |field: &str, message: String| {
        Broken::new(rpc::FORBIDDEN, "argument_validation", Some(field), message)
    };
    let empty = Value::object();
    let all = if arguments.is_empty() { std::slice::from_ref(&&empty).to_vec() } else { arguments.to_vec() };
    for all in all {
        if !all.is_object() {
            return Err(wrong("arguments", "Arguments are not an object".to_owned()));
        }
        for (name, pattern) in &rule.arguments {
            let Some(value) = all.get(name) else {
                return Err(wrong(name, "Required argument missing".to_owned()));
            };
            if !pattern.is_match(&as_text(value)) {
                return Err(wrong(name, format!("Value does not match pattern: {pattern}")));
            }
        }
        let undeclared = all.members().find(|(name, _)| !rule.arguments.contains_key(*name));
        if let Some((name, _)) = undeclared.filter(|_| rule.strict) {
            return Err(wrong(name, "Undeclared argument (strict_args)".to_owned()));
        }
    }
    Ok(())
}

/// A value as patterns see it (section 4.5).
fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.to_string(),
        Value::Null => String::new(),
        Value::Number(_) => {
            let text = value.to_string();
            match text.contains(['e', 'E']).then(|| text.parse::<f64>()) {
                Some(Ok(number)) => number.to_string(),
                _ => text,
            }
        }
        other => other.to_string(),
    }
}

fn ruling(policy: Option<&Policy>, call: &ToolCall<'_>, effect: Effect, broken: Option<Broken>) -> Ruling {
    let (reason, error, violations) = match broken {
        Some(Broken { error, reason, violation, .. }) => (reason, Some(error), vec![violation]),
        None if effect == Effect::Ask => ("Tool requires user approval".to_owned(), None, Vec::new()),
        None => ("Tool and arguments permitted".to_owned(), None, Vec::new()),
    };
    Ruling {
        policy: policy.map(|policy| std::sync::Arc::clone(&policy.name)),
        effect,
        reason,
        violations,
        error: error.filter(|_| effect == Effect::Block),
        method: call.method().to_owned(),
        tool: call.tools().into_iter().next(),
    }
}
