# imagebot: node
ARG NODE_VERSION=22.1.0
# imagebot: kubectl:tag
ARG KUBECTL=v1.31.0

# imagebot: base
FROM ghcr.io/acme/base:1.10 AS base
# imagebot: helm:tag
ENV HELM="3.15.0"
FROM node:${NODE_VERSION}
