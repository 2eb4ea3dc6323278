# METADATA
# title: Tenant isolation
# description: >-
#   Nothing crosses from one tenant to another, save what one tenant shares with another in data, and what support reads
#   under a ticket. The subject's tenant comes from its verified token; a token without a tenant reaches no tenant.
package tenants

default allow := false

allow if {
	subject_active
	count(items) > 0
	every item in items {
		reachable_item(item)
	}
}

# A call is for one resource, or for several at once: then for all of them, or for none.
items := input.resource.items

items := [input.resource] if not input.resource.items

subject_active if data.tenants.status[input.subject.tenant] == "active"

reachable_item(item) if {
	same_tenant(item)
	"member" in input.subject.roles
}

reachable_item(item) if {
	some share in data.tenants.shares
	share.from == item.tenant
	share.to == input.subject.tenant
	item.type in share.types
	input.action in share.actions
	data.tenants.status[share.from] == "active"
}

reachable_item(item) if {
	"support" in input.subject.roles
	input.action == "read"
	is_string(input.context.ticket)
	regex.match(`^T-[0-9]{4,}$`, input.context.ticket)
	data.tenants.status[item.tenant]
}

same_tenant(item) if {
	is_string(item.tenant)
	item.tenant == input.subject.tenant
}

# The rows of a list that the subject may see, for a service that filters after its query.
visible contains item.id if {
	subject_active
	some item in items
	reachable_item(item)
}

reasons contains "the subject's token names no tenant" if not input.subject.tenant

reasons contains msg if {
	status := object.get(data.tenants.status, input.subject.tenant, "unknown")
	status != "active"
	msg := sprintf("tenant `%s` is %s", [input.subject.tenant, status])
}

reasons contains msg if {
	subject_active
	some item in items
	not reachable_item(item)
	msg := sprintf(
		"`%v` of tenant `%v` is out of reach for tenant `%v`",
		[object.get(item, "id", "?"), object.get(item, "tenant", "?"), input.subject.tenant],
	)
}
