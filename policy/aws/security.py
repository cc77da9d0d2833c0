"""Which packets security groups let in and out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network

from ..findings import Failure, Flow
from ..graph import Graph, Resource
from ..ranges import listing, networks, uncovered
from . import kinds
from .site import Site

NUMBERS = {"tcp": "6", "udp": "17", "icmp": "1"}
TOO_BIG = (3, 4)
"""ICMP «fragmentation needed»: how a sender learns what fits through a path."""


@dataclass(frozen=True, slots=True)
class Opening:
    """One rule of a group, wherever it was declared."""

    protocol: str
    first: int | None
    last: int | None
    ranges: tuple[IPv4Network, ...]
    groups: tuple[str, ...]
    """URNs of groups that it lets in or out to."""

    def takes(self, protocol: str, port: int) -> bool:
        """Whether it is for this packet. ICMP: for «fragmentation needed» at least."""
        if self.protocol in ("-1", "all"):
            return True
        if self.protocol not in (protocol, NUMBERS[protocol]):
            return False
        if protocol == "icmp":
            kind, code = TOO_BIG
            return self.first in (-1, None, kind) and self.last in (-1, None, code)
        return self.first is None or self.first <= port <= (self.last if self.last is not None else self.first)


def groups_of_hosts(graph: Graph, site: Site, group: Resource) -> list[Resource]:
    """The security groups of a node group's machines: the launch template's, else the cluster's own."""
    templates = graph.follow(group, "launchTemplate.id", kinds.LAUNCH_TEMPLATE)
    templates += graph.follow(group, "launchTemplate.name", kinds.LAUNCH_TEMPLATE)
    named = [
        found
        for template in templates
        for path in ("vpcSecurityGroupIds", "networkInterfaces.*.securityGroups")
        if template.values(path)
        for found in graph.follow(template, path, kinds.SECURITY_GROUP, kinds.CLUSTER)
    ]
    return named or [site.cluster]


def admitted(graph: Graph, site: Site, flow: Flow) -> Iterator[Failure]:
    """What of the flow the target's machines refuse, in every zone."""
    for group in site.groups:
        holders = groups_of_hosts(graph, site, group)
        by = [there for holder in holders for there in opening(graph, holder, kinds.INGRESS, "ingress")]
        left = uncovered(
            flow.sources, (there for each in by if each.takes(flow.protocol, flow.port) for there in each.ranges)
        )
        if left:
            yield Failure(
                "security group",
                f"the hosts' security group of {site.cluster.label} does not let in {_packets(flow)} from "
                f"{listing(left)}; add a SecurityGroupIngressRule with that range, or an entry to one's prefix list",
                holders[0].urn,
            )
            return


def between(graph: Graph, balancer: Resource, site: Site, protocol: str, port: int) -> Iterator[Failure]:
    """Whether a load balancer's packets leave its groups and enter the hosts'."""
    own = graph.follow(balancer, "securityGroups", kinds.SECURITY_GROUP)
    urns = {group.urn for group in own}
    for group in site.groups:
        holders = groups_of_hosts(graph, site, group)
        if own and not any(
            each.takes(protocol, port)
            and (not uncovered(site.region.node_cidr, each.ranges) or {there.urn for there in holders} & {*each.groups})
            for mine in own
            for each in opening(graph, mine, kinds.EGRESS, "egress")
        ):
            yield Failure(
                "load balancer egress",
                f"{own[0].label} lets no {protocol}/{port} out to the hosts of {site.cluster.label}; add a "
                "SecurityGroupEgressRule for their group",
                own[0].urn,
            )
        if not any(
            each.takes(protocol, port) and (urns & {*each.groups} or not uncovered(site.region.node_cidr, each.ranges))
            for holder in holders
            for each in opening(graph, holder, kinds.INGRESS, "ingress")
        ):
            yield Failure(
                "node port",
                f"the hosts' security group of {site.cluster.label} does not let in {protocol}/{port} from "
                f"{balancer.label}; add a SecurityGroupIngressRule from the load balancer's group",
                holders[0].urn,
            )
        return


def opening(graph: Graph, holder: Resource, kind: str, inline: str) -> list[Opening]:
    """Every rule of a group: declared by itself, or in the group."""
    rules = [
        Opening(
            protocol=str(rule.get("ipProtocol")).lower(),
            first=_port(rule.get("fromPort")),
            last=_port(rule.get("toPort")),
            ranges=tuple(networks([*rule.texts("cidrIpv4"), *_named(graph, rule)])),
            groups=tuple(
                found.urn
                for found in graph.follow(rule, "referencedSecurityGroupId", kinds.SECURITY_GROUP, kinds.CLUSTER)
            ),
        )
        for rule in graph.pointing(kind, "securityGroupId", holder)
    ]
    for index, entry in enumerate(holder.get(inline) or [] if holder.type == kinds.SECURITY_GROUP else []):
        rules.append(
            Opening(
                protocol=str(entry.get("protocol")).lower(),
                first=_port(entry.get("fromPort")),
                last=_port(entry.get("toPort")),
                ranges=tuple(networks(entry.get("cidrBlocks") or [])),
                groups=tuple(
                    found.urn
                    for found in graph.follow(
                        holder, f"{inline}.{index}.securityGroups", kinds.SECURITY_GROUP, kinds.CLUSTER
                    )
                ),
            )
        )
    return rules


def _named(graph: Graph, rule: Resource) -> list[str]:
    """Ranges of the prefix list that a rule names."""
    lists = graph.follow(rule, "prefixListId", kinds.PREFIX_LIST)
    return [cidr for each in lists for cidr in each.texts("entries.*.cidr")]


def _port(raw: object) -> int | None:
    return raw if isinstance(raw, int) else None


def _packets(flow: Flow) -> str:
    return f"{flow.protocol}/{flow.port}" if flow.port else "icmp type 3 code 4"
