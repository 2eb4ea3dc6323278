use std::collections::BTreeMap;
use std::net::IpAddr;

use super::*;
use crate::identity::api_key::config::{PrefixConfig, VariableConfig};
use crate::model::clock::Clock;
use crate::model::roles::Role;
use crate::model::variables::Variables;
use crate::net;
use crate::registry::{KeyParts, Named, Parts, Revocation, State, Status, TooOld};

const NOW: Timestamp = Timestamp(1_800_000_000_000_000_000);

/// Records that stay as they are.
#[derive(Debug)]
struct Fixed(Arc<Records>);

impl Directory for Fixed {
    fn records(&self) -> Result<Arc<Records>, TooOld> {
        Ok(Arc::clone(&self.0))
    }

    fn status(&self) -> Status {
        let counts = self.0.counts();
        Status { source: "test".to_owned(), generation: 1, counts, last_success: None, last_error: None }
    }
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn agent(id: &str) -> Agent {
    Agent {
        id: id.to_owned(),
        roles: texts(&["cashier"]),
        permissions: texts(&["stripe:refund"]),
        ..Agent::default()
    }
}

fn key(text: &str, kind: KeyKind) -> KeyParts {
    let agent = matches!(kind, KeyKind::Agent | KeyKind::Device).then(|| "payer".to_owned());
    KeyParts {
        id: format!("id of {}", kind.name()),
        kind,
        agent,
        organisation: None,
        hash: KeyHash::of(text),
        prefix: None,
        roles: Vec::new(),
        permissions: Vec::new(),
        limits: Default::default(),
        metadata: serde_json::Map::new(),
        expires_at: None,
        disabled: false,
    }
}

fn parts() -> Parts {
    Parts {
        agents: vec![agent("payer")],
        keys: vec![
            key("agent-key-of-the-payer", KeyKind::Agent),
            key("service-key-of-nobody", KeyKind::Service),
            key("bridge-key-of-nobody", KeyKind::Bridge),
            key("device-key-of-the-payer", KeyKind::Device),
        ],
        roles: vec![Role { name: "cashier".to_owned(), permissions: texts(&["stripe:create_payment"]) }],
        ..Parts::default()
    }
}

fn with_setup(config: &ApiKeysConfig, change: impl FnOnce(&mut Setup<'_>)) -> Result<ApiKeys, ConfigError> {
    let client = net::Client::new(&net::Config::default()).unwrap();
    let mut setup = Setup::new(std::path::Path::new(""), Clock::fixed(NOW), client);
    change(&mut setup);
    ApiKeys::new(config, texts(&["relay_jwt_"]), &setup)
}

fn keys(parts: Parts, config: &ApiKeysConfig) -> ApiKeys {
    let records = Arc::new(Records::new(parts, None).unwrap());
    with_setup(config, |setup| setup.directory = Some(Arc::new(Fixed(records)))).unwrap()
}

fn ask(keys: &ApiKeys, place: &str, text: &str, peer: &str, now: Timestamp) -> Result<String, Refusal> {
    let name: HeaderName;
    let place = match place {
        "bearer" => Place::Bearer,
        header => {
            name = header.parse().unwrap();
            Place::Header(&name)
        }
    };
    let candidate = Candidate { place, text, peer: peer.parse::<IpAddr>().ok(), dpop: false };
    let accepted = keys.verify_key(&candidate, now)?;
    match accepted.says {
        Statement::Subject(subject) => Ok(subject.principal.id.clone()),
        _ => Ok("a delegation".to_owned()),
    }
}

#[test]
fn each_kind_of_key_has_its_places() {
    let keys = keys(parts(), &ApiKeysConfig::default());
    for (text, who, places) in [
        ("agent-key-of-the-payer", "payer", ["yes", "yes", "yes", "no", "no"]),
        ("service-key-of-nobody", "id of service", ["yes", "yes", "yes", "no", "no"]),
        ("bridge-key-of-nobody", "id of bridge", ["yes", "no", "no", "yes", "no"]),
        ("device-key-of-the-payer", "payer", ["yes", "no", "no", "no", "yes"]),
    ] {
        let all = ["bearer", "x-api-key", "x-relay-api-key", "x-agentpack-key", "x-agentpack-device-key"];
        for (place, expected) in all.into_iter().zip(places) {
            match ask(&keys, place, text, "192.0.2.1", NOW) {
                Ok(id) => assert_eq!((expected, id.as_str()), ("yes", who), "{text} in {place}"),
                Err(Refusal::WrongUse(_)) => assert_eq!(expected, "no", "{text} in {place}"),
                Err(other) => panic!("{text} in {place}: {other}"),
            }
        }
    }
}

#[test]
fn a_key_says_who_calls_and_what_that_one_may_do() {
    let keys = keys(parts(), &ApiKeysConfig::default());
    let candidate =
        Candidate { place: Place::Bearer, text: "device-key-of-the-payer", peer: None, dpop: false };
    let accepted = keys.verify_key(&candidate, NOW).unwrap();
    let Statement::Subject(subject) = accepted.says else { panic!("a delegation") };
    let principal = subject.principal;
    assert_eq!((principal.id.as_str(), principal.kind.as_str()), ("payer", "agent"));
    assert_eq!((principal.agent.as_deref(), principal.issuer.as_str()), (Some("payer"), "registry"));
    assert_eq!(principal.permissions, ["stripe:refund", "stripe:create_payment"]);
    assert_eq!(accepted.proves, Some(ProofKey::Id("id of device".to_owned())));
    assert!(!accepted.kept, "revocation is immediate");
    let again = keys.verify_key(&candidate, NOW).unwrap();
    let Statement::Subject(again) = again.says else { panic!("a delegation") };
    assert!(Arc::ptr_eq(&principal, &again.principal), "made once");
}

#[test]
fn roles_of_the_configuration_count_anew_with_each_configuration() {
    let records = Arc::new(Records::new(parts(), None).unwrap());
    let permissions = |role_permissions: bool, roles: &[Role]| {
        let keys = with_setup(&ApiKeysConfig::default(), |setup| {
            setup.directory = Some(Arc::new(Fixed(Arc::clone(&records))));
            setup.role_permissions = role_permissions;
            setup.roles = Arc::new(Roles::new(roles));
        });
        let candidate =
            Candidate { place: Place::Bearer, text: "agent-key-of-the-payer", peer: None, dpop: false };
        match keys.unwrap().verify_key(&candidate, NOW).unwrap().says {
            Statement::Subject(subject) => subject.principal.permissions.join(" "),
            _ => String::new(),
        }
    };
    let role = Role { name: "cashier".to_owned(), permissions: texts(&["view"]) };
    assert_eq!(permissions(true, &[]), "stripe:refund stripe:create_payment");
    assert_eq!(permissions(true, &[role]), "stripe:refund view stripe:create_payment");
    assert_eq!(permissions(false, &[]), "stripe:refund");
}

#[test]
fn what_ends_a_key_is_told_apart() {
    let hour = Timestamp(NOW.0 + 3_600_000_000_000);
    let refused = |change: fn(&mut Parts), now: Timestamp| {
        let mut parts = parts();
        change(&mut parts);
        let keys = keys(parts, &ApiKeysConfig::default());
        ask(&keys, "x-api-key", "agent-key-of-the-payer", "192.0.2.1", now)
    };
    let revoke = Revocation::of;
    assert_eq!(refused(|_| {}, NOW), Ok("payer".to_owned()));
    assert_eq!(refused(|p| p.keys[0].expires_at = Some(NOW), NOW), Err(Refusal::KeyExpired));
    assert_eq!(refused(|p| p.keys[0].expires_at = Some(Timestamp(NOW.0 + 1)), NOW), Ok("payer".to_owned()));
    assert_eq!(
        refused(|p| p.keys[0].expires_at = Some(Timestamp(NOW.0 + 1)), hour),
        Err(Refusal::KeyExpired)
    );
    for change in [
        (|p: &mut Parts| p.keys[0].disabled = true) as fn(&mut Parts),
        |p| p.agents[0].state = State::Disabled,
        |p| p.agents[0].organisation = Some("gone".to_owned()),
    ] {
        assert_eq!(refused(change, NOW), Err(Refusal::Revoked("the api key is disabled")));
    }
    let mut revoked = parts();
    revoked.revocations = vec![revoke(Named::Agent("payer".to_owned()))];
    let keys = keys(revoked, &ApiKeysConfig::default());
    let refusal = ask(&keys, "x-api-key", "agent-key-of-the-payer", "192.0.2.1", NOW).unwrap_err();
    assert_eq!(refusal, Refusal::Revoked("the api key is revoked"));
}

#[test]
fn a_mistyped_key_is_refused_without_a_search() {
    let generated = text::generate("relay_sk_live").unwrap();
    let good = generated.expose();
    let mut parts = parts();
    let last = if good.ends_with('a') { 'b' } else { 'a' };
    let mistyped = format!("{}{last}", &good[..good.len() - 1]);
    // Even where somebody has kept the hash of it.
    parts.keys.push(KeyParts { id: "x".to_owned(), ..key(&mistyped, KeyKind::Service) });
    parts.keys.push(KeyParts { id: "y".to_owned(), ..key(good, KeyKind::Service) });
    let keys = keys(parts, &ApiKeysConfig::default());
    assert_eq!(ask(&keys, "bearer", good, "192.0.2.1", NOW), Ok("y".to_owned()));
    assert_eq!(ask(&keys, "bearer", &mistyped, "192.0.2.1", NOW), Err(Refusal::UnknownApiKey));
}

fn few_guesses() -> ApiKeysConfig {
    ApiKeysConfig {
        guesses_per_peer: "3/minute".to_owned(),
        guesses_per_prefix: "5/minute".to_owned(),
        ..ApiKeysConfig::default()
    }
}

#[test]
fn guessing_is_throttled_and_callers_at_work_are_not() {
    let keys = keys(parts(), &few_guesses());
    let ask = |text: &str, peer: &str, now: Timestamp| match ask(&keys, "bearer", text, peer, now) {
        Ok(id) => id,
        Err(Refusal::Throttled { retry_after }) => format!("wait {}", retry_after.as_secs()),
        Err(refusal) => refusal.to_string(),
    };
    let wrong = |n: u32| format!("wrong-key-number-{n}");
    assert_eq!(ask("service-key-of-nobody", "192.0.2.1", NOW), "id of service");
    for n in 0..3 {
        assert_eq!(ask(&wrong(n), "192.0.2.1", NOW), "unknown api key", "{n}");
    }
    assert_eq!(ask(&wrong(3), "192.0.2.1", NOW), "wait 20");
    // Right keys that nobody has used lately are answered like wrong ones; those at work pass.
    assert_eq!(ask("agent-key-of-the-payer", "192.0.2.1", NOW), "wait 20");
    assert_eq!(ask("service-key-of-nobody", "192.0.2.1", NOW), "id of service");
    // Others have tries of their own, until the prefix has had too many.
    assert_eq!(ask(&wrong(4), "192.0.2.2", NOW), "unknown api key");
    assert_eq!(ask(&wrong(5), "192.0.2.3", NOW), "unknown api key");
    assert_eq!(ask(&wrong(6), "192.0.2.4", NOW), "wait 12");
    assert_eq!(ask("other_wrong_key_of_length", "192.0.2.4", NOW), "unknown api key");
    let later = Timestamp(NOW.0 + 60_000_000_000);
    assert_eq!(ask("agent-key-of-the-payer", "192.0.2.1", later), "payer");
    let next_day = Timestamp(NOW.0 + 86_400_000_000_000);
    for n in 0..3 {
        ask(&wrong(n), "192.0.2.1", next_day);
    }
    assert_eq!(ask("service-key-of-nobody", "192.0.2.1", next_day), "wait 20", "not used for long");
}

#[test]
fn right_keys_use_nothing_up_and_a_reload_gives_no_new_tries() {
    let before = keys(parts(), &few_guesses());
    for _ in 0..20 {
        assert!(ask(&before, "bearer", "agent-key-of-the-payer", "192.0.2.1", NOW).is_ok());
    }
    for _ in 0..3 {
        assert_eq!(ask(&before, "bearer", "wrong-key", "192.0.2.1", NOW), Err(Refusal::UnknownApiKey));
    }
    let mut after = keys(parts(), &few_guesses());
    after.adopt(&before);
    assert!(matches!(ask(&after, "bearer", "wrong-key", "192.0.2.1", NOW), Err(Refusal::Throttled { .. })));
}

fn variables(pairs: &[(&str, &str)]) -> Variables {
    let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    pairs.collect::<BTreeMap<_, _>>().into()
}

fn from_environment(pairs: &[(&str, &str)]) -> Result<ApiKeys, ConfigError> {
    let variable = VariableConfig {
        variable: "ADMIN_KEY".to_owned(),
        id: Some("admin".to_owned()),
        kind: "user".to_owned(),
        roles: texts(&["admin"]),
        scopes: texts(&["invoke"]),
        permissions: Vec::new(),
        tenant: Some("acme".to_owned()),
        metadata: BTreeMap::from([("team".to_owned(), "ops".to_owned())]),
    };
    let prefix = PrefixConfig {
        prefix: "AGENT_KEY_".to_owned(),
        kind: "service".to_owned(),
        roles: texts(&["operator"]),
        scopes: Vec::new(),
        permissions: Vec::new(),
        tenant: None,
        metadata: BTreeMap::new(),
    };
    let config = ApiKeysConfig { env: vec![variable], env_prefix: vec![prefix], ..ApiKeysConfig::default() };
    with_setup(&config, |setup| setup.variables = variables(pairs))
}

#[test]
fn variables_hold_keys_one_by_one_or_by_their_prefix() {
    let keys = from_environment(&[
        ("ADMIN_KEY", "rosebud-rosebud-rosebud"),
        ("AGENT_KEY_PROD", "prod-key-prod-key"),
        ("AGENT_KEY_DEV", "dev-key-dev-key-dev"),
        ("AGENT_KEY_NONE", ""),
        ("OTHER", "other-key-other-key"),
    ])
    .unwrap();
    for (text, expected) in [
        ("rosebud-rosebud-rosebud", Some("admin")),
        ("prod-key-prod-key", Some("PROD")),
        ("dev-key-dev-key-dev", Some("DEV")),
        ("other-key-other-key", None),
        ("rosebud-rosebud-rosebuc", None),
    ] {
        assert_eq!(ask(&keys, "x-api-key", text, "", NOW).ok().as_deref(), expected, "{text}");
    }
    let candidate =
        Candidate { place: Place::Bearer, text: "rosebud-rosebud-rosebud", peer: None, dpop: false };
    let Statement::Subject(subject) = keys.verify_key(&candidate, NOW).unwrap().says else { panic!() };
    let principal = &subject.principal;
    assert_eq!((principal.kind.as_str(), principal.issuer.as_str()), ("user", "environment"));
    assert_eq!(
        (principal.roles.as_slice(), principal.scopes.as_slice()),
        (&texts(&["admin"])[..], &texts(&["invoke"])[..])
    );
    assert_eq!((principal.tenant.as_deref(), &principal.attributes["team"]), (Some("acme"), &"ops".into()));
}

#[test]
fn a_variable_that_holds_no_key_is_named_and_its_value_is_not() {
    let mistyped = format!("rosebud_{}", "a".repeat(36));
    for (pairs, expected) in [
        (&[("AGENT_KEY_A", "good-key-good-key")][..], "`ADMIN_KEY` is not set"),
        (&[("ADMIN_KEY", ""), ("AGENT_KEY_A", "good-key-good-key")], "`ADMIN_KEY` is not set"),
        (&[("ADMIN_KEY", "good-key-good-key")], "no environment variable begins with `AGENT_KEY_`"),
        (&[("ADMIN_KEY", "rosebud-rosebud")], "`ADMIN_KEY` holds a key of fewer than 16 characters"),
        (&[("ADMIN_KEY", "rosebud rosebud rosebud")], "`ADMIN_KEY` has characters that no header can carry"),
        (&[("ADMIN_KEY", "rosebud-rosébud-rosebud")], "`ADMIN_KEY` has characters that no header can carry"),
        (&[("ADMIN_KEY", &mistyped)], "`ADMIN_KEY` looks like a key of Verdict's, and its checksum is wrong"),
        (
            &[("ADMIN_KEY", "rosebud-rosebud-rosebud"), ("AGENT_KEY_A", "rosebud-rosebud-rosebud")],
            "`AGENT_KEY_A` holds the same key as `ADMIN_KEY`",
        ),
        (
            &[("ADMIN_KEY", "good-key-good-key"), ("AGENT_KEY_", "rosebud-rosebud-rosebud")],
            "the rest of the name `AGENT_KEY_` is empty",
        ),
    ] {
        let error = from_environment(pairs).err().unwrap().to_string();
        assert!(error.contains(expected) && !error.contains("rosebud"), "{error}");
    }
}

#[test]
fn what_cannot_be_configured_is_named_with_its_key() {
    for (config, at) in [
        (ApiKeysConfig { headers: texts(&["x api key"]), ..ApiKeysConfig::default() }, "headers[0]"),
        (
            ApiKeysConfig { headers: texts(&["x-a", "Authorization"]), ..ApiKeysConfig::default() },
            "headers[1]",
        ),
        (ApiKeysConfig { headers: texts(&["x-a", "X-A"]), ..ApiKeysConfig::default() }, "headers[1]"),
        (
            ApiKeysConfig { guesses_per_peer: "many".to_owned(), ..ApiKeysConfig::default() },
            "guesses_per_peer",
        ),
        (
            ApiKeysConfig { guesses_per_prefix: "0/s".to_owned(), ..ApiKeysConfig::default() },
            "guesses_per_prefix",
        ),
    ] {
        let error = check(&config).pop().unwrap();
        assert_eq!(error.at, format!("identity.api_keys.{at}"));
    }
    assert!(check(&ApiKeysConfig::default()).is_empty());
}

#[test]
fn without_keys_nothing_is_looked_at() {
    let keys = with_setup(&ApiKeysConfig::default(), |_| {}).unwrap();
    assert!(!keys.is_used());
    let candidate = Candidate { place: Place::Bearer, text: "opaque", peer: None, dpop: false };
    assert!(!keys.recognises(&candidate));
}

#[test]
fn a_key_is_known_by_its_place_and_is_no_token() {
    let keys = keys(parts(), &ApiKeysConfig::default());
    let (known, other) = (HeaderName::from_static("x-api-key"), HeaderName::from_static("x-other"));
    for (place, text, expected) in [
        (Place::Bearer, "opaque", true),
        (Place::Bearer, "a.b.c", false),
        (Place::Header(&known), "opaque", true),
        (Place::Header(&known), "with.dots", true),
        (Place::Header(&known), "relay_jwt_a.b.c", false),
        (Place::Header(&other), "opaque", false),
    ] {
        let candidate = Candidate { place, text, peer: None, dpop: false };
        assert_eq!(keys.recognises(&candidate), expected, "{text} {place:?}");
    }
}
