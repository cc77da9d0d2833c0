"""What the app is in Kubernetes, rendered from plain values."""

from typing import Any

Manifest = Any
"""Part of a Kubernetes object: JSON types, keys as Kubernetes writes them."""

APP = "ledger"
LABELS = {"app.kubernetes.io/name": APP, "app.kubernetes.io/managed-by": "pulumi"}
SELECTOR = {"app.kubernetes.io/name": APP, "app.kubernetes.io/component": "app"}
SECRET = "ledger-database"  # noqa: S105 - its name
CERTIFICATES = "/etc/ledger/database"
PORT = 8080
USER_ID = 1000

SCHEMA_SECONDS = 300
"""The schema's Job has failed after this long; its own attempts end before."""
START_SECONDS = 240
"""A pod whose first payment was not acknowledged by then is made anew."""


def pod(image: str, region: str, url: Any, words: list[str], probes: Manifest) -> Manifest:
    """A pod's spec. `url`: where to log in, without a secret; the certificates come as files."""
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER_ID,
            "runAsGroup": USER_ID,
            "fsGroup": USER_ID,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "name": APP,
                "image": image,
                "args": words,
                "env": [
                    {"name": "DATABASE_URL", "value": url},
                    {"name": "CERTIFICATES", "value": CERTIFICATES},
                    {"name": "REGION", "value": region},
                    {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                ],
                "resources": {"requests": {"cpu": "20m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}},
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "readOnlyRootFilesystem": True,
                    "capabilities": {"drop": ["ALL"]},
                },
                "volumeMounts": [{"name": "database", "mountPath": CERTIFICATES, "readOnly": True}],
                **probes,
            }
        ],
        # The widest mode that libpq takes for a key that root owns; the group is fsGroup.
        "volumes": [{"name": "database", "secret": {"secretName": SECRET, "defaultMode": 0o440}}],
    }


def schema_job(image: str, region: str, url: Any) -> Manifest:
    """The Job that makes the tables: before any pod of the app, in one region, for they are the same everywhere."""
    return {
        "backoffLimit": 2,
        "activeDeadlineSeconds": SCHEMA_SECONDS,
        "template": {
            "metadata": {"labels": {**LABELS, "app.kubernetes.io/component": "schema"}},
            "spec": {"restartPolicy": "Never", **pod(image, region, url, ["schema"], {})},
        },
    }


def deployment(image: str, region: str, url: Any, replicas: int) -> Manifest:
    """The app. A pod is ready once a payment of its own was acknowledged, and stays so without its database.

    An app that is cut off from it can still say so.
    """
    path = {"port": PORT, "scheme": "HTTP"}
    probes = {
        "ports": [{"name": "http", "containerPort": PORT}],
        "startupProbe": {
            "httpGet": {"path": "/started", **path},
            "periodSeconds": 2,
            "failureThreshold": START_SECONDS // 2,
        },
        "readinessProbe": {"httpGet": {"path": "/live", **path}, "periodSeconds": 5},
    }
    spread = {
        "maxSkew": 1,
        "topologyKey": "topology.kubernetes.io/zone",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": SELECTOR},
    }
    return {
        "replicas": replicas,
        "selector": {"matchLabels": SELECTOR},
        "template": {
            "metadata": {"labels": {**LABELS, **SELECTOR}},
            "spec": {"topologySpreadConstraints": [spread], **pod(image, region, url, ["serve"], probes)},
        },
    }


def service() -> Manifest:
    """Where the app's status is asked inside of the cluster."""
    return {"selector": SELECTOR, "ports": [{"name": "http", "port": 80, "targetPort": "http"}]}


def disruption_budget() -> Manifest:
    """Drains take one pod after the other."""
    return {"maxUnavailable": 1, "selector": {"matchLabels": SELECTOR}}
