"""fastapi-opa, unchanged, in front of an application. Arguments: the server's URL, that of a server that is down."""

import sys

from fastapi import FastAPI
from fastapi.testclient import TestClient
from fastapi_opa import OPAConfig, OPAMiddleware
from fastapi_opa.auth.auth_api_key import APIKeyAuthentication, APIKeyConfig

served = []


def application(url, package="httpapi.authz"):
    key = APIKeyConfig(header_key="x-api-key", api_key="secret")
    config = OPAConfig(authentication=APIKeyAuthentication(key), opa_host=url, package_name=package)
    app = FastAPI()
    app.add_middleware(OPAMiddleware, config=config)

    @app.api_route("/{path:path}", methods=["GET", "DELETE"])
    def upstream(path: str):
        served.append(path)
        return {"path": path}

    return TestClient(app, raise_server_exceptions=False)


def ask(client, method, path, key="secret"):
    before = len(served)
    status = client.request(method, path, headers={"x-api-key": key}).status_code
    return status, len(served) - before


up, down = sys.argv[1], sys.argv[2]
client = application(up)
assert ask(client, "GET", "/invoices/1") == (200, 1)
assert ask(client, "DELETE", "/invoices/1") == (401, 0)
assert ask(client, "GET", "/invoices/1", key="wrong") == (401, 0)
assert ask(client, "GET", "/conflict") == (401, 0)
# What is undefined, what is no object, and who does not answer: the upstream sees none of it.
for url, package in [(up, "httpapi.nothing"), (up, "httpapi.authz.allow"), (down, "httpapi.authz")]:
    status, seen = ask(application(url, package), "GET", "/invoices/1")
    assert status in (401, 500) and seen == 0, (url, package, status, seen)
print("all of it")
