//! The documentation runs: everything between fences in the pages is tried, as CONTRIBUTING.md says (Documentation).
//!
//! `pages/markdown.rs` reads a page, `pages/shell.rs` has the shell in which its commands run, `pages/compare.rs` compares what
//! they print, and `pages/trial.rs` goes through a page.

mod compare;
mod markdown;
mod shell;
mod trial;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;

/// Tries a page. With `RECORD_PAGES` set, what was printed replaces what the page says.
#[expect(clippy::disallowed_methods, reason = "the test's own environment, not the server's")]
fn check(page: &str) {
    let recording = std::env::var_os("RECORD_PAGES").is_some();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
    let Some(outcome) = trial::try_page(&path, recording) else { return };
    let _ = writeln!(std::io::stdout(), "{page}: {} examples tried", outcome.tried);
    assert!(
        outcome.failures.is_empty(),
        "{} of {page} failed:\n{}",
        outcome.failures.len(),
        outcome.report(page)
    );
}

macro_rules! pages {
    ($($test:ident: $page:literal,)*) => {
        const PAGES: &[&str] = &[$($page),*];
        $(#[test] fn $test() { check($page); })*
    };
}

pages! {
    readme: "README.md",
    contributing: "CONTRIBUTING.md",
    security: "SECURITY.md",
    architecture: "ARCHITECTURE.md",
    sample: "bundles/app/README.md",
    policies: "policies/README.md",
    agent_tools: "policies/agent-tools/README.md",
    agentvault: "policies/agentvault/README.md",
    ownership: "policies/ownership/README.md",
    rbac: "policies/rbac/README.md",
    tenants: "policies/tenants/README.md",
    time_bound: "policies/time-bound/README.md",
    admin_api: "docs/admin-api.md",
    administration: "docs/administration.md",
    aip: "docs/aip.md",
    api: "docs/api.md",
    auth_events: "docs/auth-events.md",
    authzen: "docs/authzen.md",
    aws_lambda: "docs/aws-lambda.md",
    bundles: "docs/bundles.md",
    certificates: "docs/certificates.md",
    commands: "docs/commands.md",
    configuration: "docs/configuration.md",
    containers: "docs/containers.md",
    cross_organisation: "docs/cross-organisation.md",
    data_filters: "docs/data-filters.md",
    decision_log: "docs/decision-log.md",
    directory_file: "docs/directory-file.md",
    docker: "docs/docker.md",
    envoy: "docs/envoy.md",
    envoy_gateway: "docs/envoy-gateway.md",
    first_ten_minutes: "docs/first-ten-minutes.md",
    from_agentpack: "docs/from-agentpack.md",
    from_agentvault: "docs/from-agentvault.md",
    from_aip: "docs/from-aip.md",
    from_dockrion: "docs/from-dockrion.md",
    from_opa: "docs/from-opa.md",
    from_relay: "docs/from-relay.md",
    haproxy: "docs/haproxy.md",
    http_requests: "docs/http-requests.md",
    gateways_opa: "docs/gateways-opa.md",
    identity: "docs/identity.md",
    kubernetes: "docs/kubernetes.md",
    istio: "docs/istio.md",
    master_key: "docs/master-key.md",
    mcp: "docs/mcp.md",
    new_credential_kind: "docs/new-credential-kind.md",
    nginx: "docs/nginx.md",
    rate_limits: "docs/rate-limits.md",
    registry: "docs/registry.md",
    rego: "docs/rego.md",
    remote_bundles: "docs/remote-bundles.md",
    revocation_events: "docs/revocation-events.md",
    spiffe: "docs/spiffe.md",
    testing_policies: "docs/testing-policies.md",
    tls: "docs/tls.md",
    traefik_caddy: "docs/traefik-caddy.md",
    unix_socket: "docs/unix-socket.md",
}

/// The pages below a folder, and in it.
fn found(folder: &str, pages: &mut BTreeSet<String>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    for entry in std::fs::read_dir(path).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{folder}{}", entry.file_name().to_str().unwrap());
        match entry.file_type().unwrap().is_dir() {
            true if !folder.is_empty() => found(&format!("{name}/"), pages),
            false if name.ends_with(".md") && name != "CHANGELOG.md" => drop(pages.insert(name)),
            _ => {}
        }
    }
}

#[test]
fn every_page_is_tried() {
    let mut pages = BTreeSet::new();
    for folder in ["", "bundles/", "docs/", "policies/"] {
        found(folder, &mut pages);
    }
    assert_eq!(pages, PAGES.iter().map(|page| (*page).to_owned()).collect());
}

#[test]
fn the_readme_lists_every_page() {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    for page in PAGES.iter().filter(|page| page.starts_with("docs/")) {
        assert!(readme.contains(&format!("({page})")), "README.md does not link {page}");
    }
}
