# The build of the api.
FROM --platform=$BUILDPLATFORM golang:1.23.0 AS build
WORKDIR /src
COPY --from=ghcr.io/acme/tools:2.0.1 /bin/lint /usr/bin/
RUN --mount=type=cache,target=/root/.cache --mount=type=bind,from=ghcr.io/acme/certs:4@sha256:1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a,target=/certs \
    # a comment between continuation lines
    go build ./...

FROM scratch AS empty
from build as test
RUN go test ./...

FROM "gcr.io/distroless/static:1.10"
COPY --from=build --chown=0:0 /src/api /api
COPY --from=0 /a /a
COPY --from=BUILD /b /b
ONBUILD COPY --from=ghcr.io/acme/assets:1.10 /a /a
