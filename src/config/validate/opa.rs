//! The checks of `doors.opa`.

use super::Checks;
use crate::document::tree::Path;

impl Checks<'_> {
    pub(super) fn opa(&mut self) {
        let writes = &self.config.doors.opa.writes;
        let at = Path::dotted("doors.opa.writes");
        if writes.role.is_empty() {
            let hint = "name the role that callers must have, or omit the key for `verdict-policy-admin`";
            self.flaw(at.key("role"), "the role is empty", hint);
        }
        for (key, zero) in [("max_size", writes.max_size.0 == 0), ("max_policies", writes.max_policies == 0)]
        {
            if zero {
                let hint = "this limit cannot be disabled; omit the key for its default";
                self.flaw(at.key(key), "must be more than 0", hint);
            }
        }
        if writes.enabled && self.config.bundles.verification.is_some() {
            self.findings.warnings.push(
                "doors.opa.writes.enabled: what is written through the API is not signed, whatever \
                 `bundles.verification` asks of bundles: who has the role `doors.opa.writes.role` is trusted instead"
                    .to_owned(),
            );
        }
    }
}
