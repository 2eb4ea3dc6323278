//! The keys of the state, of the listeners and of management.

use super::entry::{Entry, Kind, entry};

pub(super) const ENTRIES: &[Entry] = &[
    entry("state", Kind::Path, "Directory for the state of Verdict: the development issuer's key."),
    entry(
        "server.listen",
        Kind::Address,
        "Address to listen on for HTTP, e.g. `127.0.0.1:8181` or `[::1]:8181`. `localhost:8181` is 127.0.0.1; `:8181` is every \
         interface (0.0.0.0). Other names are not looked up.",
    ),
    entry(
        "server.unix",
        Kind::Section,
        "A Unix socket to listen on, beside `server.listen` ([unix-socket.md](unix-socket.md)).",
    ),
    entry(
        "server.unix.path",
        Kind::Path,
        "Unix socket to listen on, beside `server.listen`: the same calls, in HTTP/1.1 and HTTP/2, and with TLS where `server.tls` is \
         set. Its folder must exist. A socket that nobody listens on any more is replaced.",
    ),
    entry(
        "server.unix.mode",
        Kind::Text,
        "Permissions of the socket's file in octal and in quotes, e.g. `\"0660\"`: who may connect.",
    ),
    entry(
        "server.max_body",
        Kind::Size,
        "Maximum size of a request body, also after decompression; a larger one is answered with 413.",
    ),
    entry(
        "server.max_batch_items",
        Kind::Number,
        "Maximum number of inputs in a batch; more are answered with 413.",
    ),
    entry(
        "server.max_batch_size",
        Kind::Size,
        "Maximum size of all inputs of a batch together, each with the common input; more is answered with 413.",
    ),
    entry(
        "server.gzip_min_size",
        Kind::Size,
        "Responses of at least this size are compressed for clients that accept gzip.",
    ),
    entry(
        "server.max_connections",
        Kind::Number,
        "The most connections at a time. Further ones wait; meanwhile the connection that has been idle, or blocked on its \
         client, for the longest time is closed, if that is at least 2 s.",
    ),
    entry(
        "server.max_connections_per_peer",
        Kind::Number,
        "The most connections of one client; further ones are closed at once. A client is an IPv4 address, or the first 64 \
         bits of an IPv6 address.",
    ),
    entry(
        "server.header_timeout",
        Kind::Duration,
        "How long a request's headers may take to arrive, from their first byte; a slower request is answered with 408. The \
         first byte on a connection must arrive within this time, too.",
    ),
    entry("server.body_timeout", Kind::Duration, "How long a request's body may take to arrive."),
    entry(
        "server.write_timeout",
        Kind::Duration,
        "How long a client may leave a response unread before its connection, or its HTTP/2 stream, is closed. In HTTP/1.1 \
         the time starts again with every 16 KiB that the client reads.",
    ),
    entry("server.idle_timeout", Kind::Duration, "How long a connection may stay open without a request."),
    entry(
        "server.shutdown_grace",
        Kind::Duration,
        "How long SIGTERM waits for in-flight requests before it closes their connections.",
    ),
    entry(
        "server.allowed_hosts",
        Kind::Texts,
        "Host names of this server besides `localhost`, without port. Where identity is off, a request whose `Host` is \
         another name is answered with 403 (protection against DNS rebinding).",
    ),
    entry(
        "server.allowed_origins",
        Kind::Texts,
        "Origins whose web pages may call where identity is off, e.g. `https://console.example`. Requests from other pages \
         than the server's own are answered with 403.",
    ),
    entry(
        "management.listen",
        Kind::Text,
        "Address of the management listener (written as `server.listen`), `auto` (127.0.0.1:8282, or none if that is in use) or `off`. Anyone who can \
         connect to it reads metrics with the names of entry points; everything else requires the role.",
    ),
    entry(
        "management.role",
        Kind::Text,
        "Role that callers of `/v1/status`, `/v1/config` and `/v1/policies` must have, on either listener, unless identity \
         is off.",
    ),
];
