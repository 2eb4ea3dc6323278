//! What a certificate says of itself (RFC 5280).

use serde_json::{Map, Value, json};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;

use super::config::NameType;
use crate::identity::kind::Validity;
use crate::identity::refusal::Refusal;
use crate::model::clock::Timestamp;

/// A certificate's names and times.
pub(in crate::identity) struct Names {
    pub(in crate::identity) uris: Vec<String>,
    dns: Vec<String>,
    emails: Vec<String>,
    common_names: Vec<String>,
    subject: String,
    issuer: String,
    serial_number: String,
    not_before: i64,
    not_after: i64,
}

impl Names {
    /// Reads a certificate in DER.
    ///
    /// # Errors
    /// It is no certificate, or one with names that cannot be read.
    pub(in crate::identity) fn read(der: &[u8]) -> Result<Self, Refusal> {
        let (rest, certificate) =
            parse_x509_certificate(der).map_err(|_| Refusal::Certificate("is not one of X.509"))?;
        if !rest.is_empty() {
            return Err(Refusal::Certificate("is followed by something else"));
        }
        let mut names = Self::of_subject(&certificate)?;
        let alternative = certificate.subject_alternative_name();
        let alternative = alternative.map_err(|_| Refusal::Certificate("has names that cannot be read"))?;
        for name in alternative.iter().flat_map(|names| &names.value.general_names) {
            match name {
                GeneralName::URI(uri) => names.uris.push((*uri).to_owned()),
                GeneralName::DNSName(name) => names.dns.push((*name).to_owned()),
                GeneralName::RFC822Name(email) => names.emails.push((*email).to_owned()),
                GeneralName::Invalid(..) => {
                    return Err(Refusal::Certificate("has names that cannot be read"));
                }
                _ => {}
            }
        }
        Ok(names)
    }

    fn of_subject(certificate: &X509Certificate<'_>) -> Result<Self, Refusal> {
        let common_names: Result<Vec<_>, _> =
            certificate.subject().iter_common_name().map(|name| name.as_str().map(str::to_owned)).collect();
        let validity = certificate.validity();
        Ok(Self {
            uris: Vec::new(),
            dns: Vec::new(),
            emails: Vec::new(),
            common_names: common_names.map_err(|_| Refusal::Certificate("has names that cannot be read"))?,
            subject: certificate.subject().to_string(),
            issuer: certificate.issuer().to_string(),
            serial_number: certificate.raw_serial().iter().map(|byte| format!("{byte:02x}")).collect(),
            not_before: validity.not_before.timestamp(),
            not_after: validity.not_after.timestamp(),
        })
    }

    /// Its only name of a type.
    ///
    /// # Errors
    /// It has none or several, or one that nobody could read.
    pub(in crate::identity) fn only(&self, which: NameType) -> Result<&str, Refusal> {
        let names = match which {
            NameType::Uri => &self.uris,
            NameType::Dns => &self.dns,
            NameType::Email => &self.emails,
            NameType::CommonName => &self.common_names,
        };
        match names.as_slice() {
            [name] if !name.is_empty() && !name.chars().any(char::is_control) => Ok(name),
            _ => Err(Refusal::Certificate("does not have exactly one name of the type that is asked for")),
        }
    }

    /// When it is valid. There is no leeway: TLS gives none either.
    pub(in crate::identity) fn validity(&self) -> Validity {
        let nanos = |seconds| Timestamp::from_unix_seconds(seconds).0;
        // The last second is within (RFC 5280 section 4.1.2.5).
        let until = nanos(self.not_after.saturating_add(1));
        Validity { from: Some(nanos(self.not_before)), until: Some(until) }
    }

    /// Its end.
    pub(in crate::identity) fn expires_at(&self) -> Timestamp {
        Timestamp::from_unix_seconds(self.not_after)
    }

    /// Who issued it, in the form of RFC 4514.
    pub(in crate::identity) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// `input.subject.claims`.
    pub(in crate::identity) fn claims(&self, thumbprint: &str) -> Map<String, Value> {
        let claims = json!({
            "subject": self.subject,
            "issuer": self.issuer,
            "serial_number": self.serial_number,
            "uri": self.uris,
            "dns": self.dns,
            "email": self.emails,
            "not_before": self.not_before,
            "not_after": self.not_after,
            "x5t#S256": thumbprint,
        });
        match claims {
            Value::Object(claims) => claims,
            _ => Map::new(),
        }
    }
}
