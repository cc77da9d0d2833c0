"""What pods have in common, whatever they run."""

from typing import Any

from . import names

Manifest = Any
"""Part of a Kubernetes object: JSON types, keys as Kubernetes writes them."""

READ_ONLY = 0o440
"""Mode of mounted Secrets: owner root, group 1000 (fsGroup); the widest that CockroachDB takes for a key is 0740."""


def container_security() -> Manifest:
    """No privileges, no writable root file system."""
    return {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "privileged": False,
        "readOnlyRootFilesystem": True,
    }


def pod_security() -> Manifest:
    """Non-root, and files of volumes readable by the group."""
    return {
        "runAsNonRoot": True,
        "runAsUser": names.USER_ID,
        "runAsGroup": names.USER_ID,
        "fsGroup": names.USER_ID,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def small_resources() -> Manifest:
    """Of a container that runs a short script."""
    return {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}}


def client_resources() -> Manifest:
    """Of a container that runs `cockroach` as a client: the program alone takes over 100 MiB."""
    return {"requests": {"cpu": "10m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}}


def service_account_token() -> Manifest:
    """A volume with this pod's API credentials, so that one container can have them and the others not."""
    return {
        "name": "api",
        "projected": {
            "defaultMode": READ_ONLY,
            "sources": [
                {"serviceAccountToken": {"path": "token", "expirationSeconds": 3600}},
                {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
                {
                    "downwardAPI": {
                        "items": [
                            {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}
                        ]
                    }
                },
            ],
        },
    }


def api_mount() -> Manifest:
    """Where the API credentials are, as client libraries expect them."""
    return {"name": "api", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "readOnly": True}


def scripts_volume() -> Manifest:
    """The scripts of this package, from the region's ConfigMap."""
    return {"name": "scripts", "configMap": {"name": names.SCRIPTS_CONFIG_MAP, "defaultMode": READ_ONLY}}


def scripts_mount() -> Manifest:
    """Where the scripts are."""
    return {"name": "scripts", "mountPath": names.SCRIPTS_DIR, "readOnly": True}
