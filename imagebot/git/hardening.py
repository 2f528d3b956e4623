"""The environment of every git process: nothing from the machine, nothing from a repository.

Pure. Settings travel as GIT_CONFIG_* variables, so that they outrank the files of the clone and
never stand in an argument list.
"""

import os
from collections.abc import Mapping

# fsck refuses objects that many real repositories hold since the days of old tools. These three
# cannot hurt a bare clone, and GitLab's own servers let them pass too.
_TOLERATED_FLAWS = ("zeroPaddedFilemode", "badTimezone", "missingSpaceBeforeDate")

_SETTINGS: Mapping[str, str] = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",  # may name a program to run
    "core.attributesFile": os.devnull,
    "core.askPass": "",
    "core.sshCommand": "ssh",
    "credential.helper": "",
    "protocol.allow": "never",
    "protocol.version": "2",
    "submodule.recurse": "false",
    "fetch.recurseSubmodules": "false",
    "push.recurseSubmodules": "no",
    "push.gpgSign": "false",
    "push.followTags": "false",
    "transfer.fsckObjects": "true",
    **{f"fetch.fsck.{flaw}": "ignore" for flaw in _TOLERATED_FLAWS},
    # Nothing may run on in the background: a clone that has grown is thrown away instead.
    "gc.auto": "0",
    "gc.autoDetach": "false",
    "maintenance.auto": "false",
    # A custom header would follow a redirect to another host, and with it the password.
    "http.followRedirects": "false",
    "http.lowSpeedLimit": "500",
    "http.lowSpeedTime": "45",
    "advice.pushUpdateRejected": "false",
}


def config_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """All variables but HOME and GIT_DIR. `extra` settings come last and so win."""
    environment = {
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "",
        "SSH_ASKPASS": "",
        "SSH_ASKPASS_REQUIRE": "never",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_LFS_SKIP_SMUDGE": "1",
        "GIT_PROTOCOL_FROM_USER": "0",
        "LC_ALL": "C",
        "LANGUAGE": "C",
    }
    settings = [*_SETTINGS.items(), *extra.items()]
    environment["GIT_CONFIG_COUNT"] = str(len(settings))
    for number, (key, value) in enumerate(settings):
        environment[f"GIT_CONFIG_KEY_{number}"] = key
        environment[f"GIT_CONFIG_VALUE_{number}"] = value
    return environment
