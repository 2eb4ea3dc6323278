//! Several credentials of one call: all of them verify, and all of them agree, or the call is refused.
//!
//! INVARIANT (all of them): every credential that was presented has its part in the result. None is passed over.
//! INVARIANT (only narrower): what is added to a credential can only narrow what the call may do.

use std::sync::Arc;

use super::kind::{Accepted, Grant, Key, Statement, Subject};
use super::refusal::Refusal;
use crate::model::clock::Timestamp;
use crate::model::limits::Restrictions;
use crate::model::principal::{Actor, Principal, Proof, Transaction, Verified};

/// The keys that a call has shown its caller to hold, besides those that its credentials prove.
#[derive(Clone, Copy, Default)]
pub(super) struct Proofs<'a> {
    /// The credential whose key a proof of possession is of (RFC 9449): it is for one token, whatever others are bound to its key.
    pub(super) dpop: Option<&'a Accepted>,
    /// The thumbprint of the caller's certificate (RFC 8705).
    pub(super) certificate: Option<&'a str>,
}

impl Proofs<'_> {
    /// What proves that the caller holds the key that a credential is bound to, if one of these does.
    fn of(self, credential: &Accepted) -> Option<Proof> {
        let by_certificate = || match &credential.bound_to {
            Some(Key::CertificateThumbprint(bound)) => self.certificate == Some(bound),
            _ => false,
        };
        match self.dpop {
            Some(proven) if std::ptr::eq(proven, credential) => Some(Proof::Dpop),
            _ => by_certificate().then_some(Proof::Mtls),
        }
    }
}

/// What the credentials say together; none where there is none.
///
/// Two credentials agree if they name the same subject or the same agent, if one is bound to a key that the other proves
/// (RFC 7800), or if a delegation names both.
///
/// # Errors
/// [`Refusal::Disagreement`], [`Refusal::Unproven`], [`Refusal::WithoutProof`], or why the delegation is not for this caller.
pub(super) fn agreed(accepted: &[Arc<Accepted>], proofs: Proofs<'_>) -> Result<Option<Verified>, Refusal> {
    let mut subjects: Vec<(&Accepted, &Subject)> = Vec::with_capacity(accepted.len());
    let mut grant: Option<&Grant> = None;
    let mut transaction: Option<&Arc<Transaction>> = None;
    for credential in accepted {
        match &credential.says {
            Statement::Subject(subject) => subjects.push((credential, subject)),
            Statement::Delegation(another) if grant.is_none() => grant = Some(another),
            Statement::Delegation(_) => return Err(Refusal::Delegation("more than one delegation")),
            // There is one header, with one value.
            Statement::Transaction(another) => transaction = Some(another),
        }
    }
    for credential in accepted {
        check_proof(credential, accepted, proofs)?;
    }
    let principal = match (grant, subjects.as_slice()) {
        (None, []) if transaction.is_some() => return Err(Refusal::TransactionAlone),
        (None, []) => return Ok(None),
        (Some(_), []) => {
            return Err(Refusal::Delegation(
                "a delegation is used with the credential of the agent that it names",
            ));
        }
        (Some(grant), subjects) => delegated(grant, subjects)?,
        (None, subjects) => one_subject(subjects, proofs)?,
    };
    Ok(Some(Verified {
        principal,
        expires_at: accepted
            .iter()
            .filter_map(|credential| credential.expires_at)
            .min_by_key(|at: &Timestamp| at.0),
        key: subjects.iter().find_map(|(credential, _)| match &credential.proves {
            Some(Key::Id(id)) => Some(Arc::from(id.as_str())),
            _ => None,
        }),
        transaction: transaction.map(Arc::clone),
        delegation: grant.map(|grant| Arc::clone(&grant.delegation)),
        restrictions: restrictions(grant, &subjects),
        next_token: None,
    }))
}

/// INVARIANT (bound is proven): a credential that is bound to a key is nothing without the proof of that key.
fn check_proof(credential: &Accepted, accepted: &[Arc<Accepted>], proofs: Proofs<'_>) -> Result<(), Refusal> {
    let Some(key) = &credential.bound_to else { return Ok(()) };
    if proofs.of(credential).is_some() || accepted.iter().any(|other| other.proves.as_ref() == Some(key)) {
        return Ok(());
    }
    match key {
        Key::JwkThumbprint(_) => Err(Refusal::WithoutProof),
        Key::Id(_) | Key::CertificateThumbprint(_) => Err(Refusal::Unproven),
    }
}

/// Whether two credentials speak of the same caller. Agents have one name each, whoever vouches for them.
fn is_same(one: &Principal, other: &Principal) -> bool {
    let tenants_agree = one.tenant.is_none() || other.tenant.is_none() || one.tenant == other.tenant;
    one.is_same_as(other) || (one.agent.is_some() && one.agent == other.agent && tenants_agree)
}

fn one_subject(subjects: &[(&Accepted, &Subject)], proofs: Proofs<'_>) -> Result<Arc<Principal>, Refusal> {
    let bound = subjects.iter().find(|(credential, _)| credential.bound_to.is_some());
    // What is for some operations only says most of what the call may do.
    let narrow = || subjects.iter().find(|(_, subject)| subject.scope.is_some());
    let Some((credential, subject)) = bound.or_else(narrow).or(subjects.first()) else {
        return Err(Refusal::Disagreement);
    };
    let mut principal = Arc::clone(&subject.principal);
    for (other, theirs) in subjects {
        if is_same(&subject.principal, &theirs.principal) {
            continue;
        }
        // Who holds the key that a credential is bound to acts for its subject.
        if credential.bound_to.is_none() || other.proves != credential.bound_to {
            return Err(Refusal::Disagreement);
        }
        add_actor(Arc::make_mut(&mut principal), &theirs.principal);
    }
    if credential.bound_to.is_some() {
        Arc::make_mut(&mut principal).proof = proofs.of(credential).unwrap_or(Proof::Bound);
    }
    Ok(principal)
}

fn add_actor(principal: &mut Principal, actor: &Principal) {
    let outermost = principal.actors.first();
    if outermost.is_none_or(|known| known.id != actor.id) {
        let actor = Actor { id: actor.id.clone(), issuer: Some(actor.issuer.clone()) };
        principal.actors.insert(0, actor);
    }
    if let Some(agent) = &actor.agent {
        principal.agent = Some(agent.clone());
    }
}

/// The delegation must name all of the callers: one of them is the agent that it was granted to, and the others speak for
/// that agent, or for the one on whose behalf it acts.
fn delegated(grant: &Grant, subjects: &[(&Accepted, &Subject)]) -> Result<Arc<Principal>, Refusal> {
    let is_grantee = |principal: &Principal| principal.agent.as_deref() == Some(grant.delegation.to.as_str());
    let is_granter = |principal: &Principal| principal.agent.as_deref() == Some(grant.principal.id.as_str());
    let own = |subject: &Subject| subject.principal.actors.is_empty();
    if !subjects.iter().any(|(_, subject)| is_grantee(&subject.principal) && own(subject)) {
        return Err(Refusal::Delegation("the delegation is not for this agent"));
    }
    if !subjects.iter().all(|(_, subject)| is_grantee(&subject.principal) || is_granter(&subject.principal)) {
        return Err(Refusal::Disagreement);
    }
    Ok(Arc::clone(&grant.principal))
}

fn restrictions(grant: Option<&Grant>, subjects: &[(&Accepted, &Subject)]) -> Restrictions {
    let mut all = Restrictions::default();
    for (_, subject) in subjects {
        if let Some(limits) = &subject.limits {
            all.limit(limits);
        }
        all.scopes.extend(subject.scope.clone());
    }
    if let Some(grant) = grant {
        grant.limits.iter().for_each(|limits| all.limit(limits));
        all.scopes.extend(grant.scopes.iter().cloned());
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::testing::{accepted, principal};
    use crate::model::limits::HardLimits;
    use crate::model::principal::Delegated;

    /// A credential: `jwt alice`, or `key agent-a` (an agent's API key, of the id `k-agent-a`), and perhaps what more it
    /// says: `bound=KEY`, `scope=OPERATION`, `tenant=ID`, `agent=ID`, `max=AMOUNT`.
    fn credential(text: &str) -> Arc<Accepted> {
        let mut words = text.split(' ');
        let (kind, id) = (words.next().unwrap(), words.next().unwrap());
        let mut who = principal(id);
        (who.issuer, who.method) = (kind.to_owned(), if kind == "jwt" { "jwt" } else { "api_key" });
        let (mut limits, mut scope, mut bound_to) = (None, None, None);
        if kind == "key" {
            who.agent = Some(id.to_owned());
        }
        for word in words {
            let (name, value) = word.split_once('=').unwrap();
            match name {
                "bound" => bound_to = Some(Key::Id(value.to_owned())),
                "scope" => scope = Some(Arc::from([value.to_owned()])),
                "tenant" => who.tenant = Some(value.to_owned()),
                "agent" => who.agent = Some(value.to_owned()),
                "max" => {
                    let most = value.parse::<u64>().unwrap().into();
                    limits = Some(Arc::new(HardLimits { max_amount: Some(most), ..HardLimits::default() }));
                }
                _ => panic!("{name}"),
            }
        }
        let mut credential = accepted(who.clone());
        credential.says = Statement::Subject(Subject { principal: Arc::new(who), limits, scope });
        credential.bound_to = bound_to;
        credential.proves = (kind == "key").then(|| Key::Id(format!("k-{id}")));
        Arc::new(credential)
    }

    /// `from` lets `to` act for it.
    fn delegation(from: &str, to: &str) -> Arc<Accepted> {
        let mut on_behalf_of = principal(from);
        on_behalf_of.agent = Some(to.to_owned());
        on_behalf_of.actors = vec![Actor { id: to.to_owned(), issuer: None }];
        let mut credential = accepted(principal(from));
        credential.says = Statement::Delegation(Grant {
            delegation: Arc::new(Delegated {
                id: "dlg-1".to_owned(),
                from: from.to_owned(),
                to: to.to_owned(),
                scope: vec!["read".to_owned()],
                expires_at: Timestamp(1),
            }),
            principal: Arc::new(on_behalf_of),
            limits: Vec::new(),
            scopes: vec![Arc::from(["read".to_owned()])],
        });
        Arc::new(credential)
    }

    /// `ID by ACTOR…; scopes N; limits N`, or the refusal.
    fn shown(credentials: &[Arc<Accepted>]) -> String {
        match agreed(credentials, Proofs::default()) {
            Ok(None) => "nobody".to_owned(),
            Ok(Some(Verified { principal, restrictions, .. })) => {
                let actors: Vec<_> =
                    principal.actors.iter().map(|actor| format!(" by {}", actor.id)).collect();
                let (scopes, limits) = (restrictions.scopes.len(), restrictions.limits.len());
                format!("{}{} {scopes} {limits}", principal.id, actors.join(""))
            }
            Err(refusal) => refusal.to_string(),
        }
    }

    #[test]
    fn credentials_agree_or_are_refused() {
        const DIFFERENT: &str = "the credentials name different subjects";
        const UNPROVEN: &str = "the credential is bound to a key that the caller does not prove to hold";
        for (credentials, expected) in [
            (&[][..], "nobody"),
            (&["jwt alice"], "alice 0 0"),
            (&["jwt alice", "jwt alice"], "alice 0 0"),
            (&["jwt alice", "jwt bob"], DIFFERENT),
            (&["jwt alice", "jwt alice tenant=acme"], DIFFERENT),
            (&["jwt alice", "key alice"], DIFFERENT),
            (&["jwt alice agent=agent-a", "key agent-a"], "alice 0 0"),
            (&["jwt alice agent=agent-b", "key agent-a"], DIFFERENT),
            (&["jwt x agent=agent-a tenant=acme", "key agent-a tenant=evil"], DIFFERENT),
            (&["key agent-a", "key agent-b"], DIFFERENT),
            (&["jwt alice bound=k-agent-a"], UNPROVEN),
            (&["jwt alice bound=k-agent-a", "key agent-b"], UNPROVEN),
            (&["jwt alice bound=k-agent-a", "key agent-a"], "alice by agent-a 0 0"),
            (&["jwt alice bound=k-agent-a", "key agent-a", "jwt mallory"], DIFFERENT),
            (&["key agent-a max=9", "jwt x agent=agent-a scope=read max=5"], "x 1 2"),
        ] {
            let credentials: Vec<_> = credentials.iter().map(|text| credential(text)).collect();
            assert_eq!(shown(&credentials), expected);
        }
    }

    #[test]
    fn a_delegation_is_used_by_whom_it_names() {
        for (credentials, expected) in [
            (&[][..], "a delegation is used with the credential of the agent that it names"),
            (&["key agent-b"], "agent-a by agent-b 1 0"),
            (&["key agent-b max=9"], "agent-a by agent-b 1 1"),
            (&["key agent-a", "key agent-b"], "agent-a by agent-b 1 0"),
            (&["key agent-a"], "the delegation is not for this agent"),
            (&["key agent-c"], "the delegation is not for this agent"),
            (&["key agent-b", "key agent-c"], "the credentials name different subjects"),
            (&["jwt alice"], "the delegation is not for this agent"),
        ] {
            let mut all: Vec<_> = credentials.iter().map(|text| credential(text)).collect();
            all.push(delegation("agent-a", "agent-b"));
            assert_eq!(shown(&all), expected, "{credentials:?}");
        }
        let twice =
            [credential("key agent-b"), delegation("agent-a", "agent-b"), delegation("agent-a", "agent-b")];
        assert_eq!(shown(&twice), "more than one delegation");
    }
}
