package agent_tools_test

import data.agent_tools

# A refund that is within every limit; the tests below each move one thing.
refund := {
	"subject": {"id": "agent-7", "type": "agent"},
	"action": "call",
	"resource": {"type": "tool", "id": "payments.refund"},
	"context": {
		"args": {"amount": 40, "currency": "EUR"},
		"calls": {"payments.refund": 1},
		"total_calls": 12,
	},
}

fetch(host) := {
	"subject": {"id": "agent-9", "type": "agent"},
	"action": "call",
	"resource": {"type": "tool", "id": "web.fetch"},
	"context": {"args": {"host": host}, "calls": {"web.fetch": 0}, "total_calls": 0},
}

with_args(args) := object.union(refund, {"context": {"args": args}})

test_within_every_limit if {
	agent_tools.allow with input as refund
	agent_tools.remaining == 1 with input as refund
}

test_a_tool_without_limits_needs_no_counts_of_its_own if {
	agent_tools.allow with input as {
		"subject": {"id": "agent-7", "type": "agent"},
		"action": "call",
		"resource": {"type": "tool", "id": "tickets.read"},
		"context": {"total_calls": 0},
	}
}

test_people_do_not_call_tools if {
	req := object.union(refund, {"subject": {"type": "user"}})
	not agent_tools.allow with input as req
	"only agents call tools" in agent_tools.reasons with input as req
}

test_only_calls if {
	not agent_tools.allow with input as object.union(refund, {"action": "configure"})
}

test_unknown_agents_have_no_tools if {
	req := object.union(refund, {"subject": {"id": "agent-8"}})
	not agent_tools.allow with input as req
	agent_tools.reasons == {"`agent-8` has no tool profile"} with input as req
}

test_tools_of_another_profile_are_out_of_reach if {
	req := object.union(refund, {"resource": {"id": "web.fetch"}})
	not agent_tools.allow with input as req
	agent_tools.reasons == {"the profile has no tool `web.fetch`"} with input as req
}

test_the_amount_is_limited[note] if {
	some note, amount in {
		"over": 100.01,
		"zero": 0,
		"negative": -5,
		"text": "40",
		"null": null,
	}
	not agent_tools.allow with input as with_args({"amount": amount})
}

test_the_limit_itself_is_allowed if {
	agent_tools.allow with input as with_args({"amount": 100})
}

test_a_missing_amount_is_not_a_small_amount if {
	req := object.remove(refund, ["context"])
	context := {"args": {"currency": "EUR"}, "calls": {"payments.refund": 1}, "total_calls": 12}
	not agent_tools.allow with input as object.union(req, {"context": context})
}

test_other_currencies if {
	not agent_tools.allow with input as with_args({"currency": "JPY"})
}

test_a_missing_currency_is_no_listed_one if {
	context := object.union(object.remove(refund.context, ["args"]), {"args": {"amount": 40}})
	req := object.union(object.remove(refund, ["context"]), {"context": context})
	not agent_tools.allow with input as req
	agent_tools.reasons == {"the currency must be one of EUR, USD"} with input as req
}

test_the_last_call_is_allowed_and_the_next_is_not if {
	agent_tools.allow with input as object.union(refund, {"context": {"calls": {"payments.refund": 2}}})
	not agent_tools.allow with input as object.union(refund, {"context": {"calls": {"payments.refund": 3}}})
}

test_missing_counts_deny if {
	req := object.union(object.remove(refund, ["context"]), {"context": {"args": refund.context.args}})
	not agent_tools.allow with input as req
	agent_tools.reasons == {
		"at most 3 calls of this tool in a session",
		"at most 50 calls in a session",
	} with input as req
}

test_negative_counts_deny if {
	not agent_tools.allow with input as object.union(refund, {"context": {"calls": {"payments.refund": -1}}})
}

test_the_session_is_limited_too if {
	not agent_tools.allow with input as object.union(refund, {"context": {"total_calls": 50}})
}

test_listed_hosts_only if {
	agent_tools.allow with input as fetch("docs.example.com")
	agent_tools.allow with input as fetch("en.wiki.example.com")
	not agent_tools.allow with input as fetch("docs.example.com.evil.test")
	not agent_tools.allow with input as fetch("a.b.wiki.example.com")
	not agent_tools.allow with input as fetch("")
}

test_a_halted_agent_stands_still if {
	not agent_tools.allow with input as refund with data.agent_tools.halted as {"agent-7": "under investigation"}
}
