//! Public keys in PEM (RFC 7468 section 13): `PUBLIC KEY`, one after the other.
//!
//! Strict about what is a key, lenient about what is between keys (RFC 7468 section 2 allows explanations there).

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use x509_parser::asn1_rs::FromDer as _;
use x509_parser::x509::SubjectPublicKeyInfo;

use crate::keys::PublicKey;

/// The longest text that is read, in bytes: longer than a few keys of any kind.
pub const MAX_PEM_BYTES: usize = 1 << 16;
/// The most keys of one text.
pub const MAX_PEM_KEYS: usize = 4;

const BEGIN: &str = "-----BEGIN ";
const DASHES: &str = "-----";

impl PublicKey {
    /// The public keys of a PEM text, in its order.
    ///
    /// # Errors
    /// When there is none, more than [`MAX_PEM_KEYS`], or anything else than a public key: a private key, and a
    /// certificate, of which nobody here would check by whom it was issued, for what and until when. The error repeats
    /// nothing of the text.
    pub fn from_pem(text: &str) -> Result<Vec<Self>, &'static str> {
        if text.len() > MAX_PEM_BYTES {
            return Err("it is longer than 64 KiB");
        }
        let (mut keys, mut lines) = (Vec::new(), text.lines().map(str::trim));
        while let Some(label) =
            lines.find_map(|line| line.strip_prefix(BEGIN).and_then(|line| line.strip_suffix(DASHES)))
        {
            check_label(label)?;
            let (mut body, mut ended) = (String::new(), false);
            for line in lines.by_ref() {
                if line == "-----END PUBLIC KEY-----" {
                    ended = true;
                    break;
                }
                body.push_str(line);
            }
            if !ended {
                return Err("a key in it does not end with `-----END PUBLIC KEY-----`");
            }
            if keys.len() == MAX_PEM_KEYS {
                return Err("it has more than 4 keys");
            }
            keys.push(Self::from_spki(
                &BASE64_STANDARD.decode(&body).map_err(|_| "it is not valid base64")?,
            )?);
        }
        match keys.is_empty() {
            true => Err("it is not a public key in pem (`-----BEGIN PUBLIC KEY-----`)"),
            false => Ok(keys),
        }
    }

    /// The key of a DER-encoded `SubjectPublicKeyInfo`.
    ///
    /// # Errors
    /// When it is not one, is followed by other bytes, or of an unknown kind.
    pub fn from_spki(der: &[u8]) -> Result<Self, &'static str> {
        let (rest, info) = SubjectPublicKeyInfo::from_der(der).map_err(|_| "it is not a public key")?;
        if !rest.is_empty() {
            return Err("it is followed by other bytes");
        }
        Self::from_info(&info)?.ok_or("it is of an unknown kind")
    }
}

fn check_label(label: &str) -> Result<(), &'static str> {
    match label {
        "PUBLIC KEY" => Ok(()),
        "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE" => {
            Err("it is a certificate; take its key out with `openssl x509 -pubkey -noout`")
        }
        "RSA PUBLIC KEY" => Err("it is an RSA key of another form; convert it with \
             `openssl rsa -RSAPublicKey_in -pubout`"),
        _ if label.contains("PRIVATE KEY") => {
            Err("it is a private key; take its public half out with `openssl pkey -pubout`")
        }
        _ => Err("it is something else than a public key"),
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::AsDer as _;
    use aws_lc_rs::signature::{ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};

    use super::*;

    fn pem(label: &str, der: &[u8]) -> String {
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", BASE64_STANDARD.encode(der))
    }

    #[test]
    fn public_keys_are_read_and_nothing_else() {
        let elliptic = EcdsaKeyPair::generate(&ECDSA_P521_SHA512_FIXED_SIGNING).unwrap();
        let elliptic = elliptic.public_key().as_der().unwrap();
        let edwards = Ed25519KeyPair::generate().unwrap();
        let edwards = edwards.public_key().as_der().unwrap();
        let (elliptic, edwards) = (elliptic.as_ref(), edwards.as_ref());
        let good = pem("PUBLIC KEY", edwards);
        let count = |text: &str| PublicKey::from_pem(text).map(|keys| keys.len());
        let not_pem = Err("it is not a public key in pem (`-----BEGIN PUBLIC KEY-----`)");
        for (text, expected) in [
            (good.clone(), Ok(1)),
            (format!("\n  {}", good.replace('\n', "\r\n  ")), Ok(1)),
            (format!("an explanation\n{good}\n{}", pem("PUBLIC KEY", elliptic)), Ok(2)),
            (good.repeat(4), Ok(4)),
            (good.repeat(5), Err("it has more than 4 keys")),
            (String::new(), not_pem),
            (good.replace("-----BEGIN", "----BEGIN"), not_pem),
            (good.replace("END", "end"), Err("a key in it does not end with `-----END PUBLIC KEY-----`")),
            (pem("PUBLIC KEY", b"no key"), Err("it is not a public key")),
            (pem("PUBLIC KEY", &[edwards, &[0]].concat()), Err("it is followed by other bytes")),
            (good.replace("MC", "M*"), Err("it is not valid base64")),
            (
                pem("PRIVATE KEY", edwards),
                Err("it is a private key; take its public half out with `openssl pkey -pubout`"),
            ),
            (
                good.clone() + &pem("EC PRIVATE KEY", edwards),
                Err("it is a private key; take its public half out with `openssl pkey -pubout`"),
            ),
            (
                pem("CERTIFICATE", edwards),
                Err("it is a certificate; take its key out with `openssl x509 -pubkey -noout`"),
            ),
            (pem("PGP PUBLIC KEY BLOCK", edwards), Err("it is something else than a public key")),
            (" ".repeat(MAX_PEM_BYTES + 1), Err("it is longer than 64 KiB")),
        ] {
            assert_eq!(count(&text), expected, "{text}");
        }
    }
}
