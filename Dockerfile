# The tool itself, static, and nothing else.
#
#   docker build -t readiness .
#   docker run --rm -v "$PWD:/app:ro" readiness audit

FROM rust:1.95-alpine AS build
RUN apk add --no-cache musl-dev
WORKDIR /src
COPY Cargo.toml Cargo.lock build.rs ./
COPY benches benches
COPY src src
COPY rules rules
COPY fixtures fixtures
COPY schemas schemas
RUN cargo build --release --locked && cp target/release/readiness /readiness

FROM scratch
COPY --from=build /readiness /readiness
WORKDIR /app
USER 65534:65534
ENTRYPOINT ["/readiness"]
