package time_bound_test

import data.time_bound

at(text) := time.parse_rfc3339_ns(text)

deploy := {"subject": {"id": "alice", "type": "user"}, "action": "deploy", "resource": {"type": "env", "id": "production"}}

restart := {"subject": {"id": "bob", "type": "user"}, "action": "restart", "resource": {"type": "env", "id": "staging"}}

test_within_the_period if {
	now := at("2026-03-01T09:30:00Z")
	time_bound.allow with input as deploy with time.now_ns as now
}

test_from_is_inside_until_is_outside if {
	first := at("2026-03-01T08:00:00Z")
	last := at("2026-03-01T11:59:59.999999999Z")
	past := at("2026-03-01T12:00:00Z")
	time_bound.allow with input as deploy with time.now_ns as first
	time_bound.allow with input as deploy with time.now_ns as last
	not time_bound.allow with input as deploy with time.now_ns as past
}

test_not_before if {
	now := at("2026-03-01T07:59:59Z")
	not time_bound.allow with input as deploy with time.now_ns as now
}

test_a_grant_is_for_one_subject if {
	now := at("2026-03-01T09:30:00Z")
	req := object.union(deploy, {"subject": {"id": "bob"}})
	not time_bound.allow with input as req with time.now_ns as now
}

test_a_grant_is_for_its_actions if {
	now := at("2026-03-01T09:30:00Z")
	req := object.union(deploy, {"action": "destroy"})
	not time_bound.allow with input as req with time.now_ns as now
}

test_a_grant_is_for_one_resource if {
	now := at("2026-03-01T09:30:00Z")
	req := object.union(deploy, {"resource": {"id": "staging"}})
	not time_bound.allow with input as req with time.now_ns as now
}

# 2026-07-01 is a Wednesday; Berlin is two hours ahead of UTC in summer and one in winter.
test_hours_are_those_of_the_zone if {
	morning := at("2026-07-01T07:00:00Z")
	early := at("2026-07-01T06:59:00Z")
	winter := at("2026-02-04T07:00:00Z")
	closing := at("2026-07-01T15:00:00Z")
	time_bound.allow with input as restart with time.now_ns as morning
	not time_bound.allow with input as restart with time.now_ns as early
	not time_bound.allow with input as restart with time.now_ns as winter
	not time_bound.allow with input as restart with time.now_ns as closing
}

test_weekends_are_off if {
	saturday := at("2026-07-04T10:00:00Z")
	not time_bound.allow with input as restart with time.now_ns as saturday
	time_bound.reasons == {"the grant for on-call rota holds on working days from 9 to 17 h, Europe/Berlin"} with input as restart
		with time.now_ns as saturday
}

test_a_freeze_beats_a_grant if {
	now := at("2026-12-24T12:00:00Z")
	grant := {
		"subject": "alice",
		"actions": ["deploy"],
		"resource": "production",
		"from": "2026-12-01T00:00:00Z",
		"until": "2026-12-31T00:00:00Z",
		"reason": "a hot fix",
	}
	not time_bound.allow with input as deploy with time.now_ns as now with data.time_bound.grants as [grant]
	time_bound.reasons == {"year-end freeze"} with input as deploy
		with time.now_ns as now
		with data.time_bound.grants as [grant]
}

test_expires_says_when_to_ask_again if {
	now := at("2026-03-01T09:30:00Z")
	time_bound.expires == "2026-03-01T12:00:00Z" with input as deploy with time.now_ns as now
}
