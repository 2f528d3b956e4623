"""Where tags and image facts come from: registries by the OCI distribution API.

`Registries` is the door; docs/registries.md tells users how it is opened. Below it, from the
wire up: `addresses` and `connection` (which address, how long), `transport` (one request),
`challenge` and `tokens` (what proof is wanted), `session` (one registry, one credential),
`distribution` (tags and manifests), `contents` and `remembering` (what digests hold),
`published` (when tags were pushed), `polling` (many at once).
"""

from imagebot.registries.credentials import BasicCredentials, Keychain
from imagebot.registries.limits import Limits
from imagebot.registries.polling import Registries
from imagebot.registries.remembering import PassingCache
from imagebot.registries.rules import Kind, RegistryRules

__all__ = [
    "BasicCredentials",
    "Keychain",
    "Kind",
    "Limits",
    "PassingCache",
    "Registries",
    "RegistryRules",
]
