//! When to load the configuration again: on SIGHUP, which also reads the issuers' keys again, and when its file has changed.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Mutex;
use tokio::time::MissedTickBehavior;

use super::live::Live;

/// How often the configuration file is looked at.
const POLL: Duration = Duration::from_secs(1);

/// SIGHUP, handled from now on: one that comes while the server starts is kept for [`run`], and does not end the process.
///
/// # Errors
/// When the signal cannot be handled.
pub fn hangups() -> std::io::Result<Arc<Mutex<Signal>>> {
    Ok(Arc::new(Mutex::new(signal(SignalKind::hangup())?)))
}

/// Runs until the task is aborted.
pub async fn run(live: Arc<Live>, hangups: Arc<Mutex<Signal>>) {
    let mut hangup = hangups.lock().await;
    let mut ticks = tokio::time::interval(POLL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut seen = contents(&live).await;
    let mut changed = None;
    loop {
        tokio::select! {
            hung_up = hangup.recv() => {
                if hung_up.is_none() {
                    return;
                }
                seen = contents(&live).await;
                reload(&live, "SIGHUP");
                // Also where the new configuration is refused: an operator may ask for nothing but the keys.
                live.fetch_keys();
            }
            _ = ticks.tick() => {
                let now = contents(&live).await;
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

/// What the files say; nothing where one of them cannot be read.
async fn contents(live: &Live) -> Option<Vec<(PathBuf, Vec<u8>)>> {
    let mut all = Vec::new();
    for file in live.config_files() {
        let text = tokio::fs::read(&file).await.ok()?;
        all.push((file, text));
    }
    Some(all)
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
