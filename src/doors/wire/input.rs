//! The input of a described request: one shape for every door, and OPA's Envoy plugin's beside it.
//!
//! `action`, `resource` and `context` are what policies are written about. `attributes`, `parsed_path`, `parsed_query`, `parsed_body`,
//! `truncated_body` and `version` are where policies for OPA's Envoy plugin look; their contents are canonical, too.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_TYPE, COOKIE, FORWARDED, HeaderName, PROXY_AUTHORIZATION, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE, VIA,
};
use verdict_rego::{Object, Value};

use super::{Canonical, Content, query};
use crate::doors::edge::Edge;
use crate::doors::routing::{Matched, Routes};
use crate::model::failure::{Failure, FailureKind};
use crate::model::principal::IdentityMode;
use crate::model::request::EntryPath;

/// What carries credentials, whatever else is configured.
const CREDENTIALS: [HeaderName; 6] = [
    AUTHORIZATION,
    PROXY_AUTHORIZATION,
    COOKIE,
    HeaderName::from_static("dpop"),
    HeaderName::from_static("x-api-key"),
    HeaderName::from_static("x-forwarded-client-cert"),
];

/// The parameter that RFC 6750 section 2.3 has for tokens, which are not taken from there.
const TOKEN_PARAMETER: &str = "access_token";

/// What belongs to a connection and not to a request (RFC 9110 section 7.6.1), or is a gateway's own word.
const HOPS: [HeaderName; 9] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
    VIA,
    FORWARDED,
];

impl Canonical {
    /// The input document for a decision by `document`: the same for every door.
    ///
    /// # Errors
    /// No route matches, where one must; or the body is not what its content type says.
    pub(in crate::doors) fn input(&self, edge: &Edge, document: &EntryPath) -> Result<Value, Failure> {
        self.input_with(edge, document, self.content.as_ref())
    }

    /// The same, with a body that was read later.
    ///
    /// # Errors
    /// As [`Self::input`].
    pub(in crate::doors) fn input_with(
        &self,
        edge: &Edge,
        document: &EntryPath,
        content: Option<&Content>,
    ) -> Result<Value, Failure> {
        let authenticator = &edge.authorizer.in_force().authenticator;
        // Where identity is off, policy verifies credentials itself, and must see them.
        let off = authenticator.mode_for(document) == IdentityMode::Off;
        let is_secret =
            |name: &HeaderName| !off && (CREDENTIALS.contains(name) || authenticator.takes_from(name));
        self.assembled(&edge.routes, off, &is_secret, content)
    }

    /// The headers of the request that say who is calling, in other words than credentials.
    pub(in crate::doors) fn claims<'a>(
        &'a self,
        routes: &'a Routes,
    ) -> impl Iterator<Item = &'a HeaderName> + 'a {
        self.headers.keys().filter(|name| routes.names_identity(name))
    }

    pub(super) fn assembled(
        &self,
        routes: &Routes,
        off: bool,
        is_secret: &dyn Fn(&HeaderName) -> bool,
        content: Option<&Content>,
    ) -> Result<Value, Failure> {
        let content = content.filter(|content| !content.bytes.is_empty());
        let route = routes.find(self.host.as_deref(), &self.method, &self.segments);
        if route.is_none() && !routes.passes_unmatched() {
            let message = format!("no route matches `{} {}`", self.method, self.path);
            return Err(Failure::new(FailureKind::UnknownPath, message));
        }
        let pairs: Vec<_> = self.query.iter().filter(|(name, _)| off || name != TOKEN_PARAMETER).collect();
        let parameters = grouped(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let headers = self.shown_headers(routes, is_secret);
        let target = match query::written(pairs.iter().copied()) {
            query if query.is_empty() => self.path.clone(),
            query => format!("{}?{query}", self.path),
        };
        let parsed_path = match self.segments.as_slice() {
            // As OPA's plugin has it.
            [] => Value::from(vec![Value::from("")]),
            segments => {
                segments.iter().map(|segment| Value::from(segment.as_str())).collect::<Vec<_>>().into()
            }
        };
        let context = object([
            ("http", Some(self.context(&parameters, &headers))),
            ("route", route.as_ref().and_then(|route| route.name).map(Value::from)),
        ]);
        let (action, resource) = match route {
            Some(Matched { action, resource, .. }) => (Value::from(action), resource),
            None => (Value::from(self.method.to_ascii_lowercase()), self.itself()),
        };
        Ok(object([
            ("action", Some(action)),
            ("resource", Some(resource)),
            ("context", Some(context)),
            ("attributes", Some(self.attributes(target, headers, content))),
            ("parsed_path", Some(parsed_path)),
            ("parsed_query", Some(parameters)),
            ("parsed_body", self.parsed_body(content)?),
            ("truncated_body", Some(content.is_some_and(|content| content.truncated).into())),
            (
                "version",
                Some(object([("encoding", Some("protojson".into())), ("ext_authz", Some("v3".into()))])),
            ),
        ]))
    }

    /// What is asked for where no route says it better.
    fn itself(&self) -> Value {
        object([("type", Some("http".into())), ("id", Some(self.path.as_str().into()))])
    }

    fn context(&self, parameters: &Value, headers: &Value) -> Value {
        object([
            ("method", Some(self.method.as_str().into())),
            ("scheme", self.scheme.map(Value::from)),
            ("host", self.host.as_deref().map(Value::from)),
            ("port", self.port.map(|port| i64::from(port).into())),
            ("path", Some(self.path.as_str().into())),
            ("query", Some(parameters.clone())),
            ("headers", Some(headers.clone())),
            ("protocol", self.protocol.as_deref().map(Value::from)),
            ("client_ip", self.source.map(|source| source.ip().to_string().into())),
        ])
    }

    /// The attributes of a `CheckRequest` of Envoy's, as protobuf's JSON mapping writes them.
    fn attributes(&self, target: String, mut headers: Value, content: Option<&Content>) -> Value {
        let authority = self.authority();
        let pseudo = [
            (":method", Some(self.method.as_str())),
            (":path", Some(target.as_str())),
            (":authority", authority.as_deref()),
            (":scheme", self.scheme),
        ];
        for (name, value) in pseudo.into_iter().filter_map(|(name, value)| Some((name, value?))) {
            headers.insert(name, Value::from(value));
        }
        let text = content.map(|content| std::str::from_utf8(&content.bytes).map_err(|_| &content.bytes));
        let size = |content: &Content| i64::try_from(content.bytes.len()).unwrap_or(i64::MAX).into();
        let http = object([
            ("method", Some(self.method.as_str().into())),
            ("path", Some(target.as_str().into())),
            ("host", authority.as_deref().map(Value::from)),
            ("scheme", self.scheme.map(Value::from)),
            ("protocol", self.protocol.as_deref().map(Value::from)),
            ("headers", Some(headers)),
            ("body", text.and_then(Result::ok).map(Value::from)),
            ("rawBody", text.and_then(Result::err).map(|bytes| BASE64_STANDARD.encode(bytes).into())),
            ("size", content.map(size)),
        ]);
        let socket = |address: std::net::SocketAddr| {
            let socket = object([
                ("address", Some(address.ip().to_string().into())),
                // Gateways that name the client by its address alone leave it 0.
                ("portValue", (address.port() > 0).then(|| i64::from(address.port()).into())),
            ]);
            object([("address", Some(object([("socketAddress", Some(socket))])))])
        };
        object([
            ("source", self.source.map(socket)),
            ("destination", self.destination.map(socket)),
            ("request", Some(object([("http", Some(http))]))),
        ])
    }

    /// Each header with its values in one text (RFC 9110 section 5.3), without secrets, claims and what is the gateway's.
    fn shown_headers(&self, routes: &Routes, is_secret: &dyn Fn(&HeaderName) -> bool) -> Value {
        let gateways = |name: &HeaderName| {
            HOPS.contains(name)
                || name.as_str().starts_with("x-forwarded-")
                || name.as_str().starts_with("x-envoy-")
        };
        let shown = self
            .headers
            .keys()
            .filter(|name| !is_secret(name) && !routes.names_identity(name) && !gateways(name));
        let entries = shown.map(|name| {
            let values = self.headers.get_all(name).iter();
            let values: Vec<_> =
                values.map(|value| std::str::from_utf8(value.as_bytes()).unwrap_or_default()).collect();
            (Value::from(name.as_str()), Value::from(values.join(if *name == COOKIE { "; " } else { "," })))
        });
        Object::from_entries(entries.collect()).into()
    }

    /// The body, where its content type says how to read it and all of it is there.
    fn parsed_body(&self, content: Option<&Content>) -> Result<Option<Value>, Failure> {
        let Some(content) = content.filter(|content| !content.truncated) else { return Ok(None) };
        let kind = self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let wrong = |why: String| {
            let message = format!("the body is not the `{kind}` that its content type says: {why}");
            Failure::new(FailureKind::InvalidRequest, message)
        };
        if kind == "application/json" || kind.ends_with("+json") {
            return Value::from_json(&content.bytes).map(Some).map_err(|error| wrong(error.to_string()));
        }
        if kind == "application/x-www-form-urlencoded" {
            let text =
                std::str::from_utf8(&content.bytes).map_err(|_| wrong("it is not UTF-8".to_owned()))?;
            let pairs = query::pairs(text).map_err(wrong)?;
            return Ok(Some(grouped(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())))));
        }
        Ok(None)
    }
}

/// The values of each name, in their order.
fn grouped<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Value {
    let mut groups: std::collections::BTreeMap<&str, Vec<Value>> = std::collections::BTreeMap::new();
    for (name, value) in pairs {
        groups.entry(name).or_default().push(Value::from(value));
    }
    let entries = groups.into_iter().map(|(name, values)| (Value::from(name), Value::from(values)));
    Object::from_entries(entries.collect()).into()
}

/// An object of the members that there are.
fn object<const N: usize>(members: [(&str, Option<Value>); N]) -> Value {
    let members = members.into_iter().filter_map(|(name, value)| Some((Value::from(name), value?)));
    Object::from_entries(members.collect()).into()
}
