package PACKAGE_test

editor := {"id": "erin", "type": "user", "roles": ["editor"]}

viewer := {"id": "vic", "type": "user", "roles": ["viewer"]}

request(subject, action, owner) := {
	"subject": subject,
	"action": action,
	"resource": {"type": "doc", "owner": owner},
}

test_a_role_grants_actions if {
	data.PACKAGE.allow with input as request(editor, "update", "bob")
}

test_a_role_grants_no_other_actions if {
	not data.PACKAGE.allow with input as request(viewer, "update", "bob")
}

test_owners_may_do_anything if {
	data.PACKAGE.allow with input as request(viewer, "delete", "vic")
}

test_nobody_owns_what_has_no_owner if {
	not data.PACKAGE.allow with input as {"action": "delete", "resource": {"type": "doc"}}
}

test_reasons_are_for_denials_only if {
	data.PACKAGE.reasons == set() with input as request(editor, "update", "bob")
	count(data.PACKAGE.reasons) == 1 with input as request(viewer, "update", "bob")
}
