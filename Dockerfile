FROM rust:1-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked --bin sgbind

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /src/target/release/sgbind /usr/local/bin/sgbind
ENTRYPOINT ["/usr/local/bin/sgbind"]
