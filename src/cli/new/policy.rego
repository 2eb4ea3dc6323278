# METADATA
# title: Who may do what in PACKAGE
# description: >-
#   A role grants actions, as data says. The owner of a resource may do anything with it.
package PACKAGE

default allow := false

allow if {
	some role in input.subject.roles
	input.action in data.PACKAGE.grants[role]
}

allow if input.resource.owner == input.subject.id

# Why not, for the person who was denied. Empty when the call is allowed.
reasons contains msg if {
	not allow
	msg := sprintf("neither a role nor ownership grants `%s`", [object.get(input, "action", "")])
}
