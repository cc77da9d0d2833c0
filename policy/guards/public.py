"""Nothing is open to everybody: firewalls, load balancers, API endpoints, hosts, names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .. import kubernetes
from ..aws import kinds as aws
from ..gcp import kinds as gcp
from ..gcp.names import private
from ..graph import Graph, Resource
from ..topology import Topology
from .finding import Finding

EVERYBODY = frozenset(("0.0.0.0/0", "::/0"))
INTERNAL = ("networking.gke.io/load-balancer-type", "cloud.google.com/load-balancer-type")
CLASSIC_RULE = "aws:ec2/securityGroupRule:SecurityGroupRule"
SOURCES: Mapping[str, tuple[tuple[str, ...], str | None]] = {
    aws.INGRESS: (("cidrIpv4", "cidrIpv6"), "prefixListId"),
    aws.SECURITY_GROUP: (("ingress.*.cidrBlocks", "ingress.*.ipv6CidrBlocks"), "ingress.*.prefixListIds"),
    CLASSIC_RULE: (("cidrBlocks", "ipv6CidrBlocks"), "prefixListIds"),
    aws.PREFIX_LIST: (("entries.*.cidr",), None),
    "aws:ec2/managedPrefixListEntry:ManagedPrefixListEntry": (("cidr",), None),
}
"""What security groups let in by: where each kind has its ranges, and where the prefix lists that it names."""


def findings(graph: Graph, _: Topology | None) -> Iterator[Finding]:
    """All of them."""
    for rule in graph.of(gcp.FIREWALL):
        yield from _firewall(rule)
    for rule in graph.of(*SOURCES):
        yield from _security_group(graph, rule)
    for balancer in graph.of(aws.BALANCER):
        if balancer.get("internal") is not True:
            yield Finding(balancer, "is not internal; set internal")
    for cluster in graph.of(aws.CLUSTER):
        yield from _eks(graph, cluster)
    for cluster in graph.of(gcp.CLUSTER):
        yield from _gke(cluster)
    for service in graph.of(kubernetes.SERVICE):
        yield from _service(graph, service)
    for zone in graph.of(gcp.MANAGED_ZONE):
        if not private(zone):
            yield Finding(zone, "shows its names to the whole internet; set visibility private")
    for zone in graph.of(aws.ZONE):
        if not zone.says("vpcs"):
            yield Finding(zone, "shows its names to the whole internet; name the VPCs that see them in vpcs")


def _firewall(rule: Resource) -> Iterator[Finding]:
    if rule.get("direction", "INGRESS") != "INGRESS" or rule.get("disabled") is True or not rule.values("allows.*"):
        return
    named = [path for path in ("sourceRanges", "sourceTags", "sourceServiceAccounts") if rule.values(f"{path}.*")]
    if not named or EVERYBODY & set(rule.texts("sourceRanges")):
        yield Finding(rule, "lets the whole internet in; name the ranges that need it")


def _security_group(graph: Graph, rule: Resource) -> Iterator[Finding]:
    if rule.type == CLASSIC_RULE and rule.get("type") != "ingress":
        return
    paths, lists = SOURCES[rule.type]
    if EVERYBODY & {text for path in paths for text in rule.texts(path)}:
        yield Finding(rule, "lets the whole internet in; name the ranges that need it")
    if lists and rule.says(lists) and not graph.follow(rule, lists, aws.PREFIX_LIST):
        yield Finding(
            rule, "lets in a prefix list that is not declared here, and may be anybody; declare it, or ranges"
        )


def _eks(graph: Graph, cluster: Resource) -> Iterator[Finding]:
    # Both are AWS's defaults: a public endpoint, for everybody.
    if cluster.get("vpcConfig.endpointPublicAccess", True) is not False:
        callers = cluster.texts("vpcConfig.publicAccessCidrs")
        if not callers or EVERYBODY & set(callers):
            yield Finding(
                cluster,
                "has an API endpoint for the whole internet; set endpointPublicAccess false or publicAccessCidrs",
            )
    if cluster.get("vpcConfig.endpointPrivateAccess") is not True:
        yield Finding(cluster, "has no private API endpoint; set endpointPrivateAccess")
    for group in graph.pointing(aws.NODE_GROUP, "clusterName", cluster):
        for subnet in graph.follow(group, "subnetIds", aws.SUBNET):
            if subnet.get("mapPublicIpOnLaunch") is True:
                yield Finding(group, f"has hosts with public addresses, by {subnet.label}")


def _gke(cluster: Resource) -> Iterator[Finding]:
    private = cluster.get("privateClusterConfig.enablePrivateEndpoint") is True
    callers = cluster.texts("masterAuthorizedNetworksConfig.cidrBlocks.*.cidrBlock")
    if not private and not cluster.says("masterAuthorizedNetworksConfig"):
        yield Finding(
            cluster,
            "has an API endpoint for the whole internet; set enablePrivateEndpoint or masterAuthorizedNetworksConfig",
        )
    if EVERYBODY & set(callers):
        yield Finding(cluster, "lets the whole internet ask its API server; name who administers it")
    if cluster.get("privateClusterConfig.enablePrivateNodes") is not True:
        yield Finding(cluster, "has hosts with public addresses; set enablePrivateNodes")


def _service(graph: Graph, service: Resource) -> Iterator[Finding]:
    if service.get("spec.type") != "LoadBalancer":
        return
    let_in = service.texts("spec.loadBalancerSourceRanges")
    if not let_in:
        yield Finding(service, "answers everybody who can route there; set loadBalancerSourceRanges")
    elif EVERYBODY & set(let_in):
        yield Finding(service, "answers the whole internet; name the ranges that need it")
    notes = service.get("metadata.annotations")
    on_gke = any(
        service in kubernetes.in_region(graph, cluster.name.removesuffix("-cluster"), cluster)
        for cluster in graph.of(gcp.CLUSTER)
    )
    if on_gke and isinstance(notes, dict) and not any(notes.get(key) == "Internal" for key in INTERNAL):
        yield Finding(service, f'would get a public address; annotate it with {INTERNAL[0]}: "Internal"')
