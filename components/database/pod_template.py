"""The StatefulSet and its pod template, rendered from plain values.

The same settings give the same text, so a hash of it says whether pods must restart.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from . import names, own_certificate
from .fragments import (
    READ_ONLY,
    Manifest,
    api_mount,
    container_security,
    pod_security,
    scripts_mount,
    scripts_volume,
    service_account_token,
    small_resources,
)
from .settings import CockroachNodeArgs
from .start import as_command, start_script


@dataclass(frozen=True, slots=True)
class RegionNodes:
    """What the pods of one region are rendered from.

    The join list isn't here: it is read at container start, so that a new region restarts nobody.
    """

    region: str
    namespace: str
    nodes: int
    zones: Sequence[str]
    """Zones that pods may run in; empty: any."""
    advertise_host: str | None
    """`--advertise-addr` without a port; Kubernetes expands $(POD_NAME), $(POD_IP) and $(HOST_IP).

    None: each pod reads its own, or its host's, beside the join list, so that one more restarts nobody.
    """
    host_network: bool
    node: CockroachNodeArgs
    own_certificates: bool = False
    """Each pod asks the region's signer for a certificate. Else all have the one in the nodes' Secret."""
    hosts: Sequence[str] = ()
    """Kubernetes nodes that the pods run on, one on each; empty: any."""


def _field(name: str, path: str) -> Manifest:
    return {"name": name, "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}}


def _zone_container(nodes: RegionNodes) -> Manifest:
    return {
        "name": "zone",
        "image": nodes.node["tools_image"],
        "imagePullPolicy": "IfNotPresent",
        "command": ["python3", f"{names.SCRIPTS_DIR}/zone.py"],
        "env": [
            _field("NODE_NAME", "spec.nodeName"),
            {"name": "ZONE_FILE", "value": f"{names.ZONE_DIR}/zone"},
            {"name": "ZONES", "value": ",".join(nodes.zones)},
        ],
        "resources": small_resources(),
        "securityContext": container_security(),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [api_mount(), scripts_mount(), {"name": "zone", "mountPath": names.ZONE_DIR}],
    }


def _environment(nodes: RegionNodes) -> list[Manifest]:
    own = [
        _field("POD_NAME", "metadata.name"),
        _field("POD_IP", "status.podIP"),
        _field("HOST_IP", "status.hostIP"),
        *([_field("NODE_NAME", "spec.nodeName")] if nodes.hosts else []),
        *([] if nodes.advertise_host is None else [{"name": "ADVERTISE_HOST", "value": nodes.advertise_host}]),
        {"name": "GOMAXPROCS", "valueFrom": {"resourceFieldRef": {"resource": "requests.cpu", "divisor": "1"}}},
        {"name": "GODEBUG", "value": "disablethp=1"},
        {"name": "HOME", "value": names.TMP_DIR},
    ]
    given = nodes.node.get("environment", {})
    kept = [variable for variable in own if variable["name"] not in given]
    return [*kept, *({"name": name, "value": value} for name, value in given.items())]


def _start(nodes: RegionNodes) -> str:
    own = "NODE_NAME" if nodes.hosts else "POD_NAME"
    address_of = own if nodes.advertise_host is None else None
    return as_command(start_script(nodes.region, nodes.node, address_of=address_of, host_network=nodes.host_network))


def _database_container(nodes: RegionNodes) -> Manifest:
    node = nodes.node
    return {
        "name": "cockroachdb",
        "image": node["image"],
        "imagePullPolicy": "IfNotPresent",
        "command": ["/bin/sh", "-ec", _start(nodes)],
        "env": _environment(nodes),
        "ports": [
            {"name": "grpc", "containerPort": names.RPC_PORT, "protocol": "TCP"},
            {"name": "http", "containerPort": names.HTTP_PORT, "protocol": "TCP"},
        ],
        # No liveness probe: a node that is slow under load or cut from its quorum must not be killed for it.
        "readinessProbe": {
            "httpGet": {"path": "/health?ready=1", "port": "http", "scheme": "HTTPS"},
            "periodSeconds": 5,
            "timeoutSeconds": 5,
            "failureThreshold": 2,
        },
        "resources": {
            "requests": {"cpu": node["cpu"], "memory": node["memory"]},
            "limits": {"memory": node["memory"]},
        },
        "securityContext": container_security(),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [
            {"name": names.VOLUME, "mountPath": names.DATA_DIR},
            {"name": "certs", "mountPath": names.CERTS_DIR, "readOnly": True},
            {"name": "join", "mountPath": names.JOIN_DIR, "readOnly": True},
            {"name": "zone", "mountPath": names.ZONE_DIR, "readOnly": True},
            {"name": "tmp", "mountPath": names.TMP_DIR},
        ],
    }


def _certificates() -> Manifest:
    return {"name": "certs", "secret": {"secretName": names.NODE_SECRET, "defaultMode": READ_ONLY}}


def _affinity(zones: Sequence[str], hosts: Sequence[str]) -> Manifest:
    affinity: Manifest = {
        "podAntiAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": [
                {"labelSelector": {"matchLabels": names.selector_labels()}, "topologyKey": names.HOST_LABEL}
            ]
        }
    }
    in_zones: Manifest = {}
    if zones:
        in_zones = {"matchExpressions": [{"key": names.ZONE_LABEL, "operator": "In", "values": list(zones)}]}
    # A term each: a field's requirement takes one value.
    terms = [
        {**in_zones, "matchFields": [{"key": "metadata.name", "operator": "In", "values": [host]}]} for host in hosts
    ]
    if terms or in_zones:
        affinity["nodeAffinity"] = {
            "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms or [in_zones]}
        }
    return affinity


def _spread() -> list[Manifest]:
    return [
        {
            "maxSkew": 1,
            "topologyKey": names.ZONE_LABEL,
            "whenUnsatisfiable": "DoNotSchedule",
            "labelSelector": {"matchLabels": names.selector_labels()},
        }
    ]


def object_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """Labels of an object: the user's, and over them those that select."""
    return {**labels, "app.kubernetes.io/part-of": "cockroachdb-multiregion", **names.selector_labels()}


def pod_template(nodes: RegionNodes) -> Manifest:
    """`spec.template` of the StatefulSet."""
    template = _template(nodes)
    if nodes.hosts:
        template["metadata"]["annotations"] = {names.TEMPLATE_ANNOTATION: restart_hash(nodes)}
    return template


def restart_hash(nodes: RegionNodes) -> str:
    """Changes exactly when the pods must restart: not for a host that comes or goes, unless they are on it."""
    return template_hash(_template(replace(nodes, hosts=nodes.hosts and ("any",))))


def _template(nodes: RegionNodes) -> Manifest:
    spec: Manifest = {
        "serviceAccountName": names.APP,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": nodes.node["termination_grace_period_seconds"],
        "securityContext": pod_security(),
        "affinity": _affinity(nodes.zones, nodes.hosts),
        # Hosts that are chosen one by one say where zones have how many.
        **({} if nodes.hosts else {"topologySpreadConstraints": _spread()}),
        "initContainers": [_zone_container(nodes)],
        "containers": [_database_container(nodes)],
        "volumes": [
            *([] if nodes.own_certificates else [_certificates()]),
            {"name": "join", "configMap": {"name": names.JOIN_CONFIG_MAP, "defaultMode": READ_ONLY}},
            scripts_volume(),
            service_account_token(),
            {"name": "zone", "emptyDir": {"sizeLimit": "1Mi"}},
            {"name": "tmp", "emptyDir": {}},
        ],
    }
    if nodes.host_network:
        spec["hostNetwork"] = True
        spec["dnsPolicy"] = "ClusterFirstWithHostNet"
    if nodes.own_certificates:
        own_certificate.add(spec, nodes.namespace, nodes.node["tools_image"])
    spec |= nodes.node.get("pod_spec", {})
    return {"metadata": {"labels": object_labels(nodes.node.get("labels", {}))}, "spec": spec}


def template_hash(template: Manifest) -> str:
    """Ten hexadecimal digits that change exactly when the template does."""
    return hashlib.sha256(json.dumps(template, sort_keys=True, separators=(",", ":")).encode()).hexdigest()[:10]


def claim_template(node: CockroachNodeArgs) -> Manifest:
    """The volume claim of each node."""
    spec: Manifest = {
        "accessModes": ["ReadWriteOnce"],
        "volumeMode": "Filesystem",
        "resources": {"requests": {"storage": node["storage_size"]}},
    }
    if "storage_class" in node:
        spec["storageClassName"] = node["storage_class"]
    return {"metadata": {"name": names.VOLUME, "labels": names.selector_labels()}, "spec": spec}


def stateful_set_spec(nodes: RegionNodes) -> Manifest:
    """`spec` of the StatefulSet.

    `OnDelete`: a new template restarts nobody by itself; `Rollout` deletes pods, one at a time over all regions.
    `Parallel`: the first start needs every pod up before any is ready, since readiness comes with `cockroach init`.
    """
    return {
        "serviceName": names.APP,
        "replicas": nodes.nodes,
        "podManagementPolicy": "Parallel",
        "updateStrategy": {"type": "OnDelete"},
        "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
        "revisionHistoryLimit": 10,
        "selector": {"matchLabels": names.selector_labels()},
        "template": pod_template(nodes),
        "volumeClaimTemplates": [claim_template(nodes.node)],
    }
