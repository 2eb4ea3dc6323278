//! The checks of `doors.mcp`.

use super::Checks;
use crate::document::tree::Path;
use crate::doors::mcp::config::Config;

impl Checks<'_> {
    pub(super) fn mcp(&mut self) {
        let Config { document, denial_code, toolhive_document, servers } = &self.config.doors.mcp;
        for (key, text) in [("document", document), ("toolhive_document", toolhive_document)] {
            if let Some(text) = text {
                self.document(Path::dotted("doors.mcp").key(key), text);
            }
        }
        for (n, server) in servers.iter().enumerate() {
            let at = Path::dotted("doors.mcp.servers").index(n);
            if server.name.is_empty() || servers.iter().take(n).any(|other| other.name == server.name) {
                let hint = "give each server the name that gateways ask with, once";
                self.flaw(at.key("name"), "the name is empty, or another server's, too", hint);
            }
            if server.tools.as_os_str().is_empty() {
                self.flaw(
                    at.key("tools"),
                    "the path is empty",
                    "name a file with the result of `tools/list`",
                );
            }
        }
        if !Config::takes_code(*denial_code) {
            let message = format!("JSON-RPC or MCP has given `{denial_code}` a meaning of its own");
            self.flaw(
                Path::dotted("doors.mcp.denial_code"),
                message,
                "take one from `-32019` up, e.g. `-32001`, as COAZ-MCP has it",
            );
        }
    }
}
