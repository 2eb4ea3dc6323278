//! Verifies assertions of partners' agents: the kind of credential that this folder is about.

use std::collections::HashMap;
use std::sync::Arc;

use super::check::issuer_config;
use super::config::PartnerConfig;
use super::{METHOD, SUBJECT_TYPE};
use crate::identity::candidate::{Candidate, Place};
use crate::identity::config::{ConfigError, IssuerConfig};
use crate::identity::jwt::claims::wrong;
use crate::identity::jwt::issuer::media_type;
use crate::identity::jwt::jws;
use crate::identity::jwt::verifier::Tokens;
use crate::identity::kind::{Accepted, CredentialKind, Statement, Verifying};
use crate::identity::refusal::Refusal;
use crate::identity::setup::Setup;
use crate::model::clock::Timestamp;
use crate::model::principal::Principal;
use crate::registry::Records;
use crate::registry::issue::ASSERTION;

/// Assertions of the configured partners.
pub(in crate::identity) struct Partners {
    pub(in crate::identity) tokens: Tokens,
    /// What a partner is called here, by its issuer.
    names: HashMap<String, String>,
}

impl CredentialKind for Partners {
    fn name(&self) -> &'static str {
        METHOD
    }

    /// By what the token says that it is: no kind that is asked later sees it then.
    fn recognises(&self, candidate: &Candidate<'_>) -> bool {
        candidate.place == Place::Bearer
            && jws::declared_type(candidate.text).is_some_and(|typ| media_type(&typ) == ASSERTION)
    }

    fn verify<'a>(&'a self, candidate: &'a Candidate<'a>, now: Timestamp) -> Verifying<'a> {
        Box::pin(async move {
            let accepted = self.tokens.verify_with_fresh_keys(candidate.text, now).await?;
            self.foreign(accepted)
        })
    }
}

impl Partners {
    /// Makes the partners ready: reads files; fetches nothing.
    ///
    /// # Errors
    /// A file cannot be read, or a partner is called as an organisation of the directory is.
    pub(in crate::identity) fn new(
        partners: &[PartnerConfig],
        setup: &Setup<'_>,
    ) -> Result<Self, ConfigError> {
        let records = setup.directory.as_ref().and_then(|directory| directory.records().ok());
        for (index, partner) in partners.iter().enumerate() {
            let name = &partner.organisation;
            if records.as_ref().is_some_and(|records| records.organisation(name).is_some()) {
                return Err(ConfigError::new(
                    format!("identity.partners[{index}].organisation"),
                    format!(
                        "there is an organisation `{name}` of our own, and policy could not tell the two apart"
                    ),
                    "call the partner something else",
                ));
            }
        }
        let issuers: Vec<IssuerConfig> = partners.iter().map(issuer_config).collect();
        let names = partners.iter().map(|one| (one.issuer.clone(), one.organisation.clone())).collect();
        Ok(Self { tokens: Tokens::below("identity.partners", &issuers, setup)?, names })
    }

    /// What an assertion makes of its subject: somebody of the partner's, and nobody of ours.
    fn foreign(&self, mut accepted: Accepted) -> Result<Accepted, Refusal> {
        let Statement::Subject(subject) = &mut accepted.says else { return Err(Refusal::UnknownKind) };
        let Principal { id, issuer, actors, claims, proof, .. } = &*subject.principal;
        let tenant = self.names.get(issuer).ok_or(Refusal::UnknownIssuer)?;
        if !actors.is_empty() {
            return Err(wrong("act", "is not part of an assertion"));
        }
        accepted.facts.organisation = Some(tenant.clone());
        accepted.facts.agents.clear();
        subject.principal = Arc::new(Principal {
            id: id.clone(),
            kind: SUBJECT_TYPE.to_owned(),
            issuer: issuer.clone(),
            method: METHOD,
            roles: Vec::new(),
            scopes: Vec::new(),
            permissions: Vec::new(),
            tenant: Some(tenant.clone()),
            agent: None,
            actors: Vec::new(),
            attributes: serde_json::Map::new(),
            claims: claims.clone(),
            proof: *proof,
            prepared: crate::model::principal::Prepared::default(),
        });
        Ok(accepted)
    }

    /// INVARIANT (a name is one's): an organisation of our own, where there is one, else the partner's, and nobody else's.
    ///
    /// # Errors
    /// [`Refusal::NameOfAnother`].
    pub(in crate::identity) fn check_name(
        &self,
        accepted: &Accepted,
        records: Option<&Records>,
    ) -> Result<(), Refusal> {
        let Statement::Subject(subject) = &accepted.says else { return Ok(()) };
        let Some(tenant) = &subject.principal.tenant else { return Ok(()) };
        let is_ours = || records.is_some_and(|records| records.organisation(tenant).is_some());
        let of_partner = subject.principal.method == METHOD;
        let refused = match of_partner {
            true => is_ours(),
            false => self.names.values().any(|name| name == tenant) && !is_ours(),
        };
        if refused { Err(Refusal::NameOfAnother) } else { Ok(()) }
    }
}
