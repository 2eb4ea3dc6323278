# METADATA
# title: Health, as policy sees it
# description: Asked by `GET /health/grants`.
package system.health

default grants := false

# Roles without grants would deny nearly everything: rather be taken out of rotation.
grants if count(data.app.grants) > 0
