//! Keys that sign and verify bundles.
//!
//! INVARIANT (one key, one algorithm): a key is used with its configured algorithm only; the `alg` of a token never selects
//! another. So no token can turn a public key into a secret, or ask for no signature.

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    self, EcdsaKeyPair, EcdsaSigningAlgorithm, ParsedPublicKey, RsaEncoding, RsaKeyPair,
    VerificationAlgorithm,
};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::pem;

/// A signature algorithm (RFC 7518 section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// HMAC with SHA-256
    Hs256,
    /// HMAC with SHA-384
    Hs384,
    /// HMAC with SHA-512
    Hs512,
    /// RSASSA-PKCS1-v1_5 with SHA-256
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512
    Rs512,
    /// RSASSA-PSS with SHA-256
    Ps256,
    /// RSASSA-PSS with SHA-384
    Ps384,
    /// RSASSA-PSS with SHA-512
    Ps512,
    /// ECDSA on P-256 with SHA-256
    Es256,
    /// ECDSA on P-384 with SHA-384
    Es384,
    /// ECDSA on P-521 with SHA-512
    Es512,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Hs256,
        Self::Hs384,
        Self::Hs512,
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Es256,
        Self::Es384,
        Self::Es512,
    ];

    /// Its name in a header.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Hs384 => "HS384",
            Self::Hs512 => "HS512",
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
        }
    }

    /// By its exact name.
    ///
    /// # Errors
    /// An unknown name; the error lists the known ones.
    pub fn parse(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|algorithm| algorithm.name() == name);
        found.ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|algorithm| algorithm.name()).collect();
            format!("`{name}` is not a supported signature algorithm; use one of {}", names.join(", "))
        })
    }

    /// Whether its key is a secret that both sides share.
    pub const fn is_shared(self) -> bool {
        self.hmac().is_some()
    }

    const fn hmac(self) -> Option<hmac::Algorithm> {
        match self {
            Self::Hs256 => Some(hmac::HMAC_SHA256),
            Self::Hs384 => Some(hmac::HMAC_SHA384),
            Self::Hs512 => Some(hmac::HMAC_SHA512),
            _ => None,
        }
    }

    const fn rsa(self) -> Option<&'static dyn RsaEncoding> {
        Some(match self {
            Self::Rs256 => &signature::RSA_PKCS1_SHA256,
            Self::Rs384 => &signature::RSA_PKCS1_SHA384,
            Self::Rs512 => &signature::RSA_PKCS1_SHA512,
            Self::Ps256 => &signature::RSA_PSS_SHA256,
            Self::Ps384 => &signature::RSA_PSS_SHA384,
            Self::Ps512 => &signature::RSA_PSS_SHA512,
            _ => return None,
        })
    }

    const fn ecdsa(self) -> Option<&'static EcdsaSigningAlgorithm> {
        Some(match self {
            Self::Es256 => &signature::ECDSA_P256_SHA256_FIXED_SIGNING,
            Self::Es384 => &signature::ECDSA_P384_SHA384_FIXED_SIGNING,
            Self::Es512 => &signature::ECDSA_P521_SHA512_FIXED_SIGNING,
            _ => return None,
        })
    }

    const fn verification(self) -> Option<&'static dyn VerificationAlgorithm> {
        Some(match self {
            Self::Rs256 => &signature::RSA_PKCS1_2048_8192_SHA256,
            Self::Rs384 => &signature::RSA_PKCS1_2048_8192_SHA384,
            Self::Rs512 => &signature::RSA_PKCS1_2048_8192_SHA512,
            Self::Ps256 => &signature::RSA_PSS_2048_8192_SHA256,
            Self::Ps384 => &signature::RSA_PSS_2048_8192_SHA384,
            Self::Ps512 => &signature::RSA_PSS_2048_8192_SHA512,
            Self::Es256 => &signature::ECDSA_P256_SHA256_FIXED,
            Self::Es384 => &signature::ECDSA_P384_SHA384_FIXED,
            Self::Es512 => &signature::ECDSA_P521_SHA512_FIXED,
            Self::Hs256 | Self::Hs384 | Self::Hs512 => return None,
        })
    }

    const fn kind(self) -> &'static str {
        match self {
            Self::Hs256 | Self::Hs384 | Self::Hs512 => "a secret",
            Self::Es256 => "an EC key on P-256",
            Self::Es384 => "an EC key on P-384",
            Self::Es512 => "an EC key on P-521",
            _ => "an RSA key of 2,048 to 8,192 bits",
        }
    }

    fn unfit(self) -> String {
        format!("the key is not {}, as {} requires", self.kind(), self.name())
    }
}

/// A key that verifies signatures.
#[derive(Clone)]
pub struct VerificationKey {
    algorithm: Algorithm,
    material: Public,
}

#[derive(Clone)]
enum Public {
    Secret(Box<hmac::Key>),
    Key(ParsedPublicKey),
}

/// Omits the key itself, which may be a secret.
impl std::fmt::Debug for VerificationKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VerificationKey").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

impl VerificationKey {
    /// From PEM (a public key or a certificate), or from an HMAC secret.
    ///
    /// # Errors
    /// A key that does not fit the algorithm; the key itself is not repeated.
    pub fn new(algorithm: Algorithm, text: &[u8]) -> Result<Self, String> {
        let material = match algorithm.verification() {
            None => Public::Secret(secret(algorithm, text)?),
            Some(verification) => {
                let block = pem::first(text)?;
                let der = match block.label.as_str() {
                    "PUBLIC KEY" | "RSA PUBLIC KEY" => block.bytes,
                    "CERTIFICATE" => {
                        let (_, certificate) = X509Certificate::from_der(&block.bytes)
                            .map_err(|_| "the certificate is malformed".to_owned())?;
                        certificate.public_key().raw.to_vec()
                    }
                    label if label.ends_with("PRIVATE KEY") => {
                        return Err("this is a private key, which only the signer needs; use the public key"
                            .to_owned());
                    }
                    label => {
                        return Err(format!(
                            "this is a `{label}`; use a `PUBLIC KEY`, an `RSA PUBLIC KEY` or a `CERTIFICATE`"
                        ));
                    }
                };
                Public::Key(ParsedPublicKey::new(verification, der).map_err(|_| algorithm.unfit())?)
            }
        };
        Ok(Self { algorithm, material })
    }

    /// Its algorithm.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Whether the signature over the message is valid.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.material {
            Public::Secret(key) => hmac::verify(key, message, signature).is_ok(),
            Public::Key(key) => key.verify_sig(message, signature).is_ok(),
        }
    }
}

/// A key that signs.
pub struct SigningKey {
    algorithm: Algorithm,
    material: Private,
}

enum Private {
    Secret(Box<hmac::Key>),
    Rsa(Box<RsaKeyPair>, &'static dyn RsaEncoding),
    Ecdsa(Box<EcdsaKeyPair>),
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

impl SigningKey {
    /// From PEM (PKCS #8, PKCS #1 or SEC 1), or from an HMAC secret.
    ///
    /// # Errors
    /// A key that does not fit the algorithm; the key itself is not repeated.
    pub fn new(algorithm: Algorithm, text: &[u8]) -> Result<Self, String> {
        if algorithm.is_shared() {
            return Ok(Self { algorithm, material: Private::Secret(secret(algorithm, text)?) });
        }
        let block = pem::first(text)?;
        let (label, der) = (block.label.as_str(), block.bytes.as_slice());
        let unfit = |_| algorithm.unfit();
        let material = match (algorithm.rsa(), algorithm.ecdsa(), label) {
            (Some(encoding), _, "PRIVATE KEY") => {
                Private::Rsa(Box::new(RsaKeyPair::from_pkcs8(der).map_err(unfit)?), encoding)
            }
            (Some(encoding), _, "RSA PRIVATE KEY") => {
                Private::Rsa(Box::new(RsaKeyPair::from_der(der).map_err(unfit)?), encoding)
            }
            (_, Some(signing), "PRIVATE KEY") => {
                Private::Ecdsa(Box::new(EcdsaKeyPair::from_pkcs8(signing, der).map_err(unfit)?))
            }
            (_, Some(signing), "EC PRIVATE KEY") => {
                Private::Ecdsa(Box::new(EcdsaKeyPair::from_private_key_der(signing, der).map_err(unfit)?))
            }
            (_, _, "ENCRYPTED PRIVATE KEY") => {
                return Err("the private key is encrypted; decrypt it first".to_owned());
            }
            (_, _, label) if label.ends_with("PRIVATE KEY") => return Err(algorithm.unfit()),
            (_, _, label) => return Err(format!("it is a `{label}`; a private key is needed to sign")),
        };
        Ok(Self { algorithm, material })
    }

    /// Its algorithm.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Signs the message.
    ///
    /// # Errors
    /// A key that is too short for its algorithm.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, String> {
        let random = SystemRandom::new();
        match &self.material {
            Private::Secret(key) => Ok(hmac::sign(key, message).as_ref().to_vec()),
            Private::Ecdsa(pair) => {
                let signed = pair.sign(&random, message).map_err(|_| self.algorithm.unfit())?;
                Ok(signed.as_ref().to_vec())
            }
            Private::Rsa(pair, encoding) => {
                let mut signed = vec![0; pair.public_modulus_len()];
                pair.sign(*encoding, &random, message, &mut signed).map_err(|_| self.algorithm.unfit())?;
                Ok(signed)
            }
        }
    }
}

fn secret(algorithm: Algorithm, text: &[u8]) -> Result<Box<hmac::Key>, String> {
    let Some(hmac) = algorithm.hmac() else { return Err(algorithm.unfit()) };
    if text.is_empty() {
        return Err("the secret is empty".to_owned());
    }
    let public = pem::first(text)
        .is_ok_and(|block| matches!(block.label.as_str(), "PUBLIC KEY" | "RSA PUBLIC KEY" | "CERTIFICATE"));
    if public {
        return Err(format!(
            "{} needs a secret; a public key or certificate is not secret",
            algorithm.name()
        ));
    }
    Ok(Box::new(hmac::Key::new(hmac, text)))
}
