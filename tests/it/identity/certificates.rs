//! Certificates of clients: as credentials, as what tokens are bound to (RFC 8705), and as proxies pass them on.

use std::fmt::Write as _;

use aws_lc_rs::digest;
use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rcgen::{CertificateParams, DistinguishedName, DnType, SanType};
use serde_json::json;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::version::TLS13;
use verdict::identity::{Authenticator, ClientCertificatesConfig, Config, NameType};
use verdict::model::client_certificate::{ClientCertificate, VouchedBy};
use verdict::model::failure::Failure;
use verdict::model::presented::Presented;
use verdict::model::principal::{AuthContext, IdentityMode, Proof, Verified};

use super::support::*;
use crate::harness::TestApp;
use crate::tls::authority::{Authority, Client};

const GATEWAY: &str = "urn:gateway";
const HEADER: &str = "x-forwarded-client-cert";

fn shown(pem: &str) -> ClientCertificate {
    let der = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
    ClientCertificate::new([der], VouchedBy::Authority).unwrap()
}

/// A certificate with this URI, and its text in PEM.
fn with_uri(uri: &str) -> (ClientCertificate, String) {
    let (pem, _) = Authority::new().pair_with_uris(&[uri]);
    (shown(&pem), pem)
}

fn authenticator(subject: NameType, proxies: &[&str]) -> Authenticator {
    let keys = jwks(&[pair_for("ES256").jwk("k1", json!({}))]);
    let certificates = ClientCertificatesConfig { subject, kind: "service".to_owned(), agent: false };
    let config = Config {
        client_certificates: Some(certificates),
        proxies: proxies.iter().map(|name| (*name).to_owned()).collect(),
        ..config(vec![issuer(&["ES256"], keys)])
    };
    build(&config, &clock()).unwrap()
}

async fn call(
    authenticator: &Authenticator,
    certificate: Option<&ClientCertificate>,
    headers: &[(&str, &str)],
) -> Result<Verified, Failure> {
    let pair = |(name, value): &(&str, &str)| {
        (HeaderName::try_from(*name).unwrap(), HeaderValue::from_str(value).unwrap())
    };
    let mut map = HeaderMap::new();
    headers.iter().map(pair).for_each(|(name, value)| {
        map.append(name, value);
    });
    let presented = Presented::from(&map).with_certificate(certificate);
    match authenticator.authenticate(IdentityMode::Required, &presented).await? {
        AuthContext::Verified(verified) => Ok(verified),
        other => panic!("{other:?}"),
    }
}

/// The subject, with those who act for it, or the failure's text.
async fn who(
    authenticator: &Authenticator,
    certificate: Option<&ClientCertificate>,
    headers: &[(&str, &str)],
) -> String {
    match call(authenticator, certificate, headers).await {
        Ok(verified) => {
            let actors = verified.principal.actors.iter();
            actors.fold(verified.principal.id.clone(), |text, actor| format!("{text} by {}", actor.id))
        }
        Err(failure) => failure.message,
    }
}

fn named(names: &[SanType], common_name: Option<&str>) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.subject_alt_names = names.to_vec();
    params.distinguished_name = DistinguishedName::new();
    if let Some(name) = common_name {
        params.distinguished_name.push(DnType::CommonName, name);
    }
    params
}

#[tokio::test]
async fn a_certificate_is_who_its_only_name_of_the_configured_type_says() {
    const NOT_ONE: &str =
        "the client's certificate does not have exactly one name of the type that is asked for";
    let uri = |uri: &str| SanType::URI(uri.try_into().unwrap());
    let dns = |name: &str| SanType::DnsName(name.try_into().unwrap());
    let email = |name: &str| SanType::Rfc822Name(name.try_into().unwrap());
    let all = [uri("urn:a"), dns("a.example"), email("a@example")];
    let authority = Authority::new();
    for (subject, names, common_name, expected) in [
        (NameType::Uri, &all[..], None, "urn:a"),
        (NameType::Dns, &all, None, "a.example"),
        (NameType::Email, &all, None, "a@example"),
        (NameType::CommonName, &all, Some("A"), "A"),
        (NameType::CommonName, &all, None, NOT_ONE),
        (NameType::CommonName, &[], Some(""), NOT_ONE),
        (NameType::CommonName, &[], Some("a\nb"), NOT_ONE),
        (NameType::Uri, &[dns("a.example")], Some("A"), NOT_ONE),
        (NameType::Uri, &[uri("urn:a"), uri("urn:b")], None, NOT_ONE),
        (NameType::Dns, &[dns("a.example"), dns("b.example")], None, NOT_ONE),
    ] {
        let certificate = shown(&authority.pair_of(named(names, common_name)).0);
        assert_eq!(who(&authenticator(subject, &[]), Some(&certificate), &[]).await, expected);
    }
}

#[tokio::test]
async fn policy_sees_how_a_certificate_was_verified_and_what_it_says() {
    let authenticator = authenticator(NameType::Uri, &[]);
    let (certificate, _) = with_uri("urn:a");
    let verified = call(&authenticator, Some(&certificate), &[]).await.unwrap();
    let principal = serde_json::to_value(&*verified.principal).unwrap();
    assert_eq!(
        [&principal["method"], &principal["proof"], &principal["type"], &principal["claims"]["x5t#S256"]],
        [&json!("mtls"), &json!({"type": "mtls"}), &json!("service"), &json!(certificate.thumbprint())]
    );
    assert_eq!(authenticator.cached_tokens(), 1);
    let missing = call(&authenticator, None, &[]).await.unwrap_err();
    assert_eq!(missing.message, "a credential is required");
}

#[tokio::test]
async fn certificates_out_of_their_time_and_what_is_none_are_refused() {
    let authenticator = authenticator(NameType::Uri, &[]);
    let authority = Authority::new();
    let of_years = |from, until| {
        let mut params = named(&[SanType::URI("urn:a".try_into().unwrap())], None);
        params.not_before = rcgen::date_time_ymd(from, 1, 1);
        params.not_after = rcgen::date_time_ymd(until, 1, 1);
        shown(&authority.pair_of(params).0)
    };
    let mut longer = of_years(2020, 2099).leaf().to_vec();
    longer.push(0);
    let of_bytes = |der: &[u8]| ClientCertificate::new([der], VouchedBy::Authority).unwrap();
    for (certificate, expected) in [
        (of_years(2020, 2099), "urn:a"),
        (of_years(2020, 2021), "the client's certificate has expired"),
        (of_years(2090, 2099), "the client's certificate is not valid yet"),
        (of_bytes(b"no certificate"), "the client's certificate is not one of X.509"),
        (of_bytes(&longer), "the client's certificate is followed by something else"),
    ] {
        assert_eq!(who(&authenticator, Some(&certificate), &[]).await, expected);
    }
}

fn bound_to(certificate: &ClientCertificate) -> String {
    let mut payload = claims();
    payload["cnf"] = json!({ "x5t#S256": certificate.thumbprint() });
    es256_token(&payload)
}

#[tokio::test]
async fn a_bound_token_counts_with_its_certificate_alone_cached_or_not() {
    const UNPROVEN: &str = "the credential is bound to a key that the caller does not prove to hold";
    let (certificate, other) = (with_uri("urn:a").0, with_uri("urn:a").0);
    let bearer = format!("Bearer {}", bound_to(&certificate));
    let headers = [("authorization", bearer.as_str())];
    // Where certificates are no credentials of their own, and where they are.
    let (plain, _) = es256();
    for _ in 0..2 {
        assert_eq!(who(&plain, None, &headers).await, UNPROVEN);
        assert_eq!(who(&plain, Some(&other), &headers).await, UNPROVEN);
        let verified = call(&plain, Some(&certificate), &headers).await.unwrap();
        assert_eq!((verified.principal.id.as_str(), verified.principal.proof), ("alice", Proof::Mtls));
    }
    assert_eq!(plain.cached_tokens(), 1);
    let both = authenticator(NameType::Uri, &[]);
    assert_eq!(who(&both, Some(&certificate), &headers).await, "alice by urn:a");
    assert_eq!(who(&both, Some(&other), &headers).await, UNPROVEN);
    let unbound = format!("Bearer {}", es256_token(&claims()));
    let different = who(&both, Some(&certificate), &[("authorization", &unbound)]).await;
    assert_eq!(different, "the credentials name different subjects");
}

fn percent(pem: &str) -> String {
    utf8_percent_encode(pem, NON_ALPHANUMERIC).to_string()
}

fn hex_of(certificate: &ClientCertificate) -> String {
    let hash = digest::digest(&digest::SHA256, certificate.leaf());
    hash.as_ref().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[tokio::test]
async fn what_a_proxy_passes_on_counts_and_what_others_pass_on_refuses() {
    const NOT_FROM_PROXY: &str =
        "the `x-forwarded-client-cert` header does not come from a proxy that may pass on certificates";
    const NOBODY: &str = "a credential is required";
    let authenticator = authenticator(NameType::Uri, &[GATEWAY, "urn:edge"]);
    let ((gateway, _), (edge, edge_pem), (alice, alice_pem)) =
        (with_uri(GATEWAY), with_uri("urn:edge"), with_uri("urn:alice"));
    let (_, mallory_pem) = with_uri("urn:mallory");
    let cert = |pem: &str| format!("Cert=\"{}\"", percent(pem));
    let (of_alice, of_edge, of_mallory) = (cert(&alice_pem), cert(&edge_pem), cert(&mallory_pem));
    let hashed = |hash: &str| format!("Hash={hash};{of_alice}");
    for (by, header, expected) in [
        (Some(&gateway), Some(of_alice.clone()), "urn:alice"),
        (Some(&gateway), Some(hashed(&hex_of(&alice))), "urn:alice"),
        (
            Some(&gateway),
            Some(hashed(&hex_of(&edge))),
            "the `x-forwarded-client-cert` header contradicts itself",
        ),
        // The nearest proxy's word counts, and not what its client made up.
        (Some(&gateway), Some(format!("{of_mallory},{of_alice}")), "urn:alice"),
        (Some(&gateway), Some(format!("{of_alice},{of_edge}")), "urn:alice"),
        (Some(&gateway), Some(format!("{of_mallory},{of_alice},{of_edge}")), "urn:alice"),
        (Some(&gateway), Some(of_edge.clone()), NOBODY),
        (Some(&gateway), None, NOBODY),
        // A name without its certificate is somebody's word, and nobody's credential.
        (Some(&gateway), Some("URI=urn:alice".to_owned()), NOBODY),
        (
            Some(&gateway),
            Some(String::new()),
            "the `x-forwarded-client-cert` header is not made of `Key=Value`",
        ),
        (Some(&alice), Some(of_mallory.clone()), NOT_FROM_PROXY),
        (Some(&alice), None, "urn:alice"),
        (None, Some(of_alice.clone()), NOT_FROM_PROXY),
    ] {
        let headers: Vec<_> = header.as_deref().map(|value| (HEADER, value)).into_iter().collect();
        assert_eq!(who(&authenticator, by, &headers).await, expected, "{header:?}");
    }
    let twice = [(HEADER, of_alice.as_str()), (HEADER, of_alice.as_str())];
    assert_eq!(
        who(&authenticator, Some(&gateway), &twice).await,
        "more than one `x-forwarded-client-cert` header"
    );
}

#[tokio::test]
async fn the_certificate_of_a_gateway_is_nobodys_credential() {
    let authenticator = authenticator(NameType::Uri, &[GATEWAY]);
    let ((gateway, _), (mallory, _), (_, alice_pem)) =
        (with_uri(GATEWAY), with_uri("urn:mallory"), with_uri("urn:alice"));
    let of_alice = format!("Cert=\"{}\"", percent(&alice_pem));
    for (through, header, expected) in [
        (&gateway, Some(&of_alice), Ok("urn:alice")),
        (&gateway, None, Err("a credential is required")),
        (&mallory, None, Err("a credential is required")),
        (
            &mallory,
            Some(&of_alice),
            Err(
                "the `x-forwarded-client-cert` header does not come from a proxy that may pass on certificates",
            ),
        ),
    ] {
        let headers = header.map(|value| (HeaderName::from_static(HEADER), value.parse().unwrap()));
        let headers: HeaderMap = headers.into_iter().collect();
        let presented = Presented::from(&headers).through(Some(through));
        let who = match authenticator.authenticate(IdentityMode::Required, &presented).await {
            Ok(AuthContext::Verified(verified)) => Ok(verified.principal.id.clone()),
            Ok(other) => panic!("{other:?}"),
            Err(failure) => Err(failure.message),
        };
        assert_eq!(who, expected.map(str::to_owned).map_err(str::to_owned), "{header:?}");
    }
}

#[tokio::test]
async fn a_token_is_bound_to_the_clients_certificate_and_not_to_the_proxys() {
    const UNPROVEN: &str = "the credential is bound to a key that the caller does not prove to hold";
    let authenticator = authenticator(NameType::Uri, &[GATEWAY]);
    let ((gateway, _), (alice, _)) = (with_uri(GATEWAY), with_uri("urn:alice"));
    let (of_alice, of_gateway) =
        (format!("Bearer {}", bound_to(&alice)), format!("Bearer {}", bound_to(&gateway)));
    let hash = format!("Hash={}", hex_of(&alice));
    for (bearer, header, expected) in [
        (&of_alice, Some(&hash), "alice"),
        (&of_alice, None, UNPROVEN),
        (&of_gateway, Some(&hash), UNPROVEN),
        (&of_gateway, None, UNPROVEN),
    ] {
        let mut headers = vec![("authorization", bearer.as_str())];
        headers.extend(header.map(|value| (HEADER, value.as_str())));
        assert_eq!(who(&authenticator, Some(&gateway), &headers).await, expected);
    }
}

#[test]
fn a_server_knows_the_holder_of_a_certificate_and_believes_its_proxy() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let app = TestApp::new().file("app/p.rego", "package app\n\nwho := input.subject.id\n");
    let dir = app.dir.path().to_owned();
    authority.issue(&dir, 1);
    std::fs::write(dir.join("clients.pem"), clients.pem()).unwrap();
    let app = app.config(
        "server: {listen: '127.0.0.1:0', tls: {cert: cert.pem, key: key.pem, client_ca: clients.pem}}\n\
         identity: {client_certificates: {subject: uri}, proxies: ['urn:gateway']}\n",
    );
    let server = app.start();
    let ask = |own: &(String, String), headers: &[(&str, &str)]| {
        let client = Client::with(&authority, &TLS13, Some(own.clone()));
        let (status, body) = client.send(server.app.address, "/v1/data/app/who", headers, "{}").unwrap();
        let answer: serde_json::Value = serde_json::from_str(&body).unwrap();
        (status, answer["result"].clone())
    };
    let (alice, gateway) = (clients.pair_with_uris(&["urn:alice"]), clients.pair_with_uris(&[GATEWAY]));
    let passed_on = format!("Cert={}", percent(&alice.0));
    let headers = [(HEADER, passed_on.as_str())];
    assert_eq!(ask(&alice, &[]), (200, json!("urn:alice")));
    assert_eq!(ask(&gateway, &headers), (200, json!("urn:alice")));
    assert_eq!(ask(&gateway, &[]).0, 401);
    assert_eq!(ask(&alice, &headers).0, 401);
    let records = server.records();
    assert_eq!(records[0]["input"]["subject"]["id"], "urn:alice");
    assert!(records.iter().all(|record| !record.to_string().contains("BEGIN")), "a record has a certificate");
}

#[test]
fn what_envoy_passes_on_counts_and_its_own_certificate_does_not() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let app =
        TestApp::new().file("app/p.rego", "package app\n\nallow if input.subject.id == \"urn:alice\"\n");
    let dir = app.dir.path().to_owned();
    authority.issue(&dir, 1);
    std::fs::write(dir.join("clients.pem"), clients.pem()).unwrap();
    let app = app.config(
        "server: {listen: '127.0.0.1:0', tls: {cert: cert.pem, key: key.pem, client_ca: clients.pem}}\n\
         identity: {client_certificates: {subject: uri}, proxies: ['urn:gateway']}\n\
         decision: {default_path: app/allow}\n",
    );
    let server = app.start();
    let (alice, gateway) = (clients.pair_with_uris(&["urn:alice"]), clients.pair_with_uris(&[GATEWAY]));
    let passed_on = format!("Cert={}", percent(&alice.0));
    for (own, header, status) in [
        (&gateway, Some(&passed_on), 200),
        (&gateway, None, 401),
        (&alice, None, 401),
        (&alice, Some(&passed_on), 401),
    ] {
        let headers: Vec<_> = header.map(|value| (HEADER, value.as_str())).into_iter().collect();
        let client = Client::with(&authority, &TLS13, Some(own.clone()));
        let (answered, body) = client.send(server.app.address, "/ext_authz/orders", &headers, "{}").unwrap();
        assert_eq!(answered, status, "{header:?}: {body}");
    }
    let records = server.records();
    assert!(records.iter().all(|record| !record.to_string().contains("BEGIN")), "a record has a certificate");
}

#[test]
fn a_bound_token_is_accepted_on_a_connection_with_its_certificate_alone() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let app = TestApp::new()
        .clock(clock())
        .file("app/p.rego", "package app\n\nproof := input.subject.proof.type\n");
    let dir = app.dir.path().to_owned();
    authority.issue(&dir, 1);
    std::fs::write(dir.join("clients.pem"), clients.pem()).unwrap();
    std::fs::write(dir.join("jwks.json"), jwks(&[pair_for("ES256").jwk("k1", json!({}))])).unwrap();
    let server = app
        .config(&format!(
            "server: {{listen: '127.0.0.1:0', tls: {{cert: cert.pem, key: key.pem, client_ca: clients.pem, client_auth: optional}}}}\n\
             identity: {{issuers: [{{issuer: '{ISSUER}', audience: {AUDIENCE}, algorithms: [ES256], jwks_file: jwks.json}}]}}\n"
        ))
        .start();
    let (own, other) = (clients.pair(7, 2099), clients.pair(8, 2099));
    let bearer = format!("Bearer {}", bound_to(&shown(&own.0)));
    let ask = |own: Option<&(String, String)>| {
        let client = Client::with(&authority, &TLS13, own.cloned());
        let headers = [("authorization", bearer.as_str())];
        client.send(server.app.address, "/v1/data/app/proof", &headers, "{}").unwrap()
    };
    for _ in 0..2 {
        let (status, body) = ask(Some(&own));
        assert!(status == 200 && body.contains("\"mtls\""), "{body}");
        assert_eq!((ask(Some(&other)).0, ask(None).0), (401, 401));
    }
}
