package app

# Everybody may see whether the service is well.
default allow := false

allow if {
	input.action == "get"
	input.parsed_path == ["status"]
}

# Staff may read invoices.
allow if {
	input.action == "get"
	input.parsed_path[0] == "invoices"
	"staff" in input.subject.roles
}
