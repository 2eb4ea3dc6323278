//! Every operation by every power: what it answers, and that the answer is as the OpenAPI document says.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use verdict::registry::actor::Actor;
use verdict::registry::command::Command;

use super::openapi::Document;
use super::support::{Admin, text};

const CALLERS: [&str; 9] =
    ["operator", "admin", "auditor", "bridge", "agent", "device", "service", "stranger", "other"];

/// Operation, target, body, and the statuses of the callers in their order. What stands in braces is made anew for each call.
const MATRIX: &[(&str, &str, &str, &str)] = &[
    ("openapi", "/v1/openapi.json", "", "200 200 200 200 200 200 200 200 200"),
    ("whoami", "/v1/whoami", "", "200 200 200 200 200 200 403 401 200"),
    ("bootstrap", "/v1/bootstrap", "{}", "409 409 409 409 409 409 409 409 409"),
    ("createOrganisation", "/v1/orgs", "{}", "201 403 403 403 403 403 403 401 403"),
    ("listOrganisations", "/v1/orgs", "", "200 200 200 200 403 403 403 401 200"),
    ("getOrganisation", "/v1/orgs/acme", "", "200 200 200 200 403 403 403 401 404"),
    ("updateOrganisation", "/v1/orgs/acme", r#"{"name": "A"}"#, "200 200 403 403 403 403 403 401 404"),
    ("deleteOrganisation", "/v1/orgs/{O}", "", "204 403 403 403 403 403 403 401 403"),
    ("enableOrganisation", "/v1/orgs/{O}/enable", "", "200 403 403 403 403 403 403 401 403"),
    ("disableOrganisation", "/v1/orgs/{O}/disable", "", "200 403 403 403 403 403 403 401 403"),
    ("revokeOrganisation", "/v1/orgs/{O}/revoke", "", "200 403 403 403 403 403 403 401 403"),
    ("listMembers", "/v1/members?organisation=acme", "", "200 200 200 200 403 403 403 401 404"),
    (
        "putMember",
        "/v1/members",
        r#"{"organisation": "acme", "issuer": "i", "subject": "s", "role": "admin"}"#,
        "200 200 403 403 403 403 403 401 404",
    ),
    (
        "removeMember",
        "/v1/members?organisation=acme&issuer=i&subject={M}",
        "",
        "204 204 403 403 403 403 403 401 404",
    ),
    (
        "createAgent",
        "/v1/agents",
        r#"{"organisation": "acme", "key": true}"#,
        "201 201 403 201 403 403 403 401 404",
    ),
    ("listAgents", "/v1/agents", "", "200 200 200 200 200 200 403 401 200"),
    ("getAgent", "/v1/agents/{A}", "", "200 200 200 200 200 200 403 401 404"),
    ("updateAgent", "/v1/agents/{B}", r#"{"name": "B"}"#, "200 200 403 403 403 403 403 401 404"),
    ("deleteAgent", "/v1/agents/{B}", "", "204 204 403 403 403 403 403 401 404"),
    ("enableAgent", "/v1/agents/{B}/enable", "", "200 200 403 403 403 403 403 401 404"),
    ("disableAgent", "/v1/agents/{B}/disable", "", "200 200 403 403 403 403 403 401 404"),
    ("revokeAgent", "/v1/agents/{B}/revoke", "", "200 200 403 403 403 403 403 401 404"),
    ("listSecrets", "/v1/agents/{A}/secrets", "", "200 200 200 200 200 200 403 401 404"),
    ("putSecret", "/v1/agents/{A}/secrets/x", r#"{"value": "v"}"#, "200 200 403 200 200 200 403 401 404"),
    ("getSecret", "/v1/agents/{A}/secrets/{S}", "", "403 403 403 200 200 200 403 401 404"),
    ("deleteSecret", "/v1/agents/{A}/secrets/{S}", "", "204 204 403 204 204 204 403 401 404"),
    ("createKey", "/v1/keys", r#"{"kind": "agent", "agent": "{B}"}"#, "201 201 403 403 403 403 403 401 404"),
    ("createKey", "/v1/keys", r#"{"kind": "device", "agent": "{B}"}"#, "201 201 403 201 403 403 403 401 404"),
    (
        "createKey",
        "/v1/keys",
        r#"{"kind": "service", "organisation": "acme"}"#,
        "201 201 403 403 403 403 403 401 404",
    ),
    (
        "createKey",
        "/v1/keys",
        r#"{"kind": "admin", "organisation": "acme"}"#,
        "201 201 403 403 403 403 403 401 404",
    ),
    ("listKeys", "/v1/keys", "", "200 200 200 200 200 200 403 401 200"),
    ("getKey", "/v1/keys/{K}", "", "200 200 200 200 200 200 403 401 404"),
    ("rotateKey", "/v1/keys/{K}/rotate", r#"{"overlap": "1h"}"#, "200 200 403 403 200 200 403 401 404"),
    ("enableKey", "/v1/keys/{K}/enable", "", "200 200 403 403 403 403 403 401 404"),
    ("disableKey", "/v1/keys/{K}/disable", "", "200 200 403 403 200 200 403 401 404"),
    ("revokeKey", "/v1/keys/{K}/revoke", "", "200 200 403 403 200 200 403 401 404"),
    ("deleteKey", "/v1/keys/{K}", "", "204 204 403 403 204 204 403 401 404"),
    (
        "createDelegation",
        "/v1/delegations",
        r#"{"from": "{A}", "to": "{B}", "scope": ["x:y"], "expires_at": "2200-01-01T00:00:00Z"}"#,
        "201 201 403 201 201 201 403 401 404",
    ),
    ("listDelegations", "/v1/delegations", "", "200 200 200 200 200 200 403 401 200"),
    ("getDelegation", "/v1/delegations/{D}", "", "200 200 200 200 200 200 403 401 404"),
    ("enableDelegation", "/v1/delegations/{D}/enable", "", "200 200 403 200 200 200 403 401 404"),
    ("disableDelegation", "/v1/delegations/{D}/disable", "", "200 200 403 200 200 200 403 401 404"),
    ("revokeDelegation", "/v1/delegations/{D}/revoke", "", "200 200 403 200 200 200 403 401 404"),
    ("deleteDelegation", "/v1/delegations/{D}", "", "204 204 403 204 204 204 403 401 404"),
    (
        "putRole",
        "/v1/roles",
        r#"{"organisation": "acme", "name": "r", "permissions": ["p"]}"#,
        "200 200 403 403 403 403 403 401 404",
    ),
    ("listRoles", "/v1/roles", "", "200 200 200 200 403 403 403 401 200"),
    ("deleteRole", "/v1/roles/{L}?organisation=acme", "", "204 204 403 403 403 403 403 401 404"),
    (
        "putSetting",
        "/v1/settings/colour",
        r#"{"organisation": "acme", "value": {"a": 1}}"#,
        "200 200 403 403 403 403 403 401 404",
    ),
    ("listSettings", "/v1/settings", "", "200 200 200 200 403 403 403 401 200"),
    ("deleteSetting", "/v1/settings/{T}?organisation=acme", "", "204 204 403 403 403 403 403 401 404"),
    (
        "createRevocation",
        "/v1/revocations",
        r#"{"organisation": "acme", "named": {"subject": {"id": "nobody"}}}"#,
        "201 201 403 403 403 403 403 401 404",
    ),
    ("listRevocations", "/v1/revocations", "", "200 200 200 200 403 403 403 401 200"),
    ("getRevocation", "/v1/revocations/{R}", "", "200 200 200 200 403 403 403 401 404"),
    ("deleteRevocation", "/v1/revocations/{R}", "", "204 204 403 403 403 403 403 401 404"),
    ("listAudit", "/v1/audit?organisation=acme&limit=50", "", "200 200 200 200 403 403 403 401 404"),
    ("verifyAudit", "/v1/audit/verify", "", "200 403 403 403 403 403 403 401 403"),
    ("listAuthEvents", "/v1/auth-events?organisation=acme", "", "200 200 200 200 403 403 403 401 404"),
    ("rewrap", "/v1/registry/rewrap", "", "200 403 403 403 403 403 403 401 403"),
    ("createSigningKey", "/v1/orgs/{O}/signing-keys", "", "201 404 403 403 403 403 403 401 404"),
    ("rotateSigningKey", "/v1/orgs/{O}/signing-keys/rotate", "", "409 404 403 403 403 403 403 401 404"),
    ("listSigningKeys", "/v1/orgs/acme/signing-keys", "", "200 200 200 200 403 403 403 401 404"),
    ("revokeSigningKey", "/v1/orgs/acme/signing-keys/none/revoke", "", "404 404 403 403 403 403 403 401 404"),
    ("deleteSigningKey", "/v1/orgs/acme/signing-keys/none", "", "404 404 403 403 403 403 403 401 404"),
    (
        "createAssertion",
        "/v1/agents/{A}/assertions",
        r#"{"audience": "b"}"#,
        "409 409 403 409 409 409 403 401 404",
    ),
];

/// What stands for something that is made for a call.
const PLACES: [&str; 9] = ["{O}", "{B}", "{K}", "{D}", "{R}", "{L}", "{T}", "{M}", "{S}"];

/// Whom the calls are about, and by whom they are.
struct Cast {
    admin: Admin,
    /// The agent that calls, with its key.
    agent: String,
    keys: Vec<Option<String>>,
    made: std::cell::Cell<u32>,
}

impl Cast {
    fn new() -> Self {
        let admin = Admin::start();
        let (agent, agent_key) = admin.agent("acme");
        let device = admin.make("/v1/keys", &admin.operator, &json!({ "kind": "device", "agent": agent }));
        let member =
            json!({ "organisation": "acme", "issuer": admin.issuer(), "subject": "ann", "role": "auditor" });
        admin.expect(200, "PUT", "/v1/members", &admin.operator, &member);
        let keys = vec![
            Some(admin.operator.clone()),
            Some(admin.key("admin", "acme")),
            Some(admin.token("ann", &[], json!({ "tenant": "acme" }))),
            Some(admin.key("bridge", "acme")),
            Some(agent_key),
            Some(text(&device, "api_key")),
            Some(admin.key("service", "acme")),
            None,
            Some(admin.organisation("umbrella")),
        ];
        Self { admin, agent, keys, made: std::cell::Cell::new(0) }
    }

    /// Makes something, past the API and its limits.
    fn execute(&self, command: &Command) -> Value {
        let registry = self.admin.server.app.registry.as_ref().unwrap();
        registry
            .execute(&Actor::system(), command)
            .unwrap_or_else(|error| panic!("{error}: {command:?}"))
            .record
    }

    fn command<T: serde::de::DeserializeOwned>(&self, wrap: impl Fn(T) -> Command, body: Value) -> String {
        let record = self.execute(&wrap(serde_json::from_value(body).unwrap()));
        record["id"].as_str().unwrap_or_default().to_owned()
    }

    /// Replaces what stands in braces by something that was made for this.
    fn fresh(&self, name: &str, template: &str) -> String {
        let mut filled = template.replace("{A}", &self.agent);
        let state = if name.starts_with("enable") { Some(verdict::registry::State::Disabled) } else { None };
        self.made.set(self.made.get() + 1);
        let unique = format!("n{}", self.made.get());
        let next = |filled: &str| PLACES.into_iter().find(|place| filled.contains(place));
        while let Some(which) = next(&filled) {
            let agent = || self.command(Command::CreateAgent, json!({ "organisation": "acme" }));
            let id = match which {
                "{O}" => self.command(Command::CreateOrganisation, json!({})),
                "{B}" => agent(),
                "{K}" => self.command(Command::CreateKey, json!({ "kind": "agent", "agent": self.agent })),
                "{D}" => self.command(
                    Command::Delegate,
                    json!({ "from": self.agent, "to": agent(), "scope": ["x:y"], "expires_at": "2200-01-01T00:00:00Z" }),
                ),
                "{R}" => self.command(Command::Revoke, json!({ "organisation": "acme", "named": { "jti": unique } })),
                "{L}" => {
                    self.command(Command::PutRole, json!({ "organisation": "acme", "name": unique, "permissions": [] }));
                    unique.clone()
                }
                "{T}" => {
                    self.command(Command::PutSetting, json!({ "organisation": "acme", "key": "max_batch", "value": 1 }));
                    "max_batch".to_owned()
                }
                "{M}" => {
                    let member = json!({ "organisation": "acme", "issuer": "i", "subject": unique, "role": "auditor" });
                    self.command(Command::PutMember, member);
                    unique.clone()
                }
                "{S}" => {
                    let secret = verdict::registry::command::NewSecret {
                        agent: Some(self.agent.clone()),
                        name: unique.clone(),
                        value: verdict::model::secret::Secret::new("v".to_owned()),
                    };
                    self.execute(&Command::PutSecret(secret));
                    unique.clone()
                }
                other => panic!("{other}"),
            };
            if let Some(state) = state {
                let id = id.clone();
                self.execute(&match which {
                    "{O}" => Command::SetOrganisationState { id, state },
                    "{B}" => Command::SetAgentState { id, state },
                    "{K}" => Command::SetKeyState { id, state },
                    _ => Command::SetDelegationState { id, state },
                });
            }
            filled = filled.replace(which, &id);
        }
        filled
    }
}

#[test]
fn every_operation_by_every_power() {
    let cast = Cast::new();
    let mut document = Document::of(&cast.admin);
    let operations = document.operations();
    let mut wrong = Vec::new();
    for (name, target, body, expected) in MATRIX {
        let (method, _, _) = operations.iter().find(|(_, _, other)| other == name).unwrap();
        let expected: Vec<u16> = expected.split(' ').map(|status| status.parse().unwrap()).collect();
        for ((caller, key), expected) in CALLERS.iter().zip(&cast.keys).zip(expected) {
            let both = cast.fresh(name, &format!("{target}\n{body}"));
            let (target, body) = both.split_once('\n').unwrap();
            let body = if body.is_empty() { Value::Null } else { serde_json::from_str(body).unwrap() };
            let reply = cast.admin.call(method, target, key.as_deref(), &body);
            if reply.status != expected {
                let said = String::from_utf8_lossy(&reply.body).into_owned();
                wrong
                    .push(format!("{caller} {method} {target}: {} and not {expected}: {said}", reply.status));
            }
            document.check(name, &reply);
            let said = String::from_utf8_lossy(&reply.body);
            assert!(*name == "openapi" || !said.contains("\"tag\""), "{said}");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // The same under the names of other systems has tests of its own (`aliases`).
    let alias = |name: &&str| ["relay", "agentpack", "aip"].iter().any(|system| name.starts_with(system));
    let known: BTreeSet<&str> =
        operations.iter().map(|(_, _, name)| name.as_str()).filter(|name| !alias(name)).collect();
    assert_eq!(
        MATRIX.iter().map(|(name, ..)| *name).collect::<BTreeSet<_>>(),
        known,
        "every operation has a row"
    );
    let verified = cast.admin.get("/v1/audit/verify", &cast.admin.operator);
    assert_eq!(verified["problems"], json!([]));
}
