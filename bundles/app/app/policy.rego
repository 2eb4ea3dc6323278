# METADATA
# title: The sample application
# description: >-
#   The owner of a resource may do the owner's actions; beyond that, roles grant actions on types of resources. Roles come
#   from the verified token and from `data.users`; what the call says of itself (`input.asserted`) grants nothing.
package app

default allow := false

# The owner of a resource.
allow if {
	is_owner
	input.action in data.app.owner_actions
}

# A role that is granted this action on this type of resource.
allow if {
	some role in roles
	input.action in data.app.grants[role][input.resource.type]
}

is_owner if {
	is_string(input.resource.owner)
	input.subject.id == input.resource.owner
}

roles contains role if some role in input.subject.roles

roles contains role if some role in data.users[input.subject.id].roles

# Why not, for the person who was denied. Empty when the call is allowed.
reasons contains "the call presents no verified subject" if {
	not allow
	not input.subject.id
}

reasons contains msg if {
	not allow
	msg := sprintf("`%s` may not %v a %v of `%v`", [
		input.subject.id,
		object.get(input, "action", "use"),
		object.get(input, ["resource", "type"], "resource"),
		object.get(input, ["resource", "owner"], "nobody"),
	])
}

reasons contains msg if {
	not allow
	input.asserted.subject.id != input.subject.id
	msg := sprintf("the body says `%v`, the token says `%s`: the token counts", [
		input.asserted.subject.id,
		input.subject.id,
	])
}
