"""What the hosts and pods of an EKS cluster let in: rules by prefix list, for security groups don't cross regions."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TypedDict

import pulumi
from pulumi_aws import ec2, vpc

from ..network.aws.names import cidr_label
from ..plan.balancers import balanced

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
    to: str
    """`pods`, `nodes`, `api-servers`, or the kind of load balancer that callers come by."""


@dataclass(frozen=True, slots=True)
class PeerList:
    """A prefix list of the peers' ranges."""

    label: str
    """Whose they are: part of the rules' names."""
    id: pulumi.Output[str]


class PeerLists:
    """The other regions' ranges as prefix lists: a rule from them is one resource, however many regions there are, and
    one more region is one more entry. Each rule counts as many as its list has entries."""

    def __init__(self, name: str, location: str, peers: Sequence[EksPeerArgs], opts: pulumi.ResourceOptions) -> None:
        self._name = name
        self._location = location
        self._peers = peers
        self._opts = opts
        self._made: dict[str, PeerList] = {}

    def of(self, sources: Collection[str]) -> PeerList | None:
        """The list of the peers' `pods`, `nodes` or both; None where there are no peers."""
        cidrs = list(dict.fromkeys(cidr for peer in self._peers for cidr in ranges(peer, sources)))
        label = "peer-" + "-and-".join(source for source in ("pods", "nodes") if source in sources)
        if label not in self._made and cidrs:
            made = ec2.ManagedPrefixList(
                f"{self._name}-{label}",
                region=self._location,
                address_family="IPv4",
                max_entries=len(cidrs),
                # Without descriptions: for another one an entry is taken out and put back, its peer cut in the meantime
                # (hashicorp/terraform-provider-aws#43528).
                entries=[{"cidr": cidr} for cidr in cidrs],
                tags={"Name": f"{self._name}-{label}"},
                opts=self._opts,
            )
            self._made[label] = PeerList(label, made.id)
        return self._made.get(label)


def ranges(peer: EksPeerArgs, sources: Collection[str]) -> list[str]:
    """Ranges of a peer's `pods`, `nodes` or both, each once: on EKS the two are one."""
    by_source = {"pods": peer["pod_cidr"], "nodes": peer["node_cidr"]}
    return list(dict.fromkeys(cidr for source, cidr in by_source.items() if source in sources))


def sources(ports: Sequence[EksPortArgs], to: str) -> set[str]:
    """Who calls what is called `to`: `pods`, `nodes`, both or neither."""
    return {source for port in ports if port["to"] == to for source in port["sources"]}


def peer_rules(
    name: str,
    location: str,
    group: pulumi.Input[str],
    lists: PeerLists,
    ports: Sequence[EksPortArgs],
    opts: pulumi.ResourceOptions,
) -> None:
    """Open the cluster's own security group to the peers: the ports that no load balancer is before, and fragmentation
    needed, without which a connection hangs where a path is narrower than its ends. The API server's private endpoint
    is in the same group."""
    for port in ports:
        if not balanced(port["to"]) and (listed := lists.of(port["sources"])):
            vpc.SecurityGroupIngressRule(
                f"{name}-{port['name']}-from-{listed.label}",
                region=location,
                security_group_id=group,
                ip_protocol=port["protocol"].lower(),
                from_port=port["number"],
                to_port=port["number"],
                prefix_list_id=listed.id,
                description=f"{port['name']} from {listed.label}",
                opts=opts,
            )
    if listed := lists.of(("pods", "nodes")):
        vpc.SecurityGroupIngressRule(
            f"{name}-path-mtu-from-{listed.label}",
            region=location,
            security_group_id=group,
            ip_protocol="icmp",
            from_port=3,
            to_port=4,
            prefix_list_id=listed.id,
            description=f"fragmentation needed, from {listed.label}",
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
