//! Where sessions are opened: the process, its host, container and pod, as tokens name them (v1alpha2 section 5.3.2).

use std::path::Path;

use super::token::Bound;
use crate::model::variables::Variables;

/// Where this process runs. Found out once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    process_id: u32,
    hostname: String,
    container_id: Option<String>,
    pod_uid: Option<String>,
}

impl Place {
    /// This process's place.
    pub(super) fn here(variables: &Variables) -> Self {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let pod_uid = variables.get("POD_UID").map(str::to_owned);
        let container_id =
            container(&read("/proc/self/cgroup")).or_else(|| container(&read("/proc/self/mountinfo")));
        let name = read("/proc/sys/kernel/hostname").trim().to_lowercase();
        let hostname =
            hostname(pod_uid.as_deref(), container_id.as_deref(), &name, &read("/etc/resolv.conf"));
        Self { process_id: std::process::id(), hostname, container_id, pod_uid }
    }

    /// What a token of a policy from this file says of it.
    pub(super) fn of(&self, policy: &Path) -> Bound {
        let path = std::path::absolute(policy).unwrap_or_else(|_| policy.to_owned());
        Bound {
            process_id: self.process_id,
            policy_path: path.to_string_lossy().into_owned(),
            hostname: self.hostname.clone(),
            container_id: self.container_id.clone(),
            pod_uid: self.pod_uid.clone(),
        }
    }
}

/// The first of: pod, container, name with domain, name and the domain that is searched first, name.
fn hostname(pod: Option<&str>, container: Option<&str>, name: &str, resolv: &str) -> String {
    if let Some(pod) = pod {
        return format!("k8s:{pod}");
    }
    if let Some(container) = container {
        return format!("container:{container}");
    }
    let mut words = resolv.lines().map(str::split_ascii_whitespace);
    let domain = words.find_map(|mut words| match words.next() {
        Some("search" | "domain") => words.next(),
        _ => None,
    });
    match domain.filter(|domain| !name.contains('.') && *domain != ".") {
        Some(domain) => format!("{name}.{}", domain.to_lowercase()),
        None => name.to_owned(),
    }
}

/// The first twelve digits of a container's id, which control groups and mounts are named by.
fn container(text: &str) -> Option<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric());
    let is_id = |word: &&str| word.len() == 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    words.into_iter().find(is_id).and_then(|id| id.get(..12)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_has_the_first_name_that_is_stable() {
        let id = "a".repeat(12) + &"b".repeat(52);
        assert_eq!(container(&format!("0::/docker/{id}\n")).unwrap(), "a".repeat(12));
        assert_eq!(
            container(&format!("1 2 0:3 /containers/{id}/hostname /etc/hostname")).unwrap(),
            "a".repeat(12)
        );
        assert_eq!(container("0::/user.slice/user-1000.slice\n"), None);
        for (pod, container, name, resolv, expected) in [
            (Some("u-1"), Some("aaa"), "web", "search x.example", "k8s:u-1"),
            (None, Some("aaa"), "web", "", "container:aaa"),
            (None, None, "web.a.example", "search x.example", "web.a.example"),
            (None, None, "web", "nameserver 1.1.1.1\nsearch X.example y.example\n", "web.x.example"),
            (None, None, "web", "domain d.example\n", "web.d.example"),
            (None, None, "web", "search .\n", "web"),
            (None, None, "web", "", "web"),
        ] {
            assert_eq!(hostname(pod, container, name, resolv), expected);
        }
    }
}
