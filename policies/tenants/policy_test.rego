package tenants_test

import data.tenants

member(tenant) := {"id": "m", "type": "user", "tenant": tenant, "roles": ["member"]}

support := {"id": "s", "type": "user", "tenant": "acme", "roles": ["support"]}

request(subject, action, resource) := {"subject": subject, "action": action, "resource": resource, "context": {}}

invoice(tenant) := {"type": "invoice", "id": "i1", "tenant": tenant}

contract(tenant) := {"type": "contract", "id": "c1", "tenant": tenant}

test_a_member_reaches_its_own_tenant if {
	tenants.allow with input as request(member("acme"), "update", contract("acme"))
}

test_and_no_other if {
	req := request(member("globex"), "read", contract("acme"))
	not tenants.allow with input as req
	tenants.reasons == {"`c1` of tenant `acme` is out of reach for tenant `globex`"} with input as req
}

test_a_token_without_tenant_reaches_nothing if {
	subject := {"id": "m", "type": "user", "roles": ["member"]}
	not tenants.allow with input as request(subject, "read", {"type": "contract", "id": "c1"})
	not tenants.allow with input as request(subject, "read", contract("acme"))
}

test_a_resource_without_tenant_belongs_to_nobody if {
	not tenants.allow with input as request(member("acme"), "read", {"type": "contract", "id": "c1"})
}

test_membership_is_required if {
	guest := object.union(member("acme"), {"roles": ["guest"]})
	not tenants.allow with input as request(guest, "read", contract("acme"))
}

test_a_share_covers_what_it_names[note] if {
	some note, tc in {
		"read an invoice": {"action": "read", "item": invoice("acme"), "want": true},
		"update an invoice": {"action": "update", "item": invoice("acme"), "want": false},
		"read a contract": {"action": "read", "item": contract("acme"), "want": false},
	}
	tenants.allow == tc.want with input as request(member("globex"), tc.action, tc.item)
}

test_a_share_is_not_mutual if {
	not tenants.allow with input as request(member("acme"), "read", invoice("globex"))
}

test_a_suspended_tenant_reaches_nothing if {
	req := request(member("initech"), "read", invoice("initech"))
	not tenants.allow with input as req
	tenants.reasons == {"tenant `initech` is suspended"} with input as req
}

test_a_suspended_tenant_shares_nothing if {
	not tenants.allow with input as request(member("globex"), "read", invoice("acme"))
		with data.tenants.status.acme as "suspended"
}

test_support_reads_under_a_ticket if {
	req := request(support, "read", contract("globex"))
	tenants.allow with input as object.union(req, {"context": {"ticket": "T-4711"}})
	not tenants.allow with input as req
	not tenants.allow with input as object.union(req, {"context": {"ticket": "T-4711 or so"}})
	not tenants.allow with input as object.union(req, {"action": "update", "context": {"ticket": "T-4711"}})
}

test_a_batch_is_allowed_as_a_whole if {
	own := {"items": [contract("acme"), invoice("acme")]}
	mixed := {"items": [contract("acme"), contract("globex")]}
	tenants.allow with input as request(member("acme"), "read", own)
	not tenants.allow with input as request(member("acme"), "read", mixed)
	not tenants.allow with input as request(member("acme"), "read", {"items": []})
}

test_visible_leaves_out_what_is_out_of_reach if {
	rows := {"items": [
		{"type": "contract", "id": "c1", "tenant": "acme"},
		{"type": "contract", "id": "c2", "tenant": "globex"},
		{"type": "invoice", "id": "i3", "tenant": "acme"},
	]}
	tenants.visible == {"c2", "i3"} with input as request(member("globex"), "read", rows)
}
