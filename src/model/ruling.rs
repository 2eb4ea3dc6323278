//! What a policy of tool calls says of one call, beside what Rego says.

use std::sync::Arc;

use serde::Serialize;

/// What becomes of a tool call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// It may be made.
    Allow,
    /// It may not be made.
    Block,
    /// A person must approve it first.
    Ask,
}

impl Effect {
    /// Its name, as answers, records and metrics have it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Block => "block",
            Self::Ask => "ask",
        }
    }
}

/// One rule that the call does not keep.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// Which sort of rule.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The argument, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What is wrong; never the argument's value.
    pub message: String,
}

/// A JSON-RPC error (JSON-RPC 2.0 section 5.1): what a gateway answers its client with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RpcError {
    /// Its number.
    pub code: i32,
    /// Its text, the same for every error of the number.
    pub message: &'static str,
}

/// What a policy says of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruling {
    /// The policy's name; none where no policy is for the caller.
    pub policy: Option<Arc<str>>,
    /// What becomes of the call.
    pub effect: Effect,
    /// Which rule says so, for a person.
    pub reason: String,
    /// The rules that it does not keep. A call may be allowed all the same: the policy only watches.
    pub violations: Vec<Violation>,
    /// What a gateway answers with, where the call is blocked.
    pub error: Option<RpcError>,
    /// The method and the tool that were asked for, as they were written.
    pub method: String,
    /// The tool; none where the method is not about one.
    pub tool: Option<String>,
}

impl Ruling {
    /// Whether a rule was not kept, whatever became of the call.
    pub fn is_violation(&self) -> bool {
        !self.violations.is_empty()
    }
}
