//! Certificates made here.

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, NameConstraints, SanType,
};

use crate::builtins::json::decode::read;
use crate::builtins::testing;
use crate::value::Value;

fn call(name: &str, args: &[Value]) -> Result<Value, String> {
    testing::call(name, args).map(Option::unwrap).map_err(|error| error.message)
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = rcgen::date_time_ymd(2024, 1, 1);
    params.not_after = rcgen::date_time_ymd(2026, 1, 1);
    params
}

fn authority(name: &str, below: u8) -> CertificateParams {
    let mut params = params(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(below));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
}

fn leaf() -> CertificateParams {
    let mut params = params("leaf");
    params.distinguished_name.push(DnType::OrganizationName, "One");
    params.subject_alt_names = vec![
        SanType::DnsName("www.example.org".try_into().unwrap()),
        SanType::URI("spiffe://example.org/x".try_into().unwrap()),
        SanType::IpAddress("10.1.2.3".parse().unwrap()),
    ];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params
}

/// The PEM of a root, of what is between, and of a leaf; and the leaf's key.
fn chain(root: CertificateParams, between: CertificateParams, leaf: CertificateParams) -> (String, KeyPair) {
    let keys: [KeyPair; 3] = std::array::from_fn(|_| KeyPair::generate().unwrap());
    let [root_key, between_key, leaf_key] = keys;
    let root_pem = root.self_signed(&root_key).unwrap().pem();
    let root = Issuer::new(root, root_key);
    let between_pem = between.signed_by(&between_key, &root).unwrap().pem();
    let between = Issuer::new(between, between_key);
    let leaf_pem = leaf.signed_by(&leaf_key, &between).unwrap().pem();
    ([root_pem, between_pem, leaf_pem].concat(), leaf_key)
}

fn usual() -> String {
    chain(authority("root", 1), authority("between", 0), leaf()).0
}

fn at<'v>(value: &'v Value, path: &[&str]) -> &'v Value {
    path.iter().fold(value, |value, step| {
        let index = step.parse::<i64>().map(Value::from);
        value.lookup(&index.unwrap_or_else(|_| Value::from(*step))).unwrap()
    })
}

#[test]
fn certificates_are_read_as_go_reads_them() {
    let certificates = call("crypto.x509.parse_certificates", &[Value::from(usual())]).unwrap();
    for (path, wanted) in [
        (&["2", "Subject", "CommonName"][..], r#""leaf""#),
        (&["2", "Subject", "Organization"], r#"["One"]"#),
        (&["2", "Subject", "Country"], "null"),
        (&["2", "Subject", "Names", "0", "Type"], "[2, 5, 4, 3]"),
        (&["2", "Issuer", "CommonName"], r#""between""#),
        (&["2", "DNSNames"], r#"["www.example.org"]"#),
        (&["2", "URIStrings"], r#"["spiffe://example.org/x"]"#),
        (&["2", "URIs", "0", "Host"], r#""example.org""#),
        (&["2", "URIs", "0", "User"], "null"),
        (&["2", "IPAddresses"], r#"["10.1.2.3"]"#),
        (&["2", "EmailAddresses"], "null"),
        (&["2", "ExtKeyUsage"], "[1]"),
        (&["2", "SignatureAlgorithm"], "10"),
        (&["2", "PublicKeyAlgorithm"], "3"),
        (&["2", "PublicKey", "Curve"], "{}"),
        (&["2", "NotBefore"], r#""2024-01-01T00:00:00Z""#),
        (&["2", "Version"], "3"),
        (&["2", "IsCA"], "false"),
        (&["1", "IsCA"], "true"),
        (&["1", "MaxPathLen"], "0"),
        (&["1", "MaxPathLenZero"], "true"),
        (&["1", "KeyUsage"], "32"),
        (&["0", "URIStrings"], "null"),
    ] {
        assert_eq!(at(&certificates, path), &read(wanted).unwrap(), "{path:?}");
    }
    assert_eq!(call("crypto.x509.parse_certificates", &[Value::from("")]).unwrap(), read("[]").unwrap());
}

fn is_valid(pem: &str, options: &str) -> bool {
    let name = "crypto.x509.parse_and_verify_certificates_with_options";
    let answer = call(name, &[Value::from(pem), read(options).unwrap()]).unwrap();
    at(&answer, &["0"]) == &Value::Bool(true)
}

#[test]
fn chains_are_verified_from_the_root() {
    let pem = usual();
    let answer = call("crypto.x509.parse_and_verify_certificates", &[Value::from(pem.as_str())]).unwrap();
    assert_eq!(at(&answer, &["0"]), &Value::Bool(true));
    assert_eq!(at(&answer, &["1", "0", "Subject", "CommonName"]), &Value::from("leaf"));
    assert_eq!(at(&answer, &["1", "2", "Subject", "CommonName"]), &Value::from("root"));
    for (options, valid) in [
        ("{}", true),
        (r#"{"DNSName":"www.example.org"}"#, true),
        (r#"{"DNSName":"10.1.2.3"}"#, true),
        (r#"{"DNSName":"example.org"}"#, false),
        (r#"{"KeyUsages":["KeyUsageClientAuth"]}"#, false),
        (r#"{"KeyUsages":["KeyUsageClientAuth","KeyUsageAny"]}"#, true),
        (r#"{"CurrentTime":1767225601000000000}"#, false),
        (r#"{"CurrentTime":1704067199000000000}"#, false),
        (r#"{"CurrentTime":1704067200000000000}"#, true),
    ] {
        assert_eq!(is_valid(&pem, options), valid, "{options}");
    }
    let parts: Vec<&str> = pem.split_inclusive("-----END CERTIFICATE-----\n").collect();
    assert!(!is_valid(&[parts[0], parts[2]].concat(), "{}"), "a link is missing");
    assert!(!is_valid(parts[0], "{}"), "two are needed");
    assert!(is_valid(&[parts[1], parts[2]].concat(), "{}"), "the root need not be signed by itself");
    let other = usual();
    let other: Vec<&str> = other.split_inclusive("-----END CERTIFICATE-----\n").collect();
    assert!(!is_valid(&[other[0], parts[1], parts[2]].concat(), "{}"), "another root of the same name");
}

#[test]
fn only_authorities_vouch_and_only_for_what_they_may() {
    let not_an_authority = chain(authority("root", 1), params("between"), leaf());
    assert!(!is_valid(&not_an_authority.0, "{}"));
    let too_far = chain(authority("root", 0), authority("between", 0), leaf());
    assert!(!is_valid(&too_far.0, "{}"));
    let mut without_use = authority("between", 0);
    without_use.key_usages = vec![KeyUsagePurpose::CrlSign];
    assert!(!is_valid(&chain(authority("root", 1), without_use, leaf()).0, "{}"));
    for (permitted, excluded, valid) in [
        (Some("example.org"), None, true),
        (Some("example.net"), None, false),
        (None, Some("www.example.org"), false),
        (None, Some("example.net"), true),
    ] {
        let subtrees =
            |name: Option<&str>| name.map(|name| GeneralSubtree::DnsName(name.into())).into_iter().collect();
        let mut between = authority("between", 0);
        between.name_constraints = Some(NameConstraints {
            permitted_subtrees: subtrees(permitted),
            excluded_subtrees: subtrees(excluded),
        });
        assert_eq!(
            is_valid(&chain(authority("root", 1), between, leaf()).0, "{}"),
            valid,
            "{permitted:?} {excluded:?}"
        );
    }
}

#[test]
fn pairs_have_to_match() {
    let (pem, key) = chain(authority("root", 1), authority("between", 0), leaf());
    let leaf = pem.split_inclusive("-----END CERTIFICATE-----\n").last().unwrap();
    let pair =
        call("crypto.x509.parse_keypair", &[Value::from(leaf), Value::from(key.serialize_pem())]).unwrap();
    assert_eq!(at(&pair, &["PrivateKey", "X"]), at(&pair, &["Leaf", "PublicKey", "X"]));
    let other = KeyPair::generate().unwrap().serialize_pem();
    let refused = call("crypto.x509.parse_keypair", &[Value::from(leaf), Value::from(other)]);
    assert_eq!(refused, Err("tls: private key does not match public key".to_owned()));
}

#[test]
fn requests_are_read_as_go_reads_them() {
    let mut params = leaf();
    params.extended_key_usages = Vec::new();
    let request = params.serialize_request(&KeyPair::generate().unwrap()).unwrap().pem().unwrap();
    let request = call("crypto.x509.parse_certificate_request", &[Value::from(request)]).unwrap();
    assert_eq!(at(&request, &["Subject", "CommonName"]), &Value::from("leaf"));
    assert_eq!(at(&request, &["DNSNames"]), &read(r#"["www.example.org"]"#).unwrap());
    assert_eq!(
        at(&request, &["Attributes", "0", "Value", "0", "0", "Type"]),
        &read("[2, 5, 29, 17]").unwrap()
    );
}

#[test]
fn what_is_none_is_refused() {
    for (name, text, wanted) in [
        ("crypto.x509.parse_certificates", "AAAA", "x509: malformed certificate"),
        ("crypto.x509.parse_certificates", "?", "illegal base64 data at input byte 0"),
        (
            "crypto.x509.parse_certificate_request",
            "AAAA",
            "asn1: structure error: malformed certificate request",
        ),
        ("crypto.x509.parse_rsa_private_key", "", "input PEM data was empty"),
        (
            "crypto.parse_private_keys",
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
            "x509: failed to parse PKCS#8 private key",
        ),
    ] {
        assert_eq!(call(name, &[Value::from(text)]), Err(wanted.to_owned()), "{name} {text}");
    }
    assert_eq!(call("crypto.parse_private_keys", &[Value::from("")]), Ok(Value::Null));
    assert_eq!(call("crypto.parse_private_keys", &[Value::from("x")]), Ok(read("[]").unwrap()));
}

#[test]
fn no_damage_makes_it_panic() {
    let text = usual();
    let first = text.split_inclusive("-----END CERTIFICATE-----\n").next().unwrap();
    let (block, _) = crate::builtins::encoding::pem::first_block(first.as_bytes()).unwrap();
    for at in 0..block.bytes.len() {
        for change in [1, 0x80, 0xff] {
            let mut der = block.bytes.clone();
            der[at] ^= change;
            if let Ok(certificate) = crate::builtins::x509::parse::Certificate::parse(&der) {
                certificate.to_value(true);
            }
            let _ = crate::builtins::x509::json::request_value(&der);
            let _ = crate::builtins::x509::private_keys::of_any(der.get(..at).unwrap());
        }
    }
}

#[test]
fn what_is_made_to_take_long_does_not() {
    let started = std::time::Instant::now();
    let text = usual();
    let many = Value::from(text.repeat(100));
    let name = "crypto.x509.parse_and_verify_certificates";
    assert_eq!(at(&call(name, &[many]).unwrap(), &["0"]), &Value::Bool(false), "there are too many");
    let parts: Vec<&str> = text.split_inclusive("-----END CERTIFICATE-----\n").collect();
    let same = Value::from([parts[0], &parts[1].repeat(150), parts[2]].concat());
    assert_eq!(at(&call(name, &[same]).unwrap(), &["0"]), &Value::Bool(true));
    let long = Value::from("-----BEGIN CERTIFICATE-----\n".repeat(100_000));
    assert!(call("crypto.x509.parse_certificates", &[long]).is_err());
    assert!(started.elapsed().as_secs() < 10);
}

#[test]
fn names_and_constraints_are_not_compared_without_end() {
    let mut between = authority("between", 0);
    let names: Vec<String> = (0..60).map(|n| format!("a{n}.b.c.d.e.f.example.org")).collect();
    let subtree = |n| GeneralSubtree::DnsName(format!("x{n}.b.c.d.e.f.example.org"));
    between.name_constraints = Some(NameConstraints {
        permitted_subtrees: Vec::new(),
        excluded_subtrees: (0..60).map(subtree).collect(),
    });
    let mut leaf = leaf();
    leaf.subject_alt_names =
        names.iter().map(|name| SanType::DnsName(name.as_str().try_into().unwrap())).collect();
    let text = chain(authority("root", 1), between, leaf).0;
    assert!(is_valid(&text, "{}"));
    assert!(!is_valid(&text, r#"{"MaxConstraintComparisons":1000}"#));
}
