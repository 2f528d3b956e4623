"""The restricted Pod Security Standard: what of a pod's spec breaks it. Pure.

After Kubernetes' page "Pod Security Standards", baseline and restricted, as of 1.34. What a
container does not say, the pod says for it.
"""

from collections.abc import Iterator
from typing import Any

_VOLUMES = {
    *("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral"),
    *("persistentVolumeClaim", "projected", "secret"),
}
_SELINUX_TYPES = ("", "container_t", "container_init_t", "container_kvm_t", "container_engine_t")


def violations(pod: dict[str, Any]) -> list[str]:
    """Of a pod's spec."""
    return [*_of_pod(pod), *(found for each in _containers(pod) for found in _of(each, pod))]


def _containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    keys = ("initContainers", "containers", "ephemeralContainers")
    return [container for key in keys for container in pod.get(key, ())]


def _of_pod(pod: dict[str, Any]) -> Iterator[str]:
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(key):
            yield f"{key} is set"
    for volume in pod.get("volumes", ()):
        kinds = volume.keys() - {"name"}
        if kinds - _VOLUMES:
            yield f"volume {volume['name']} is a {', '.join(kinds)}"
    if pod.get("securityContext", {}).get("sysctls"):
        yield "sysctls are set"
    if pod.get("securityContext", {}).get("windowsOptions", {}).get("hostProcess"):
        yield "it is a host process"


def _of(container: dict[str, Any], pod: dict[str, Any]) -> Iterator[str]:
    name = container["name"]
    own = container.get("securityContext", {})
    context = {**pod.get("securityContext", {}), **own}
    capabilities = own.get("capabilities", {})
    if own.get("privileged"):
        yield f"{name} is privileged"
    if own.get("allowPrivilegeEscalation") is not False:
        yield f"{name} may gain privileges"
    if "ALL" not in capabilities.get("drop", ()):
        yield f"{name} keeps capabilities"
    if set(capabilities.get("add", ())) - {"NET_BIND_SERVICE"}:
        yield f"{name} adds capabilities"
    if context.get("runAsNonRoot") is not True:
        yield f"{name} may run as root"
    if context.get("runAsUser") == 0:
        yield f"{name} runs as root"
    if context.get("seccompProfile", {}).get("type") not in ("RuntimeDefault", "Localhost"):
        yield f"{name} has no seccomp profile"
    if context.get("appArmorProfile", {}).get("type") == "Unconfined":
        yield f"{name} has no AppArmor profile"
    selinux = context.get("seLinuxOptions", {})
    if selinux.get("type", "") not in _SELINUX_TYPES or selinux.keys() & {"user", "role"}:
        yield f"{name} sets SELinux options"
    if own.get("procMount", "Default") != "Default":
        yield f"{name} sees all of /proc"
    if any(port.get("hostPort") for port in container.get("ports", ())):
        yield f"{name} takes a port of the host"
