//! Certificates (RFC 5280), read with the strictness of Go's `crypto/x509`.

use num_bigint::BigInt;
use x509_parser::asn1_rs::{Any, BitString, FromDer as _, Oid, oid};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{
    AuthorityInfoAccess, DistributionPointName, GeneralName, ParsedExtension, X509Extension,
};
use x509_parser::signature_algorithm::{RsaSsaPssParams, SignatureAlgorithm};
use x509_parser::x509::AlgorithmIdentifier;

use super::der::{Id, Refused, address};
use super::name_constraints::NameConstraints;
use crate::builtins::x509::names::name_value;
use crate::value::Value;
use verdict_jose::{Hash, PublicKey, Scheme};

/// A certificate.
pub struct Certificate {
    pub raw: Vec<u8>,
    pub raw_tbs: Vec<u8>,
    pub raw_public_key: Vec<u8>,
    pub raw_subject: Vec<u8>,
    pub raw_issuer: Vec<u8>,
    pub signature: Vec<u8>,
    pub signature_algorithm: i64,
    pub public_key: Option<PublicKey>,
    pub version: i64,
    pub serial: BigInt,
    pub issuer: Value,
    pub subject: Value,
    /// In seconds since 1970, as the next one.
    pub not_before: i64,
    pub not_after: i64,
    pub extensions: Vec<Extension>,
    pub details: Details,
}

/// An extension as it came.
pub struct Extension {
    pub id: Id,
    pub critical: bool,
    pub value: Vec<u8>,
}

/// What the extensions of a certificate say.
#[derive(Default)]
pub struct Details {
    pub unhandled_critical: Vec<Id>,
    pub key_usage: u16,
    pub extended_key_usage: Vec<Id>,
    /// Whether it is an authority, and how many others may be below it.
    pub basic: Option<(bool, Option<u32>)>,
    pub subject_key: Option<Vec<u8>>,
    pub authority_key: Option<Vec<u8>>,
    pub ocsp: Vec<String>,
    pub issuing: Vec<String>,
    pub names: AlternativeNames,
    pub has_alternative_names: bool,
    pub constraints: Option<NameConstraints>,
    pub revocation_lists: Vec<String>,
    pub policies: Vec<Id>,
    pub policy_mappings: Vec<(Id, Id)>,
    pub inhibit_any_policy: Option<u32>,
    pub inhibit_policy_mapping: Option<u32>,
    pub require_explicit_policy: Option<u32>,
}

/// Whom a certificate is for, besides its subject.
#[derive(Default)]
pub struct AlternativeNames {
    pub dns: Vec<String>,
    pub emails: Vec<String>,
    pub addresses: Vec<std::net::IpAddr>,
    pub uris: Vec<(String, crate::builtins::encoding::go_url::Url)>,
}

impl Certificate {
    /// Reads one certificate.
    ///
    /// # Errors
    /// When it is none, or something follows it.
    pub fn parse(der: &[u8]) -> Result<Self, Refused> {
        let (rest, certificate) = Self::parse_first(der)?;
        if rest.is_empty() { Ok(certificate) } else { Err("x509: trailing data") }
    }

    /// Reads the first of several certificates.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse_first(der: &[u8]) -> Result<(&[u8], Self), Refused> {
        let (rest, parsed) = X509Certificate::from_der(der).map_err(|_| "x509: malformed certificate")?;
        if parsed.signature_algorithm != parsed.tbs_certificate.signature {
            return Err("x509: inner and outer signature algorithm identifiers don't match");
        }
        if parsed.version().0 > 2 {
            return Err("x509: invalid version");
        }
        let serial = BigInt::from_signed_bytes_be(parsed.raw_serial());
        if serial.sign() == num_bigint::Sign::Minus {
            return Err("x509: negative serial number");
        }
        let extensions: Vec<Extension> = parsed.extensions().iter().map(Extension::of).collect();
        let mut ids: Vec<&Id> = extensions.iter().map(|extension| &extension.id).collect();
        ids.sort_by_key(|id| id.as_bytes());
        if ids.windows(2).any(|pair| matches!(pair, [one, other] if one == other)) {
            return Err("x509: certificate contains duplicate extensions");
        }
        let certificate = Self {
            raw: parsed.as_raw().to_vec(),
            raw_tbs: parsed.tbs_certificate.as_ref().to_vec(),
            raw_public_key: parsed.public_key().raw.to_vec(),
            raw_subject: parsed.subject().as_raw().to_vec(),
            raw_issuer: parsed.issuer().as_raw().to_vec(),
            signature: parsed.signature_value.data.to_vec(),
            signature_algorithm: signature_algorithm(&parsed.signature_algorithm),
            public_key: PublicKey::from_info(parsed.public_key())?,
            version: i64::from(parsed.version().0) + 1,
            serial,
            issuer: name_value(parsed.issuer())?,
            subject: name_value(parsed.subject())?,
            not_before: parsed.validity().not_before.timestamp(),
            not_after: parsed.validity().not_after.timestamp(),
            extensions,
            details: Details::of(parsed.extensions())?,
        };
        Ok((rest, certificate))
    }

    /// Whether another certificate's key has signed this one. MD5 and SHA-1 do not count.
    pub fn is_signed_with(&self, key: &PublicKey) -> bool {
        scheme(self.signature_algorithm)
            .is_some_and(|scheme| key.verifies(scheme, &self.raw_tbs, &self.signature))
    }
}

impl Extension {
    /// An extension as it came.
    pub fn of(extension: &X509Extension) -> Self {
        Self { id: extension.oid.to_owned(), critical: extension.critical, value: extension.value.to_vec() }
    }
}

impl Details {
    fn of(extensions: &[X509Extension]) -> Result<Self, Refused> {
        let mut details = Self::default();
        for extension in extensions {
            let handled = details.read(extension)?;
            if extension.critical && !handled {
                details.unhandled_critical.push(extension.oid.to_owned());
            }
        }
        Ok(details)
    }

    /// Whether the extension is understood.
    fn read(&mut self, extension: &X509Extension) -> Result<bool, Refused> {
        match extension.parsed_extension() {
            ParsedExtension::KeyUsage(_) => {
                // The library turns the bits around by whole bytes; here they are taken one by one.
                let (_, bits) =
                    BitString::from_der(extension.value).map_err(|_| "x509: invalid key usage")?;
                self.key_usage = (0..9).filter(|bit| bits.is_set(*bit)).fold(0, |all, bit| all | 1 << bit);
            }
            ParsedExtension::ExtendedKeyUsage(_) => {
                let wrong = "x509: invalid extended key usages";
                let (_, ids) = <Vec<Oid>>::from_der(extension.value).map_err(|_| wrong)?;
                self.extended_key_usage = ids.iter().map(Oid::to_owned).collect();
            }
            ParsedExtension::BasicConstraints(basic) => {
                self.basic = Some((basic.ca, basic.path_len_constraint))
            }
            ParsedExtension::SubjectKeyIdentifier(id) => self.subject_key = Some(id.0.to_vec()),
            ParsedExtension::AuthorityKeyIdentifier(id) => {
                self.authority_key = id.key_identifier.as_ref().map(|id| id.0.to_vec());
            }
            ParsedExtension::AuthorityInfoAccess(access) => self.read_access(access),
            ParsedExtension::SubjectAlternativeName(names) => {
                self.has_alternative_names = true;
                self.names = AlternativeNames::of(&names.general_names)?;
                return Ok(!self.names.is_empty());
            }
            ParsedExtension::NameConstraints(constraints) => {
                let (constraints, handled) = NameConstraints::of(constraints, extension.critical)?;
                self.constraints = Some(constraints);
                return Ok(handled);
            }
            ParsedExtension::CRLDistributionPoints(points) => {
                let names = points.iter().filter_map(|point| match &point.distribution_point {
                    Some(DistributionPointName::FullName(names)) => Some(names),
                    _ => None,
                });
                self.revocation_lists = names.flatten().filter_map(uri).map(str::to_owned).collect();
            }
            ParsedExtension::CertificatePolicies(policies) => {
                self.policies = policies.iter().map(|policy| policy.policy_id.to_owned()).collect();
            }
            ParsedExtension::PolicyMappings(mappings) => {
                let pairs = mappings.mappings.iter();
                self.policy_mappings = pairs
                    .map(|pair| (pair.issuer_domain_policy.to_owned(), pair.subject_domain_policy.to_owned()))
                    .collect();
            }
            ParsedExtension::PolicyConstraints(constraints) => {
                self.require_explicit_policy = constraints.require_explicit_policy;
                self.inhibit_policy_mapping = constraints.inhibit_policy_mapping;
            }
            ParsedExtension::InhibitAnyPolicy(inhibit) => self.inhibit_any_policy = Some(inhibit.skip_certs),
            ParsedExtension::ParseError { .. } if is_known(&extension.oid) => {
                return Err("x509: invalid extension");
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Where the authority is asked for revocations, and where its certificate is.
    fn read_access(&mut self, access: &AuthorityInfoAccess) {
        for description in access.iter() {
            let GeneralName::URI(uri) = description.access_location else { continue };
            if description.access_method == oid!(1.3.6.1.5.5.7.48.1) {
                self.ocsp.push(uri.to_owned());
            } else if description.access_method == oid!(1.3.6.1.5.5.7.48.2) {
                self.issuing.push(uri.to_owned());
            }
        }
    }
}

fn uri<'n>(name: &'n GeneralName) -> Option<&'n str> {
    match name {
        GeneralName::URI(uri) => Some(uri),
        _ => None,
    }
}

/// Whether Go reads this extension, so that it must be well formed.
fn is_known(id: &Oid) -> bool {
    let standard = [14u64, 15, 17, 19, 30, 31, 32, 33, 35, 36, 37, 54];
    let arcs: Vec<u64> = id.iter().into_iter().flatten().collect();
    match arcs.as_slice() {
        [2, 5, 29, last] => standard.contains(last),
        _ => *id == oid!(1.3.6.1.5.5.7.1.1),
    }
}

impl AlternativeNames {
    /// Reads alternative names.
    ///
    /// # Errors
    /// When one is not of the form of its kind.
    pub fn of(names: &[GeneralName]) -> Result<Self, Refused> {
        let ascii = |text: &str| {
            if text.is_ascii() { Ok(text.to_owned()) } else { Err("x509: SAN is malformed") }
        };
        let mut all = Self::default();
        for name in names {
            match name {
                GeneralName::DNSName(name) => all.dns.push(ascii(name)?),
                GeneralName::RFC822Name(name) => all.emails.push(ascii(name)?),
                GeneralName::URI(uri) => {
                    let text = ascii(uri)?;
                    let url = crate::builtins::encoding::go_url::parse(uri)
                        .map_err(|_| "x509: cannot parse URI")?;
                    all.uris.push((text, url));
                }
                GeneralName::IPAddress(bytes) => {
                    all.addresses.push(address(bytes).ok_or("x509: cannot parse IP address")?);
                }
                GeneralName::Invalid(tag, _) if matches!(tag.0, 1 | 2 | 6) => {
                    return Err("x509: SAN is malformed");
                }
                _ => {}
            }
        }
        Ok(all)
    }

    const fn is_empty(&self) -> bool {
        self.dns.is_empty() && self.emails.is_empty() && self.addresses.is_empty() && self.uris.is_empty()
    }
}

/// Go's number for an algorithm of signatures; 0 for those that it does not know.
pub fn signature_algorithm(algorithm: &AlgorithmIdentifier) -> i64 {
    let id = &algorithm.algorithm;
    if *id == oid!(1.2.840.113549.1.1.10) {
        return match SignatureAlgorithm::try_from(algorithm) {
            Ok(SignatureAlgorithm::RSASSA_PSS(parameters)) => pss(&parameters).unwrap_or(0),
            _ => 0,
        };
    }
    let known = [
        (oid!(1.2.840.113549.1.1.2), 1),
        (oid!(1.2.840.113549.1.1.4), 2),
        (oid!(1.2.840.113549.1.1.5), 3),
        (oid!(1.3.14.3.2.29), 3),
        (oid!(1.2.840.113549.1.1.11), 4),
        (oid!(1.2.840.113549.1.1.12), 5),
        (oid!(1.2.840.113549.1.1.13), 6),
        (oid!(1.2.840.10040.4.3), 7),
        (oid!(2.16.840.1.101.3.4.3.2), 8),
        (oid!(1.2.840.10045.4.1), 9),
        (oid!(1.2.840.10045.4.3.2), 10),
        (oid!(1.2.840.10045.4.3.3), 11),
        (oid!(1.2.840.10045.4.3.4), 12),
        (oid!(1.3.101.112), 16),
    ];
    let is_null = |any: &Any| any.as_null().is_ok();
    match known.iter().find(|(known, _)| known == id) {
        // Ed25519 has no parameters, not even NULL.
        Some((_, 16)) if algorithm.parameters.as_ref().is_some_and(is_null) => 0,
        found => found.map_or(0, |(_, number)| *number),
    }
}

/// The combinations of digest, mask and salt that Go has.
fn pss(parameters: &RsaSsaPssParams) -> Option<i64> {
    let mask = parameters.mask_gen_algorithm().ok()?;
    let hash = parameters.hash_algorithm_oid();
    if mask.mgf != oid!(1.2.840.113549.1.1.8) || mask.hash != *hash || parameters.trailer_field() != 1 {
        return None;
    }
    [
        (oid!(2.16.840.1.101.3.4.2.1), 32, 13),
        (oid!(2.16.840.1.101.3.4.2.2), 48, 14),
        (oid!(2.16.840.1.101.3.4.2.3), 64, 15),
    ]
    .into_iter()
    .find_map(|(known, salt, number)| (known == *hash && salt == parameters.salt_length()).then_some(number))
}

const fn scheme(signature_algorithm: i64) -> Option<Scheme> {
    match signature_algorithm {
        4 => Some(Scheme::Pkcs1(Hash::Sha256)),
        5 => Some(Scheme::Pkcs1(Hash::Sha384)),
        6 => Some(Scheme::Pkcs1(Hash::Sha512)),
        10 => Some(Scheme::Ecdsa(Hash::Sha256)),
        11 => Some(Scheme::Ecdsa(Hash::Sha384)),
        12 => Some(Scheme::Ecdsa(Hash::Sha512)),
        13 => Some(Scheme::Pss(Hash::Sha256)),
        14 => Some(Scheme::Pss(Hash::Sha384)),
        15 => Some(Scheme::Pss(Hash::Sha512)),
        16 => Some(Scheme::Ed25519),
        _ => None,
    }
}
