//! When to load the configuration again: on SIGHUP, and when its file has changed.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::time::MissedTickBehavior;

use crate::app::Live;

/// How often the configuration file is looked at.
const POLL: Duration = Duration::from_secs(1);

/// Runs until the task is aborted.
///
/// # Errors
/// When SIGHUP cannot be taken over.
pub async fn run(live: Arc<Live>) -> std::io::Result<()> {
    let mut hangup = signal(SignalKind::hangup())?;
    let mut ticks = tokio::time::interval(POLL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let file = live.config_file();
    let mut seen = contents(file.clone()).await;
    let mut changed = None;
    loop {
        tokio::select! {
            hung_up = hangup.recv() => {
                if hung_up.is_none() {
                    return Ok(());
                }
                seen = contents(file.clone()).await;
                reload(&live, "SIGHUP");
            }
            _ = ticks.tick() => {
                let now = contents(file.clone()).await;
                // A file is taken up once it has been the same twice: a half-written one is not.
                if now == seen || now.is_none() {
                    changed = None;
                } else if now == changed {
                    seen = changed.take();
                    reload(&live, "its file has changed");
                } else {
                    changed = now;
                }
            }
        }
    }
}

async fn contents(file: Option<PathBuf>) -> Option<Vec<u8>> {
    tokio::fs::read(file?).await.ok()
}

fn reload(live: &Arc<Live>, why: &'static str) {
    match live.reload() {
        Ok(restart) if restart.is_empty() => tracing::info!(why, "configuration loaded again"),
        Ok(restart) => {
            tracing::warn!(
                why,
                "configuration loaded again; changed, but only a restart applies: {}",
                restart.join(", ")
            );
        }
        Err(error) => tracing::error!(why, "the new configuration is not applied:\n{error}"),
    }
}
