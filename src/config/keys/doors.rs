//! The keys of `doors`.

use super::entry::{Entry, Kind, entry};

pub(super) const ENTRIES: &[Entry] = &[
    entry(
        "doors.forward_auth.document",
        Kind::Text,
        "Document that decides for `/authz/nginx`, `/authz/forward`, `/authz/oathkeeper` and `/authz/lambda`; \
         `decision.default_path` if it is left out.",
    ),
    entry(
        "doors.forward_auth.trusted_proxies",
        Kind::Texts,
        "Addresses and networks of the gateways that may describe the requests of others. Whoever else asks is refused.",
    ),
    entry(
        "doors.ext_authz.document",
        Kind::Text,
        "Document that decides what Envoy asks about (`ext_authz`); without it, `decision.default_path`.",
    ),
    entry(
        "doors.ext_authz.http_prefix",
        Kind::Text,
        "Path below which Envoy's HTTP service asks (its `path_prefix`).",
    ),
    entry(
        "doors.http.routes",
        Kind::Sections,
        "What HTTP requests mean, whichever gateway describes them. Of several routes that match, the one for the request's host counts, \
         then the one whose path is more specific.",
    ),
    entry("doors.http.routes[].name", Kind::Text, "Name, for policy (`input.context.route`)."),
    entry("doors.http.routes[].host", Kind::Text, "Host, if the route is for that one only."),
    entry(
        "doors.http.routes[].methods",
        Kind::Texts,
        "Methods, if the route is for these only. `HEAD` goes with `GET`, unless a route names it.",
    ),
    entry(
        "doors.http.routes[].path",
        Kind::Text,
        "Path. `{name}` takes one segment; `{*name}`, at the end, takes all that are left.",
    ),
    entry("doors.http.routes[].action", Kind::Text, "What policy sees as `input.action`."),
    entry(
        "doors.http.routes[].resource.type",
        Kind::Text,
        "Type. `{name}` stands for what the path has there.",
    ),
    entry(
        "doors.http.routes[].resource.id",
        Kind::Text,
        "Id. Without it: the last variable of the path, or the path itself where it has none.",
    ),
    entry(
        "doors.http.openapi",
        Kind::Path,
        "OpenAPI document (3.x) that routes are made of, too: `operationId` is the action, the first tag the type of the resource, the \
         last variable of the path its id. `x-verdict` of an operation says otherwise.",
    ),
    entry(
        "doors.http.unmatched",
        Kind::Word,
        "What becomes of a request that no route matches: it is refused, or policy sees its method as the action and \
         `{\"type\": \"http\", \"id\": <path>}` as the resource.",
    ),
    entry(
        "doors.http.identity_headers",
        Kind::Texts,
        "Headers by which a client could tell the service behind who is calling. They are not in the input, and gateways are told to \
         remove or overwrite them. `*` at the end stands for anything.",
    ),
    entry(
        "doors.http.upstream_headers",
        Kind::TextMap,
        "Headers that tell the service behind who is calling, and where in the input each value is. Without it, `x-auth-user` is \
         `subject.id` and `x-auth-issuer` is `subject.issuer`; `{}` is none at all.",
    ),
    entry(
        "doors.mcp.document",
        Kind::Text,
        "Document that decides on messages of the Model Context Protocol ([mcp.md](mcp.md)); by default that of `decision.default_path`.",
    ),
    entry(
        "doors.mcp.denial_code",
        Kind::Number,
        "JSON-RPC code of denials. It must not be one that JSON-RPC or MCP has taken (`-32768` to `-32020`).",
    ),
    entry(
        "doors.mcp.toolhive_document",
        Kind::Text,
        "Document that decides on what toolhive asks; without it, toolhive's route is not there.",
    ),
    entry("doors.mcp.servers", Kind::Sections, "MCP servers whose tools are known beforehand."),
    entry(
        "doors.mcp.servers[].name",
        Kind::Text,
        "What gateways call the server, at the end of the path: `/mcp/authorize/<name>`. Must be unique.",
    ),
    entry(
        "doors.mcp.servers[].tools",
        Kind::Path,
        "File with the result of the server's `tools/list` (JSON). Read at the start: which arguments headers mirror \
         (`x-mcp-header`), and which mappings tools declare (`x-authzen-mapping`).",
    ),
    entry(
        "doors.pep_role",
        Kind::Text,
        "Role of callers that may ask about other subjects than themselves: AuthZEN's PEPs, API servers of Kubernetes, Docker's \
         daemons. Without it, a verified caller may ask about itself only ([authzen.md](authzen.md)).",
    ),
    entry(
        "doors.authzen.document",
        Kind::Text,
        "Document that decides AuthZEN's evaluations; by default that of `decision.default_path`.",
    ),
    entry(
        "doors.authzen.merge_defaults",
        Kind::Flag,
        "Whether a subject, action or resource of a batch item that lacks its `type`, `id` or `name` takes that from the default \
         of the batch. AuthZEN has it replace the default as a whole, so that such an item is denied.",
    ),
    entry(
        "doors.authzen.search.subjects",
        Kind::Text,
        "Document that lists the subjects among which `/access/v1/search/subject` searches: ids, or objects with `type` and `id`. \
         Without it, there is no such search.",
    ),
    entry("doors.authzen.search.resources", Kind::Text, "The same for resources."),
    entry("doors.authzen.search.actions", Kind::Text, "The same for actions: names, or objects with `name`."),
    entry(
        "doors.authzen.public_url",
        Kind::Text,
        "Where PEPs reach the server, e.g. `https://pdp.acme.example`: the identifier in `/.well-known/authzen-configuration`. \
         Without it, there are no such metadata.",
    ),
    entry(
        "doors.authzen.access_request_endpoint",
        Kind::Text,
        "Where PEPs ask for access that was denied (AuthZEN's access request profile), for the metadata.",
    ),
    entry(
        "doors.authzen.supported_obligations",
        Kind::Texts,
        "Types of obligations that policy may give in `context.obligations`, for the metadata.",
    ),
    entry(
        "doors.kubernetes.authorize",
        Kind::Text,
        "Document that decides SubjectAccessReviews at `/kubernetes/authorize`; without it, they are answered with 404.",
    ),
    entry(
        "doors.kubernetes.admit",
        Kind::Text,
        "Document that decides AdmissionReviews at `/kubernetes/admit`; without it, they are answered with 404.",
    ),
    entry(
        "doors.docker.document",
        Kind::Text,
        "Document that decides what Docker's authorization plugin is asked; without it, there is no plugin.",
    ),
    entry(
        "doors.opa.extra_keys",
        Kind::Word,
        "What becomes of keys beside `input` in the body of `POST /v1/data`: an error (`refuse`), or, as with OPA, kept out of \
         the decision and in its record, under `custom.incoming_metadata` (`record`).",
    ),
    entry(
        "doors.opa.writes.enabled",
        Kind::Flag,
        "Whether policies and data can be written through the API (`PUT`, `PATCH` and `DELETE` on `/v1/data`, `PUT` and `DELETE` \
         on `/v1/policies`). What a bundle owns can never be.",
    ),
    entry("doors.opa.writes.role", Kind::Text, "Role that callers must have to write."),
    entry(
        "doors.opa.writes.max_size",
        Kind::Size,
        "Maximum size of all policies and data together that are written through the API.",
    ),
    entry(
        "doors.opa.writes.max_policies",
        Kind::Number,
        "Maximum number of policies that are written through the API.",
    ),
    entry(
        "doors.opa.queries",
        Kind::Flag,
        "Whether ad-hoc queries are answered (`/v1/query`) to callers with the role of `management.role`: they can read all policy \
         and data. `verdict dev` always answers them.",
    ),
];
