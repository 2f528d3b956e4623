#!/bin/sh
# Tools of the pipeline.
export NODE_VERSION=22.0.0   # imagebot: node:tag
docker run --rm -v "$PWD:/src" ghcr.io/acme/lint:1.1 --fix  # imagebot: lint
TOOL_IMAGE="acme/tool:2"; echo   # imagebot: tool
# imagebot: kubectl:tag
KUBECTL_VERSION=v1.31.0 \
  ./install
DIGEST = 'sha256:2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b'  # imagebot: tool:digest
