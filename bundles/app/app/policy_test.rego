package app_test

import data.app

alice := {"id": "alice", "type": "user", "roles": []}

doc(owner) := {"type": "doc", "id": "d1", "owner": owner}

request(subject, action, resource) := {"subject": subject, "action": action, "resource": resource}

test_an_owner_deletes_its_document if {
	app.allow with input as request(alice, "delete", doc("alice"))
}

test_ownership_covers_the_owners_actions_only if {
	not app.allow with input as request(alice, "publish", doc("alice"))
}

test_roles_come_from_data if {
	app.allow with input as request(alice, "update", doc("bob"))
	not app.allow with input as request(alice, "update", doc("bob")) with data.users as {}
}

test_roles_come_from_the_token if {
	admin := {"id": "root", "type": "user", "roles": ["admin"]}
	app.allow with input as request(admin, "read", {"type": "report", "id": "r1"})
}

test_a_grant_is_for_its_type if {
	not app.allow with input as request(alice, "read", {"type": "report", "id": "r1"})
}

test_alice_does_not_delete_what_is_bobs if {
	req := request(alice, "delete", doc("bob"))
	not app.allow with input as req
	app.reasons == {"`alice` may not delete a doc of `bob`"} with input as req
}

test_what_the_call_asserts_grants_nothing if {
	asserted := {"subject": {"id": "carol", "roles": ["admin"]}}
	req := object.union(request(alice, "delete", doc("bob")), {"asserted": asserted})
	not app.allow with input as req
	count(app.reasons) == 2 with input as req
}

test_without_subject_nothing_is_allowed if {
	req := {"action": "read", "resource": doc("bob")}
	not app.allow with input as req
	app.reasons == {"the call presents no verified subject"} with input as req
}

test_allowed_calls_have_no_reasons if {
	app.reasons == set() with input as request(alice, "update", doc("bob"))
}

test_the_default_decision_says_both if {
	data.system.main == {"allow": true, "reasons": set()} with input as request(alice, "delete", doc("alice"))
	not data.system.main.allow with input as request(alice, "delete", doc("bob"))
}

test_health_notices_missing_grants if {
	data.system.health.grants
	not data.system.health.grants with data.app.grants as {}
}
