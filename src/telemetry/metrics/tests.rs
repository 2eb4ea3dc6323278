use super::*;
use crate::model::decision::Outcome;
use std::collections::HashSet;
use std::time::Duration;

fn path(text: &str) -> EntryPath {
    EntryPath::parse(text).unwrap()
}

fn value(text: &str, series: &str) -> f64 {
    let line = text.lines().find(|line| line.strip_prefix(series).is_some_and(|rest| rest.starts_with(' ')));
    let line = line.unwrap_or_else(|| panic!("no `{series}` in\n{text}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

fn busy() -> Metrics {
    let metrics = Metrics::new("1.2.3", Timestamp::from_unix_seconds(1_700_000_000));
    metrics.decisions.declare_entry_points(&[path("app/allow"), path("app/by%22quote%22/a")]);
    let timings =
        Timings { eval: Duration::from_micros(12), total: Duration::from_micros(60), ..Timings::default() };
    metrics.decisions.observe(Some(&path("app/allow")), Outcome::Allow, &timings);
    metrics.decisions.observe(Some(&path("app/guess")), Outcome::Undefined, &timings);
    metrics.decisions.observe(None, Outcome::Refused, &Timings::default());
    metrics.http_handler("v1/data").observe("POST", 200, Duration::from_micros(90));
    metrics.http_handler("v1/data").observe("BREW", 405, Duration::from_secs(7));
    metrics.bundles.generation.set(3);
    metrics.log.clone().records.inc();
    metrics.identity.failed(FailureKind::CredentialExpired);
    metrics.identity.fetched("https://issuer.example", false);
    metrics.limits.refused("user");
    metrics.connections.inc();
    metrics
}

#[test]
fn what_is_counted_is_shown() {
    let text = busy().render();
    for (series, expected) in [
        (r#"verdict_decisions_total{path="app/allow",outcome="allow"}"#, 1.0),
        (r#"verdict_decisions_total{path="app/allow",outcome="deny"}"#, 0.0),
        (r#"verdict_decisions_total{path="other",outcome="undefined"}"#, 1.0),
        (r#"verdict_decisions_total{path="other",outcome="refused"}"#, 1.0),
        (r#"verdict_decision_duration_seconds_bucket{le="0.00005"}"#, 1.0),
        (r#"verdict_decision_duration_seconds_bucket{le="0.0001"}"#, 3.0),
        ("verdict_decision_duration_seconds_count", 3.0),
        ("verdict_decision_duration_seconds_sum", 0.00012),
        ("verdict_eval_duration_seconds_count", 2.0),
        ("verdict_authenticate_duration_seconds_count", 0.0),
        (r#"http_request_duration_seconds_count{code="200",handler="v1/data",method="POST"}"#, 1.0),
        (
            r#"http_request_duration_seconds_bucket{le="5.0",code="405",handler="v1/data",method="other"}"#,
            0.0,
        ),
        (
            r#"http_request_duration_seconds_bucket{le="+Inf",code="405",handler="v1/data",method="other"}"#,
            1.0,
        ),
        ("process_start_time_seconds", 1_700_000_000.0),
        (r#"verdict_build_info{version="1.2.3"}"#, 1.0),
        ("verdict_connections", 1.0),
        ("verdict_connections_refused_total", 0.0),
        ("verdict_bundle_generation", 3.0),
        ("verdict_bundle_activations_total", 0.0),
        ("verdict_bundle_failures_total", 0.0),
        ("verdict_bundle_last_success_timestamp_seconds", 0.0),
        ("verdict_bundle_stale", 0.0),
        ("verdict_decision_log_records_total", 1.0),
        ("verdict_decision_log_failures_total", 0.0),
        (r#"verdict_decision_log_dropped_records_total{reason="rotation"}"#, 0.0),
        (r#"verdict_decision_log_dropped_records_total{reason="refusals_rate"}"#, 0.0),
        ("verdict_token_cache_hits_total", 0.0),
        ("verdict_token_cache_misses_total", 0.0),
        (r#"verdict_authentication_failures_total{kind="credential_expired"}"#, 1.0),
        (r#"verdict_rate_limit_refusals_total{limit="user"}"#, 1.0),
        ("verdict_rate_limit_failures_total", 0.0),
        (r#"verdict_jwks_fetches_total{issuer="https://issuer.example",result="error"}"#, 1.0),
    ] {
        assert!((value(&text, series) - expected).abs() < 1e-9, "{series}\n{text}");
    }
}

#[test]
fn no_caller_makes_a_series() {
    let metrics = busy();
    let before = metrics.render().lines().count();
    let http = metrics.http_handler("v1/data");
    for n in 0..100 {
        let guess = path(&format!("guess/{n}"));
        metrics.decisions.observe(Some(&guess), Outcome::Undefined, &Timings::default());
        http.observe(&format!("METHOD{n}"), 405, Duration::ZERO);
    }
    assert_eq!(metrics.render().lines().count(), before);
    let many: Vec<_> = (0..2 * MAX_ENTRY_POINTS).map(|n| path(&format!("declared/{n}"))).collect();
    metrics.decisions.declare_entry_points(&many);
    let labelled = metrics.render().matches("outcome=\"allow\"").count();
    assert_eq!(labelled, MAX_ENTRY_POINTS + 1);
}

#[test]
fn a_new_activation_keeps_the_counts() {
    let metrics = busy();
    metrics.decisions.declare_entry_points(&[path("new")]);
    metrics.decisions.observe(Some(&path("app/allow")), Outcome::Allow, &Timings::default());
    let text = metrics.render();
    assert!(
        (value(&text, r#"verdict_decisions_total{path="app/allow",outcome="allow"}"#) - 2.0).abs() < 1e-9
    );
}

/// The rules of OpenMetrics that a scraper trips over: metadata before samples, one family at a time, no series
/// twice, names and labels well-formed, buckets that do not fall, `# EOF` last.
#[test]
fn the_text_is_valid() {
    let text = busy().render();
    let name_ok =
        |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let (mut family, mut families, mut series) = (String::new(), HashSet::new(), HashSet::new());
    let mut bucket = (String::new(), 0.0);
    assert!(text.ends_with("\n# EOF\n"));
    for line in text.lines().filter(|line| *line != "# EOF") {
        if let Some(metadata) = line.strip_prefix("# ") {
            let (kind, rest) = metadata.split_once(' ').unwrap();
            assert!(matches!(kind, "HELP" | "TYPE"), "{line}");
            let name = rest.split(' ').next().unwrap();
            if kind == "HELP" {
                assert!(name_ok(name) && families.insert(name.to_owned()), "{line}");
                family = name.to_owned();
            }
            assert_eq!(name, family, "{line}");
            continue;
        }
        let (id, number) = line.rsplit_once(' ').unwrap();
        let number: f64 = number.parse().unwrap();
        assert!(number.is_finite() && series.insert(id.to_owned()), "{line}");
        let (name, labels) = id.split_once('{').map_or((id, ""), |(name, labels)| {
            (name, labels.strip_suffix('}').unwrap_or_else(|| panic!("{line}")))
        });
        let suffix = name.strip_prefix(&family).unwrap_or_else(|| panic!("{line} in {family}"));
        assert!(matches!(suffix, "" | "_total" | "_info" | "_bucket" | "_count" | "_sum"), "{line}");
        assert_eq!(labels_of(labels).len(), labels_of(labels).iter().collect::<HashSet<_>>().len(), "{line}");
        if suffix == "_bucket" {
            let others = labels.split_once(',').map_or("", |(_, others)| others);
            let key = format!("{name} {others}");
            assert!(bucket.0 != key || bucket.1 <= number, "{line}");
            bucket = (key, number);
        }
    }
    assert!(families.len() > 15);
}

/// The names of `a="1",b="x\"y"`, each of whose values is quoted and escaped.
fn labels_of(mut rest: &str) -> Vec<String> {
    let mut names = Vec::new();
    while !rest.is_empty() {
        let (name, value) = rest.split_once("=\"").unwrap_or_else(|| panic!("{rest}"));
        names.push(name.to_owned());
        let mut escaped = false;
        let end = value
            .find(|c| {
                let ends = c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
                ends
            })
            .unwrap_or_else(|| panic!("{rest}"));
        rest = value.get(end + 1..).unwrap();
        rest = rest.strip_prefix(',').unwrap_or(rest);
    }
    names
}
