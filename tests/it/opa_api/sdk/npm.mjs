// OPA's npm client, unchanged. Arguments: the folder that it is installed in, the server's URL, a token.
import assert from "node:assert/strict";
import { createRequire } from "node:module";

const [folder, url, token] = process.argv.slice(2);
const { OPAClient } = createRequire(`${folder}/index.js`)("@open-policy-agent/opa");

const opa = new OPAClient(url, { headers: { authorization: `Bearer ${token}` } });
assert.equal(await opa.evaluate("authz/allow", { user: "alice" }), true);
assert.equal(await opa.evaluate("authz/allow", { user: "eve" }), false);
assert.equal(await opa.evaluate("authz/allow"), false);
assert.equal(await opa.evaluate("authz/nothing", { user: "alice" }), undefined);
assert.equal(
  await opa.evaluate("authz/person/name", { toInput: () => ({ user: "alice" }) }),
  "alice",
);
assert.equal(
  await opa.evaluate("authz/person", { user: "bob" }, { fromResult: (result) => result.name }),
  "bob",
);
await assert.rejects(opa.evaluate("authz/conflict", {}), (error) => {
  assert.equal(error.code, "internal_error");
  assert.equal(error.errors[0].code, "eval_conflict_error");
  assert.equal(error.errors[0].location.file, "authz/authz/policy.rego");
  return true;
});

assert.deepEqual(await opa.evaluateDefault({ user: "alice" }), { greeting: "hello alice" });
await assert.rejects(opa.evaluateDefault({}), (error) => error.code === "undefined_document");

// No fallback to single calls: the server has batches.
const batch = await opa.evaluateBatch("authz/allow", { a: { user: "alice" }, b: { user: "eve" } });
assert.deepEqual(batch, { a: true, b: false });
const mixed = await opa.evaluateBatch("authz/maybe", { good: { x: 1 }, bad: { x: 2 } });
assert.equal(mixed.good, 1);
assert.equal(mixed.bad.httpStatusCode, "500");
await assert.rejects(
  opa.evaluateBatch("authz/maybe", { good: { x: 1 }, bad: { x: 2 } }, { rejectMixed: true }),
);

const health = await opa.opa.health(true, true);
assert.equal(health.httpMeta.response.status, 200);
const options = await opa.opa.executePolicyWithInput({
  path: "authz/allow",
  requestBody: { input: { user: "alice" } },
  explain: "notes",
  instrument: true,
  metrics: true,
  pretty: true,
  provenance: true,
  strictBuiltinErrors: true,
  acceptEncoding: "gzip",
});
assert.equal(options.successfulPolicyResponse.result, true);
assert.ok(options.successfulPolicyResponse.metrics);
assert.ok(options.successfulPolicyResponse.provenance.version);

for (const headers of [{}, { authorization: "Bearer no.such.token" }]) {
  const stranger = new OPAClient(url, { headers });
  await assert.rejects(stranger.evaluate("authz/allow", { user: "alice" }), (error) => {
    assert.equal(error.httpMeta?.response?.status ?? error.statusCode, 401);
    return true;
  });
}
console.log("all of it");
