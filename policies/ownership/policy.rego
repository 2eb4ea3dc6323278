# METADATA
# title: Ownership, sharing and visibility
# description: >-
#   The owner does as it likes with its documents; others do what the owner shared with them. Who owns a document is
#   read from data where data knows the document, so that a caller cannot make itself the owner by saying so.
package ownership

default allow := false

allow if {
	is_owner
	not frozen
}

# A frozen document can still be read by its owner.
allow if {
	is_owner
	input.action == "read"
}

allow if {
	not frozen
	input.action in document.shares[input.subject.id]
}

allow if {
	document.visibility == "internal"
	input.action == "read"
	input.subject.type == "user"
}

document := data.ownership.documents[input.resource.id]

# A document that data does not know yet, e.g. while it is being created, belongs to whom the service says.
owner := document.owner

owner := input.resource.owner if not document

is_owner if {
	is_string(owner)
	input.subject.id == owner
}

frozen if document.frozen

reasons contains "the document is frozen" if {
	not allow
	frozen
}

reasons contains "the subject neither owns the document nor was it shared for this action" if {
	not allow
	not frozen
}

# What the subject may do, for a user interface that greys out buttons.
permitted contains action if {
	some action in {"read", "comment", "update", "delete", "share"}
	allow with input.action as action
}
