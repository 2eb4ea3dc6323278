use proptest::prelude::*;

use super::*;

/// What a stream of bytes, cut in pieces and then ended, comes to.
fn read(pieces: &[&[u8]], to_head: bool) -> Result<Option<Reply>, Malformed> {
    let mut reader = ResponseReader::default();
    reader.begin(to_head);
    for piece in pieces {
        if let Some(reply) = reader.feed(piece)? {
            return Ok(Some(reply));
        }
    }
    Ok(reader.finish())
}

const fn reply(status: u16, outcome: Option<Outcome>, keep_alive: bool) -> Result<Option<Reply>, Malformed> {
    Ok(Some(Reply { status, outcome, reason: None, keep_alive }))
}

fn cases() -> Vec<(&'static str, Result<Option<Reply>, Malformed>)> {
    vec![
        ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello", reply(200, None, true)),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nverdict-outcome: deny\r\n\r\n",
            reply(200, Some(Outcome::Deny), true),
        ),
        ("HTTP/1.1 200\r\nVerdict-Outcome: unheard-of\r\nContent-Length: 1\r\n\r\nx", reply(200, None, true)),
        ("HTTP/1.1 204 No Content\r\n\r\n", reply(204, None, true)),
        ("HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n", reply(304, None, true)),
        ("HTTP/1.1 503 Busy\r\nconnection: Close\r\ncontent-length: 2\r\n\r\n{}", reply(503, None, false)),
        ("HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\n{}", reply(200, None, false)),
        ("HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\n{}", reply(200, None, true)),
        ("HTTP/1.1 200 OK\r\n\r\nuntil the end", reply(200, None, false)),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\nuntil the end", reply(200, None, false)),
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx",
            reply(200, None, true),
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n5;ext=1\r\nhello\r\n0a\r\n0123456789\r\n0\r\n\r\n",
            reply(200, None, true),
        ),
        ("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n1\nx\n0\nX-Trailer: 1\n\n", reply(200, None, true)),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 1\r\n\r\n0\r\n\r\n",
            reply(200, None, false),
        ),
        // Cut short.
        ("", Ok(None)),
        ("HTTP/1.1 200 OK\r\ncontent-le", Ok(None)),
        ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhell", Ok(None)),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n", Ok(None)),
        // Not HTTP.
        ("SSH-2.0-OpenSSH_9.6\r\n", Err(Malformed("its head cannot be read"))),
        ("HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n", Err(Malformed("its length is not a number"))),
        ("HTTP/1.1 200 OK\r\ncontent-length: +1\r\n\r\nx", Err(Malformed("its length is not a number"))),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nx",
            Err(Malformed("it has two different lengths")),
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n-1\r\n",
            Err(Malformed("a chunk does not start with its size")),
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nxy\r\n",
            Err(Malformed("a chunk is longer than it says")),
        ),
        (
            "HTTP/1.1 101 Switching Protocols\r\n\r\n",
            Err(Malformed("it switches protocols, which nobody asked for")),
        ),
    ]
}

#[test]
fn each_answer_is_read_for_what_it_is_wherever_it_is_cut() {
    for (text, expected) in cases() {
        let bytes = text.as_bytes();
        assert_eq!(read(&[bytes], false), expected, "whole: {text:?}");
        for cut in 0..=bytes.len() {
            let (one, two) = bytes.split_at(cut);
            assert_eq!(read(&[one, two], false), expected, "cut at {cut}: {text:?}");
        }
        let single: Vec<_> = bytes.chunks(1).collect();
        assert_eq!(read(&single, false), expected, "byte by byte: {text:?}");
    }
}

#[test]
fn the_answer_to_head_has_no_body() {
    let got = read(&[b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n"], true);
    assert_eq!(got, reply(200, None, true));
}

#[test]
fn bytes_that_nobody_asked_for_end_the_connection() {
    assert_eq!(read(&[b"HTTP/1.1 204 x\r\n\r\nHTTP/1.1 204 x\r\n\r\n"], false), reply(204, None, false));
}

#[test]
fn a_reader_forgets_the_answer_before() {
    let mut reader = ResponseReader::default();
    for (bytes, status) in [
        (&b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"[..], 200),
        (b"HTTP/1.1 404 x\r\ncontent-length: 1\r\n\r\nx", 404),
    ] {
        reader.begin(false);
        assert_eq!(reader.feed(bytes).unwrap().map(|reply| reply.status), Some(status));
    }
}

#[test]
fn a_head_without_end_is_given_up() {
    let mut reader = ResponseReader::default();
    reader.begin(false);
    assert_eq!(reader.feed(b"HTTP/1.1 200 OK\r\n"), Ok(None));
    let endless = std::iter::repeat_with(|| reader.feed(&[b'x'; 1000])).take(40).find(Result::is_err);
    assert_eq!(endless, Some(Err(Malformed("its head is over 32 KiB"))));
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..200)
}

fn pieces(bytes: &[u8], cuts: &[prop::sample::Index]) -> Vec<Vec<u8>> {
    let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    at.extend([0, bytes.len()]);
    at.sort_unstable();
    at.windows(2).map(|pair| bytes[pair[0]..pair[1]].to_vec()).collect()
}

proptest! {
    #[test]
    fn any_body_in_any_chunks_and_any_cuts(
        chunks in prop::collection::vec(body(), 0..5),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        status in 200..600u16,
        chunked in any::<bool>(),
    ) {
        let mut bytes = format!("HTTP/1.1 {status} x\r\nverdict-outcome: allow\r\n").into_bytes();
        if chunked {
            bytes.extend_from_slice(b"transfer-encoding: chunked\r\n\r\n");
            for chunk in chunks.iter().filter(|chunk| !chunk.is_empty()) {
                bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                bytes.extend_from_slice(chunk);
                bytes.extend_from_slice(b"\r\n");
            }
            bytes.extend_from_slice(b"0\r\n\r\n");
        } else {
            let body = chunks.concat();
            bytes.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes());
            bytes.extend_from_slice(&body);
        }
        let bodiless = matches!(status, 204 | 304);
        let cut = pieces(&bytes, &cuts);
        let refs: Vec<&[u8]> = cut.iter().map(Vec::as_slice).collect();
        let got = read(&refs, false).unwrap().unwrap();
        prop_assert_eq!((got.status, got.outcome), (status, Some(Outcome::Allow)));
        prop_assert!(bodiless || got.keep_alive);
    }

    #[test]
    fn noise_never_panics_and_cuts_never_matter(
        noise in prop::collection::vec(any::<u8>(), 0..300),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        prefix in prop::sample::select(vec![
            "", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
        ]),
    ) {
        let bytes = [prefix.as_bytes(), &noise].concat();
        let cut = pieces(&bytes, &cuts);
        let refs: Vec<&[u8]> = cut.iter().map(Vec::as_slice).collect();
        // Where it stops may differ in how much noise it saw behind the answer; not in what the answer was.
        let plain = |got: Result<Option<Reply>, Malformed>| got.map(|reply| reply.map(|r| (r.status, r.outcome)));
        prop_assert_eq!(plain(read(&refs, false)), plain(read(&[&bytes], false)));
    }
}
