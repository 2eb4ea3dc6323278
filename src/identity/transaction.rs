//! Transaction tokens (draft-ietf-oauth-transaction-tokens-10): on whose behalf, and in which transaction, a workload calls. They
//! stand in the header `Txn-Token`, and come from issuers with `token_type: transaction`.
//!
//! INVARIANT (no proof of a workload): whoever sees a transaction token in passing could present it. It is used with a credential
//! of the caller, adds nothing to what that one may do, and `req_wl` is a fact for policy, not the caller.
//! INVARIANT (asked for): where no such issuer is configured, the header is not a place of credentials.

use std::sync::Arc;

use http::HeaderName;
use serde_json::Value;

use super::candidate::{Candidate, Place};
use super::config::{ConfigError, IssuerConfig};
use super::jwt::claims::{Claims, numeric_date, required_text, wrong};
use super::jwt::issuer::media_type;
use super::jwt::jws;
use super::jwt::token_type::{TRANSACTION, TokenType};
use super::jwt::verifier::Tokens;
use super::kind::{Accepted, CredentialKind, Statement, Verifying};
use super::refusal::Refusal;
use super::setup::Setup;
use crate::model::clock::Timestamp;
use crate::model::principal::Transaction;

/// The kind's name.
const METHOD: &str = "transaction";
/// Where they stand.
static HEADER: HeaderName = HeaderName::from_static("txn-token");

/// Transaction tokens of the configured issuers.
pub(super) struct Transactions {
    pub(super) tokens: Tokens,
    expected: bool,
}

impl CredentialKind for Transactions {
    fn name(&self) -> &'static str {
        METHOD
    }

    fn recognises(&self, candidate: &Candidate<'_>) -> bool {
        self.expected && candidate.place == Place::Header(&HEADER)
    }

    fn verify<'a>(&'a self, candidate: &'a Candidate<'a>, now: Timestamp) -> Verifying<'a> {
        Box::pin(async move {
            // One without `typ` is another kind of token.
            if jws::declared_type(candidate.text).is_none_or(|typ| media_type(&typ) != TRANSACTION) {
                return Err(Refusal::Type);
            }
            transaction(self.tokens.verify_with_fresh_keys(candidate.text, now).await?)
        })
    }
}

impl Transactions {
    /// Makes the issuers ready: reads files; fetches nothing.
    ///
    /// # Errors
    /// The keys of an issuer cannot be read.
    pub(super) fn new(issuers: &[IssuerConfig], setup: &Setup<'_>) -> Result<Self, ConfigError> {
        let tokens = Tokens::of_type(TokenType::Transaction, issuers, setup)?;
        Ok(Self { expected: !tokens.names().is_empty(), tokens })
    }

    /// The header that carries them, where they are expected.
    pub(super) fn header(&self) -> Option<&HeaderName> {
        self.expected.then_some(&HEADER)
    }
}

/// What a transaction token says, besides what every token does.
fn transaction(mut accepted: Accepted) -> Result<Accepted, Refusal> {
    let Statement::Subject(subject) = &accepted.says else { return Err(Refusal::UnknownKind) };
    let claims = &subject.principal.claims;
    numeric_date(claims, "iat")?.ok_or(wrong("iat", "is missing"))?;
    let scope = required_text(claims, "scope")?;
    let said = Transaction {
        txn: required_text(claims, "txn")?.to_owned(),
        sub: subject.principal.id.clone(),
        iss: subject.principal.issuer.clone(),
        scope: scope.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect(),
        req_wl: required_text(claims, "req_wl")?.to_owned(),
        tctx: context(claims, "tctx")?,
        rctx: context(claims, "rctx")?,
    };
    accepted.says = Statement::Transaction(Arc::new(said));
    Ok(accepted)
}

/// An object of what the transaction is about, or of the request that began it.
fn context(claims: &Claims, name: &'static str) -> Result<Option<Claims>, Refusal> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::Object(members)) => Ok(Some(members.clone())),
        Some(_) => Err(wrong(name, "is not an object")),
    }
}
