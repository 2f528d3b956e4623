ARG REGISTRY=ghcr.io/acme
ARG NODE_VERSION="22.10.0" OTHER=1
ARG VARIANT=${NODE_VERSION}-slim
ARG PYTHON=3.13
ARG IMAGE=ghcr.io/acme/base:8 # not a comment
ARG DIGEST=sha256:2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b

FROM node:${NODE_VERSION} AS web
FROM node:$VARIANT AS slim
FROM docker.io/library/python:${PYTHON}-slim@${DIGEST} AS py
FROM ${REGISTRY}/tool:2.0@sha256:2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b AS tool
FROM ${IMAGE}
FROM acme/x:${NONE:-1.3}