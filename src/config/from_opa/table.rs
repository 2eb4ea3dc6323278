//! What each key of OPA's configuration is in Verdict's. docs/from-opa.md shows this table, and a test compares them.

use crate::document::tree::{Path, Step};

/// What a key of OPA's is here.
#[derive(Debug, Clone, Copy)]
pub(super) enum Here {
    /// This key takes its value.
    Key(&'static str, Form),
    /// This key is made of it and of others.
    Part(&'static str),
    /// No key is needed, because of this.
    Unneeded(&'static str),
    /// Nothing does what it does; this can be done instead.
    Missing(&'static str),
}

/// How our key writes OPA's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As it is.
    Same,
    /// A document's path, which begins without a slash.
    Document,
    /// `json` for `true`, `off` for `false`.
    Console,
    /// A size of which 0 is no limit in OPA and nothing in Verdict.
    CacheSize,
}

/// One of OPA's keys.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    /// Dotted; `bundles.*` is each entry of `bundles`. Everything below the key is meant, too.
    pub(super) opa: &'static str,
    pub(super) here: Here,
}

impl Row {
    /// Whether this is the row of the key with these steps.
    pub(super) fn is_of(&self, steps: &[&str]) -> bool {
        let mut pattern = self.opa.split('.');
        steps.iter().all(|step| pattern.next().is_some_and(|part| part == "*" || part == *step))
            && pattern.next().is_none()
    }

    /// The step that this row has next, where its key begins with these steps.
    pub(super) fn next_after(&self, steps: &[&str]) -> Option<&'static str> {
        let mut pattern = self.opa.split('.');
        steps
            .iter()
            .all(|step| pattern.next().is_some_and(|part| part == "*" || part == *step))
            .then(|| pattern.next())?
    }
}

const fn row(opa: &'static str, here: Here) -> Row {
    Row { opa, here }
}

const SHIPPED: Here = Here::Missing(
    "records go to standard output or to `decision_log.file`; have an agent for logs ship them",
);
const MASKED: Here = Here::Missing(
    "records are not masked: bundles that declare `system.log.mask` or `system.log.drop` are refused",
);
const STATUS: Here =
    Here::Missing("nothing is sent; `GET /v1/status` on the management listener answers, and `/metrics`");

/// Every key of OPA 1.23.
pub(super) const ROWS: &[Row] = &[
    row("bundles.*.resource", Here::Part("bundles.remote")),
    row("bundles.*.service", Here::Part("bundles.remote")),
    row("bundles.*.signing.keyid", Here::Part("bundles.verification.key_id")),
    row("bundles.*.signing.scope", Here::Part("bundles.verification.scope")),
    row("bundles.*.signing.exclude_files", Here::Part("bundles.verification.exclude_files")),
    row("bundles.*.persist", Here::Unneeded("what was in force last is always kept below `state`")),
    row("bundles.*.polling", Here::Part("bundles.services")),
    row("bundles.*.trigger", Here::Unneeded("services are asked from time to time, and on SIGHUP")),
    row(
        "bundles.*.size_limit_bytes",
        Here::Missing("OPA limits each file; `bundles.max_bundle_size` limits a whole bundle (256MiB)"),
    ),
    row("bundle", Here::Missing("as OPA since 0.13, name the bundle below `bundles`")),
    row("services.*.name", Here::Part("bundles.services")),
    row("services.*.url", Here::Part("bundles.services")),
    row("services.*.type", Here::Part("bundles.services")),
    row("services.*.headers", Here::Part("bundles.services")),
    row("services.*.tls.ca_cert", Here::Part("bundles.services")),
    row(
        "services.*.tls.system_ca_required",
        Here::Unneeded("the system's authorities are always trusted, too"),
    ),
    row(
        "services.*.allow_insecure_tls",
        Here::Missing("certificates are always checked; name their authority: `tls.ca` of the service"),
    ),
    row(
        "services.*.response_header_timeout_seconds",
        Here::Unneeded("`timeout` of the service is for the whole answer, and 60s by default"),
    ),
    row("services.*.keys", Here::Missing("keys are those of the whole configuration")),
    row("services.*.credentials", Here::Part("bundles.services")),
    row("keys.*.key", Here::Part("bundles.verification.keys")),
    row("keys.*.algorithm", Here::Part("bundles.verification.keys")),
    row("keys.*.scope", Here::Part("bundles.verification.scope")),
    row("keys.*.private_key", Here::Missing("nothing is signed by the server; `verdict sign` signs bundles")),
    row("labels", Here::Key("decision_log.labels", Form::Same)),
    row("default_decision", Here::Key("decision.default_path", Form::Document)),
    row(
        "default_authorization_decision",
        Here::Missing(
            "no policy decides about the API: `management.role` is what callers of management need",
        ),
    ),
    row("persistence_directory", Here::Key("state", Form::Same)),
    row("nd_builtin_cache", Here::Key("decision_log.nd_builtin_cache", Form::Same)),
    row("decision_logs.console", Here::Key("decision_log.console", Form::Console)),
    row("decision_logs.service", SHIPPED),
    row("decision_logs.resource", SHIPPED),
    row("decision_logs.partition_name", SHIPPED),
    row("decision_logs.reporting", SHIPPED),
    row("decision_logs.plugin", SHIPPED),
    row("decision_logs.mask_decision", MASKED),
    row("decision_logs.drop_decision", MASKED),
    row(
        "decision_logs.request_context",
        Here::Missing("records have the headers `User-Agent` and `X-Request-ID`, and no others"),
    ),
    row("status.prometheus", Here::Unneeded("`/metrics` is always there")),
    row("status.console", Here::Unneeded("every reload is logged")),
    row("status.prometheus_config", Here::Missing("the buckets of metrics are fixed")),
    row("status.service", STATUS),
    row("status.partition_name", STATUS),
    row("status.plugin", STATUS),
    row("status.trigger", STATUS),
    row(
        "discovery",
        Here::Missing("the configuration is one file; it is read again when it changes, and on SIGHUP"),
    ),
    row("server.decoding.max_length", Here::Key("server.max_body", Form::Same)),
    row("server.decoding.gzip", Here::Unneeded("`server.max_body` is the limit after decompression, too")),
    row("server.encoding.gzip.min_length", Here::Key("server.gzip_min_size", Form::Same)),
    row("server.encoding.gzip.compression_level", Here::Missing("the level of compression is fixed")),
    row("server.metrics", Here::Missing("the buckets of metrics are fixed")),
    row(
        "caching.inter_query_builtin_cache.max_size_bytes",
        Here::Key("http_send.cache.max_size", Form::CacheSize),
    ),
    row(
        "caching.inter_query_builtin_cache.forced_eviction_threshold_percentage",
        Here::Unneeded("what was not used for longest makes room"),
    ),
    row(
        "caching.inter_query_builtin_cache.stale_entry_eviction_period_seconds",
        Here::Unneeded("what was not used for longest makes room"),
    ),
    row(
        "caching.inter_query_builtin_value_cache",
        Here::Unneeded(
            "constant patterns and schemas are compiled with the policy, others are cached by size",
        ),
    ),
    row(
        "distributed_tracing",
        Here::Missing("no spans are sent; records have the `traceparent` of the call"),
    ),
    row(
        "storage",
        Here::Missing("all data are kept in memory; what is written through the API is kept in `state`, too"),
    ),
    row("plugins.envoy_ext_authz_grpc", Here::Missing("Envoy's ext_authz is not served yet")),
    row("plugins.*", Here::Missing("a plugin is code for OPA")),
];

/// The keys on a path, as rows are looked up by them.
pub(super) fn steps(path: &Path) -> Vec<&str> {
    path.0
        .iter()
        .map(|step| match step {
            Step::Key(key) => key.as_str(),
            Step::Index(_) => "*",
        })
        .collect()
}

/// The table of docs/from-opa.md: every key of OPA's, and what it is here.
pub fn markdown() -> String {
    let rows = ROWS.iter().map(|Row { opa, here }| {
        let here = match here {
            Here::Key(ours, _) | Here::Part(ours) => {
                format!("[`{ours}`](configuration.md#{})", ours.replace('.', ""))
            }
            Here::Unneeded(why) => format!("none needed: {why}"),
            Here::Missing(instead) => format!("none: {instead}"),
        };
        format!("| `{opa}` | {here} |\n")
    });
    format!("| Key of OPA's | In Verdict |\n|---|---|\n{}", rows.collect::<String>())
}
