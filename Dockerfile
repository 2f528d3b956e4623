# Debian, not Alpine: google-re2 has wheels for glibc only. The same Debian and Python as CI.
# Nothing here names a processor: every pinned wheel exists for amd64 and arm64, so both are built
# from this file (`docker buildx build --platform linux/amd64,linux/arm64 .`), without a compiler.
# A release build should name the base by digest (`FROM python:3.11-slim-bookworm@sha256:...`);
# imagebot itself can keep such a line current.
FROM python:3.11-slim-bookworm AS build
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY imagebot imagebot
# The environment is filled from outside, so that no pip lies in it. Every extra for users belongs
# to the image (drivers of databases, clouds), whichever there are.
RUN python -m venv --without-pip /opt/imagebot \
 && extras="$(python -c 'import tomllib; print(*sorted(tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"].keys() - {"dev", "deploy"}), sep=",")')" \
 && pip --python /opt/imagebot/bin/python install --no-cache-dir --disable-pip-version-check \
      -c constraints.txt ".${extras:+[$extras]}"

FROM python:3.11-slim-bookworm

# What git needs to reach a remote by HTTPS and SSH, and to sign commits: ssh-keygen comes with the
# SSH client, and of GnuPG only gpg and its agent are here, for `signing: {format: openpgp}`.
# Versions float on purpose: within one Debian release they change for security fixes only, and a
# pinned one vanishes from the mirrors.
# The user gets a name, since ssh refuses to run for a number without one.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates git gpg gpg-agent openssh-client \
 && rm -rf /var/lib/apt/lists/* \
 && python -m pip uninstall --yes --quiet pip setuptools wheel \
 && useradd --no-log-init --uid 10001 --user-group --no-create-home \
      --home-dir /var/lib/imagebot --shell /usr/sbin/nologin imagebot \
 && install -d -o 10001 -g 10001 -m 0750 /var/lib/imagebot

COPY --from=build /opt/imagebot /opt/imagebot

# The root file system may be read-only: all that is written lies in the volume, temporary files too.
ENV PATH="/opt/imagebot/bin:${PATH}" \
    HOME=/var/lib/imagebot \
    TMPDIR=/var/lib/imagebot \
    IMAGEBOT_DATA_DIR=/var/lib/imagebot \
    IMAGEBOT_LISTEN=0.0.0.0:8080 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
VOLUME /var/lib/imagebot
WORKDIR /var/lib/imagebot
EXPOSE 8080

# Last, so that another revision leaves the layers above as they are.
ARG VERSION=0.1.0
ARG REVISION=""
ARG CREATED=""
ARG SOURCE=""
LABEL org.opencontainers.image.title="imagebot" \
      org.opencontainers.image.description="An image-update bot for GitOps that opens pull requests" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.base.name="docker.io/library/python:3.11-slim-bookworm"

# A number, so that Kubernetes' runAsNonRoot can tell.
USER 10001:10001

# No init process: `imagebot run` takes SIGTERM itself and waits for every git that it starts.
ENTRYPOINT ["imagebot"]
CMD ["run"]
