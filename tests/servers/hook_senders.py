"""What each kind of sender delivers, written from its documentation, and how it proves itself.

Not servers: bodies and headers. Each has one push or event that must wake, and some that must not.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

DIGEST = "sha256:" + "0123456789abcdef" * 4
_PUB_SUB_DATA = {"action": "INSERT", "tag": "europe-docker.pkg.dev/acme/apps/api:1.2.0"}


@dataclass(frozen=True)
class Example:
    """One delivery. `wakes`: image repositories, or `project owner/name`."""

    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)
    wakes: tuple[str, ...] = ()

    @property
    def source(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


def _unwrapped(data: Any) -> dict[str, Any]:
    encoded = base64.b64encode(json.dumps(data).encode()).decode()
    return {"message": {"data": encoded, "messageId": "1"}, "subscription": "projects/a/b/c"}


def _event(action: str, kind: str, *, tag: str | None = "1.2.0", path: str = "acme/api") -> Any:
    target = {"mediaType": kind, "digest": DIGEST, "repository": path, "length": 4_000_000_000}
    target["url"] = f"http://registry.example.org:5000/v2/{path}/manifests/{DIGEST}"
    if tag:
        target["tag"] = tag
    return {"id": "320678d8", "action": action, "target": target, "request": {"host": "R:5000"}}


_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
_DISTRIBUTION = {
    "events": [
        _event("push", _LAYER, tag=None),
        _event("push", _MANIFEST, tag=None),
        _event("push", _INDEX),
        _event("pull", _MANIFEST, path="acme/pulled"),
        _event("push", _MANIFEST, path="acme/web") | {"request": {}},
    ]
}
_DISTRIBUTION_WAKES = ("r:5000/acme/api", "registry.example.org:5000/acme/web")


def _package(**more: Any) -> dict[str, Any]:
    return {
        "name": "api",
        "package_type": "CONTAINER",
        "owner": {"login": "Acme"},
        "package_version": {
            "package_url": "ghcr.io/Acme/api:",
            "container_metadata": {"tag": {"name": "", "digest": DIGEST}},
        },
        **more,
    }


_REPOSITORY = {"full_name": "Acme/config", "html_url": "https://git.example.org/Acme/config"}
_COMMAND = "Please.\n/imagebot rebuild"
_HARBOR = {
    "repository": {"name": "api", "repo_full_name": "acme/api"},
    "resources": [
        {"digest": DIGEST, "tag": DIGEST, "resource_url": f"harbor.example.org/acme/api@{DIGEST}"}
    ],
}
_AZURE_TARGET = {"repository": "acme/api", "tag": "1.2.0", "digest": DIGEST}
_AZURE_PUSH = {
    "action": "push",
    "target": _AZURE_TARGET,
    "request": {"host": "acme.azurecr.io", "method": "PUT"},
}
_GRID_EVENT = {
    "id": "831e1650",
    "topic": "/subscriptions/1/resourceGroups/a/providers/b/registries/acmeprod",
    "eventType": "Microsoft.ContainerRegistry.ImagePushed",
    "data": {"action": "push", "target": _AZURE_TARGET},
}
_PURL = "pkg:oci/api@sha256%3A0123?repository_url=ghcr.io/acme/api&tag=1.2.0"
_CD_EVENT = {"subject": {"id": _PURL, "type": "artifact", "content": {}}}
_GITLAB_PROJECT = {
    "path_with_namespace": "acme/infra/config",
    "web_url": "https://gitlab.example.org/acme/infra/config",
}
_SERVER_REPOSITORY = {"slug": "config", "project": {"key": "ACME"}}
_DEVOPS_REPOSITORY = {
    "name": "config",
    "remoteUrl": "https://dev.azure.com/acme/Shop/_git/config",
    "url": "https://dev.azure.com/acme/_apis/git/repositories/1",
    "project": {"name": "Shop"},
}


def _gitea(prefix: str) -> list[Example]:
    event = f"X-{prefix}-Event"
    package = {"type": "container", "name": "api", "owner": {"login": "Acme"}}
    package["html_url"] = "https://git.example.org/Acme/-/packages/container/api/1.2.0"
    said = {"action": "created", "repository": _REPOSITORY, "comment": {"body": _COMMAND}}
    return [
        Example({"repository": _REPOSITORY}, {event: "push"}, ("project Acme/config",)),
        Example(
            {"repository": _REPOSITORY}, {event: "pull_request_sync"}, ("project Acme/config",)
        ),
        Example(said, {event: "issue_comment"}, ("project Acme/config",)),
        Example(
            {"action": "created", "package": package},
            {event: "package"},
            ("git.example.org/acme/api",),
        ),
        Example(said | {"comment": {"body": "nice"}}, {event: "issue_comment"}),
        Example({"action": "deleted", "package": package}, {event: "package"}),
        Example({"repository": _REPOSITORY}, {event: "fork"}),
    ]


EXAMPLES: Mapping[str, list[Example]] = {
    "docker-hub": [
        Example(
            {
                "callback_url": "https://registry.hub.docker.com/u/acme/api/hook/1/",
                "push_data": {"pushed_at": 1417566161, "pusher": "a", "tag": "1.2.0"},
                "repository": {"repo_name": "acme/api", "namespace": "acme", "name": "api"},
            },
            wakes=("docker.io/acme/api",),
        ),
        Example(
            {"push_data": {}, "repository": {"repo_name": "nginx"}},
            wakes=("docker.io/library/nginx",),
        ),
        Example({"repository": {"repo_name": "acme/api"}}),
    ],
    "github": [
        Example(
            {"repository": _REPOSITORY, "ref": "refs/heads/main"},
            {"X-GitHub-Event": "push"},
            ("project Acme/config",),
        ),
        Example(
            {"repository": _REPOSITORY, "action": "closed"},
            {"X-GitHub-Event": "pull_request"},
            ("project Acme/config",),
        ),
        Example(
            {"repository": _REPOSITORY, "comment": {"body": _COMMAND}},
            {"X-GitHub-Event": "issue_comment"},
            ("project Acme/config",),
        ),
        Example(
            {"action": "published", "package": _package()},
            {"X-GitHub-Event": "package"},
            ("ghcr.io/acme/api",),
        ),
        Example(
            {"action": "UPDATED", "registry_package": _package(package_version={})},
            {"X-GitHub-Event": "registry_package"},
            ("ghcr.io/acme/api",),
        ),
        Example(
            b"payload=%7B%22repository%22%3A%7B%22full_name%22%3A%22acme%2Fconfig%22%7D%7D",
            {"X-GitHub-Event": "push", "Content-Type": "application/x-www-form-urlencoded"},
            ("project acme/config",),
        ),
        Example({"zen": "Keep it logically awesome.", "hook_id": 1}, {"X-GitHub-Event": "ping"}),
        Example(
            {"repository": _REPOSITORY, "comment": {"body": "looks good"}},
            {"X-GitHub-Event": "issue_comment"},
        ),
        Example(
            {"action": "published", "package": _package(package_type="npm")},
            {"X-GitHub-Event": "package"},
        ),
        Example({"action": "deleted", "package": _package()}, {"X-GitHub-Event": "package"}),
        Example({"repository": _REPOSITORY}, {"X-GitHub-Event": "star"}),
    ],
    "gitlab": [
        Example(
            {"object_kind": "push", "project": _GITLAB_PROJECT}, {}, ("project acme/infra/config",)
        ),
        Example(
            {"object_kind": "tag_push", "project": _GITLAB_PROJECT},
            {},
            ("project acme/infra/config",),
        ),
        Example(
            {"object_kind": "merge_request", "project": _GITLAB_PROJECT},
            {},
            ("project acme/infra/config",),
        ),
        Example(
            {
                "object_kind": "note",
                "project": _GITLAB_PROJECT,
                "object_attributes": {"note": _COMMAND},
            },
            {},
            ("project acme/infra/config",),
        ),
        Example(
            {"object_kind": "note", "project": _GITLAB_PROJECT, "object_attributes": {"note": "hm"}}
        ),
        Example({"object_kind": "pipeline", "project": _GITLAB_PROJECT}),
    ],
    "gitlab-registry": [
        Example(_DISTRIBUTION, {}, _DISTRIBUTION_WAKES),
        Example({"events": [_event("pull", _MANIFEST)]}),
    ],
    "gitea": _gitea("Gitea"),
    "forgejo": _gitea("Forgejo"),
    "bitbucket": [
        Example(
            {"repository": {"full_name": "acme/config"}},
            {"X-Event-Key": "repo:push"},
            ("project acme/config",),
        ),
        Example(
            {"repository": {"full_name": "acme/config"}, "comment": {"content": {"raw": _COMMAND}}},
            {"X-Event-Key": "pullrequest:comment_created"},
            ("project acme/config",),
        ),
        Example(
            {"repository": {"full_name": "acme/config"}, "comment": {"content": {"raw": "ok"}}},
            {"X-Event-Key": "pullrequest:comment_created"},
        ),
        Example({"repository": {"full_name": "acme/config"}}, {"X-Event-Key": "issue:created"}),
    ],
    "bitbucket-server": [
        Example(
            {"repository": _SERVER_REPOSITORY},
            {"X-Event-Key": "repo:refs_changed"},
            ("project ACME/config",),
        ),
        Example(
            {"pullRequest": {"toRef": {"repository": _SERVER_REPOSITORY}}},
            {"X-Event-Key": "pr:merged"},
            ("project ACME/config",),
        ),
        Example(
            {
                "pullRequest": {"toRef": {"repository": _SERVER_REPOSITORY}},
                "comment": {"text": "/IMAGEBOT hold"},
            },
            {"X-Event-Key": "pr:comment:added"},
            ("project ACME/config",),
        ),
        Example({"test": True}, {"X-Event-Key": "diagnostics:ping"}),
        Example({"repository": _SERVER_REPOSITORY}, {"X-Event-Key": "repo:forked"}),
    ],
    "azure-devops": [
        Example(
            {"eventType": "git.push", "resource": {"repository": _DEVOPS_REPOSITORY}},
            {},
            ("project acme/Shop/config",),
        ),
        Example(
            {
                "eventType": "git.pullrequest.updated",
                "resource": {"repository": _DEVOPS_REPOSITORY | {"remoteUrl": ""}},
            },
            {},
            ("project acme/Shop/config",),
        ),
        Example(
            {
                "eventType": "ms.vss-code.git-pullrequest-comment-event",
                "resource": {
                    "comment": {"content": _COMMAND},
                    "pullRequest": {"repository": _DEVOPS_REPOSITORY},
                },
            },
            {},
            ("project acme/Shop/config",),
        ),
        Example({"eventType": "build.complete", "resource": {"repository": _DEVOPS_REPOSITORY}}),
    ],
    "harbor": [
        Example(
            {"type": "PUSH_ARTIFACT", "occur_at": 1, "event_data": _HARBOR},
            {},
            ("harbor.example.org/acme/api",),
        ),
        Example(
            {"type": "harbor.artifact.pushed", "specversion": "1.0", "data": _HARBOR},
            {"Content-Type": "application/cloudevents+json"},
            ("harbor.example.org/acme/api",),
        ),
        Example({"type": "PULL_ARTIFACT", "event_data": _HARBOR}),
    ],
    "quay": [
        Example(
            {
                "name": "api",
                "repository": "acme/api",
                "docker_url": "quay.io/acme/api",
                "updated_tags": ["1.2.0", "latest"],
            },
            {},
            ("quay.io/acme/api",),
        ),
        Example({"repository": "acme/api", "updated_tags": []}, {}, ("quay.io/acme/api",)),
        Example({"vulnerability": {}}),
    ],
    "distribution": [
        Example(_DISTRIBUTION, {}, _DISTRIBUTION_WAKES),
        Example({"events": [_event("push", _LAYER, tag=None)]}),
        Example({"events": [_event("delete", _MANIFEST)]}),
    ],
    "ecr": [
        Example(
            {
                "account": "123456789012",
                "region": "eu-west-1",
                "detail-type": "ECR Image Action",
                "detail": {
                    "action-type": "PUSH",
                    "result": "SUCCESS",
                    "repository-name": "acme/api",
                    "image-digest": DIGEST,
                },
            },
            {},
            ("123456789012.dkr.ecr.eu-west-1.amazonaws.com/acme/api",),
        ),
        Example(
            {
                "account": "123456789012",
                "region": "cn-north-1",
                "detail-type": "ECR Image Action",
                "detail": {"action-type": "PUSH", "result": "SUCCESS", "repository-name": "api"},
            },
            {},
            ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/api",),
        ),
        Example(
            {
                "account": "123456789012",
                "region": "eu-west-1",
                "detail-type": "ECR Image Action",
                "detail": {"action-type": "DELETE", "result": "SUCCESS", "repository-name": "a"},
            }
        ),
        Example({"detail-type": "ECR Image Scan", "detail": {}}),
    ],
    "google": [
        Example(_unwrapped(_PUB_SUB_DATA), {}, ("europe-docker.pkg.dev/acme/apps/api",)),
        Example(
            {"action": "INSERT", "digest": f"gcr.io/acme/api@{DIGEST}"}, {}, ("gcr.io/acme/api",)
        ),
        Example(_unwrapped({"action": "DELETE", "tag": "gcr.io/acme/api:1"})),
    ],
    "acr": [
        Example(_AZURE_PUSH, {}, ("acme.azurecr.io/acme/api",)),
        Example({"action": "ping", "target": None, "request": None}),
    ],
    "event-grid": [
        Example(
            [_GRID_EVENT], {"aeg-event-type": "Notification"}, ("acmeprod.azurecr.io/acme/api",)
        ),
        Example(
            {
                "type": "Microsoft.ContainerRegistry.ImagePushed",
                "source": "/x",
                "id": "1",
                "data": _AZURE_PUSH,
            },
            {"Content-Type": "application/cloudevents+json"},
            ("acme.azurecr.io/acme/api",),
        ),
        Example([_GRID_EVENT | {"eventType": "Microsoft.ContainerRegistry.ImageDeleted"}]),
    ],
    "nexus": [
        Example(
            {
                "action": "CREATED",
                "repositoryName": "docker-hosted",
                "component": {"format": "docker", "name": "acme/api", "group": None},
            },
            {"X-Nexus-Webhook-Id": "rm:repository:component"},
            ("registry.example.org/acme/api", "registry.example.org/docker-hosted/acme/api"),
        ),
        Example(
            {"action": "DELETED", "component": {"format": "docker", "name": "a"}},
            {"X-Nexus-Webhook-Id": "rm:repository:component"},
        ),
        Example(
            {"action": "CREATED", "component": {"format": "npm", "name": "a"}},
            {"X-Nexus-Webhook-Id": "rm:repository:component"},
        ),
        Example({"action": "CREATED", "asset": {}}, {"X-Nexus-Webhook-Id": "rm:repository:asset"}),
    ],
    "artifactory": [
        Example(
            {
                "domain": "docker",
                "event_type": "pushed",
                "jpd_origin": "https://acme.jfrog.io",
                "data": {"repo_key": "docker-local", "image_name": "api", "tag": "1.2.0"},
            },
            {},
            (
                "acme.jfrog.io/docker-local/api",
                "docker-local.acme.jfrog.io/api",
                "acme.jfrog.io/api",
            ),
        ),
        Example({"domain": "artifact", "event_type": "deployed", "data": {"repo_key": "a"}}),
    ],
    "cloudevents": [
        Example(
            {
                "specversion": "1.0",
                "id": "1",
                "source": "s",
                "type": "org.acme.pushed",
                "data": {"image": "ghcr.io/acme/api:1.2.0", "project": "acme/config"},
            },
            {"Content-Type": "application/cloudevents+json; charset=utf-8"},
            ("ghcr.io/acme/api", "project acme/config"),
        ),
        Example(
            {"repositoryName": "acme/api", "registryUrl": "https://ghcr.io"},
            {"ce-specversion": "1.0", "ce-type": "org.acme.pushed", "ce-id": "1"},
            ("ghcr.io/acme/api",),
        ),
        Example(
            _CD_EVENT,
            {"ce-type": "dev.cdevents.artifact.published.0.2.0", "ce-id": "1"},
            ("ghcr.io/acme/api",),
        ),
        Example(
            [
                {"type": "dev.cdevents.artifact.packaged.0.2.0", "data": _CD_EVENT},
                {"type": "harbor.artifact.pushed", "data": _HARBOR},
                {"type": "Microsoft.ContainerRegistry.ImagePushed", "data": _AZURE_PUSH},
                {"type": "org.acme.else", "data": {}},
            ],
            {"Content-Type": "application/cloudevents-batch+json"},
            ("ghcr.io/acme/api", "harbor.example.org/acme/api", "acme.azurecr.io/acme/api"),
        ),
        Example(
            {"type": "dev.cdevents.pipelinerun.started.0.2.0", "data": {"subject": {"id": "p"}}}
        ),
    ],
    "generic": [
        Example({"image": "ghcr.io/acme/api:1.2.0"}, {}, ("ghcr.io/acme/api",)),
        Example(
            {"images": [f"ghcr.io/acme/api@{DIGEST}", "nginx", 7], "projects": ["acme/config"]},
            {},
            ("ghcr.io/acme/api", "docker.io/library/nginx", "project acme/config"),
        ),
        Example({"repository": "something else"}),
    ],
}


def signed(sender: str, secret: str, body: bytes, now: float) -> dict[str, str]:
    """The headers by which a sender shows that it knows the secret."""

    def mac(algorithm: str, source: bytes = body) -> str:
        return hmac.new(secret.encode(), source, algorithm).hexdigest()

    if sender == "gitlab":
        when, number = str(int(now)), f"msg_{hashlib.sha256(body).hexdigest()[:16]}"
        key = secret.encode()
        whole = hmac.new(key, f"{number}.{when}.".encode() + body, hashlib.sha256).digest()
        signature = f"v1,{base64.b64encode(whole).decode()}"
        return {"webhook-id": number, "webhook-timestamp": when, "webhook-signature": signature}
    by_sender = {
        "github": {"X-Hub-Signature-256": f"sha256={mac('sha256')}"},
        "gitea": {"X-Gitea-Signature": mac("sha256")},
        "forgejo": {"X-Forgejo-Signature": mac("sha256")},
        "bitbucket": {"X-Hub-Signature": f"sha256={mac('sha256')}"},
        "bitbucket-server": {"X-Hub-Signature": f"sha256={mac('sha256')}"},
        "nexus": {"X-Nexus-Webhook-Signature": mac("sha1")},
        "artifactory": {"X-JFrog-Event-Auth": mac("sha256")},
        "cloudevents": {"X-Signature": f"sha512={mac('sha512')}"},
        "generic": {"X-Signature": f"sha256={mac('sha256')}"},
    }
    return by_sender[sender]
