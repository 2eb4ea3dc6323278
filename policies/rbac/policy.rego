# METADATA
# title: Role-based access, with the roles' grants in data
# description: >-
#   A role grants actions on types of resources and inherits the grants of other roles. A subject has the roles that
#   its verified token names and those that data assigns to it.
package rbac

default allow := false

allow if {
	not is_suspended
	granted
}

# The roles that the subject holds itself: from its token, and from data.
direct_roles contains role if some role in input.subject.roles

direct_roles contains role if some role in data.rbac.members[input.subject.id]

# Those, and every role that they inherit from. A role that data does not know grants nothing.
roles := graph.reachable(data.rbac.inherits, direct_roles)

granted if {
	some role in roles
	some grant in data.rbac.grants[role]
	covers(grant.actions, input.action)
	covers(grant.types, input.resource.type)
}

is_suspended if data.rbac.suspended[input.subject.id]

covers(listed, wanted) if wanted in listed

covers(listed, _) if "*" in listed

# Why not, for the person who was denied. Empty when the call is allowed.
reasons contains msg if {
	why := data.rbac.suspended[input.subject.id]
	msg := sprintf("`%s` is suspended: %s", [input.subject.id, why])
}

reasons contains "no role of the subject grants this action on this type of resource" if {
	not is_suspended
	not granted
	count(direct_roles) > 0
}

reasons contains "the subject has no role" if {
	not is_suspended
	count(direct_roles) == 0
}
