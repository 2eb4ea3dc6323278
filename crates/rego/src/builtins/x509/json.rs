//! Certificates and requests for them, as Go's JSON has them.

use jiff::SignedDuration;
use jiff::civil::DateTime;
use x509_parser::asn1_rs::{self, Any, FromDer as _, Oid, Sequence, Set, oid};
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::cri_attributes::ParsedCriAttribute;
use x509_parser::extensions::ParsedExtension;

use super::der::Refused;
use super::name_constraints::{NameConstraints, Subtrees};
use crate::builtins::x509::go_json::{self, base64, object};
use crate::builtins::x509::names::{any_value, id_value, list_or_null, name_value};
use crate::builtins::x509::parse::{AlternativeNames, Certificate, Details, Extension, signature_algorithm};
use crate::value::{Number, Value};
use verdict_jose::PublicKey;

/// Go's numbers for what a key may be used for, by their order.
pub const EXTENDED_KEY_USAGES: [(Oid<'static>, &str); 14] = [
    (oid!(2.5.29.37.0), "KeyUsageAny"),
    (oid!(1.3.6.1.5.5.7.3.1), "KeyUsageServerAuth"),
    (oid!(1.3.6.1.5.5.7.3.2), "KeyUsageClientAuth"),
    (oid!(1.3.6.1.5.5.7.3.3), "KeyUsageCodeSigning"),
    (oid!(1.3.6.1.5.5.7.3.4), "KeyUsageEmailProtection"),
    (oid!(1.3.6.1.5.5.7.3.5), "KeyUsageIPSECEndSystem"),
    (oid!(1.3.6.1.5.5.7.3.6), "KeyUsageIPSECTunnel"),
    (oid!(1.3.6.1.5.5.7.3.7), "KeyUsageIPSECUser"),
    (oid!(1.3.6.1.5.5.7.3.8), "KeyUsageTimeStamping"),
    (oid!(1.3.6.1.5.5.7.3.9), "KeyUsageOCSPSigning"),
    (oid!(1.3.6.1.4.1.311.10.3.3), "KeyUsageMicrosoftServerGatedCrypto"),
    (oid!(2.16.840.1.113730.4.1), "KeyUsageNetscapeServerGatedCrypto"),
    (oid!(1.3.6.1.4.1.311.2.1.22), "KeyUsageMicrosoftCommercialCodeSigning"),
    (oid!(1.3.6.1.4.1.311.61.1.1), "KeyUsageMicrosoftKernelCodeSigning"),
];

/// The number of a use, if it is one that Go knows.
pub fn usage_number(id: &Oid) -> Option<usize> {
    EXTENDED_KEY_USAGES.iter().position(|(known, _)| known == id)
}

fn list<T>(items: impl IntoIterator<Item = T>, value: impl FnMut(T) -> Value) -> Value {
    list_or_null(items.into_iter().map(value).collect())
}

fn texts(items: &[String]) -> Value {
    list(items, |item| Value::from(item.as_str()))
}

fn optional_bytes(bytes: Option<&Vec<u8>>) -> Value {
    bytes.map_or(Value::Null, |bytes| base64(bytes))
}

fn id_text(id: &Oid) -> Value {
    Value::from(id.to_id_string())
}

fn number(number: Option<u32>) -> i64 {
    number.map_or(0, i64::from)
}

/// RFC 3339, from seconds since 1970.
fn time(seconds: i64) -> Value {
    // Not a `Timestamp`: that ends a day before 9999-12-31T23:59:59Z, which stands for "never" (RFC 5280 section 4.1.2.5).
    let time = DateTime::constant(1970, 1, 1, 0, 0, 0, 0).checked_add(SignedDuration::from_secs(seconds));
    time.map_or(Value::Null, |time| Value::from(format!("{time}Z")))
}

fn extensions_value(extensions: &[Extension]) -> Value {
    list(extensions, |extension| {
        object([
            ("Id", id_value(&extension.id)),
            ("Critical", Value::Bool(extension.critical)),
            ("Value", base64(&extension.value)),
        ])
    })
}

fn key_value(key: Option<&PublicKey>) -> Value {
    key.map_or(Value::Null, go_json::public_key)
}

impl AlternativeNames {
    fn members(&self) -> [(&'static str, Value); 4] {
        [
            ("DNSNames", texts(&self.dns)),
            ("EmailAddresses", texts(&self.emails)),
            ("IPAddresses", list(&self.addresses, |address| Value::from(address.to_canonical().to_string()))),
            ("URIs", list(&self.uris, |(_, url)| url.to_value())),
        ]
    }
}

impl NameConstraints {
    fn members(&self) -> [(&'static str, Value); 9] {
        fn ranges(trees: &Subtrees) -> Value {
            list(&trees.addresses, |range| {
                let address = Value::from(range.address.to_canonical().to_string());
                object([("IP", address), ("Mask", base64(&range.mask))])
            })
        }
        let (yes, no) = (&self.permitted, &self.excluded);
        [
            ("PermittedDNSDomainsCritical", Value::Bool(self.critical)),
            ("PermittedDNSDomains", texts(&yes.dns)),
            ("ExcludedDNSDomains", texts(&no.dns)),
            ("PermittedIPRanges", ranges(yes)),
            ("ExcludedIPRanges", ranges(no)),
            ("PermittedEmailAddresses", texts(&yes.emails)),
            ("ExcludedEmailAddresses", texts(&no.emails)),
            ("PermittedURIDomains", texts(&yes.uris)),
            ("ExcludedURIDomains", texts(&no.uris)),
        ]
    }
}

impl Details {
    fn policies(&self) -> [(&'static str, Value); 9] {
        let policies = &self.policies;
        let mapping = |(issuer, subject): &(_, _)| {
            object([("IssuerDomainPolicy", id_text(issuer)), ("SubjectDomainPolicy", id_text(subject))])
        };
        [
            ("PolicyIdentifiers", list(policies, id_value)),
            ("Policies", list(policies, id_text)),
            ("PolicyMappings", list(&self.policy_mappings, mapping)),
            ("InhibitAnyPolicy", Value::from(number(self.inhibit_any_policy))),
            ("InhibitAnyPolicyZero", Value::Bool(self.inhibit_any_policy == Some(0))),
            ("InhibitPolicyMapping", Value::from(number(self.inhibit_policy_mapping))),
            ("InhibitPolicyMappingZero", Value::Bool(self.inhibit_policy_mapping == Some(0))),
            ("RequireExplicitPolicy", Value::from(number(self.require_explicit_policy))),
            ("RequireExplicitPolicyZero", Value::Bool(self.require_explicit_policy == Some(0))),
        ]
    }
}

impl Certificate {
    /// As Go's JSON has it; OPA adds the URIs as texts to what it gives out, except in two places.
    pub fn to_value(&self, with_uri_texts: bool) -> Value {
        let details = &self.details;
        let (is_authority, below) = details.basic.unwrap_or_default();
        let below = match (details.basic, below) {
            (None, _) => 0,
            (Some(_), None) => -1,
            (Some(_), Some(below)) => i64::from(below),
        };
        let (known, unknown): (Vec<&Oid>, Vec<&Oid>) =
            details.extended_key_usage.iter().partition(|id| usage_number(id).is_some());
        let usage =
            |id: &Oid| Value::from(usage_number(id).and_then(|at| i64::try_from(at).ok()).unwrap_or(0));
        let none = NameConstraints::default();
        let members = [
            ("Raw", base64(&self.raw)),
            ("RawTBSCertificate", base64(&self.raw_tbs)),
            ("RawSubjectPublicKeyInfo", base64(&self.raw_public_key)),
            ("RawSubject", base64(&self.raw_subject)),
            ("RawIssuer", base64(&self.raw_issuer)),
            ("Signature", base64(&self.signature)),
            ("SignatureAlgorithm", Value::from(self.signature_algorithm)),
            ("PublicKeyAlgorithm", Value::from(self.public_key.as_ref().map_or(0, go_json::kind_of_key))),
            ("PublicKey", key_value(self.public_key.as_ref())),
            ("Version", Value::from(self.version)),
            ("SerialNumber", Value::from(Number::from(self.serial.clone()))),
            ("Issuer", self.issuer.clone()),
            ("Subject", self.subject.clone()),
            ("NotBefore", time(self.not_before)),
            ("NotAfter", time(self.not_after)),
            ("KeyUsage", Value::from(i64::from(details.key_usage))),
            ("Extensions", extensions_value(&self.extensions)),
            ("ExtraExtensions", Value::Null),
            ("UnhandledCriticalExtensions", list(&details.unhandled_critical, id_value)),
            ("ExtKeyUsage", list(known, usage)),
            ("UnknownExtKeyUsage", list(unknown, id_value)),
            ("BasicConstraintsValid", Value::Bool(details.basic.is_some())),
            ("IsCA", Value::Bool(is_authority)),
            ("MaxPathLen", Value::from(below)),
            ("MaxPathLenZero", Value::Bool(details.basic.is_some() && below == 0)),
            ("SubjectKeyId", optional_bytes(details.subject_key.as_ref())),
            ("AuthorityKeyId", optional_bytes(details.authority_key.as_ref())),
            ("OCSPServer", texts(&details.ocsp)),
            ("IssuingCertificateURL", texts(&details.issuing)),
            ("CRLDistributionPoints", texts(&details.revocation_lists)),
        ];
        let uris = list(&details.names.uris, |(text, _)| Value::from(text.as_str()));
        let constraints = details.constraints.as_ref().unwrap_or(&none).members();
        let extra = with_uri_texts.then_some(("URIStrings", uris));
        object(
            members
                .into_iter()
                .chain(details.policies())
                .chain(details.names.members())
                .chain(constraints)
                .chain(extra),
        )
    }
}

/// A request for a certificate (RFC 2986), as Go's JSON has it.
///
/// # Errors
/// When it is none.
pub fn request_value(der: &[u8]) -> Result<Value, Refused> {
    let (rest, request) = X509CertificationRequest::from_der(der)
        .map_err(|_| "asn1: structure error: malformed certificate request")?;
    if !rest.is_empty() {
        return Err("asn1: syntax error: trailing data");
    }
    let info = &request.certification_request_info;
    let key = PublicKey::from_info(&info.subject_pki)?;
    let mut extensions = Vec::new();
    let mut names = AlternativeNames::default();
    for attribute in info.iter_attributes() {
        let ParsedCriAttribute::ExtensionRequest(requested) = attribute.parsed_attribute() else { continue };
        for extension in &requested.extensions {
            extensions.push(Extension::of(extension));
            if let ParsedExtension::SubjectAlternativeName(all) = extension.parsed_extension() {
                names = AlternativeNames::of(&all.general_names)?;
            }
        }
    }
    let attributes = info.iter_attributes().filter_map(|attribute| {
        let value = attribute_value(attribute.value)?;
        Some(object([("Type", id_value(&attribute.oid)), ("Value", value)]))
    });
    let members = [
        ("Raw", base64(request.as_raw())),
        ("RawTBSCertificateRequest", base64(info.raw)),
        ("RawSubjectPublicKeyInfo", base64(info.subject_pki.raw)),
        ("RawSubject", base64(info.subject.as_raw())),
        ("Version", Value::from(i64::from(info.version.0))),
        ("Signature", base64(&request.signature_value.data)),
        ("SignatureAlgorithm", Value::from(signature_algorithm(&request.signature_algorithm))),
        ("PublicKeyAlgorithm", Value::from(key.as_ref().map_or(0, go_json::kind_of_key))),
        ("PublicKey", key_value(key.as_ref())),
        ("Subject", name_value(&info.subject)?),
        ("Attributes", list_or_null(attributes.collect())),
        ("Extensions", extensions_value(&extensions)),
        ("ExtraExtensions", Value::Null),
    ];
    Ok(object(members.into_iter().chain(names.members())))
}

/// The values of an attribute that are rows of identifiers with something; `None` for other attributes.
fn attribute_value(der: &[u8]) -> Option<Value> {
    type Error = asn1_rs::Error;
    let (_, set) = Set::from_der(der).ok()?;
    let rows = set.der_set_of::<Sequence, Error>().ok()?;
    let row = |row: &Sequence| {
        let entries = row.der_sequence_of::<Sequence, Error>().ok()?;
        let entry = |entry: &Sequence| {
            let (rest, id) = Oid::from_der(entry.as_ref()).ok()?;
            let (_, value) = Any::from_der(rest).ok()?;
            Some(object([("Type", id_value(&id)), ("Value", any_value(&value))]))
        };
        entries.iter().map(entry).collect::<Option<Vec<_>>>().map(Value::from)
    };
    rows.iter().map(row).collect::<Option<Vec<_>>>().map(Value::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_reach_the_end_of_the_year_9999() {
        for (seconds, shown) in [
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (1_735_689_600, "2025-01-01T00:00:00Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(time(seconds), Value::from(shown));
        }
    }
}
