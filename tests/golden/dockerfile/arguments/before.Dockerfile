ARG REGISTRY=ghcr.io/acme
ARG NODE_VERSION="20.1.0" OTHER=1
ARG VARIANT=${NODE_VERSION}-slim
ARG PYTHON=3.12
ARG IMAGE=ghcr.io/acme/base:7 # not a comment
ARG DIGEST=sha256:1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a

FROM node:${NODE_VERSION} AS web
FROM node:$VARIANT AS slim
FROM docker.io/library/python:${PYTHON}-slim@${DIGEST} AS py
FROM ${REGISTRY}/tool:1.0@sha256:1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a AS tool
FROM ${IMAGE}
FROM acme/x:${NONE:-1.2}