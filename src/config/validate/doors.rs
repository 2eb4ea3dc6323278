//! The checks of `doors:`.

use super::Checks;
use crate::document::tree::Path;
use crate::doors::Flaw;
use crate::doors::ext_authz::config::Settings as ExtAuthz;
use crate::doors::forward_auth::settings::ForwardAuth;
use crate::doors::routes::is_taken;
use crate::doors::routing::{HttpConfig, Routes};
use crate::model::request::EntryPath;

impl Checks<'_> {
    pub(super) fn doors(&mut self) {
        let doors = &self.config.doors;
        // The document is read at the start, like all that the configuration only names.
        let routes = Routes::new(&HttpConfig { openapi: None, ..doors.http.clone() }).err();
        let forward_auth = ForwardAuth::new(&doors.forward_auth, &EntryPath::default()).err();
        let ext_authz = ExtAuthz::new(&doors.ext_authz, &EntryPath::default()).err();
        let prefix = &doors.ext_authz.http_prefix;
        let taken = is_taken(prefix).then(|| {
            let message = format!("paths of Verdict's own begin as `{prefix}` does");
            Flaw::new("doors.ext_authz.http_prefix", message, "choose another, like `/ext_authz`")
        });
        for flaw in routes.into_iter().chain(forward_auth).flatten().chain(ext_authz).chain(taken) {
            self.flaw(Path::dotted(&flaw.at), flaw.message, flaw.hint);
        }
        if doors.pep_role.as_deref() == Some("") {
            let hint =
                "name the role that PEPs have, or omit the key so that callers ask about themselves only";
            self.flaw(Path::dotted("doors.pep_role"), "the role is empty", hint);
        }
        for (key, document) in doors.authzen.documents() {
            self.document(Path::dotted(&format!("doors.authzen.{key}")), document);
        }
        for (key, document) in
            [("authorize", &doors.kubernetes.authorize), ("admit", &doors.kubernetes.admit)]
        {
            if let Some(document) = document {
                self.document(Path::dotted(&format!("doors.kubernetes.{key}")), document);
            }
        }
        if let Some(document) = &doors.docker.document {
            self.document(Path::dotted("doors.docker.document"), document);
        }
        if let Err((key, message)) = doors.authzen.check() {
            let hint = "write e.g. `https://pdp.acme.example`";
            self.flaw(Path::dotted(&format!("doors.authzen.{key}")), message, hint);
        }
    }
}
