//! X.509-SVIDs against the bundles of their trust domains: each thing that is checked of one, broken in turn.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::HeaderMap;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, NameConstraints, SanType,
};
use serde_json::{Value, json};
use verdict::identity::{Authenticator, Config};
use verdict::model::client_certificate::{ClientCertificate, VouchedBy};
use verdict::model::failure::FailureKind;
use verdict::model::presented::Presented;
use verdict::model::principal::{AuthContext, IdentityMode};

use super::spiffe::{in_file, quick, trusting};
use super::support::*;

const ALICE: &str = "spiffe://example.org/service/alice";

/// An authority of a trust domain, or one between it and a workload.
pub struct Signer {
    pub der: Vec<u8>,
    issuer: Issuer<'static, KeyPair>,
}

type Change = fn(&mut CertificateParams);

fn authority_params(name: &str, change: Change) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    change(&mut params);
    params
}

impl Signer {
    pub fn new(name: &str, change: Change) -> Self {
        let (key, params) = (KeyPair::generate().unwrap(), authority_params(name, change));
        let der = params.self_signed(&key).unwrap().der().to_vec();
        Self { der, issuer: Issuer::new(params, key) }
    }

    fn below(&self, name: &str, change: Change) -> Self {
        let (key, params) = (KeyPair::generate().unwrap(), authority_params(name, change));
        let der = params.signed_by(&key, &self.issuer).unwrap().der().to_vec();
        Self { der, issuer: Issuer::new(params, key) }
    }

    /// A workload's certificate in DER, and its key in PEM.
    pub fn workload(&self, uris: &[&str], change: Change) -> (Vec<u8>, String) {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "workload");
        let name = |uri: &&str| SanType::URI((*uri).try_into().unwrap());
        params.subject_alt_names = uris.iter().map(name).collect();
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap().der().to_vec(), key.serialize_pem())
    }
}

/// A bundle document with authorities for X.509-SVIDs.
pub fn bundle(authorities: &[&Signer]) -> String {
    let key = |one: &&Signer| json!({ "kty": "EC", "crv": "P-256", "use": "x509-svid", "x5c": [BASE64_STANDARD.encode(&one.der)] });
    json!({ "keys": authorities.iter().map(key).collect::<Vec<Value>>() }).to_string()
}

/// Trusts these domains, each with its authorities.
fn trusting_in(dir: &Path, domains: &[(&str, &[&Signer])]) -> Config {
    let domain = |(name, authorities): &(&str, &[&Signer])| {
        let path = dir.join(name);
        fs::write(&path, bundle(authorities)).unwrap();
        in_file(name, &path)
    };
    trusting(domains.iter().map(domain).collect())
}

fn shown(chain: &[&[u8]]) -> ClientCertificate {
    ClientCertificate::new(chain, VouchedBy::TrustDomain).unwrap()
}

async fn who(authenticator: &Authenticator, certificate: &ClientCertificate) -> Result<String, String> {
    let headers = HeaderMap::new();
    let presented = Presented::from(&headers).with_certificate(Some(certificate));
    match authenticator.authenticate(IdentityMode::Required, &presented).await {
        Ok(AuthContext::Verified(verified)) => Ok(verified.principal.id.clone()),
        Ok(other) => panic!("{other:?}"),
        Err(failure) => {
            assert!(matches!(
                failure.kind,
                FailureKind::CredentialMissing
                    | FailureKind::CredentialInvalid
                    | FailureKind::CredentialExpired
                    | FailureKind::VerifierUnavailable
            ));
            Err(failure.message)
        }
    }
}

fn years(params: &mut CertificateParams, from: i32, until: i32) {
    params.not_before = rcgen::date_time_ymd(from, 1, 1);
    params.not_after = rcgen::date_time_ymd(until, 1, 1);
}

/// A name, the URIs, what else is changed, and the end of the message; empty for none.
type Leaf = (&'static str, &'static [&'static str], Change, &'static str);

const LEAVES: [Leaf; 19] = [
    ("no key usage", &[ALICE], |params| params.key_usages.clear(), "has no key usage"),
    ("nothing", &[ALICE], |_| {}, ""),
    (
        "no extended usages",
        &[ALICE],
        |params| {
            params.extended_key_usages.clear();
        },
        "",
    ),
    (
        "other names beside",
        &[ALICE],
        |params| {
            params.subject_alt_names.push(SanType::DnsName("alice.example".try_into().unwrap()));
        },
        "",
    ),
    (
        "two URIs",
        &[ALICE, "spiffe://example.org/service/bob"],
        |_| {},
        "has more than one URI among its names",
    ),
    (
        "two URIs, one of another scheme",
        &[ALICE, "https://example.org"],
        |_| {},
        "has more than one URI among its names",
    ),
    ("the same twice", &[ALICE, ALICE], |_| {}, "has more than one URI among its names"),
    ("the trust domain itself", &["spiffe://example.org"], |_| {}, "has no path, and so names no workload"),
    ("another spelling", &["SPIFFE://example.org/a"], |_| {}, "does not begin with `spiffe://`"),
    (
        "an upper-case domain",
        &["spiffe://Example.org/a"],
        |_| {},
        "has a trust domain with characters other than small letters, digits, `.`, `-` and `_`",
    ),
    ("a dot segment", &["spiffe://example.org/a/../b"], |_| {}, "has a path with a segment `.` or `..`"),
    (
        "an escape",
        &["spiffe://example.org/%61"],
        |_| {},
        "has a path with characters other than letters, digits, `.`, `-`, `_` and `/`",
    ),
    (
        "a query",
        &["spiffe://example.org/a?b"],
        |_| {},
        "has a path with characters other than letters, digits, `.`, `-`, `_` and `/`",
    ),
    (
        "an authority",
        &[ALICE],
        |params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained),
        "is the certificate of an authority",
    ),
    (
        "may sign certificates",
        &[ALICE],
        |params| params.key_usages.push(KeyUsagePurpose::KeyCertSign),
        "may sign certificates or lists of revoked ones",
    ),
    (
        "may sign lists",
        &[ALICE],
        |params| params.key_usages.push(KeyUsagePurpose::CrlSign),
        "may sign certificates or lists of revoked ones",
    ),
    (
        "may not sign",
        &[ALICE],
        |params| params.key_usages = vec![KeyUsagePurpose::KeyAgreement],
        "may not sign",
    ),
    (
        "for servers alone",
        &[ALICE],
        |params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        },
        "is not for this use (extended key usage)",
    ),
    ("expired", &[ALICE], |params| years(params, 2020, 2021), "has expired"),
];

#[tokio::test]
async fn a_certificate_is_a_workloads_or_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let authority = Signer::new("example.org", |_| {});
    let authenticator = quick(&trusting_in(dir.path(), &[("example.org", &[&authority])]), &clock());
    for (name, uris, change, expected) in LEAVES {
        let (leaf, _) = authority.workload(uris, change);
        let outcome = who(&authenticator, &shown(&[&leaf])).await;
        let expected = match expected {
            "" => Ok(ALICE.to_owned()),
            problem => Err(format!("the client's certificate {problem}")),
        };
        assert_eq!(outcome, expected, "{name}");
    }
    let (leaf, _) = authority.workload(&[ALICE], |params| years(params, 2090, 2099));
    let early = who(&authenticator, &shown(&[&leaf])).await.unwrap_err();
    assert!(early.contains("is not valid yet"), "{early}");
    let mut longer = authority.workload(&[ALICE], |_| {}).0;
    longer.extend(b"more");
    assert!(who(&authenticator, &shown(&[&longer])).await.is_err());
    // Not a workload's at all: no credential, and so none was presented.
    let (leaf, _) = authority.workload(&["urn:a"], |_| {});
    assert_eq!(who(&authenticator, &shown(&[&leaf])).await.unwrap_err(), "a credential is required");
}

#[tokio::test]
async fn paths_lead_to_an_authority_of_the_certificates_own_domain() {
    let dir = tempfile::tempdir().unwrap();
    let (ours, theirs) = (Signer::new("example.org", |_| {}), Signer::new("partner.example", |_| {}));
    let ended = Signer::new("ended", |params| years(params, 2020, 2021));
    let config = trusting_in(
        dir.path(),
        &[("example.org", &[&ours, &ended]), ("partner.example", &[&theirs]), ("empty.example", &[])],
    );
    let authenticator = quick(&config, &clock());
    let no_more = |params: &mut CertificateParams| params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    let between = ours.below("between", |_| {});
    let (last, expired) =
        (ours.below("last", no_more), ours.below("old", |params| years(params, 2020, 2021)));
    let beyond = last.below("beyond", |_| {});
    let narrow = ours.below("narrow", |params| {
        let permitted_subtrees = vec![GeneralSubtree::DnsName("inside.example".to_owned())];
        params.name_constraints = Some(NameConstraints { permitted_subtrees, excluded_subtrees: Vec::new() });
    });
    let outside: Change =
        |params| params.subject_alt_names.push(SanType::DnsName("outside.example".try_into().unwrap()));
    let of = |signer: &Signer, uri: &str| signer.workload(&[uri], |_| {}).0;
    let partner = "spiffe://partner.example/a";
    const NO_AUTHORITY: &str = "the client's certificate is of no authority of its trust domain";
    for (name, chain, expected) in [
        ("direct", vec![of(&ours, ALICE)], Ok(ALICE)),
        ("with the root", vec![of(&ours, ALICE), ours.der.clone()], Ok(ALICE)),
        ("through another", vec![of(&between, ALICE), between.der.clone()], Ok(ALICE)),
        ("through the last", vec![of(&last, ALICE), last.der.clone()], Ok(ALICE)),
        ("of the other domain", vec![of(&theirs, partner)], Ok(partner)),
        ("the one between is missing", vec![of(&between, ALICE)], Err(NO_AUTHORITY)),
        ("of ours for theirs", vec![of(&ours, partner)], Err(NO_AUTHORITY)),
        ("of theirs for ours", vec![of(&theirs, ALICE)], Err(NO_AUTHORITY)),
        (
            "of ours for theirs, with both roots",
            vec![of(&ours, partner), ours.der.clone(), theirs.der.clone()],
            Err(NO_AUTHORITY),
        ),
        ("of a domain without authorities", vec![of(&ours, "spiffe://empty.example/a")], Err(NO_AUTHORITY)),
        ("of nobody's domain", vec![of(&ours, "spiffe://other.example/a")], Err("unknown trust domain")),
        ("of an authority that has ended", vec![of(&ended, ALICE)], Err(NO_AUTHORITY)),
        ("of a workload", vec![of(&ours, ALICE), of(&ours, ALICE)], Ok(ALICE)),
        (
            "beyond the allowed length",
            vec![of(&beyond, ALICE), beyond.der.clone(), last.der.clone()],
            Err("the client's certificate is further from its authority than that allows"),
        ),
        (
            "through one that has expired",
            vec![of(&expired, ALICE), expired.der.clone()],
            Err("the client's certificate has expired"),
        ),
        (
            "a name that is not allowed",
            vec![narrow.workload(&[ALICE], outside).0, narrow.der.clone()],
            Err("the client's certificate has a name that its authority may not give"),
        ),
    ] {
        let chain: Vec<&[u8]> = chain.iter().map(Vec::as_slice).collect();
        let outcome = who(&authenticator, &shown(&chain)).await;
        assert_eq!(outcome.as_deref().map_err(String::as_str), expected, "{name}");
    }
}

#[tokio::test]
async fn chains_that_are_too_long_end_and_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let authority = Signer::new("example.org", |_| {});
    let authenticator = quick(&trusting_in(dir.path(), &[("example.org", &[&authority])]), &clock());
    let mut signers = vec![authority.below("0", |_| {})];
    for _ in 0..20 {
        signers.push(signers.last().unwrap().below("next", |_| {}));
    }
    let leaf = signers.last().unwrap().workload(&[ALICE], |_| {}).0;
    let chain: Vec<&[u8]> = std::iter::once(leaf.as_slice())
        .chain(signers.iter().rev().map(|signer| signer.der.as_slice()))
        .collect();
    assert!(who(&authenticator, &shown(&chain)).await.is_err());
    // Many of the same name, so that each could be the next.
    let same: Vec<Signer> = (0..100).map(|_| authority.below("same", |_| {})).collect();
    let leaf = Signer::new("same", |_| {}).workload(&[ALICE], |_| {}).0;
    let chain: Vec<&[u8]> =
        std::iter::once(leaf.as_slice()).chain(same.iter().map(|signer| signer.der.as_slice())).collect();
    assert!(who(&authenticator, &shown(&chain)).await.is_err());
}

#[tokio::test]
async fn an_authority_that_is_taken_out_of_the_bundle_ends_what_was_cached() {
    let dir = tempfile::tempdir().unwrap();
    let (old, new) = (Signer::new("old", |_| {}), Signer::new("new", |_| {}));
    let authenticator =
        std::sync::Arc::new(quick(&trusting_in(dir.path(), &[("example.org", &[&old])]), &clock()));
    let (by_old, by_new) = (old.workload(&[ALICE], |_| {}).0, new.workload(&[ALICE], |_| {}).0);
    let (by_old, by_new) = (shown(&[&by_old]), shown(&[&by_new]));
    let _tasks = super::spiffe::bundles::kept(&authenticator);
    assert!(who(&authenticator, &by_old).await.is_ok() && who(&authenticator, &by_new).await.is_err());
    assert_eq!(authenticator.cached_tokens(), 1);
    for (authorities, generation, expected) in
        [(vec![&old, &new], 2, (true, true)), (vec![&new], 3, (false, true)), (vec![], 4, (false, false))]
    {
        fs::write(dir.path().join("example.org"), bundle(&authorities)).unwrap();
        until("the bundle", || authenticator.status()[0].generation == generation).await;
        let accepted =
            (who(&authenticator, &by_old).await.is_ok(), who(&authenticator, &by_new).await.is_ok());
        assert_eq!(accepted, expected);
    }
}

#[tokio::test]
async fn a_proxy_is_believed_about_workloads_of_the_configured_domains() {
    let dir = tempfile::tempdir().unwrap();
    let authority = Signer::new("example.org", |_| {});
    let gateway = "spiffe://example.org/gateway";
    let config = Config {
        proxies: vec![gateway.to_owned()],
        ..trusting_in(dir.path(), &[("example.org", &[&authority])])
    };
    let authenticator = quick(&config, &clock());
    let by_gateway = shown(&[&authority.workload(&[gateway], |_| {}).0]);
    for (header, expected) in [
        (format!("By={gateway};Hash={};URI={ALICE}", "00".repeat(32)), ALICE),
        (
            format!("URI={ALICE};URI={ALICE}"),
            "the client's certificate has more than one URI among its names",
        ),
        ("URI=spiffe://other.example/a".to_owned(), "unknown trust domain"),
        (
            "URI=spiffe://example.org".to_owned(),
            "the client's certificate has no path, and so names no workload",
        ),
        (format!("By={gateway}"), "a credential is required"),
    ] {
        let headers =
            HeaderMap::from_iter([("x-forwarded-client-cert".parse().unwrap(), header.parse().unwrap())]);
        let presented = Presented::from(&headers).with_certificate(Some(&by_gateway));
        let outcome = match authenticator.authenticate(IdentityMode::Required, &presented).await {
            Ok(AuthContext::Verified(verified)) => verified.principal.id.clone(),
            Ok(other) => panic!("{other:?}"),
            Err(failure) => failure.message,
        };
        assert_eq!(outcome, expected, "{header}");
    }
}
