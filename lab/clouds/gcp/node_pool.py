"""GKE node pools: the machines of a cluster."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network
from typing import Any

from lab.clouds.gcp import base
from lab.clouds.gcp.base import ACCOUNT, CLUSTER, NODE_POOL, SUBNETWORK
from lab.clouds.gcp.cluster import CONTAINER, VERSION, ZONE
from lab.clouds.kinds import Cloud, Kind, Refused, Times, at, register
from lab.clouds.store import CREATING, DELETING, Record
from lab.clouds.substrate_api import HostSpec

PODS_PREFIX = 24
"""A node's range of pods, for up to 110 of them."""

NODE = "nodeConfig."


@register
class NodePool(Kind):
    token = NODE_POOL
    times = Times(create=90, update=90, delete=90)
    auto_name = "name"
    auto_name_length = 40
    replaces = frozenset({"name", "cluster", "location", "project", "initialNodeCount", "maxPodsPerNode"}) | {
        *(
            f"{NODE}{word}"
            for word in ("serviceAccount", "oauthScopes", "spot", "preemptible", "metadata", "localSsdCount")
        ),
        *(f"{NODE}{word}" for word in ("shieldedInstanceConfig", "minCpuPlatform", "reservationAffinity", "nodeGroup")),
        *(f"networkConfig.{word}" for word in ("podRange", "podIpv4CidrBlock", "createPodRange")),
    }
    computed = ("project", "location", "version", "instanceGroupUrls", "managedInstanceGroupUrls", "operation")

    def check(self, cloud: Cloud, inputs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        yield from base.name_problems(inputs.get("name"))
        if not any(inputs.get(field) is not None for field in ("nodeCount", "initialNodeCount", "autoscaling")):
            yield "nodeCount", "missing: it, initialNodeCount or autoscaling says how many nodes a zone has"
        count = inputs.get("nodeCount")
        if isinstance(count, int) and count < 0:
            yield "nodeCount", f"expected nodeCount to be at least (0), got {count}"
        words = ("MODE_UNSPECIFIED", "GCE_METADATA", "GKE_METADATA")
        path = "nodeConfig.workloadMetadataConfig.mode"
        yield from base.word_problems(path, at(inputs, path), words)
        surge, away = (at(inputs, f"upgradeSettings.{word}") for word in ("maxSurge", "maxUnavailable"))
        if surge == 0 and away == 0:
            yield "upgradeSettings", "maxSurge and maxUnavailable can't both be 0"

    def create(self, cloud: Cloud, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        cluster = _cluster(cloud, inputs)
        if cluster["enableAutopilot"]:
            raise Refused("Error 400: Node pools cannot be created in Autopilot clusters., badRequest")
        for other in cloud.state.find(self.token, cluster=cluster["name"], location=cluster["location"]):
            if other.busy:
                raise Refused(f"Error 400: Cluster {cluster.id} is running incompatible operation., failedPrecondition")
        _refuse_node_config(cloud, inputs)
        outputs = {
            "project": cluster["project"],
            "cluster": cluster["name"],
            "location": cluster["location"],
            "version": inputs.get("version", VERSION),
            "operation": "",
        }
        wanted = {**inputs, **outputs, **_groups(cluster, inputs)}
        _refuse_space(cloud, cluster, inputs["name"], wanted)
        id = f"{cluster.id}/nodePools/{inputs['name']}"
        return id, {**outputs, **_groups(cluster, inputs)}

    def settle(self, cloud: Cloud, record: Record) -> dict[str, Any] | None:
        cluster = cloud.state.one(CLUSTER, name=record["cluster"], location=record["location"])
        if cluster is None:
            raise Refused(f"Error 404: Not found: {record['cluster']}., notFound")
        cloud.substrate.set_hosts(record["cluster"], record["name"], hosts(cloud, cluster, record))
        return None

    def update(self, cloud: Cloud, record: Record, inputs: Mapping[str, Any]) -> dict[str, Any]:
        cluster = _cluster(cloud, inputs)
        _refuse_node_config(cloud, inputs)
        outputs = {"cluster": record["cluster"], **_groups(cluster, inputs)}
        _refuse_space(cloud, cluster, record["name"], {**inputs, **outputs})
        return outputs

    def delete(self, cloud: Cloud, record: Record) -> None:
        if record.busy:
            raise Refused(f"Error 400: Node pool {record.id} is running incompatible operation., failedPrecondition")

    def unsettle(self, cloud: Cloud, record: Record) -> None:
        if cloud.state.one(CLUSTER, name=record["cluster"], location=record["location"]) is not None:
            cloud.substrate.set_hosts(record["cluster"], record["name"], [])


def hosts(cloud: Cloud, cluster: Record, pool: Record) -> list[HostSpec]:
    """A pool's machines: `nodeCount` in each of its zones, named as GKE does, the same ones each time."""
    subnetwork = cloud.state.get(SUBNETWORK, cluster["subnetwork"])
    if subnetwork is None:
        raise Refused(f"Error 404: {cluster['subnetwork']} was not found, notFound")
    labels = {"cloud.google.com/gke-nodepool": pool["name"], **at(pool.outputs, "nodeConfig.labels", {})}
    return [
        HostSpec(
            name=f"{_stem(cluster, pool['name'])}-{_digits(cluster.id, zone)[:8]}-{_digits(zone, index)[:4]}",
            zone=zone,
            subnet=subnetwork["ipCidrRange"],
            pods=cluster["clusterIpv4Cidr"],
            labels=labels,
            tags=tuple(at(pool.outputs, "nodeConfig.tags", [])),
        )
        for zone in pool["nodeLocations"]
        for index in range(_count(pool.outputs))
    ]


def _count(values: Mapping[str, Any]) -> int:
    """Nodes per zone."""
    for path in ("nodeCount", "autoscaling.minNodeCount", "initialNodeCount"):
        if at(values, path) is not None:
            return int(at(values, path))
    return 0


def _stem(cluster: Record, pool: str) -> str:
    """What machines and groups of a pool are called, before their own digits.

    GKE shortens names too; a kubelet's certificate, for `system:node:NAME`, has room for 52 characters.
    """
    return f"gke-{cluster['name'][:16]}-{pool[:16]}"


def _digits(*words: object) -> str:
    return hashlib.sha256("/".join(map(str, words)).encode()).hexdigest()


def _cluster(cloud: Cloud, inputs: Mapping[str, Any]) -> Record:
    given = str(inputs["cluster"]).removeprefix(CONTAINER)
    if given.startswith("projects/"):
        found = cloud.state.get(CLUSTER, given)
    else:
        location = inputs.get("location")
        named = cloud.state.find(CLUSTER, name=given)
        found = next((record for record in named if location in (None, record["location"])), None)
    if found is None:
        raise Refused(f"Error 404: Not found: {given}., notFound")
    if found.phase in (CREATING, DELETING):
        raise Refused(f"Error 400: Cluster {found.id} is running incompatible operation., failedPrecondition")
    return found


def _groups(cluster: Record, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Where the machines are: one instance group a zone."""
    zones = inputs.get("nodeLocations") or cluster["nodeLocations"]
    if not zones:
        raise Refused("Error 400: The lab's cloud chooses no zones: nodeLocations is needed., badRequest")
    location = cluster["location"]
    region = location.rsplit("-", 1)[0] if ZONE.fullmatch(location) else location
    for zone in zones:
        if not ZONE.fullmatch(zone) or not zone.startswith(f"{region}-"):
            raise Refused(f"Error 400: Location {zone} is not a zone of region {region}., badRequest")
    base_url = f"https://www.googleapis.com/compute/v1/projects/{cluster['project']}/zones"
    stem = _stem(cluster, inputs["name"])
    return {
        "nodeLocations": zones,
        "instanceGroupUrls": [
            f"{base_url}/{zone}/instanceGroupManagers/{stem}-{_digits(cluster.id, zone)[:8]}-grp" for zone in zones
        ],
        "managedInstanceGroupUrls": [
            f"{base_url}/{zone}/instanceGroups/{stem}-{_digits(cluster.id, zone)[:8]}-grp" for zone in zones
        ],
    }


def _refuse_node_config(cloud: Cloud, inputs: Mapping[str, Any]) -> None:
    account = at(inputs, "nodeConfig.serviceAccount")
    if account and account != "default" and cloud.state.one(ACCOUNT, email=account) is None:
        raise Refused(f'Error 400: Service account "{account}" does not exist., badRequest')


def _refuse_space(cloud: Cloud, cluster: Record, name: str, wanted: Mapping[str, Any]) -> None:
    """Each node takes a /24 of the cluster's pod range, and an address of its subnetwork."""
    others = cloud.state.find(NODE_POOL, cluster=cluster["name"], location=cluster["location"])
    values = [wanted, *(record.outputs for record in others if record["name"] != name)]
    nodes = sum(_count(each) * len(each["nodeLocations"]) for each in values)
    pods = IPv4Network(cluster["clusterIpv4Cidr"])
    room = 2 ** max(PODS_PREFIX - pods.prefixlen, 0) if pods.prefixlen <= PODS_PREFIX else 0
    if nodes > room:
        raise Refused(f"Error 403: {nodes} nodes need more than the {room} ranges in {pods}., IP_SPACE_EXHAUSTED")
