# METADATA
# title: The default decision
# description: What `POST /` answers with.
package system

main := {"allow": data.app.allow, "reasons": data.app.reasons}
