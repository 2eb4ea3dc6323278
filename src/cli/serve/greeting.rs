//! The banner of a development server as it comes about: at once where it serves, and once bundles are active what to try.

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::banner::{self, Paper};
use super::examples::Deciding;
use crate::app::{App, Authorizer};
use crate::bundle::Status;
use crate::cli::print::Style;
use crate::model::clock::Clock;
use crate::telemetry::terminal;

/// How often to look whether a bundle has come.
const POLL: Duration = Duration::from_millis(200);

/// What is said, of which server.
pub(super) struct Greeting {
    url: String,
    state: PathBuf,
    bundles: Arc<Status>,
    authorizer: Arc<Authorizer>,
    paper: Paper,
}

impl Greeting {
    pub(super) fn new(app: &App, state: PathBuf, no_color: bool) -> Self {
        let stderr = std::io::stderr();
        let style = Style::new(stderr.is_terminal() && !no_color);
        let paper = Paper { style, columns: terminal::columns(&stderr) };
        let (bundles, authorizer) = (Arc::clone(&app.bundles), Arc::clone(&app.authorizer));
        Self { url: app.url(), state, bundles, authorizer, paper }
    }

    /// Says where it serves.
    pub(super) fn open(&self) {
        say(&banner::opening(&self.url, &self.state, &self.bundles.report(), self.paper));
    }

    /// Says what to try, once there is something. To be run on a thread with enough stack to decide.
    pub(super) async fn go_on(self) {
        let Self { url, state, bundles, authorizer, paper } = self;
        while !bundles.report().is_active() {
            tokio::time::sleep(POLL).await;
        }
        let in_force = authorizer.in_force();
        let (snapshot, authenticator) = (Arc::clone(&in_force.snapshot), Arc::clone(&in_force.authenticator));
        let examples = match Deciding::new(snapshot, authenticator, &state, Clock::System.now()) {
            Ok(deciding) => deciding.examples(&in_force.settings.gate).await,
            Err(error) => return tracing::error!("no commands to try: {error}"),
        };
        let (active, commands) =
            (banner::active(&bundles.report(), paper), banner::commands(&url, &state, &examples, paper));
        say(&format!("{active}{commands}"));
    }
}

/// Nobody may be reading it; the server goes on.
fn say(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}
