# What the tests of gateways decide by: the path says what happens.
package gateway

decision := true if input.parsed_path == ["open"]

decision := false if input.parsed_path == ["closed"]

decision := true if {
	input.parsed_path[0] == "mine"
	input.subject.id == "alice"
	not input.context.http.headers["x-auth-user"]
}

decision := false if {
	input.parsed_path[0] == "mine"
	input.subject.type == "anonymous"
}

decision := {
	"allowed": true,
	"headers": {"x-team": ["red", "blue"], "x-auth-user": "from-policy"},
	"response_headers_to_add": {"x-seen": "yes", "set-cookie": ["a=1", "b=2"]},
	"request_headers_to_remove": ["x-debug"],
	"query_parameters_to_set": {"limit": "10"},
	"query_parameters_to_remove": ["admin"],
	"dynamic_metadata": {"tier": "gold", "decision_id": "forged"},
} if {
	input.parsed_path == ["told"]
}

decision := {
	"allowed": false,
	"headers": {"x-why": "closed", "location": "https://login.example/"},
	"body": "come back tomorrow",
	"http_status": to_number(input.parsed_query.status[0]),
	"reason": "it is late",
} if {
	input.parsed_path == ["refused"]
}

decision := {"allowed": true, "headers": {"bad name": "x"}} if input.parsed_path == ["unsayable"]

decision := {"allowed": 1 / (count(input.parsed_query.zero) - 1)} if input.parsed_path == ["broken"]

decision := true if {
	input.parsed_path == ["body"]
	input.parsed_body.amount < 100
}

decision := input.attributes.contextExtensions.tier == "gold" if input.parsed_path == ["extended"]

decision := {
	"allowed": false,
	"required_scopes": ["orders:write"],
} if {
	input.parsed_path == ["scoped"]
}
