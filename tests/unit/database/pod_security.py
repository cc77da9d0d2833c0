"""The `restricted` Pod Security Standard, as far as a pod spec can break it: https://kubernetes.io/docs/concepts/security/pod-security-standards/"""

from collections.abc import Iterator
from typing import Any

VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}


def violations(spec: dict[str, Any]) -> Iterator[str]:
    """Everything in a pod spec that the profile refuses."""
    for name in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(name):
            yield name
    for volume in spec.get("volumes", []):
        kinds = set(volume) - {"name"}
        if not kinds <= VOLUMES:
            yield f"volume {volume['name']}: {kinds}"
    pod = spec.get("securityContext", {})
    for container in [*spec.get("initContainers", []), *spec["containers"]]:
        name, own = container["name"], container.get("securityContext", {})
        if own.get("allowPrivilegeEscalation") is not False:
            yield f"{name}: privilege escalation"
        if own.get("privileged"):
            yield f"{name}: privileged"
        if own.get("capabilities", {}).get("drop") != ["ALL"] or own["capabilities"].get("add"):
            yield f"{name}: capabilities"
        if not {**pod, **own}.get("runAsNonRoot"):
            yield f"{name}: may run as root"
        if {**pod, **own}.get("runAsUser") == 0:
            yield f"{name}: runs as root"
        if {**pod, **own}.get("seccompProfile", {}).get("type") not in ("RuntimeDefault", "Localhost"):
            yield f"{name}: seccomp"
        if any("hostPort" in port for port in container.get("ports", [])):
            yield f"{name}: host port"
