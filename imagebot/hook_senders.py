"""Who may send hooks: how each proves itself, what it sends, and where its hook is set up.

Pure. Settings, receivers and docs/webhooks.md (a test keeps it equal) all go by this table; how the
bodies are read is in `hooks/`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

AUTHORIZATION = "Authorization"


class Auth(StrEnum):
    """How a sender proves that it knows the receiver's secret, or who it is."""

    SIGNATURE = "signature"  # an HMAC over the body as sent
    HEADER = "header"  # the secret itself in a header
    URL = "url"  # the address has a part that is derived from the secret
    OIDC = "oidc"  # a token that an identity provider signed


REMEMBERED = timedelta(hours=24)
"""How long a delivery that came counts as the same one when it comes again."""

ALIKE = timedelta(seconds=30)
"""The same, of senders whose bodies tell neither a time nor an id: two pushes may look alike."""


@dataclass(frozen=True, slots=True)
class SenderFacts:
    """One kind of sender.

    `auths`: what it can do, the usual first. `id_header`: where it numbers its deliveries.
    `signature_header`: where its signature is. `remembered`: how long an
    equal body is a repetition.
    `has_no_host`: it does not tell the registry's host, which the settings have to.
    """

    title: str
    auths: tuple[Auth, ...]
    where: str
    events: str
    header: str = AUTHORIZATION
    signature_header: str = ""
    algorithm: str = ""
    id_header: str = ""
    remembered: timedelta = REMEMBERED
    has_no_host: bool = False


_OWN_HEADER = "any header that you set"

SENDERS: Mapping[str, SenderFacts] = {
    "docker-hub": SenderFacts(
        "Docker Hub",
        (Auth.URL,),
        "the repository's page, Webhooks",
        "push",
    ),
    "github": SenderFacts(
        "GitHub, and its container registry",
        (Auth.SIGNATURE,),
        "Settings, Webhooks of a repository or organisation (or of the App); content type"
        " `application/json`; events Pushes, Pull requests, Issue comments, Packages,"
        " Registry packages",
        "`push`, `pull_request`, its reviews and comments, `issue_comment`, `package`,"
        " `registry_package`; `ping` is answered",
        signature_header="X-Hub-Signature-256",
        algorithm="HMAC-SHA256",
        id_header="X-GitHub-Delivery",
    ),
    "gitlab": SenderFacts(
        "GitLab",
        (Auth.HEADER, Auth.SIGNATURE),
        "Settings, Webhooks of a project or group: Secret token (or, with `auth: signature`,"
        " Signing token); triggers Push, Tag push, Comments, Merge request events",
        "Push, Tag Push, Merge Request and Note Hook",
        header="X-Gitlab-Token",
        signature_header="webhook-signature",
        algorithm="HMAC-SHA256 of id, time and body (Standard Webhooks)",
        id_header="Idempotency-Key",
        remembered=ALIKE,  # a branch that is pushed, deleted and pushed again tells the same
    ),
    "gitlab-registry": SenderFacts(
        "GitLab's own registry (self-managed)",
        (Auth.HEADER, Auth.URL),
        "`registry['notifications']` in `gitlab.rb`: `name`, `url`, `headers`; of gitlab.com, which"
        " sends none, a CI job calls a `generic` receiver",
        "push of a manifest",
    ),
    "gitea": SenderFacts(
        "Gitea",
        (Auth.SIGNATURE, Auth.HEADER),
        "Settings, Webhooks of a repository or organisation: Secret; events Push, Pull Request,"
        " Comments, Packages",
        "`push`, `create`, `pull_request` and its kin, `issue_comment`, `package`",
        signature_header="X-Gitea-Signature",
        algorithm="HMAC-SHA256",
        id_header="X-Gitea-Delivery",
    ),
    "forgejo": SenderFacts(
        "Forgejo",
        (Auth.SIGNATURE, Auth.HEADER),
        "Settings, Webhooks of a repository or organisation: Secret; events Push, Pull request,"
        " Comments, Packages",
        "`push`, `create`, `pull_request` and its kin, `issue_comment`, `package`",
        signature_header="X-Forgejo-Signature",
        algorithm="HMAC-SHA256",
        id_header="X-Forgejo-Delivery",
    ),
    "bitbucket": SenderFacts(
        "Bitbucket Cloud",
        (Auth.SIGNATURE,),
        "Repository or workspace settings, Webhooks: Secret; triggers Repository push, Pull request"
        " (all)",
        "`repo:push`, `pullrequest:*`",
        signature_header="X-Hub-Signature",
        algorithm="HMAC-SHA256",
        id_header="X-Request-UUID",
    ),
    "bitbucket-server": SenderFacts(
        "Bitbucket Data Center",
        (Auth.SIGNATURE,),
        "Repository or project settings, Webhooks: Secret; events Push, Pull request (all)",
        "`repo:refs_changed`, `pr:*`; `diagnostics:ping` is answered",
        signature_header="X-Hub-Signature",
        algorithm="HMAC-SHA256",
        id_header="X-Request-Id",
    ),
    "azure-devops": SenderFacts(
        "Azure DevOps",
        (Auth.HEADER,),
        "Project settings, Service hooks, Web Hooks: the secret as Basic authentication password"
        " (any user name), or as HTTP header `Authorization: Bearer ...`; all resource details",
        "`git.push`, `git.pullrequest.*`, comments on pull requests",
    ),
    "harbor": SenderFacts(
        "Harbor",
        (Auth.HEADER, Auth.URL),
        "the project's Webhooks: HTTP, payload format Default or CloudEvents, Auth Header,"
        " event Artifact pushed",
        "`PUSH_ARTIFACT`, `harbor.artifact.pushed`",
    ),
    "quay": SenderFacts(
        "Quay",
        (Auth.URL,),
        "the repository's Settings, Events and Notifications: Push to Repository, Webhook POST",
        "push",
        remembered=ALIKE,
    ),
    "distribution": SenderFacts(
        "Distribution (docker-registry) and what builds on it",
        (Auth.HEADER, Auth.URL),
        "`notifications: endpoints:` in the registry's `config.yml`: `name`, `url`, `headers`",
        "push of a manifest",
    ),
    "ecr": SenderFacts(
        "Amazon ECR through EventBridge",
        (Auth.HEADER, Auth.URL),
        "EventBridge: a rule for `ECR Image Action`, target API destination; its connection has the"
        " secret as API key `Authorization`, or as Basic password",
        "`ECR Image Action` with PUSH and SUCCESS",
    ),
    "google": SenderFacts(
        "Google Artifact Registry and Container Registry through Pub/Sub",
        (Auth.OIDC, Auth.URL),
        "Pub/Sub: a push subscription of topic `gcr` with authentication by a service account",
        "`INSERT`",
    ),
    "acr": SenderFacts(
        "Azure Container Registry",
        (Auth.HEADER, Auth.URL),
        "the registry's Webhooks: custom header `Authorization: ...`, action push",
        "`push`; `ping` is answered",
    ),
    "event-grid": SenderFacts(
        "Azure Event Grid",
        (Auth.URL, Auth.HEADER, Auth.OIDC),
        "the registry's Events, Event Subscription: endpoint type Web Hook, schema Event Grid or"
        " CloudEvents 1.0; both handshakes are answered",
        "`Microsoft.ContainerRegistry.ImagePushed`",
    ),
    "nexus": SenderFacts(
        "Sonatype Nexus Repository",
        (Auth.SIGNATURE,),
        "System, Capabilities, Webhook: Repository: event type component, Secret Key",
        "`component` CREATED or UPDATED of format docker",
        signature_header="X-Nexus-Webhook-Signature",
        algorithm="HMAC-SHA1",
        id_header="X-Nexus-Webhook-Delivery",
        has_no_host=True,
    ),
    "artifactory": SenderFacts(
        "JFrog Artifactory",
        (Auth.SIGNATURE, Auth.HEADER),
        "Administration, General, Webhooks: Docker, tag was pushed; Secret token, and Use secret"
        " for payload signing (without it `auth: header`)",
        "domain `docker`, `pushed`",
        header="X-JFrog-Event-Auth",
        signature_header="X-JFrog-Event-Auth",
        algorithm="HMAC-SHA256",
        remembered=ALIKE,
    ),
    "cloudevents": SenderFacts(
        "CloudEvents and CDEvents (structured, binary, batch)",
        (Auth.HEADER, Auth.SIGNATURE, Auth.URL, Auth.OIDC),
        f"a sink or trigger of your event system: {_OWN_HEADER}",
        "`dev.cdevents.artifact.packaged` and `.published`, `harbor.artifact.pushed`,"
        " `Microsoft.ContainerRegistry.ImagePushed`, and any whose data name `image`, `images`,"
        " `repositoryName` or `project`",
        signature_header="X-Signature",
        algorithm="HMAC-SHA256, -384 or -512",
    ),
    "generic": SenderFacts(
        "Anything else: a CI job, a script",
        (Auth.HEADER, Auth.SIGNATURE, Auth.URL, Auth.OIDC),
        'post JSON with `Authorization: Bearer SECRET`: `{"image": "ghcr.io/acme/api:1.2"}`',
        "JSON with `image`, `images`, `project` or `projects`",
        signature_header="X-Signature",
        algorithm="HMAC-SHA256, -384 or -512",
        id_header="X-Delivery-Id",
        remembered=ALIKE,
    ),
}
"""By the name that settings and addresses use."""


def table() -> Iterator[tuple[str, str, str, str]]:
    """Sender, how it proves itself, what wakes, where to set it up: rows of docs/webhooks.md."""
    for name, facts in SENDERS.items():
        proofs = "; or ".join(proof(facts, auth) for auth in facts.auths)
        yield f"`{name}`: {facts.title}", proofs, facts.events, facts.where


def proof(facts: SenderFacts, auth: Auth) -> str:
    """One way to prove itself, in words."""
    if auth is Auth.SIGNATURE:
        return f"`signature`: {facts.algorithm} in `{facts.signature_header}`"
    if auth is Auth.HEADER:
        return f"`header`: the secret in `{facts.header}`"
    if auth is Auth.URL:
        return "`url`: an address derived from the secret"
    return "`oidc`: a signed token in `Authorization`"
