"""A network load balancer on EKS: from its address in a zone to a port of hosts that take it."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address

from components.plan.defaults import DNS_PORT

from .. import kubernetes
from ..findings import Failure, Flow, Severity
from ..graph import Graph, Resource
from ..ranges import covered, host, listing, networks, uncovered
from . import kinds
from .security import between, opening
from .site import Site


def subnet_of(graph: Graph, site: Site, address: IPv4Address) -> Resource | None:
    """The subnet of the region's VPC that holds the address."""
    for subnet in graph.pointing(kinds.SUBNET, "vpcId", site.vpc):
        if covered(host(address), networks(subnet.texts("cidrBlock"))):
            return subnet
    return None


def answers(graph: Graph, site: Site, flow: Flow, address: IPv4Address) -> Iterator[Failure]:
    """What keeps `address` from answering the flow."""
    where = subnet_of(graph, site, address)
    if where is None:
        yield Failure(
            "subnet", f"no subnet of {site.vpc.label} holds {address}; declare the zone's balancer subnet", site.vpc.urn
        )
    balancers = graph.holding(kinds.BALANCER, "subnetMappings.*.privateIpv4Address", str(address))
    if not balancers:
        yield Failure("load balancer", f"no network load balancer has {address}; declare it in its subnetMappings")
        return
    balancer = balancers[0]
    yield from _own(graph, balancer, flow)
    listening = [
        listener
        for listener in graph.pointing(kinds.LISTENER, "loadBalancerArn", balancer)
        if listener.get("port") == flow.port and _takes(listener, flow.protocol)
    ]
    if not listening:
        yield Failure(
            "listener",
            f"{balancer.label} listens for no {flow.protocol}/{flow.port}; declare a Listener"
            + (" with protocol TCP_UDP" if flow.protocol == "udp" else ""),
            balancer.urn,
        )
        return
    targets = [
        found
        for path in ("defaultActions.*.targetGroupArn", "defaultActions.*.forward.targetGroups.*.arn")
        for found in graph.follow(listening[0], path, kinds.TARGETS)
        if _takes(found, flow.protocol)
    ]
    if not targets:
        yield Failure(
            "target group",
            f"{listening[0].label} forwards {flow.protocol} to no target group that takes it",
            listening[0].urn,
        )
        return
    yield from _targets(graph, site, balancer, targets[0], flow, where)


def _own(graph: Graph, balancer: Resource, flow: Flow) -> Iterator[Failure]:
    """Its kind, and the clients that its security groups let in."""
    if balancer.get("internal") is not True or balancer.get("loadBalancerType") != "network":
        yield Failure("load balancer", f"{balancer.label} is not an internal network load balancer", balancer.urn)
    own = graph.follow(balancer, "securityGroups", kinds.SECURITY_GROUP)
    if not own:
        if balancer.texts("securityGroups"):
            yield Failure("load balancer", f"{balancer.label}'s security group is not declared here", balancer.urn)
        return
    rules = [each for group in own for each in opening(graph, group, kinds.INGRESS, "ingress")]
    hidden = uncovered(flow.sources, (there for each in rules if each.takes("icmp", 0) for there in each.ranges))
    if hidden:
        yield Failure(
            "path MTU",
            f"{own[0].label} does not let in icmp type 3 code 4 from {listing(hidden)}; add a SecurityGroupIngressRule",
            own[0].urn,
            Severity.DEGRADED,
        )
    left = uncovered(
        flow.sources, (there for each in rules if each.takes(flow.protocol, flow.port) for there in each.ranges)
    )
    if left:
        yield Failure(
            "load balancer security group",
            f"{own[0].label} does not let in {flow.protocol}/{flow.port} from {listing(left)}; add a "
            "SecurityGroupIngressRule with that range, or an entry to one's prefix list",
            own[0].urn,
        )


def _targets(
    graph: Graph, site: Site, balancer: Resource, targets: Resource, flow: Flow, where: Resource | None
) -> Iterator[Failure]:
    """The hosts behind it, in every zone or, without cross-zone balancing, in the address's own."""
    behind = {
        group.urn: group
        for attachment in graph.pointing(kinds.ATTACHMENT, "lbTargetGroupArn", targets)
        for group in graph.follow(attachment, "autoscalingGroupName", kinds.NODE_GROUP)
        if group in site.groups
    }
    if not behind:
        yield Failure(
            "targets",
            f"no hosts of {site.cluster.label} are behind {targets.label}; attach each node group's Auto Scaling group",
            targets.urn,
        )
        return
    for group in site.groups:
        if group.urn not in behind:
            yield Failure(
                "targets",
                f"the hosts of {group.label} are not behind {targets.label}; attach its Auto Scaling group",
                targets.urn,
                Severity.DEGRADED,
            )
    if balancer.get("enableCrossZoneLoadBalancing") is not True:
        zone = where.get("availabilityZone") if where else None
        beside = any(
            subnet.get("availabilityZone") == zone
            for group in behind.values()
            for subnet in graph.follow(group, "subnetIds", kinds.SUBNET)
        )
        yield Failure(
            "cross-zone",
            f"{balancer.label} does not balance across zones: its address in {zone} "
            + ("lives and dies with the hosts there" if beside else "has no hosts behind it")
            + "; set enableCrossZoneLoadBalancing",
            balancer.urn,
            Severity.DEGRADED if beside else Severity.BROKEN,
        )
    port = targets.get("port")
    if not isinstance(port, int):
        return
    yield from between(graph, balancer, site, flow.protocol, port)
    if flow.protocol == "udp":
        # A target group that takes both is checked by TCP.
        yield from between(graph, balancer, site, "tcp", port)
    yield from _service(graph, site, targets, flow, port)


def _service(graph: Graph, site: Site, targets: Resource, flow: Flow, port: int) -> Iterator[Failure]:
    """What takes the node port in the cluster, and who answers."""
    there = {addon.get("addonName") for addon in graph.pointing(kinds.ADDON, "clusterName", site.cluster)}
    for addon in ("kube-proxy", "coredns") if flow.port == DNS_PORT else ("kube-proxy",):
        if addon not in there:
            yield Failure(
                "add-on",
                f"{site.cluster.label} has no add-on {addon}, so nothing answers behind {targets.label}",
                site.cluster.urn,
            )
    for service in kubernetes.in_region(graph, site.region.name, site.cluster):
        for entry in service.values("spec.ports.*"):
            same = isinstance(entry, dict) and entry.get("nodePort") == port
            if same and str(entry.get("protocol", "TCP")).lower() == flow.protocol:
                return
    yield Failure(
        "node port Service",
        f"no Service in {site.cluster.label} takes {flow.protocol} on node port {port}, where {targets.label} sends",
        targets.urn,
    )


def _takes(resource: Resource, protocol: str) -> bool:
    return protocol in str(resource.get("protocol")).lower().split("_")
