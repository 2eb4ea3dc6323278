package ownership_test

import data.ownership

request(id, action, document) := {
	"subject": {"id": id, "type": "user"},
	"action": action,
	"resource": {"type": "document", "id": document},
}

test_the_owner_may_delete if {
	ownership.allow with input as request("alice", "delete", "roadmap")
}

test_nobody_else_may_delete if {
	not ownership.allow with input as request("bob", "delete", "roadmap")
}

test_shared_actions_only if {
	ownership.allow with input as request("bob", "comment", "roadmap")
	not ownership.allow with input as request("bob", "update", "roadmap")
}

test_not_shared_with_others if {
	not ownership.allow with input as request("eve", "comment", "roadmap")
}

test_internal_documents_are_read_by_every_user if {
	ownership.allow with input as request("eve", "read", "handbook")
	not ownership.allow with input as request("eve", "update", "handbook")
}

test_internal_is_not_for_services if {
	req := object.union(request("svc", "read", "handbook"), {"subject": {"type": "service"}})
	not ownership.allow with input as req
}

test_private_documents_are_not_read_by_others if {
	not ownership.allow with input as request("eve", "read", "roadmap")
}

test_a_claimed_owner_does_not_count_where_data_knows_better if {
	req := object.union(request("eve", "delete", "roadmap"), {"resource": {"owner": "eve"}})
	not ownership.allow with input as req
}

test_the_service_names_the_owner_of_an_unknown_document if {
	req := object.union(request("eve", "create", "draft"), {"resource": {"owner": "eve"}})
	ownership.allow with input as req
	not ownership.allow with input as object.union(req, {"resource": {"owner": "alice"}})
}

test_no_owner_is_nobodys if {
	not ownership.allow with input as {"action": "read", "resource": {"type": "document", "id": "draft"}}
	not ownership.allow with input as request("eve", "read", "draft")
}

test_frozen_is_read_only_for_its_owner if {
	ownership.allow with input as request("carol", "read", "payroll")
	not ownership.allow with input as request("carol", "update", "payroll")
	ownership.reasons == {"the document is frozen"} with input as request("carol", "update", "payroll")
}

test_frozen_stops_shares if {
	not ownership.allow with input as request("bob", "comment", "roadmap")
		with data.ownership.documents.roadmap.frozen as true
}

test_permitted_lists_what_would_be_allowed if {
	ownership.permitted == {"read", "comment"} with input as request("bob", "read", "roadmap")
}
