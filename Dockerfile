# The server in an image with nothing else: one static binary, no shell, no package manager, not root.
#
#   docker build -t verdict .
#   docker run --read-only -p 127.0.0.1:8181:8181 verdict
FROM rust:1.95-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends clang cmake && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
# A target of its own, so that build scripts and macros are not linked statically, too.
RUN target=$(rustc --print host-tuple) \
    && RUSTFLAGS="-C target-feature=+crt-static" cargo build --release --locked --bin verdict --target "$target" \
    && mkdir -p /image/etc/ssl/certs /image/var/lib/verdict /image/run/verdict /image/bundles /image/tmp \
    && cp "target/$target/release/verdict" /image/verdict \
    && cp /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ \
    && printf 'verdict:x:65532:65532::/var/lib/verdict:/sbin/nologin\n' > /image/etc/passwd \
    && printf 'verdict:x:65532:\n' > /image/etc/group \
    && chown -R 65532:65532 /image/var/lib/verdict /image/run/verdict

FROM scratch
COPY --from=build /image /
USER 65532:65532
WORKDIR /var/lib/verdict
VOLUME ["/var/lib/verdict"]
# The log of decisions and the state are in the working directory; everything else may be read-only.
ENV VERDICT_BUNDLES__DIR=/bundles
EXPOSE 8181
HEALTHCHECK --interval=10s --timeout=5s CMD ["/verdict", "health", "--ready"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["/verdict"]
CMD ["run"]
