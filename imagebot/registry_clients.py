"""Settings of registries -> the rules and credentials that requests to them go by.

Reads of the machine only where a person's own docker config.json is.
"""

import os
from pathlib import Path

from imagebot.registries import Kind
from imagebot.registries.clouds import CloudIdentities
from imagebot.registries.credentials import BasicCredentials, Keychain
from imagebot.registries.rules import RegistryRules
from imagebot.settings import RegistrySettings, Settings


def registry_rules(item: RegistrySettings) -> RegistryRules:
    return RegistryRules(
        host=item.host,
        insecure=item.insecure,
        internal=item.internal,
        ca_file=item.ca_file,
        credentials=_basic(item),
        token_servers=item.token_servers,
        concurrency=item.concurrency,
        requests_per_minute=item.requests_per_minute,
        kind=Kind(item.kind) if item.kind else None,
    )


def _basic(item: RegistrySettings) -> BasicCredentials | None:
    if item.password is None:
        return None
    return BasicCredentials(item.username or "", item.password)


def keychain(settings: Settings, reads_home_credentials: bool) -> Keychain:
    docker_config = settings.docker_config
    if docker_config is None and reads_home_credentials:
        home = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker") / "config.json"
        docker_config = home if home.is_file() else None
    by_host = {item.host: item.identity for item in settings.registries if item.identity}
    clouds = CloudIdentities(settings.cloud_identity, by_host)
    return Keychain({}, docker_config, settings.credential_helpers, clouds=clouds)
