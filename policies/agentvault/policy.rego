# METADATA
# title: AgentVault's base policy
# description: >-
#   Services act on their own resources, agents with a valid attestation on theirs, and administrators carry out the
#   administrative actions. Everything else is denied. Identities are SPIFFE IDs of one trust domain.
package agentvault.authz

default allow := false

# Services act on their own resources.
allow if {
	input.subject.type == "service"
	has_identity("service")
	owns_resource
	not administrative
}

# Agents act on their own resources while their attestation is valid.
allow if {
	input.subject.type == "agent"
	has_identity("agent")
	valid_attestation[input.subject.id]
	owns_resource
	not administrative
}

# Administrative actions are for the admin role, whatever the subject is and whoever owns the resource.
allow if {
	"admin" in input.subject.roles
	administrative
}

administrative if input.action in data.agentvault.admin_actions

owns_resource if {
	is_string(input.resource.owner)
	input.subject.id == input.resource.owner
}

# The subject's SPIFFE ID lies in our trust domain, on the path that its type has there.
has_identity(kind) if startswith(
	input.subject.id,
	sprintf("spiffe://%s/%s/", [data.agentvault.trust_domain, kind]),
)

# The identities whose attestation holds now: made, not past, not revoked.
valid_attestation[id] if {
	some id, attestation in data.agentvault.attestations
	time.parse_rfc3339_ns(attestation.attested_at) <= time.now_ns()
	time.now_ns() < time.parse_rfc3339_ns(attestation.expires_at)
	object.get(attestation, "revoked", false) == false
}

reasons contains "the resource belongs to somebody else" if {
	not allow
	not administrative
	not owns_resource
}

reasons contains "the agent has no valid attestation" if {
	not allow
	input.subject.type == "agent"
	not valid_attestation[input.subject.id]
}

reasons contains msg if {
	not allow
	administrative
	msg := sprintf("`%s` is for administrators", [input.action])
}

reasons contains "the subject has no identity of this trust domain" if {
	not allow
	not administrative
	not known_identity
}

known_identity if {
	some kind in {"service", "agent"}
	input.subject.type == kind
	has_identity(kind)
}
