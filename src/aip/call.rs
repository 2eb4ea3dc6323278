//! Which tool call an input asks for.

use super::name::normalised;
use crate::model::ruling::Effect;
use verdict_rego::Value;

/// The method of tool calls.
pub const TOOLS_CALL: &str = "tools/call";
/// What an action is called that is nothing but the call of a tool that the resource names.
const VERBS: [&str; 6] = ["call", "invoke", "execute", "run", "use", TOOLS_CALL];
/// Where an input may have the arguments. Each of them that is there counts.
const ARGUMENTS: [&[&str]; 6] = [
    &["mcp", "arguments"],
    &["arguments"],
    &["context", "arguments"],
    &["context", "args"],
    &["action", "parameters"],
    &["action", "arguments"],
];

/// What an input asks for, in every reading that a policy can have of it.
///
/// INVARIANT (every reading counts): an input that names two tools is allowed only if both are.
#[derive(Debug, Clone, Copy)]
pub struct ToolCall<'a> {
    input: &'a Value,
    /// What the user said who was asked.
    pub(super) approval: Option<Approval>,
}

/// What came of asking the user. That the user agrees is for the gateway alone, which then makes the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Approval {
    /// The user said no.
    Denied,
    /// The user said nothing.
    TimedOut,
}

impl<'a> ToolCall<'a> {
    /// Reads an input: its method is `method`, else `mcp.method`, else `tools/call`; its tools are `tool`, the resource of the
    /// type `tool` (`id` or `name`), what `mcp` names where its method calls tools, and the action, unless the action is a mere verb
    /// of such a tool, or the method.
    pub const fn of(input: &'a Value) -> Self {
        Self { input, approval: None }
    }

    /// The same call, with what the user said.
    #[must_use]
    pub const fn answered(self, approval: Option<Approval>) -> Self {
        Self { approval, ..self }
    }

    /// The method, as it is written.
    pub fn method(&self) -> &'a str {
        self.text(&["method"]).or_else(|| self.text(&["mcp", "method"])).unwrap_or(TOOLS_CALL)
    }

    /// Every tool that is named, as it is written.
    pub(super) fn tools(&self) -> Vec<String> {
        let mut tools: Vec<String> = self.text(&["tool"]).into_iter().map(str::to_owned).collect();
        let kind = self.text(&["resource", "type"]).map(normalised);
        let resource = kind.is_some_and(|kind| kind == "tool");
        if resource {
            let named =
                [&["resource", "id"], &["resource", "name"]].into_iter().filter_map(|at| self.text(at));
            tools.extend(named.map(str::to_owned));
        }
        let message = self.text(&["mcp", "method"]).map(normalised);
        if message.is_some_and(|method| method == TOOLS_CALL) {
            let known = |name: &&str| !tools.iter().any(|tool| tool == name);
            let called = self.text(&["mcp", "name"]).filter(known).map(str::to_owned);
            tools.extend(called);
        }
        let method = normalised(self.method());
        let named = !tools.is_empty();
        for action in self.actions() {
            let name = normalised(&action);
            let verb = named && VERBS.contains(&name.as_str());
            if !verb && name != method {
                tools.push(action);
            }
        }
        tools
    }

    /// Every name of the action; a manifest's is `provider:method`.
    fn actions(&self) -> Vec<String> {
        let (provider, method) = (self.text(&["action", "provider"]), self.text(&["action", "method"]));
        let method = match (provider, method) {
            (Some(provider), Some(method)) => Some(format!("{provider}:{method}")),
            (_, method) => method.map(str::to_owned),
        };
        let named = [&["action"][..], &["action", "name"], &["action", "tool"]].into_iter();
        named.filter_map(|at| self.text(at)).map(str::to_owned).chain(method).collect()
    }

    /// Everything that stands where arguments do.
    pub(super) fn arguments(&self) -> Vec<&'a Value> {
        ARGUMENTS.iter().filter_map(|at| self.input.at(at.iter().copied())).collect()
    }

    /// The tool's definition, where the caller shows it.
    pub(super) fn schema(&self) -> Option<&'a Value> {
        self.input.at(["context", "tool_schema"])
    }

    fn text(&self, at: &[&str]) -> Option<&'a str> {
        self.input.at(at.iter().copied()).and_then(Value::as_str)
    }
}

/// What becomes of two readings of one call: the stricter.
pub(super) const fn stricter(one: Effect, other: Effect) -> Effect {
    match (one, other) {
        (Effect::Block, _) | (_, Effect::Block) => Effect::Block,
        (Effect::Ask, _) | (_, Effect::Ask) => Effect::Ask,
        (Effect::Allow, Effect::Allow) => Effect::Allow,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_that_an_input_names_counts() {
        for (input, method, tools) in [
            (r#"{"action": "read_file"}"#, "tools/call", &["read_file"][..]),
            (r#"{"action": {"name": "read_file"}}"#, "tools/call", &["read_file"]),
            (r#"{"action": "call", "resource": {"type": "tool", "id": "rm"}}"#, "tools/call", &["rm"]),
            (
                r#"{"action": "tools/call", "resource": {"type": "Tool", "name": "rm"}}"#,
                "tools/call",
                &["rm"],
            ),
            (r#"{"action": "ls", "resource": {"type": "tool", "id": "rm"}}"#, "tools/call", &["rm", "ls"]),
            (r#"{"action": "read", "resource": {"type": "file", "id": "rm"}}"#, "tools/call", &["read"]),
            (r#"{"action": "call"}"#, "tools/call", &["call"]),
            (r#"{"method": "resources/read", "action": "resources/read"}"#, "resources/read", &[]),
            (r#"{"method": "ping", "action": "rm"}"#, "ping", &["rm"]),
            (r#"{"tool": "a", "action": "b"}"#, "tools/call", &["a", "b"]),
            (r#"{"action": 1}"#, "tools/call", &[]),
            (
                r#"{"action": "tools/call", "resource": {"type": "tool", "id": "rm"}, "mcp": {"method": "tools/call", "name": "rm"}}"#,
                "tools/call",
                &["rm"],
            ),
            (
                r#"{"action": "read", "resource": {"type": "customer", "id": "7"}, "mcp": {"method": "tools/call", "name": "rm"}}"#,
                "tools/call",
                &["rm", "read"],
            ),
            (
                r#"{"action": "resources/read", "mcp": {"method": "resources/read", "uri": "x"}}"#,
                "resources/read",
                &[],
            ),
            (r#"{"method": "ping", "mcp": {"method": "tools/call", "name": "rm"}}"#, "ping", &["rm"]),
        ] {
            let input = Value::from_json(input.as_bytes()).unwrap();
            let call = ToolCall::of(&input);
            assert_eq!(call.method(), method, "{input}");
            assert_eq!(call.tools(), tools, "{input}");
        }
    }
}
