"""VPCs that are joined two by two, so that every region routes to every other."""

from collections.abc import Mapping, Sequence

import pulumi
import pulumi_gcp as gcp


def pairs(names: Sequence[str]) -> list[tuple[str, str]]:
    """Both directions of every two. One that is listed last brings only pairs at the end: nothing else moves."""
    return [
        pair for last, name in enumerate(names) for other in names[:last] for pair in ((other, name), (name, other))
    ]


def mesh(networks: Mapping[str, gcp.compute.Network], parent: pulumi.Resource) -> list[gcp.compute.NetworkPeering]:
    """Peerings between all of `networks`, one after the other: GCP runs one peering operation on a VPC at a time.

    Subnet routes, secondary ranges included, are exchanged by every peering. Learned routes are not: a VPC that needs a
    VPN has one of its own.
    """
    made: list[gcp.compute.NetworkPeering] = []
    for here, there in pairs(list(networks)):
        made.append(
            gcp.compute.NetworkPeering(
                f"{here}-to-{there}",
                network=networks[here].self_link,
                peer_network=networks[there].self_link,
                opts=pulumi.ResourceOptions(parent=parent, depends_on=made[-1:]),
            )
        )
    return made
