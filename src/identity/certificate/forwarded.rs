//! `X-Forwarded-Client-Cert`, as Envoy defines it: what each proxy says of its client's certificate, the nearest proxy last.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use percent_encoding::percent_decode_str;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;

use super::shown::Shown;
use crate::identity::refusal::Refusal;
use crate::model::client_certificate::{ClientCertificate, VouchedBy};

/// The longest header that is read, in bytes.
const MAX_BYTES: usize = 32 * 1024;
/// The most proxies, and the most certificates that one of them passes on.
const MAX_COUNT: usize = 16;

/// What is said of each certificate, in the order of the header.
///
/// # Errors
/// The header cannot be read, or contradicts itself.
pub(in crate::identity) fn read(value: &[u8]) -> Result<Vec<Shown>, Refusal> {
    let text = std::str::from_utf8(value).map_err(|_| Refusal::Forwarded("is not text"))?;
    if text.len() > MAX_BYTES {
        return Err(Refusal::Forwarded("is longer than 32 KiB"));
    }
    let elements = split(text, ',')?;
    if elements.len() > MAX_COUNT {
        return Err(Refusal::Forwarded("has more than 16 elements"));
    }
    elements.into_iter().map(element).collect()
}

/// The parts between separators that are not within quotes.
fn split(text: &str, separator: char) -> Result<Vec<&str>, Refusal> {
    let (mut parts, mut begin, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if character == separator && !quoted => {
                parts.push(&text[begin..at]);
                begin = at + 1;
            }
            _ => {}
        }
    }
    if quoted {
        return Err(Refusal::Forwarded("has a quote that does not end"));
    }
    parts.push(&text[begin..]);
    Ok(parts)
}

/// What stands in quotes, or the text as it is.
fn unquoted(text: &str) -> Result<String, Refusal> {
    let Some(rest) = text.strip_prefix('"') else {
        let bare = !text.contains('"');
        return bare.then(|| text.to_owned()).ok_or(Refusal::Forwarded("has a quote within a value"));
    };
    let mut value = String::with_capacity(rest.len());
    let mut characters = rest.chars();
    loop {
        match characters.next() {
            Some('"') if characters.as_str().is_empty() => return Ok(value),
            Some('\\') => value.extend(characters.next()),
            Some('"') | None => return Err(Refusal::Forwarded("has a quote within a value")),
            Some(other) => value.push(other),
        }
    }
}

/// The pairs of one element that count here.
#[derive(Default)]
struct Pairs {
    hash: Option<String>,
    certificate: Option<String>,
    chain: Option<String>,
    uris: Vec<String>,
}

fn element(text: &str) -> Result<Shown, Refusal> {
    let mut pairs = Pairs::default();
    for pair in split(text, ';')? {
        let (key, value) = pair.split_once('=').ok_or(Refusal::Forwarded("is not made of `Key=Value`"))?;
        let value = unquoted(value.trim_matches(' '))?;
        let slot = match key.trim_matches(' ').to_ascii_lowercase().as_str() {
            "hash" => &mut pairs.hash,
            "cert" => &mut pairs.certificate,
            "chain" => &mut pairs.chain,
            // Envoy writes an empty one where there is none.
            "uri" if value.is_empty() => continue,
            "uri" => {
                pairs.uris.push(value);
                continue;
            }
            // Who wrote it, and names that no decision rests on.
            _ => continue,
        };
        if slot.replace(value).is_some() {
            return Err(Refusal::Forwarded("has a key twice"));
        }
    }
    pairs.shown()
}

impl Pairs {
    fn shown(self) -> Result<Shown, Refusal> {
        let thumbprint = self.hash.as_deref().map(from_hex).transpose()?;
        let own = self.certificate.as_deref().map(certificates).transpose()?;
        let chain = self.chain.as_deref().map(certificates).transpose()?;
        let first = |found: &Option<Vec<CertificateDer<'static>>>| found.as_ref()?.first().cloned();
        if own.is_some() && chain.is_some() && first(&own) != first(&chain) {
            return Err(Refusal::Forwarded("contradicts itself"));
        }
        let Some(found) = chain.or(own) else { return Ok(Shown::Told { uris: self.uris, thumbprint }) };
        let certificate = ClientCertificate::new(found, VouchedBy::Authority);
        let certificate = certificate.ok_or(Refusal::Forwarded("has a certificate that cannot be read"))?;
        match thumbprint.is_some_and(|said| said != certificate.thumbprint()) {
            true => Err(Refusal::Forwarded("contradicts itself")),
            false => Ok(Shown::Whole(certificate)),
        }
    }
}

/// Certificates in PEM, percent-encoded.
fn certificates(text: &str) -> Result<Vec<CertificateDer<'static>>, Refusal> {
    const UNREADABLE: Refusal = Refusal::Forwarded("has a certificate that cannot be read");
    let pem: Vec<u8> = percent_decode_str(text).collect();
    let found: Vec<_> = CertificateDer::pem_slice_iter(&pem)
        .take(MAX_COUNT + 1)
        .collect::<Result<_, _>>()
        .map_err(|_| UNREADABLE)?;
    if found.is_empty() || found.len() > MAX_COUNT { Err(UNREADABLE) } else { Ok(found) }
}

/// The SHA-256 of a certificate: hexadecimal there, base64url in tokens.
fn from_hex(text: &str) -> Result<String, Refusal> {
    const FORM: Refusal = Refusal::Forwarded("has a `Hash` that is not a SHA-256 in hexadecimal");
    if text.len() != 2 * digest::SHA256_OUTPUT_LEN || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(FORM);
    }
    let byte = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).map_err(|_| FORM);
    let bytes: Result<Vec<u8>, Refusal> = (0..text.len()).step_by(2).map(byte).collect();
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(uris: &[&str], thumbprint: Option<String>) -> Shown {
        Shown::Told { uris: uris.iter().map(|uri| (*uri).to_owned()).collect(), thumbprint }
    }

    #[test]
    fn elements_pairs_and_quotes_are_read_as_envoy_writes_them() {
        let hash = "00ff".repeat(16);
        let thumbprint = Some(BASE64_URL_SAFE_NO_PAD.encode([0, 255].repeat(16)));
        for (text, expected) in [
            (format!("Hash={hash}"), vec![told(&[], thumbprint.clone())]),
            (
                format!("By=spiffe://a/b;hash={hash};URI=spiffe://a/c"),
                vec![told(&["spiffe://a/c"], thumbprint)],
            ),
            ("Subject=\"CN=a,O=\\\"b;c\\\"\";URI=x:y;DNS=z".to_owned(), vec![told(&["x:y"], None)]),
            ("URI=a:1,URI=\"b:2,3\";URI=".to_owned(), vec![told(&["a:1"], None), told(&["b:2,3"], None)]),
            ("URI=a:1;URI=b:2".to_owned(), vec![told(&["a:1", "b:2"], None)]),
        ] {
            assert_eq!(read(text.as_bytes()), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_refuses_the_call() {
        let twice = format!("Hash={0};Hash={0}", "00".repeat(32));
        for text in [
            "",
            "spiffe://a/b",
            "URI",
            "URI=\"a",
            "URI=a\"b\"",
            "URI=\"a\"b",
            "URI=\"a\\\"",
            "Hash=00",
            "Hash=\u{e4}",
            &twice,
            "Cert=no-pem",
            "Cert=-----BEGIN%20CERTIFICATE-----",
            &"URI=a,".repeat(17),
            &"x".repeat(MAX_BYTES + 1),
        ] {
            assert!(read(text.as_bytes()).is_err(), "{text}");
        }
        assert!(read(b"URI=\xff").is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_header_ends_the_process(value in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
            let _ = read(&value);
        }

        #[test]
        fn a_quoted_value_is_what_was_written(uri in "[ -~]{1,40}") {
            let quoted = uri.replace('\\', "\\\\").replace('"', "\\\"");
            let shown = read(format!("Hash={};URI=\"{quoted}\"", "00".repeat(32)).as_bytes()).unwrap();
            let [Shown::Told { uris, .. }] = shown.as_slice() else { panic!("{shown:?}") };
            proptest::prop_assert_eq!(uris, &[uri]);
        }
    }
}
