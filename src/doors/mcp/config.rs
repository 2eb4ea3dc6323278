//! `doors.mcp` in the configuration, and what is made of it at the start.

use std::collections::HashMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::tools::Tools;
use crate::model::request::EntryPath;
use crate::pdp::input::About;

/// `doors.mcp` in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The document that decides on messages; without it that of `decision.default_path`.
    pub document: Option<String>,
    /// The JSON-RPC code of denials.
    pub denial_code: i32,
    /// The document that decides on what toolhive asks; none where it asks nothing.
    pub toolhive_document: Option<String>,
    /// Servers whose tools are known.
    pub servers: Vec<Server>,
}

/// A server whose tools are known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    /// What gateways call it.
    pub name: String,
    /// The file with the result of its `tools/list`.
    pub tools: PathBuf,
}

/// The codes that JSON-RPC 2.0 leaves to servers, without those that MCP has taken (-32020 to -32099), or those that are nobody's.
const RESERVED: std::ops::RangeInclusive<i32> = -32768..=-32020;

impl Default for Config {
    fn default() -> Self {
        // COAZ-MCP, "Authorization Denial".
        Self { document: None, denial_code: -32001, toolhive_document: None, servers: Vec::new() }
    }
}

impl Config {
    /// Whether a code may stand for denials.
    pub fn takes_code(code: i32) -> bool {
        !RESERVED.contains(&code)
    }

    /// The files that it names.
    pub(crate) fn files_mut(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        self.servers.iter_mut().map(|server| &mut server.tools)
    }
}

/// What the routes of MCP work with.
#[derive(Debug)]
pub struct Settings {
    pub(super) document: EntryPath,
    pub(super) denial_code: i32,
    pub(super) toolhive: Option<EntryPath>,
    /// Whom toolhive's questions are about.
    pub(super) about: About,
    servers: HashMap<String, Tools>,
}

impl Settings {
    /// Of a configuration in which nothing is wrong.
    ///
    /// # Errors
    /// A document is no path, or a file of tools is not what it must be; with the key.
    pub fn new(config: &Config, default_path: &EntryPath, about: About) -> Result<Self, String> {
        let document = |key: &str, text: &str| {
            EntryPath::parse(text).map_err(|error| format!("`doors.mcp.{key}`: {error}"))
        };
        let mut servers = HashMap::new();
        for Server { name, tools } in &config.servers {
            let tools = Tools::read(tools).map_err(|error| format!("`doors.mcp.servers`: {error}"))?;
            for tool in tools.overriding() {
                tracing::warn!(
                    server = name,
                    tool,
                    "the tool's mapping says who is calling; policy sees that as `input.mcp.mapping.subject`, and nobody has verified it"
                );
            }
            servers.insert(name.clone(), tools);
        }
        Ok(Self {
            servers,
            about,
            document: match &config.document {
                None => default_path.clone(),
                Some(text) => document("document", text)?,
            },
            denial_code: config.denial_code,
            toolhive: match &config.toolhive_document {
                None => None,
                Some(text) => Some(document("toolhive_document", text)?),
            },
        })
    }

    /// What is known of a server's tools.
    pub(super) fn tools(&self, server: Option<&str>) -> Option<&Tools> {
        self.servers.get(server?)
    }
}
