"""What the hosts and pods of an EKS cluster let in: security group rules by range, for groups don't cross regions."""

from collections.abc import Mapping, Sequence
from typing import TypedDict

import pulumi
from pulumi_aws import vpc

from ..network.aws.names import cidr_label
from ..plan.defaults import DNS_PORT

API_PORT = 443


class EksPeerArgs(TypedDict):
    """Another region, on whatever platform."""

    name: str
    """Name of the region."""
    pod_cidr: str
    """Range of its pods."""
    node_cidr: str
    """Range of its hosts; may be that of its pods."""


class EksPortArgs(TypedDict):
    """One port that must be open from every region to every other."""

    name: str
    """Such as `sql`: part of the resources' names."""
    protocol: str
    """`TCP` or `UDP`."""
    number: int
    """The port."""
    sources: list[str]
    """`pods`, `nodes` or both."""


def ranges(peer: EksPeerArgs, sources: Sequence[str]) -> Mapping[str, str]:
    """Range -> whose it is (`pods` or `nodes`), each range once."""
    by_source = {"pods": peer["pod_cidr"], "nodes": peer["node_cidr"]}
    found: dict[str, str] = {}
    for source in ("pods", "nodes"):
        if source in sources:
            found.setdefault(by_source[source], source)
    return found


def dns_clients(own_cidr: str, peers: Sequence[EksPeerArgs], ports: Sequence[EksPortArgs]) -> list[str]:
    """Ranges that ask this region's DNS: its own, for probes of every address from inside, and the peers'."""
    sources = {source for port in ports if port["number"] == DNS_PORT for source in port["sources"]}
    return list(dict.fromkeys([own_cidr, *(cidr for peer in peers for cidr in ranges(peer, sorted(sources)))]))


def peer_rules(
    name: str,
    location: str,
    group: pulumi.Input[str],
    peers: Sequence[EksPeerArgs],
    ports: Sequence[EksPortArgs],
    opts: pulumi.ResourceOptions,
) -> None:
    """Open the cluster's own security group to the peers: the ports that pods take themselves (DNS has a load balancer
    before it), and fragmentation needed, without which a connection hangs where a path is narrower than its ends."""
    for peer in peers:
        for port in ports:
            if port["number"] == DNS_PORT:
                continue
            for cidr, source in ranges(peer, port["sources"]).items():
                vpc.SecurityGroupIngressRule(
                    f"{name}-{port['name']}-from-{peer['name']}-{source}",
                    region=location,
                    security_group_id=group,
                    ip_protocol=port["protocol"].lower(),
                    from_port=port["number"],
                    to_port=port["number"],
                    cidr_ipv4=cidr,
                    description=f"{port['name']} from {peer['name']}",
                    opts=opts,
                )
        for cidr, source in ranges(peer, ("pods", "nodes")).items():
            vpc.SecurityGroupIngressRule(
                f"{name}-path-mtu-from-{peer['name']}-{source}",
                region=location,
                security_group_id=group,
                ip_protocol="icmp",
                from_port=3,
                to_port=4,
                cidr_ipv4=cidr,
                description=f"fragmentation needed, from {peer['name']}",
                opts=opts,
            )


def api_rules(
    name: str, location: str, group: pulumi.Input[str], cidrs: Sequence[str], opts: pulumi.ResourceOptions
) -> list[pulumi.Resource]:
    """Open the API server's private endpoint, which is in the same group."""
    return [
        vpc.SecurityGroupIngressRule(
            f"{name}-api-from-{cidr_label(cidr)}",
            region=location,
            security_group_id=group,
            ip_protocol="tcp",
            from_port=API_PORT,
            to_port=API_PORT,
            cidr_ipv4=cidr,
            description="Kubernetes API, private endpoint",
            opts=opts,
        )
        for cidr in cidrs
    ]
