"""opa-python-client, unchanged. Arguments: the server's host and port, a token."""

import sys

from opa_client.errors import (
    DeleteDataError,
    DeletePolicyError,
    PatchDataError,
    PolicyNotFoundError,
    QueryExecuteError,
    RegoParseError,
)
from opa_client.opa import OpaClient
import requests

host, port, token = sys.argv[1], int(sys.argv[2]), sys.argv[3]


def fails(kind, call):
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}")


with OpaClient(host=host, port=port, token=token, timeout=30) as client:
    assert client.check_connection() is True
    assert client.check_health() and client.check_health(query={"bundles": True, "plugins": True})
    assert client.wait_for_ready(query={"plugins": True})

    # Policies.
    bundled = ["authz/authz/policy.rego", "authz/system/main.rego"]
    assert sorted(client.get_policies_list()) == bundled
    text = "package written\n\ndefault allow := false\n\nallow if input.name in data.people.names\n"
    assert client.update_policy_from_string(text, "written")
    assert sorted(client.get_policies_list()) == [*bundled, "written"]
    assert client.get_policy("written")["result"]["raw"] == text
    info = client.get_policies_info()["written"]
    assert info["path"].endswith("/v1/data/written"), info
    assert info["rules"] == [info["path"] + "/allow"], info
    # A policy of version 0 is rewritten by the client, once the server has refused it.
    assert client.update_policy_from_string("package old\n\nallow { input.x == 1 }\n", "old")
    assert client.query_rule({"x": 1}, "old", "allow")["result"] is True
    fails(RegoParseError, lambda: client.update_policy_from_string("package written\n\np := z\n", "written"))
    fails(RegoParseError, lambda: client.update_policy_from_string("package authz\n\np := 1\n", "mine"))

    # Data.
    assert client.update_or_create_data({"names": ["ann"]}, "people")
    assert client.get_data("people")["result"] == {"names": ["ann"]}
    assert client.patch_data("people", [{"op": "add", "path": "/names/-", "value": "bob"}])
    assert client.query_rule({"name": "bob"}, "written", "allow")["result"] is True
    assert client.query_rule({"name": "eve"}, "written", "allow", query_params={"metrics": True})["result"] is False
    fails(PatchDataError, lambda: client.patch_data("people", [{"op": "copy", "path": "/x"}]))
    fails(RegoParseError, lambda: client.update_or_create_data({}, "authz"))

    # Queries.
    assert client.ad_hoc_query("x := data.people.names[_]") == {"result": [{"x": "ann"}, {"x": "bob"}]}
    assert client.ad_hoc_query("input.a = x", {"a": 1}, query_params={"pretty": True}) == {"result": [{"x": 1}]}
    inputs = {"one": {"name": "ann"}, "two": {"name": "eve"}}
    assert client.bulk_query_rule(inputs, "written", "allow") == {"one": True, "two": False}
    fails(QueryExecuteError, lambda: client.bulk_query_rule([{}], "written", "nothing"))
    fails(requests.HTTPError, lambda: client.ad_hoc_query("x > 1"))

    # The rest.
    assert client.delete_data("people")
    fails(DeleteDataError, lambda: client.delete_data("people"))
    fails(PolicyNotFoundError, lambda: client.get_data("people"))
    assert client.delete_policy("written") and client.delete_policy("old")
    fails(DeletePolicyError, lambda: client.delete_policy("written"))
    fails(DeletePolicyError, lambda: client.delete_policy("authz/authz/policy.rego"))
    fails(PolicyNotFoundError, lambda: client.get_policy("written"))
    assert client.get_config()["result"]["default_decision"] == "/system/main"
    assert client.get_status()["result"]["bundles"]["authz"]["name"] == "authz"
    assert "verdict_decisions_total" in client.get_metrics()

for bad in (None, "no.such.token"):
    with OpaClient(host=host, port=port, token=bad, timeout=30) as stranger:
        assert fails(requests.HTTPError, lambda: stranger.query_rule({}, "authz", "allow")).response.status_code == 401
        assert fails(PolicyNotFoundError, lambda: stranger.get_policy("authz/authz/policy.rego"))
        fails(RegoParseError, lambda: stranger.update_policy_from_string("package x\n", "x"))
        fails(DeleteDataError, lambda: stranger.delete_data("x"))
print("all of it")
