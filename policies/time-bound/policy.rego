# METADATA
# title: Time-bound access
# description: >-
#   A grant holds from a moment until another, and where it says so only on working days within hours of a time zone. A
#   freeze stops everything on a resource. One decision sees one time: time.now_ns() does not move while it is made.
package time_bound

default allow := false

allow if {
	count(current_grants) > 0
	count(active_freezes) == 0
}

# The grants that hold now. `from` belongs to the period, `until` does not.
current_grants contains grant if {
	some grant in data.time_bound.grants
	concerns(grant)
	period(grant)
	within_hours(grant)
}

concerns(grant) if {
	grant.subject == input.subject.id
	grant.resource == input.resource.id
	input.action in grant.actions
}

period(entry) if {
	time.parse_rfc3339_ns(entry.from) <= time.now_ns()
	time.now_ns() < time.parse_rfc3339_ns(entry.until)
}

within_hours(grant) if not grant.hours

within_hours(grant) if {
	[hour, _, _] := time.clock([time.now_ns(), grant.hours.zone])
	hour >= grant.hours.opens
	hour < grant.hours.closes
	not time.weekday([time.now_ns(), grant.hours.zone]) in {"Saturday", "Sunday"}
}

active_freezes contains freeze.why if {
	some freeze in data.time_bound.freezes
	freeze.resource == input.resource.id
	period(freeze)
}

# Until when an allowed call stays allowed, so that the caller knows when to ask again (RFC 3339, UTC).
expires := time.format(max(ends)) if {
	allow
	ends := {time.parse_rfc3339_ns(grant.until) | some grant in current_grants}
}

reasons contains why if some why in active_freezes

reasons contains "no grant for this subject, action and resource" if {
	count([grant | some grant in data.time_bound.grants; concerns(grant)]) == 0
}

reasons contains msg if {
	some grant in data.time_bound.grants
	concerns(grant)
	not period(grant)
	msg := sprintf("the grant for %s holds from %s until %s", [grant.reason, grant.from, grant.until])
}

reasons contains msg if {
	some grant in data.time_bound.grants
	concerns(grant)
	period(grant)
	not within_hours(grant)
	hours := grant.hours
	msg := sprintf("the grant for %s holds on working days from %d to %d h, %s", [
		grant.reason,
		hours.opens,
		hours.closes,
		hours.zone,
	])
}
