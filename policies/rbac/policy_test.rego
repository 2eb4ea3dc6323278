package rbac_test

import data.rbac

request(subject, action, type) := {"subject": subject, "action": action, "resource": {"type": type}}

editor := {"id": "erin", "type": "user", "roles": ["editor"]}

admin := {"id": "ada", "type": "user", "roles": ["admin"]}

test_a_role_grants_its_own_actions if {
	rbac.allow with input as request(editor, "update", "doc")
}

test_a_role_inherits_grants if {
	rbac.allow with input as request(editor, "read", "folder")
}

test_inheritance_goes_one_way if {
	viewer := {"id": "vic", "type": "user", "roles": ["viewer"]}
	not rbac.allow with input as request(viewer, "update", "doc")
}

test_a_grant_is_for_its_types_only if {
	not rbac.allow with input as request(editor, "update", "folder")
}

test_roles_from_data_count_like_roles_from_the_token if {
	alice := {"id": "alice", "type": "user", "roles": []}
	rbac.allow with input as request(alice, "create", "doc")
}

test_star_covers_everything if {
	rbac.allow with input as request(admin, "purge", "vault")
}

test_star_does_not_cover_a_missing_action if {
	not rbac.allow with input as {"subject": admin, "resource": {"type": "doc"}}
}

test_unknown_role_grants_nothing if {
	stranger := {"id": "sam", "type": "user", "roles": ["superuser"]}
	not rbac.allow with input as request(stranger, "read", "doc")
}

test_suspension_beats_every_role if {
	mallory := {"id": "mallory", "type": "user", "roles": ["admin"]}
	req := request(mallory, "read", "doc")
	not rbac.allow with input as req
	rbac.reasons == {"`mallory` is suspended: left the company"} with input as req
}

test_without_subject_nothing_is_allowed if {
	not rbac.allow with input as {"action": "read", "resource": {"type": "doc"}}
	rbac.reasons == {"the subject has no role"} with input as {"action": "read", "resource": {"type": "doc"}}
}

test_allowed_calls_have_no_reasons if {
	rbac.reasons == set() with input as request(editor, "update", "doc")
}
