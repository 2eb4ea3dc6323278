//! Certificates and private keys: `crypto.x509.*` and `crypto.parse_private_keys`.

use crate::builtins::context::{Context, object, text};
use crate::builtins::encoding::pem::{self, decode_base64, first_block};
use crate::builtins::error::Error;
use crate::builtins::x509::go_json::{base64, object as object_of};
use crate::builtins::x509::json::{EXTENDED_KEY_USAGES, request_value};
use crate::builtins::x509::parse::Certificate;
use crate::builtins::x509::private_keys;
use crate::builtins::x509::verify::{Options, verify};
use crate::value::{Number, Object, Value};

/// The most certificates of one text.
const MAX_CERTIFICATES: usize = 200;

const BEGIN: &[u8] = b"-----BEGIN";

fn bounded(args: &[Value], position: usize) -> Result<&str, Error> {
    let text = text(args, position)?;
    if text.len() > pem::MAX_TEXT { Err(Error::failed("the text is too long")) } else { Ok(text) }
}

/// PEM, or base64 of PEM or of DER, one after the other.
fn certificates(text: &str) -> Result<Vec<Certificate>, Error> {
    let bytes = if text.as_bytes().starts_with(BEGIN) {
        text.as_bytes().to_vec()
    } else {
        decode_base64(text.as_bytes())?
    };
    if !bytes.starts_with(BEGIN) {
        return of_der(&bytes);
    }
    let mut rest = bytes.as_slice();
    let mut der = Vec::new();
    while let Some((block, after)) = first_block(rest) {
        if block.label != b"CERTIFICATE" {
            let kind = pem::lossy(block.label);
            return Err(Error::failed(format_args!("PEM block type is '{kind}', expected CERTIFICATE")));
        }
        der.extend_from_slice(&block.bytes);
        rest = after;
    }
    of_der(&der)
}

fn of_der(mut der: &[u8]) -> Result<Vec<Certificate>, Error> {
    let mut certificates = Vec::new();
    while !der.is_empty() {
        let certificate;
        (der, certificate) = Certificate::parse_first(der).map_err(Error::failed)?;
        certificates.push(certificate);
        if certificates.len() > MAX_CERTIFICATES {
            return Err(Error::failed("there are too many certificates"));
        }
    }
    Ok(certificates)
}

pub fn parse_certificates(_: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    let certificates = certificates(bounded(args, 1)?)?;
    Ok(Some(Value::from(certificates.iter().map(|one| one.to_value(true)).collect::<Vec<_>>())))
}

pub fn parse_and_verify(context: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    let certificates = certificates(bounded(args, 1)?);
    let options = usual(context);
    verified(context, certificates, &options, true)
}

pub fn parse_and_verify_with_options(context: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    let text = bounded(args, 1)?;
    let members = object(args, 2)?;
    let certificates = certificates(text);
    if certificates.is_err() {
        let options = usual(context);
        return verified(context, certificates, &options, false);
    }
    let options = options(context, members)?;
    verified(context, certificates, &options, false)
}

fn usual(context: &mut Context) -> Options {
    Options {
        host: String::new(),
        now_ns: i128::from(context.now()),
        usages: Vec::new(),
        comparisons: 0,
        deadline: context.deadline,
    }
}

fn verified(
    context: &Context,
    certificates: Result<Vec<Certificate>, Error>,
    options: &Options,
    with_uri_texts: bool,
) -> Result<Option<Value>, Error> {
    let chain = certificates.as_ref().ok().and_then(|certificates| verify(certificates, options));
    context.check_deadline()?;
    let valid = Value::Bool(chain.is_some());
    let chain = chain.into_iter().flatten().map(|one| one.to_value(with_uri_texts)).collect::<Vec<_>>();
    Ok(Some(Value::from(vec![valid, Value::from(chain)])))
}

fn options(context: &mut Context, members: &Object) -> Result<Options, Error> {
    let mut options = usual(context);
    for (name, value) in members.iter() {
        let Some(name) = name.as_str() else { continue };
        match (name, value) {
            ("DNSName", Value::String(host)) => options.host = host.trim_matches('"').to_owned(),
            ("DNSName", _) => return Err(Error::failed("'DNSName' should be a string")),
            ("CurrentTime", Value::Number(time)) => {
                let wrong = || Error::failed("'CurrentTime' should be a valid int64 number");
                options.now_ns = i128::from(whole(time).ok_or_else(wrong)?);
            }
            ("CurrentTime", _) => return Err(Error::failed("'CurrentTime' should be a number")),
            ("MaxConstraintComparisons", Value::Number(most)) => {
                let wrong = || Error::failed("'MaxConstraintComparisons' should be a valid number");
                let most = whole(most).ok_or_else(wrong)?;
                // Below nothing is no comparison at all.
                options.comparisons = usize::try_from(most).unwrap_or(0).min(1_000_000);
            }
            ("MaxConstraintComparisons", _) => {
                return Err(Error::failed("'MaxConstraintComparisons' should be a number"));
            }
            ("KeyUsages", Value::Array(names)) => options.usages = usages(names.iter())?,
            ("KeyUsages", Value::Set(names)) => options.usages = usages(names.keys())?,
            ("KeyUsages", _) => return Err(Error::failed("'KeyUsages' should be an Array or Set")),
            _ => return Err(Error::failed("invalid key option")),
        }
    }
    Ok(options)
}

/// Only what is written as a whole number: `1e9` is not.
fn whole(number: &Number) -> Option<i64> {
    number.to_string().parse().ok()
}

fn usages<'v>(names: impl Iterator<Item = &'v Value>) -> Result<Vec<usize>, Error> {
    let (mut usages, mut unknown) = (Vec::new(), Vec::new());
    for name in names.filter_map(Value::as_str).map(|name| name.trim_matches('"')) {
        match EXTENDED_KEY_USAGES.iter().position(|(_, known)| *known == name) {
            Some(usage) => usages.push(usage),
            None => unknown.push(name),
        }
    }
    if unknown.is_empty() {
        return Ok(usages);
    }
    let unknown = unknown.join(" ");
    Err(Error::failed(format_args!("invalid entries for 'KeyUsages' found: [{unknown}]")))
}

pub fn parse_request(_: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    let text = bounded(args, 1)?;
    let bytes = if text.starts_with("-----BEGIN CERTIFICATE REQUEST-----") {
        text.as_bytes().to_vec()
    } else {
        decode_base64(text.as_bytes())?
    };
    let value = match first_block(&bytes) {
        Some((block, _)) if block.label == b"CERTIFICATE REQUEST" => request_value(&block.bytes),
        Some(_) => return Err(Error::failed("invalid PEM-encoded certificate signing request")),
        None => request_value(&bytes),
    };
    value.map(Some).map_err(Error::failed)
}

/// All blocks of a text whose label is wanted: PEM, or base64 of PEM or of the DER of one.
fn blocks(text: &str, wanted: fn(&[u8]) -> bool) -> Result<Vec<Vec<u8>>, Error> {
    let bytes = if text.starts_with("-----BEGIN ") {
        text.as_bytes().to_vec()
    } else {
        decode_base64(text.as_bytes())?
    };
    if !bytes.starts_with(b"-----BEGIN ") {
        return Ok(vec![bytes]);
    }
    let mut rest = bytes.as_slice();
    let mut found = Vec::new();
    while let Some((block, after)) = first_block(rest) {
        rest = after;
        if wanted(block.label) {
            found.push(block.bytes);
        }
        if found.len() > MAX_CERTIFICATES {
            return Err(Error::failed("there are too many certificates"));
        }
    }
    Ok(found)
}

/// A certificate with its private key, as Go's `tls.Certificate`.
pub fn parse_key_pair(_: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    let chain = blocks(bounded(args, 1)?, |label| label == b"CERTIFICATE")?;
    let keys =
        blocks(bounded(args, 2)?, |label| label == b"PRIVATE KEY" || label.ends_with(b" PRIVATE KEY"))?;
    let missing = |what| Error::failed(format_args!("tls: failed to find any PEM data in {what} input"));
    let leaf = chain.first().ok_or_else(|| missing("certificate"))?;
    let leaf = Certificate::parse(leaf).map_err(Error::failed)?;
    let key = keys.first().ok_or_else(|| missing("key"))?;
    let key = private_keys::of_any(key).ok_or_else(|| Error::failed("tls: failed to parse private key"))?;
    match &leaf.public_key {
        None => return Err(Error::failed("tls: unknown public key algorithm")),
        Some(public) if !key.belongs_to(public) => {
            return Err(Error::failed("tls: private key does not match public key"));
        }
        Some(_) => {}
    }
    Ok(Some(object_of([
        ("Certificate", Value::from(chain.iter().map(|der| base64(der)).collect::<Vec<_>>())),
        ("PrivateKey", key.to_value()),
        ("SupportedSignatureAlgorithms", Value::Null),
        ("OCSPStaple", Value::Null),
        ("SignedCertificateTimestamps", Value::Null),
        ("Leaf", leaf.to_value(false)),
    ])))
}

/// The first private key of a text as a JWK. Despite the name, of any kind.
pub fn parse_private_key(_: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    let text = bounded(args, 1)?;
    if text.is_empty() {
        return Err(Error::failed("input PEM data was empty"));
    }
    let decoded;
    let pem = if text.as_bytes().starts_with(BEGIN) {
        text
    } else {
        decoded = pem::lossy(&decode_base64(text.as_bytes())?);
        &decoded
    };
    let keys = private_keys::of_text(pem)?;
    keys.first().map_or(Ok(Value::Null), private_keys::PrivateKey::to_jwk).map(Some)
}

pub fn parse_private_keys(_: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    let text = bounded(args, 1)?;
    if text.is_empty() {
        return Ok(Some(Value::Null));
    }
    let keys = private_keys::of_text(text)?;
    Ok(Some(Value::from(keys.iter().map(private_keys::PrivateKey::to_value).collect::<Vec<_>>())))
}
