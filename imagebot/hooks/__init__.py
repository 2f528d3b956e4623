"""What each kind of sender says: its deliveries -> hints of what to look at.

Pure, and trusts nothing: see reading.py. Who may send at all is receiving.py's affair.
"""

from collections.abc import Mapping

from imagebot.hooks import cloudevents, clouds, forges, github, registries
from imagebot.hooks.reading import Reader

READERS: Mapping[str, Reader] = {
    "docker-hub": registries.docker_hub,
    "github": github.read,
    "gitlab": forges.gitlab,
    "gitlab-registry": registries.distribution,
    "gitea": forges.gitea,
    "forgejo": forges.gitea,
    "bitbucket": forges.bitbucket,
    "bitbucket-server": forges.bitbucket_server,
    "azure-devops": forges.azure_devops,
    "harbor": registries.harbor,
    "quay": registries.quay,
    "distribution": registries.distribution,
    "ecr": clouds.ecr,
    "google": clouds.google,
    "acr": clouds.acr,
    "event-grid": clouds.event_grid,
    "nexus": registries.nexus,
    "artifactory": registries.artifactory,
    "cloudevents": cloudevents.cloudevents,
    "generic": cloudevents.generic,
}
"""By the name that hook_senders.py has."""
