//! What drives a connection of either protocol, until something happens to it.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use tokio::sync::watch;

use super::activity::{Patience, Phase, Watch};
use super::service::Doors;

/// What every connection is served with.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) doors: Doors,
    pub(super) patience: Patience,
    pub(super) stopping: watch::Receiver<bool>,
}

/// Waits until the server stops.
pub(super) async fn told(stopping: &mut watch::Receiver<bool>) {
    // An error is the sender's end, and thus the server's.
    let _ = stopping.wait_for(|stopping| *stopping).await;
}

/// What happens to a connection.
pub(super) enum Event {
    Ended(hyper::Result<()>),
    /// The server stops.
    Stopping,
    /// What it is doing has taken too long.
    TooLong(Phase),
}

/// Drives a connection until something happens to it.
///
/// The connection comes first: a request that has arrived is read before the connection hears that it shall end.
pub(super) async fn event(
    mut connection: Pin<&mut impl Future<Output = hyper::Result<()>>>,
    mut stopped: Option<Pin<&mut impl Future<Output = ()>>>,
    watch: &mut Watch,
) -> Event {
    poll_fn(|cx| {
        if let Poll::Ready(ended) = connection.as_mut().poll(cx) {
            return Poll::Ready(Event::Ended(ended));
        }
        if let Some(stopped) = stopped.as_mut()
            && stopped.as_mut().poll(cx).is_ready()
        {
            return Poll::Ready(Event::Stopping);
        }
        watch.poll(cx).map(Event::TooLong)
    })
    .await
}
