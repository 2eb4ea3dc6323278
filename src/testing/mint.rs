//! Mints the credentials of cases, and keeps the records that they need.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::fixture_credential::{ApiKey, Capability, Credentials, Delegation, Presented, Token};
use crate::identity;
use crate::identity::api_key::text::generate;
use crate::identity::capability::mint::{Request, SigningKey};
use crate::identity::capability::{self, KeyConfig};
use crate::identity::dev::{DevIssuer, TokenRequest};
use crate::model::clock::Timestamp;
use crate::model::secret::Secret;
use crate::model::units::Period;
use crate::registry::{
    self, Agent, Counts, Directory, KeyHash, KeyKind, KeyParts, Organisation, Parts, Records, State, Status,
    TooOld,
};

/// Who mints capabilities.
const ISSUER: &str = "fixture";
/// For whom.
const AUDIENCE: &str = "verdict";
/// Where a capability stands that comes beside a token.
const CAPABILITY: &str = "x-agentpack-capability";
/// Where an API key stands.
const API_KEY: &str = "x-api-key";
/// Where a delegation stands, and what it is called.
const DELEGATION: (&str, &str) = ("x-agentpack-delegation", "delegation");

/// Whoever vouches for the callers of a run.
pub(super) struct Mint {
    issuer: DevIssuer,
    capabilities: SigningKey,
    pub(super) directory: Arc<CaseDirectory>,
}

/// What the directory knows in one case.
#[derive(Debug)]
pub(super) struct CaseDirectory(Mutex<Arc<Records>>);

impl CaseDirectory {
    fn new() -> Result<Self, String> {
        let nobody = Records::new(Parts::default(), None).map_err(|error| error.to_string())?;
        Ok(Self(Mutex::new(Arc::new(nobody))))
    }

    fn clear(&self) -> Result<(), String> {
        self.put(Records::new(Parts::default(), None).map_err(|error| error.to_string())?);
        Ok(())
    }

    fn put(&self, records: Records) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(records);
    }
}

impl Directory for CaseDirectory {
    fn records(&self) -> Result<Arc<Records>, TooOld> {
        Ok(Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    fn status(&self) -> Status {
        Status {
            source: "fixture".to_owned(),
            generation: 1,
            counts: Counts::default(),
            last_success: None,
            last_error: None,
        }
    }
}

impl Mint {
    pub(super) fn new() -> Result<Self, String> {
        Ok(Self {
            issuer: DevIssuer::in_memory().map_err(|error| error.to_string())?,
            capabilities: SigningKey::generate().map_err(|error| error.to_string())?,
            directory: Arc::new(CaseDirectory::new()?),
        })
    }

    /// The configuration that trusts this mint.
    pub(super) fn trusted(&self) -> Result<identity::Config, String> {
        let public_key = self.capabilities.public_pem().map_err(|error| error.to_string())?;
        let key = KeyConfig {
            kid: self.capabilities.kid().to_owned(),
            public_key: Some(public_key),
            public_key_file: None,
        };
        let capabilities = capability::Config {
            header: Some(CAPABILITY.to_owned()),
            ..capability::Config::new(ISSUER, AUDIENCE, vec![key])
        };
        Ok(identity::Config {
            issuers: vec![self.issuer.issuer_config()],
            capabilities: Some(capabilities),
            ..identity::Config::default()
        })
    }

    /// The headers of a call that presents this; puts the records that it needs in force.
    pub(super) fn headers(&self, presented: &Presented, at: Timestamp) -> Result<HeaderMap, String> {
        self.directory.clear()?;
        let token = match presented {
            Presented::Nothing => return Ok(HeaderMap::new()),
            Presented::Valid(credentials) => return self.valid(credentials, at),
            Presented::Malformed => Secret::default(),
            Presented::Expired => {
                let hour_ago = Timestamp(at.0.saturating_sub(3_600_000_000_000));
                self.token(&someone("expired"), hour_ago)?
            }
            // The contents of one token with the signature of another.
            Presented::Bad => {
                let (mine, other) =
                    (self.token(&someone("forged"), at)?, self.token(&someone("honest"), at)?);
                let (contents, _) = mine.expose().rsplit_once('.').unwrap_or_default();
                let (_, signature) = other.expose().rsplit_once('.').unwrap_or_default();
                Secret::new(format!("{contents}.{signature}"))
            }
        };
        Ok(HeaderMap::from_iter([bearer(&token)?]))
    }

    fn valid(&self, credentials: &Credentials, at: Timestamp) -> Result<HeaderMap, String> {
        let Credentials { token, capability, api_key, delegation } = credentials;
        let (mut headers, mut parts) = (HeaderMap::new(), Parts::default());
        if let Some(api_key) = api_key {
            let key = add_key(&mut parts, api_key)?;
            headers.insert(HeaderName::from_static(API_KEY), sensitive(key.expose())?);
        }
        if let Some(token) = token {
            let agent = token.claims.get("agent").and_then(|agent| agent.0.as_str());
            agent.into_iter().for_each(|id| add_agent(&mut parts, id, None));
            headers.extend([bearer(&self.token(token, at)?)?]);
        }
        if let Some(capability) = capability {
            let organisation = capability.organisation.as_deref();
            // The one that calls is known to the directory.
            add_agent(&mut parts, capability.act.first().unwrap_or(&capability.agent), organisation);
            let minted = self.capability(capability, at)?;
            let header = match token {
                Some(_) => (HeaderName::from_static(CAPABILITY), sensitive(minted.expose())?),
                None => bearer(&minted)?,
            };
            headers.extend([header]);
        }
        if let Some(delegation) = delegation {
            add_delegation(&mut parts, delegation, at);
            headers.insert(HeaderName::from_static(DELEGATION.0), HeaderValue::from_static(DELEGATION.1));
        }
        self.directory.put(Records::new(parts, None).map_err(|error| error.to_string())?);
        Ok(headers)
    }

    fn token(&self, token: &Token, at: Timestamp) -> Result<Secret<String>, String> {
        let Token { sub, kind, roles, claims, ttl } = token;
        let request = TokenRequest {
            sub: sub.clone(),
            kind: Some(kind.clone()),
            roles: roles.clone(),
            claims: claims.iter().map(|(name, value)| (name.clone(), value.0.clone())).collect(),
            ttl: ttl.0,
        };
        self.issuer.mint(&request, at).map_err(|error| format!("`credential`: {error}"))
    }

    fn capability(&self, capability: &Capability, at: Timestamp) -> Result<Secret<String>, String> {
        let Capability { agent, scope, permissions, organisation, act, bound_to, ttl } = capability;
        let request = Request {
            issuer: ISSUER.to_owned(),
            audience: AUDIENCE.to_owned(),
            agent: agent.clone(),
            scope: scope.clone(),
            permissions: permissions.clone(),
            organisation: organisation.clone(),
            actors: act.clone(),
            bound_to: bound_to.clone(),
            ttl: ttl.0,
        };
        let minted = self.capabilities.mint(&request, self.capabilities.kid(), at);
        minted.map_err(|error| format!("`credential`: {error}"))
    }
}

/// A key, of which the record is added.
fn add_key(parts: &mut Parts, api_key: &ApiKey) -> Result<Secret<String>, String> {
    let ApiKey { id, agent, organisation, roles, permissions, limits, disabled } = api_key;
    let key = generate("fixture")?;
    if let Some(id) = agent {
        add_agent(parts, id, organisation.as_deref());
        for agent in &mut parts.agents {
            agent.limits = Arc::new(limits.clone());
        }
    }
    if let Some(id) = organisation {
        add_organisation(parts, id);
    }
    let of_agent = agent.is_some();
    parts.keys.push(KeyParts {
        id: id.clone(),
        kind: if of_agent { KeyKind::Agent } else { KeyKind::Service },
        agent: agent.clone(),
        organisation: organisation.clone().filter(|_| !of_agent),
        hash: KeyHash::of(key.expose()),
        prefix: None,
        roles: roles.clone(),
        permissions: permissions.clone(),
        limits: limits.clone(),
        metadata: serde_json::Map::new(),
        expires_at: None,
        disabled: *disabled,
    });
    Ok(key)
}

/// The record of a delegation, and those of its agents.
fn add_delegation(parts: &mut Parts, delegation: &Delegation, at: Timestamp) {
    let Delegation { from, to, scope, ttl, disabled } = delegation;
    add_agent(parts, from, None);
    add_agent(parts, to, None);
    let ttl = i64::try_from(ttl.0.as_nanos()).unwrap_or(i64::MAX);
    parts.delegations.push(registry::Delegation {
        id: DELEGATION.1.to_owned(),
        from: from.clone(),
        to: to.clone(),
        scope: scope.clone(),
        expires_at: Timestamp(at.0.saturating_add(ttl)),
        parent: None,
        organisation: None,
        state: if *disabled { State::Disabled } else { State::Active },
        created_at: None,
    });
}

/// The record of an agent, if there is none yet.
fn add_agent(parts: &mut Parts, id: &str, organisation: Option<&str>) {
    if parts.agents.iter().any(|agent| agent.id == id) {
        return;
    }
    parts.agents.push(Agent {
        id: id.to_owned(),
        organisation: organisation.map(str::to_owned),
        ..Agent::default()
    });
    organisation.into_iter().for_each(|id| add_organisation(parts, id));
}

fn add_organisation(parts: &mut Parts, id: &str) {
    if !parts.organisations.iter().any(|one| one.id == id) {
        parts.organisations.push(Organisation { id: id.to_owned(), ..Organisation::default() });
    }
}

fn someone(id: &str) -> Token {
    Token {
        sub: id.to_owned(),
        kind: "user".to_owned(),
        roles: Vec::new(),
        claims: BTreeMap::new(),
        ttl: Period::secs(60),
    }
}

fn bearer(token: &Secret<String>) -> Result<(HeaderName, HeaderValue), String> {
    Ok((AUTHORIZATION, sensitive(&format!("Bearer {}", token.expose()))?))
}

fn sensitive(text: &str) -> Result<HeaderValue, String> {
    let mut value = HeaderValue::from_str(text).map_err(|error| error.to_string())?;
    value.set_sensitive(true);
    Ok(value)
}
