# imagebot: node
ARG NODE_VERSION=20.1.0
# imagebot: kubectl:tag
ARG KUBECTL=v1.30.0

# imagebot: base
FROM ghcr.io/acme/base:1.0 AS base
# imagebot: helm:tag
ENV HELM="3.14.0"
FROM node:${NODE_VERSION}
