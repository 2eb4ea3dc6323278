package agentvault.authz_test

import data.agentvault.authz

noon := time.parse_rfc3339_ns("2026-01-01T12:00:00Z")

agent123 := "spiffe://agentvault.com/agent/agent123"

agent456 := "spiffe://agentvault.com/agent/agent456"

registry := "spiffe://agentvault.com/service/registry-backend"

request(subject, action, owner) := {
	"subject": subject,
	"action": action,
	"resource": {"type": "token_balance", "owner": owner},
}

agent(id) := {"id": id, "type": "agent", "roles": ["standard"]}

service(id) := {"id": id, "type": "service", "roles": []}

test_a_service_acts_on_its_own if {
	authz.allow with input as request(service(registry), "record.write", registry)
}

test_a_service_does_not_act_on_others if {
	other := "spiffe://agentvault.com/service/chronicle"
	not authz.allow with input as request(service(registry), "record.write", other)
	authz.reasons == {"the resource belongs to somebody else"} with input as request(service(registry), "record.write", other)
}

test_an_attested_agent_transfers_its_own_tokens if {
	req := request(agent(agent123), "token.transfer", agent123)
	authz.allow with input as req with time.now_ns as noon
}

test_but_not_those_of_others if {
	req := request(agent(agent123), "token.transfer", agent456)
	not authz.allow with input as req with time.now_ns as noon
}

test_a_revoked_attestation_is_none if {
	req := request(agent(agent456), "token.transfer", agent456)
	not authz.allow with input as req with time.now_ns as noon
	authz.reasons == {"the agent has no valid attestation"} with input as req with time.now_ns as noon
}

test_an_attestation_has_its_time if {
	req := request(agent(agent123), "token.transfer", agent123)
	before := time.parse_rfc3339_ns("2026-01-01T07:59:59Z")
	after := time.parse_rfc3339_ns("2026-01-01T20:00:00Z")
	not authz.allow with input as req with time.now_ns as before
	not authz.allow with input as req with time.now_ns as after
}

test_an_agent_without_attestation if {
	id := "spiffe://agentvault.com/agent/agent789"
	not authz.allow with input as request(agent(id), "token.transfer", id) with time.now_ns as noon
}

test_administrative_actions_need_the_role[action] if {
	some action in {"token.issue", "account.suspend", "policy.create"}
	admin := {"id": "spiffe://agentvault.com/agent/root", "type": "agent", "roles": ["admin"]}
	authz.allow with input as request(admin, action, agent456)
	not authz.allow with input as request(agent(agent123), action, agent123) with time.now_ns as noon
	not authz.allow with input as request(service(registry), action, registry)
}

test_admins_are_no_owners if {
	admin := {"id": "spiffe://agentvault.com/service/ops", "type": "service", "roles": ["admin"]}
	not authz.allow with input as request(admin, "token.transfer", agent123)
}

test_another_trust_domain_is_nobody if {
	id := "spiffe://partner.com/service/registry-backend"
	req := request(service(id), "record.write", id)
	not authz.allow with input as req
	authz.reasons == {"the subject has no identity of this trust domain"} with input as req
}

test_the_type_must_agree_with_the_identity if {
	req := request(service(agent123), "record.write", agent123)
	not authz.allow with input as req with time.now_ns as noon
}

test_an_agent_without_an_agent_identity if {
	attested := {"attested_at": "2026-01-01T08:00:00Z", "expires_at": "2026-01-01T20:00:00Z"}
	req := request(agent(registry), "token.transfer", registry)
	not authz.allow with input as req
		with time.now_ns as noon
		with data.agentvault.attestations as {registry: attested}
}

test_no_subject_no_access if {
	not authz.allow with input as {"action": "token.transfer", "resource": {"type": "token_balance"}}
}
