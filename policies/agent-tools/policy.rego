# METADATA
# title: Tool calls of agents, within limits
# description: >-
#   An agent calls the tools of its profile, and no others: at most so often in a session, and with arguments inside the
#   tool's limits. The gateway in front of the tools counts the calls and sends the counts as context. A limit whose
#   figure is missing or is not a number denies: it fails closed.
package agent_tools

default allow := false

allow if {
	input.subject.type == "agent"
	input.action == "call"
	tool
	count(deny) == 0
}

profile := data.agent_tools.profiles[data.agent_tools.agents[input.subject.id]]

# The limits of the tool that is called, where the profile has that tool.
tool := profile.tools[input.resource.id]

args := object.get(input, ["context", "args"], {})

# How often the agent called this tool before, in this session.
calls := input.context.calls[input.resource.id]

deny contains "only agents call tools" if not input.subject.type == "agent"

deny contains msg if {
	not profile
	msg := sprintf("`%v` has no tool profile", [object.get(input, ["subject", "id"], "nobody")])
}

deny contains msg if {
	profile
	not tool
	msg := sprintf("the profile has no tool `%v`", [object.get(input, ["resource", "id"], "")])
}

deny contains msg if {
	why := data.agent_tools.halted[input.subject.id]
	msg := sprintf("`%s` is halted: %s", [input.subject.id, why])
}

deny contains msg if {
	tool.max_amount
	not within_amount
	msg := sprintf("the amount must be a number above 0 and at most %v", [tool.max_amount])
}

deny contains msg if {
	tool.currencies
	not currency_listed
	msg := sprintf("the currency must be one of %s", [concat(", ", tool.currencies)])
}

deny contains msg if {
	tool.hosts
	not host_listed
	msg := sprintf("`%v` is not a listed host", [object.get(args, "host", "")])
}

deny contains msg if {
	tool.max_calls
	not calls_left
	msg := sprintf("at most %d calls of this tool in a session", [tool.max_calls])
}

deny contains msg if {
	tool
	not session_calls_left
	msg := sprintf("at most %d calls in a session", [profile.max_calls])
}

# `not` negates a rule, never a condition on a figure of the caller's: where the figure is missing, the rule is undefined, and
# its negation denies.
calls_left if below(calls, tool.max_calls)

session_calls_left if below(input.context.total_calls, profile.max_calls)

currency_listed if args.currency in tool.currencies

within_amount if {
	is_number(args.amount)
	args.amount > 0
	args.amount <= tool.max_amount
}

host_listed if {
	is_string(args.host)
	some pattern in tool.hosts
	glob.match(pattern, ["."], args.host)
}

below(figure, limit) if {
	is_number(figure)
	figure >= 0
	figure < limit
}

reasons := deny

# How many calls of this tool are left after this one, for the agent to plan with.
remaining := (tool.max_calls - calls) - 1 if allow
