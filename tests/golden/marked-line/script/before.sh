#!/bin/sh
# Tools of the pipeline.
export NODE_VERSION=20.1.0   # imagebot: node:tag
docker run --rm -v "$PWD:/src" ghcr.io/acme/lint:1.0 --fix  # imagebot: lint
TOOL_IMAGE="acme/tool:1.0"; echo   # imagebot: tool
# imagebot: kubectl:tag
KUBECTL_VERSION=v1.30.0 \
  ./install
DIGEST = 'sha256:1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a'  # imagebot: tool:digest
