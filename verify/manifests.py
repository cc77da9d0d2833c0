"""What a run puts into a region's namespace, rendered: one ConfigMap and one probe pod per zone. Pure."""

import json
from pathlib import Path
from typing import Any

from components.plan.defaults import DNS_PORT, HTTP_PORT, SQL_PORT

from .target import Region, Target

PROBE_VERSION = 5
"""Of the probe's input and report; both ends come from one checkout, the number guards stray pods of another."""

APP = "cockroachdb-verify"
LABEL_RUN = "verify.cockroachdb-multiregion/run"
PEERS_ANNOTATION = "verify.cockroachdb-multiregion/peers"
OWNER_ANNOTATION = "verify.cockroachdb-multiregion/owner"
EXPIRES_ANNOTATION = "verify.cockroachdb-multiregion/expires"
SELECTOR = f"app.kubernetes.io/name={APP}"

VERIFIER = "verifier"
VERIFIER_SECRET = f"cockroachdb-client-{VERIFIER}"
CERTIFICATES = "/etc/verifier"
DECLARED = "/etc/cockroachdb/declared"
DECLARED_CONFIG_MAP, DECLARED_FILE = "cockroachdb-join", "certificates.json"
"""When SQL users' certificates end, which no connection shows and whose Secrets no probe may read."""
PROBE_FOLDER = "/opt/verify"
PROBE_UID = 1000
FRESH_QUESTIONS = 4
"""Per DNS balancer address and transport: with two replicas behind it, one dead shows in all but 1 of 16 runs; the
replicas' own readiness, read from the API, shows the rest."""
BALANCER_TRIES = 4
"""Per address of a load balancer, all at once: each is sent to another of the nodes behind it."""

_SOURCES = Path(__file__).parent / "probe"


def labels(run: str) -> dict[str, str]:
    """On everything a run creates."""
    return {
        "app.kubernetes.io/name": APP,
        "app.kubernetes.io/part-of": "cockroachdb-multiregion",
        "app.kubernetes.io/managed-by": APP,
        LABEL_RUN: run,
    }


def probe_input(target: Target, region: Region, run: str, deadline: int, peers_within: float) -> dict[str, Any]:
    """What the pods of `region` are to probe. `deadline` and `peers_within` are seconds from a pod's start.

    `nodes`: every node of every region; without a name where nobody knows its address. `servers`: each address that
    this region's DNS forwards a region's zone to, its own too where its names are outside of the cluster, with a
    name that it must know; empty for strategies that chain no DNS. `balancers`: the others' that lead to any node.
    """
    servers = [
        {
            "region": other.name,
            "address": address,
            "zone": other.dns_zone,
            "name": other.name_in_zone,
            "questions": FRESH_QUESTIONS,
        }
        for other in target.regions
        for address in region.servers_of(other)
    ]
    nodes = [
        {
            "region": other.name,
            "node": node.ordinal,
            "name": None if node.unlocated else node.name,
            "address": node.address,
            "ports": {"sql": node.port, "http": node.http_port},
        }
        for other in target.regions
        for node in other.nodes
    ]
    return {
        "version": PROBE_VERSION,
        "run": run,
        "region": region.name,
        "deadlineSeconds": deadline,
        "peersWithinSeconds": peers_within,
        "ports": {"sql": SQL_PORT, "http": HTTP_PORT, "dns": DNS_PORT},
        "nodes": nodes,
        "servers": servers,
        "balancers": [
            {"region": other.name, "kind": balancer.kind, "address": balancer.address}
            for other in target.regions
            if other.name != region.name
            for balancer in other.balancers
            for _ in range(BALANCER_TRIES)
        ],
        "credentials": {
            "ca": f"{CERTIFICATES}/ca.crt",
            "certificate": f"{CERTIFICATES}/client.{VERIFIER}.crt",
            "key": f"{CERTIFICATES}/client.{VERIFIER}.key",
            "user": VERIFIER,
        },
    }


def sources() -> dict[str, str]:
    """The probe package's files by name."""
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(_SOURCES.glob("*.py"))}


def config_map(region: Region, run: str, given: dict[str, Any], owner: str, expires: int) -> dict[str, Any]:
    """The probe's files and input. `owner`: the process that made it; `expires`: Unix seconds."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": f"{APP}-{run}",
            "namespace": region.namespace,
            "labels": labels(run),
            "annotations": {OWNER_ANNOTATION: owner, EXPIRES_ANNOTATION: str(expires)},
        },
        "data": {**sources(), "input.json": json.dumps(given, separators=(",", ":"))},
    }


def pod(
    target: Target, region: Region, zone: str | None, index: int, run: str, deadline: int, root_uid: str
) -> dict[str, Any]:
    """The probe pod of one zone (None: anywhere). Owned by the run's ConfigMap (`root_uid`): without it, collected."""
    name = f"{APP}-{run}"
    files = [{"key": key, "path": f"probe/{key}"} for key in sources()]
    spec: dict[str, Any] = {
        "activeDeadlineSeconds": deadline,
        "terminationGracePeriodSeconds": 1,
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": PROBE_UID,
            "runAsGroup": PROBE_UID,
            "fsGroup": PROBE_UID,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "name": "probe",
                "image": target.tools_image,
                "command": ["python3", "-B", "-m", "probe"],
                "workingDir": PROBE_FOLDER,
                "env": [
                    {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
                    {"name": "PROBE_ZONE", "value": zone or ""},
                ],
                "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}},
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "readOnlyRootFilesystem": True,
                    "capabilities": {"drop": ["ALL"]},
                },
                "volumeMounts": [
                    {"name": "probe", "mountPath": PROBE_FOLDER, "readOnly": True},
                    {"name": "peers", "mountPath": "/etc/podinfo", "readOnly": True},
                    {"name": "verifier", "mountPath": CERTIFICATES, "readOnly": True},
                    {"name": "declared", "mountPath": DECLARED, "readOnly": True},
                ],
            }
        ],
        "volumes": [
            {
                "name": "probe",
                "configMap": {"name": name, "items": [*files, {"key": "input.json", "path": "input.json"}]},
            },
            {
                "name": "peers",
                "downwardAPI": {
                    "items": [
                        {
                            "path": "peers",
                            "fieldRef": {"fieldPath": f"metadata.annotations['{PEERS_ANNOTATION}']"},
                        }
                    ]
                },
            },
            {
                "name": "declared",
                "configMap": {
                    "name": DECLARED_CONFIG_MAP,
                    "items": [{"key": DECLARED_FILE, "path": DECLARED_FILE}],
                    "optional": True,
                },
            },
            {"name": "verifier", "secret": {"secretName": VERIFIER_SECRET, "defaultMode": 0o440, "optional": True}},
        ],
    }
    if zone is not None:
        spec["nodeSelector"] = {"topology.kubernetes.io/zone": zone}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"{name}-{index}",
            "namespace": region.namespace,
            "labels": labels(run),
            "ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": name, "uid": root_uid}],
        },
        "spec": spec,
    }
