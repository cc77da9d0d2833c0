"""GKE clusters: what GKE refuses, and the control plane behind one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network
from typing import Any, ClassVar

from lab.clouds import cloud_dns, quotas
from lab.clouds.gcp import base, maintenance
from lab.clouds.gcp.base import CLUSTER, NETWORK, NODE_POOL, SUBNETWORK, ranges_of, resolve, subnetworks_of
from lab.clouds.kinds import Cloud, Kind, Refused, Times, at, register
from lab.clouds.store import Record
from lab.clouds.substrate_api import ClusterSpec
from lab.world import CLOUD_DNS

VERSION = "1.37.2-gke.1024000"
"""What the lab's clusters say they run: the lab's own Kubernetes."""

CONTAINER = "https://container.googleapis.com/v1/"
ZONE = re.compile(r"[a-z]+-[a-z]+\d+-[a-z]")
DOMAIN = re.compile(r"(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
REGION = re.compile(r"[a-z]+-[a-z]+\d+")


@register
class Cluster(Kind):
    token = CLUSTER
    times = Times(create=400, update=60, delete=200)
    auto_name = "name"
    auto_name_length = 40
    replaces = frozenset(
        {"name", "location", "network", "subnetwork", "project", "description", "networkingMode", "datapathProvider"}
    ) | {
        *("enableAutopilot", "initialNodeCount", "clusterIpv4Cidr", "defaultMaxPodsPerNode", "enableKubernetesAlpha"),
        *("ipAllocationPolicy.clusterSecondaryRangeName", "ipAllocationPolicy.servicesSecondaryRangeName"),
        *("ipAllocationPolicy.clusterIpv4CidrBlock", "ipAllocationPolicy.servicesIpv4CidrBlock"),
        *("privateClusterConfig.masterIpv4CidrBlock", "privateClusterConfig.privateEndpointSubnetwork"),
        *("masterAuth.clientCertificateConfig", "confidentialNodes"),
    }
    computed = (
        *("project", "selfLink", "endpoint", "masterAuth", "masterVersion", "clusterIpv4Cidr", "servicesIpv4Cidr"),
        *("operation", "labelFingerprint", "nodeVersion", "nodePools", "location", "nodeLocations"),
    )
    defaults: ClassVar[Mapping[str, Any]] = {
        "deletionProtection": True,
        "networkingMode": "VPC_NATIVE",
        "enableShieldedNodes": True,
    }

    def check(self, cloud: Cloud, inputs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        yield from base.name_problems(inputs.get("name"))
        yield from _word_problems(inputs)
        block = at(inputs, "privateClusterConfig.masterIpv4CidrBlock")
        yield from base.range_problems("privateClusterConfig.masterIpv4CidrBlock", block)
        if isinstance(block, str) and not block.endswith("/28"):
            yield "privateClusterConfig.masterIpv4CidrBlock", f"expected a /28, got {block}"
        if inputs.get("removeDefaultNodePool") is True and not inputs.get("initialNodeCount"):
            yield "initialNodeCount", "missing: removeDefaultNodePool needs a first node pool to remove"
        if inputs.get("enableAutopilot") is True:
            for field in ("removeDefaultNodePool", "nodeConfig", "nodePools", "datapathProvider", "networkPolicy"):
                if inputs.get(field):
                    yield field, 'conflicts with "enableAutopilot"'
            if at(inputs, "dnsConfig.clusterDns") in ("KUBE_DNS", "PLATFORM_DEFAULT"):
                yield "dnsConfig.clusterDns", "Autopilot clusters use Cloud DNS"
        yield from _dns_problems(inputs)
        policy = inputs.get("maintenancePolicy")
        if base.is_known(policy) and isinstance(policy, Mapping):
            yield from maintenance.problems(policy)

    def create(self, cloud: Cloud, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        project = base.project(cloud, inputs)
        base.require_service(cloud, "container.googleapis.com", project)
        location = inputs.get("location") or cloud.region
        if not location:
            raise Refused("Cannot determine location: set location in this resource or the provider's region or zone")
        id = f"projects/{project}/locations/{location}/clusters/{inputs['name']}"
        if cloud.state.get(self.token, id) is not None:
            raise Refused(f"Error 409: Already exists: {id}., alreadyExists")
        if quotas.full("gcp.clusters-per-region", len(cloud.state.find(self.token, location=location))):
            raise Refused(
                f"Error 403: Insufficient quota to satisfy the request: clusters in {location}., quotaExceeded"
            )
        network = resolve(cloud, NETWORK, inputs.get("network", "default"), "network")
        region = location if REGION.fullmatch(location) else location.rsplit("-", 1)[0]
        subnetwork = resolve(cloud, SUBNETWORK, inputs.get("subnetwork", "default"), "subnetwork", region)
        _refuse_place(inputs, location, region, network, subnetwork)
        _refuse_dns(cloud, project, inputs, network)
        policy = _allocation(cloud, inputs, network, subnetwork)
        _refuse_control_plane(cloud, inputs, network)
        zones = inputs.get("nodeLocations") or ([location] if ZONE.fullmatch(location) else [])
        return id, {
            "project": project,
            "location": location,
            "selfLink": CONTAINER + id,
            "network": network.id,
            "subnetwork": subnetwork.id,
            "nodeLocations": zones,
            "ipAllocationPolicy": policy,
            "clusterIpv4Cidr": policy["clusterIpv4CidrBlock"],
            "servicesIpv4Cidr": policy["servicesIpv4CidrBlock"],
            "masterVersion": VERSION,
            "nodeVersion": VERSION,
            "operation": "",
            "labelFingerprint": "a9dc16a7",
            "nodePools": [],
        }

    def settle(self, cloud: Cloud, record: Record) -> dict[str, Any] | None:
        access = cloud.substrate.start_cluster(cluster_spec(cloud, record))
        cloud.substrate.set_dns(record["name"], _dns(record), None)
        private = dict(record["privateClusterConfig"] or {})
        public = "" if private.get("enablePrivateEndpoint") else access.endpoint
        return {
            "endpoint": access.endpoint,
            "masterAuth": {
                "clusterCaCertificate": access.ca_certificate,
                "clientCertificate": "",
                "clientKey": "",
                "clientCertificateConfig": {"issueClientCertificate": False},
            },
            "privateClusterConfig": {**private, "privateEndpoint": access.endpoint, "publicEndpoint": public},
        }

    def update(self, cloud: Cloud, record: Record, inputs: Mapping[str, Any]) -> dict[str, Any]:
        _refuse_while_busy(cloud, record)
        _refuse_other_dns(record, inputs)
        network = cloud.state.get(NETWORK, record["network"])
        if network is not None:
            _refuse_dns(cloud, record["project"], inputs, network, record)
        names = (
            "network",
            "subnetwork",
            "ipAllocationPolicy",
            "nodeLocations",
            "masterAuth",
            "nodePools",
            "nodeVersion",
        )
        kept = {name: record[name] for name in names if record[name] is not None}
        if inputs.get("nodeLocations"):
            kept["nodeLocations"] = inputs["nodeLocations"]
        return kept

    def delete(self, cloud: Cloud, record: Record) -> None:
        if record["deletionProtection"]:
            raise Refused(
                "Cannot destroy cluster because deletion_protection is set to true. "
                "Set it to false to proceed with cluster deletion."
            )
        _refuse_while_busy(cloud, record)
        for pool in cloud.state.find(NODE_POOL, cluster=record["name"], location=record["location"]):
            cloud.state.remove(pool)

    def unsettle(self, cloud: Cloud, record: Record) -> None:
        cloud.substrate.stop_cluster(record["name"])


def cluster_spec(cloud: Cloud, record: Record) -> ClusterSpec:
    """What the machine has to run for a cluster."""
    subnetwork = cloud.state.get(SUBNETWORK, record["subnetwork"])
    if subnetwork is None:
        raise Refused(f"Error 404: {record['subnetwork']} was not found, notFound")
    authorized = at(record.outputs, "masterAuthorizedNetworksConfig.cidrBlocks", [])
    return ClusterSpec(
        key=record["name"],
        platform="gke",
        location=record["location"],
        version=record["masterVersion"],
        service_cidr=record["servicesIpv4Cidr"],
        pod_cidr=record["clusterIpv4Cidr"],
        node_cidr=subnetwork["ipCidrRange"],
        control_cidr=at(record.outputs, "privateClusterConfig.masterIpv4CidrBlock"),
        subnets=(subnetwork["ipCidrRange"],),
        zones=tuple(record["nodeLocations"]),
        network=record["network"],
        public=not at(record.outputs, "privateClusterConfig.enablePrivateEndpoint", False),
        authorized_cidrs=tuple(each["cidrBlock"] for each in authorized),
        node_local_dns=bool(at(record.outputs, "addonsConfig.dnsCacheConfig.enabled", False)),
    )


def _dns(record: Record) -> str:
    """The lab's word for the DNS that a cluster has."""
    return CLOUD_DNS if cloud_dns.has_cloud_dns(record) else "kube-dns"


def _dns_problems(inputs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What goes with what (google_container_cluster, `dns_config`; `gcloud container clusters create`)."""
    config = inputs.get("dnsConfig")
    if not base.is_known(config) or not isinstance(config, Mapping):
        return
    given = {key: value for key, value in config.items() if value}
    provider, scope = given.get("clusterDns"), given.get("clusterDnsScope", "CLUSTER_SCOPE")
    if scope == "VPC_SCOPE":
        yield "dnsConfig.clusterDnsScope", "the lab's cloud has no model of VPC_SCOPE"
    if base.is_known(provider) and provider != cloud_dns.CLOUD_DNS:
        for key in given.keys() - {"clusterDns"}:
            yield f"dnsConfig.{key}", f"needs clusterDns CLOUD_DNS, not {provider or 'the default'}"
    if "clusterDnsDomain" in given and scope != "VPC_SCOPE":
        yield "dnsConfig.clusterDnsDomain", "needs clusterDnsScope VPC_SCOPE: within a cluster it is cluster.local"
    domain = given.get("additiveVpcScopeDnsDomain")
    if isinstance(domain, str) and not DOMAIN.fullmatch(domain):
        yield "dnsConfig.additiveVpcScopeDnsDomain", f"{domain!r} is no DNS subdomain (RFC 1123)"


def _refuse_dns(
    cloud: Cloud, project: str, inputs: Mapping[str, Any], network: Record, record: Record | None = None
) -> None:
    """A zone of the VPC has one owner; `record`: of the cluster itself, which has it already."""
    if at(inputs, "dnsConfig.clusterDns") != cloud_dns.CLOUD_DNS:
        return
    base.require_service(cloud, "dns.googleapis.com", project)
    domain = at(inputs, "dnsConfig.additiveVpcScopeDnsDomain")
    for other in cloud.state.find(CLUSTER, network=network.id):
        if domain and cloud_dns.network_domain(other) == domain and (record is None or other.id != record.id):
            raise Refused(f"Error 400: DNS domain {domain} is already used by {other.id} in its network., badRequest")


def _refuse_other_dns(record: Record, inputs: Mapping[str, Any]) -> None:
    """GKE would have every host made anew, and never changes a scope."""
    for key in ("clusterDns", "clusterDnsScope"):
        was, now = at(record.outputs, f"dnsConfig.{key}"), at(inputs, f"dnsConfig.{key}")
        if was != now:
            raise Refused(
                f"Error 400: dnsConfig.{key} of {record.id} cannot change from {was} to {now}; "
                "the lab's cloud has no model of it, badRequest"
            )


def _word_problems(inputs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    words = {
        "networkingMode": ("VPC_NATIVE", "ROUTES"),
        "datapathProvider": ("DATAPATH_PROVIDER_UNSPECIFIED", "LEGACY_DATAPATH", "ADVANCED_DATAPATH"),
        "releaseChannel.channel": ("UNSPECIFIED", "RAPID", "REGULAR", "STABLE", "EXTENDED"),
        "dnsConfig.clusterDns": ("PROVIDER_UNSPECIFIED", "PLATFORM_DEFAULT", "CLOUD_DNS", "KUBE_DNS"),
        "dnsConfig.clusterDnsScope": ("DNS_SCOPE_UNSPECIFIED", "CLUSTER_SCOPE", "VPC_SCOPE"),
    }
    for path, allowed in words.items():
        yield from base.word_problems(path, at(inputs, path), allowed)
    location = inputs.get("location")
    if isinstance(location, str) and not (REGION.fullmatch(location) or ZONE.fullmatch(location)):
        yield "location", f"{location!r} is neither a region nor a zone"


def _refuse_place(inputs: Mapping[str, Any], location: str, region: str, network: Record, subnetwork: Record) -> None:
    if subnetwork["network"] != network["selfLink"]:
        raise Refused(f"Error 400: Subnetwork {subnetwork.id} is not in network {network.id}., badRequest")
    if subnetwork["region"] != region:
        raise Refused(f"Error 400: Subnetwork {subnetwork.id} is not in region {region}., badRequest")
    for zone in inputs.get("nodeLocations", []):
        if not zone.startswith(f"{region}-") or not ZONE.fullmatch(zone):
            raise Refused(f"Error 400: Location {zone} is not a zone of {location}'s region {region}., badRequest")
    pool = at(inputs, "workloadIdentityConfig.workloadPool")
    if pool and pool != f"{subnetwork['project']}.svc.id.goog":
        raise Refused(f"Error 400: Workload pool {pool} is not the project's own., badRequest")


def _allocation(cloud: Cloud, inputs: Mapping[str, Any], network: Record, subnetwork: Record) -> dict[str, Any]:
    """The cluster's ranges, from secondary ranges that are there and nobody else's services'."""
    policy = inputs.get("ipAllocationPolicy")
    if inputs["networkingMode"] != "VPC_NATIVE" or not policy:
        raise Refused("the lab's cloud has no model of routes-based clusters: an ipAllocationPolicy is needed")
    secondary = {name: str(ipv4) for name, ipv4 in ranges_of(subnetwork) if name}
    found = dict(policy)
    for word, field, block in (
        ("Pods", "clusterSecondaryRangeName", "clusterIpv4CidrBlock"),
        ("Services", "servicesSecondaryRangeName", "servicesIpv4CidrBlock"),
    ):
        name = policy.get(field)
        if not name:
            raise Refused(f"the lab's cloud has no model of ranges that GKE makes itself: {field} is needed")
        if name not in secondary:
            where = f'network "{network["name"]}", subnetwork "{subnetwork["name"]}"'
            raise Refused(f'Error 400: {word} secondary range "{name}" does not exist in {where}., badRequest')
        found[block] = secondary[name]
    if policy["clusterSecondaryRangeName"] == policy["servicesSecondaryRangeName"]:
        raise Refused("Error 400: Pods and services need secondary ranges of their own., badRequest")
    for other in cloud.state.find(CLUSTER, subnetwork=subnetwork.id):
        if found["servicesIpv4CidrBlock"] in (other["servicesIpv4Cidr"], other["clusterIpv4Cidr"]):
            raise Refused(f"Error 400: Services secondary range is already in use by {other.id}., badRequest")
    return found


def _refuse_control_plane(cloud: Cloud, inputs: Mapping[str, Any], network: Record) -> None:
    """Its /28 may overlap with nothing in the network, nor with another control plane's there."""
    block = at(inputs, "privateClusterConfig.masterIpv4CidrBlock")
    if block is None:
        return
    taken = [
        (each.id, ipv4) for each in subnetworks_of(cloud.state, network["selfLink"]) for _, ipv4 in ranges_of(each)
    ]
    for other in cloud.state.find(CLUSTER, network=network.id):
        used = at(other.outputs, "privateClusterConfig.masterIpv4CidrBlock")
        taken += [(other.id, IPv4Network(used))] if used else []
    for user, ipv4 in taken:
        if ipv4.overlaps(IPv4Network(block)):
            raise Refused(f"Error 400: master_ipv4_cidr_block {block} overlaps with {ipv4} of {user}., badRequest")


def _refuse_while_busy(cloud: Cloud, record: Record) -> None:
    """GKE changes one thing of a cluster at a time."""
    pools = cloud.state.find(NODE_POOL, cluster=record["name"], location=record["location"])
    for each in (record, *pools):
        if each.busy:
            raise Refused(f"Error 400: Cluster {record.id} is running incompatible operation., failedPrecondition")
