//! Public keys, and the signatures that are checked with them: for tokens (JWS, RFC 7515) and for certificates alike.
//!
//! ```
//! use base64::Engine as _;
//! use base64::prelude::BASE64_URL_SAFE_NO_PAD;
//! use verdict_jose::{Halves, PublicKey, Scheme};
//!
//! // RFC 8037, appendix A.4.
//! let decode = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text).unwrap();
//! let key = PublicKey::ed25519(&decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")).unwrap();
//! let message = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
//! let signature = decode(
//!     "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
//! );
//! assert!(key.verifies_jws(Scheme::Ed25519, Halves::OfCurve, message, &signature));
//! assert!(!key.verifies_jws(Scheme::Ed25519, Halves::OfCurve, b"another message", &signature));
//! ```
//!
//! INVARIANT (parsed once): what checking needs is prepared with the first signature and kept with the key.
//! INVARIANT (verified once): a signature that was valid is remembered by the hash of key, scheme, message and signature,
//! whoever asked; invalid ones are checked again each time, so that only the owners of keys can fill the memory.
//!
//! Deliberately absent: which keys and schemes are good enough, which is for the caller to decide; private keys; secrets.
//!
//! Reading order: [`Scheme`] → [`Algorithm`] → [`PublicKey`] → [`PublicKey::verifies_jws`].

mod algorithm;
mod keys;
mod pem;
mod schemes;
mod signatures;

pub use algorithm::Algorithm;
pub use keys::{Curve, Ec, Ed25519, PublicKey, Rsa, significant};
pub use pem::{MAX_PEM_BYTES, MAX_PEM_KEYS};
pub use schemes::{Hash, Scheme};
pub use signatures::Halves;
