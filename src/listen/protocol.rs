//! Which protocol a peer begins to speak.

use std::time::Duration;

use super::socket::Stream;

/// How soon the rest of a half-sent HTTP/2 preface is looked for first.
const PREFACE_PAUSE: Duration = Duration::from_millis(5);

pub(super) enum Protocol {
    Http1,
    Http2,
}

/// Which protocol the peer begins to speak (RFC 9113 section 3.4); `None` when it ends without a word. Nothing is taken
/// off the stream. Known before the connection is handed over, because hyper waits for the first bytes without end.
pub(super) async fn protocol(stream: &impl Stream) -> Option<Protocol> {
    const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let mut begun = [0; PREFACE.len()];
    let mut pause = PREFACE_PAUSE;
    loop {
        let length = stream.peek(&mut begun).await.ok().filter(|length| *length > 0)?;
        let begun = begun.get(..length)?;
        if begun == PREFACE {
            return Some(Protocol::Http2);
        }
        if !PREFACE.starts_with(begun) {
            return Some(Protocol::Http1);
        }
        // The stream is readable already, so nobody says when the rest comes. Looked for ever less often: who stops in the
        // middle on purpose costs a dozen looks.
        tokio::time::sleep(pause).await;
        pause = pause.saturating_mul(2);
    }
}
