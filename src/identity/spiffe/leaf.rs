//! What an X.509-SVID says of its workload (the X.509-SVID standard, sections 2 to 4). Its path is verified elsewhere.

use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;

use super::id::SpiffeId;

/// The SPIFFE ID of a leaf certificate in DER.
///
/// # Errors
/// What keeps it from being an X.509-SVID: other than one URI among its names, a URI that is no workload's SPIFFE ID, or that it may sign
/// certificates or lists of revoked ones.
pub fn id_of(der: &[u8]) -> Result<SpiffeId, &'static str> {
    let Ok(([], certificate)) = parse_x509_certificate(der) else {
        return Err("is not one X.509 certificate");
    };
    let constraints = certificate.basic_constraints().map_err(|_| "has constraints that cannot be read")?;
    if constraints.is_some_and(|constraints| constraints.value.ca) {
        return Err("is the certificate of an authority");
    }
    let usage = certificate.key_usage().map_err(|_| "has a key usage that cannot be read")?;
    let usage = usage.ok_or("has no key usage")?.value;
    if usage.key_cert_sign() || usage.crl_sign() {
        return Err("may sign certificates or lists of revoked ones");
    }
    if !usage.digital_signature() {
        return Err("may not sign");
    }
    let names = certificate.subject_alternative_name().map_err(|_| "has names that cannot be read")?;
    let names = names.ok_or("has no names")?;
    let mut uris = names.value.general_names.iter().filter_map(|name| match name {
        GeneralName::URI(uri) => Some(Ok(*uri)),
        GeneralName::Invalid(..) => Some(Err("has names that cannot be read")),
        _ => None,
    });
    match (uris.next().transpose()?, uris.next()) {
        (Some(uri), None) => SpiffeId::parse(uri),
        (None, _) => Err("has no URI among its names"),
        (Some(_), Some(_)) => Err("has more than one URI among its names"),
    }
}
