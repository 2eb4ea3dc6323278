//! `doors.http` in the configuration.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// `doors.http` in the configuration.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpConfig {
    /// What requests mean.
    pub routes: Vec<RouteConfig>,
    /// An OpenAPI document (3.x) with more of them.
    pub openapi: Option<PathBuf>,
    /// What becomes of a request that no route matches.
    pub unmatched: Unmatched,
    /// Headers by which a client could say who is calling; `*` at the end stands for anything.
    pub identity_headers: Vec<String>,
    /// Header for the service behind, and where in the input its value is; without it, those of [`HttpConfig::usual_upstream`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream_headers: Option<BTreeMap<String, String>>,
}

impl HttpConfig {
    /// What the service behind is told where nobody says.
    pub(super) fn usual_upstream() -> BTreeMap<String, String> {
        let usual = [("x-auth-user", "subject.id"), ("x-auth-issuer", "subject.issuer")];
        usual.map(|(name, path)| (name.to_owned(), path.to_owned())).into()
    }
}

/// The names that proxies, single sign-on and services commonly use.
const IDENTITY_HEADERS: [&str; 22] = [
    "x-auth-user",
    "x-auth-subject",
    "x-auth-issuer",
    "x-auth-roles",
    "x-auth-groups",
    "x-auth-email",
    "x-auth-name",
    "x-auth-request-*",
    "x-authenticated-*",
    "x-forwarded-user",
    "x-forwarded-email",
    "x-forwarded-groups",
    "x-forwarded-preferred-username",
    "x-remote-*",
    "remote-*",
    "x-user",
    "x-user-id",
    "x-user-email",
    "x-user-roles",
    "x-consumer-*",
    "x-webauth-*",
    "x-verdict-*",
];

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            routes: Vec::new(),
            openapi: None,
            unmatched: Unmatched::Pass,
            identity_headers: IDENTITY_HEADERS.map(str::to_owned).to_vec(),
            upstream_headers: None,
        }
    }
}

/// What becomes of a request that no route matches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unmatched {
    /// It is refused.
    Deny,
    /// Policy is asked: the action is the method in lower case, the resource `{"type": "http", "id": <path>}`.
    #[default]
    Pass,
}

/// One route.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RouteConfig {
    /// For policy (`input.context.route`) and for messages.
    pub name: Option<String>,
    /// The host, if only that one is meant.
    pub host: Option<String>,
    /// The methods, if not all are meant.
    pub methods: Vec<String>,
    /// Segments, of which `{name}` takes one, and `{*name}`, at the end, all that are left.
    pub path: String,
    /// What is to be done.
    pub action: String,
    /// With what.
    pub resource: ResourceConfig,
}

/// The resource of a route; `{name}` in its texts stands for what the path has there.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ResourceConfig {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its id; the path's last variable if it is left out, else the path itself.
    pub id: Option<String>,
}
