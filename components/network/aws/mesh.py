"""Every two regions' VPCs peered, with routes both ways: good for a few regions, 125 at most by AWS's quota."""

from collections.abc import Sequence
from itertools import combinations, permutations

import pulumi
from pulumi_aws import ec2

from .region import AwsRegionNetwork


def peering_mesh(regions: Sequence[AwsRegionNetwork], parent: pulumi.Resource) -> None:
    """Peer every two of `regions` once; the earlier asks, the later accepts in its own region.

    A peering is not transitive, and a route to one that is not accepted is a black hole or refused: routes wait for the
    accepter. Every name comes from the two regions alone, so that a new region touches no other pair.
    """
    own = pulumi.ResourceOptions(parent=parent)
    links: dict[frozenset[str], tuple[ec2.VpcPeeringConnection, ec2.VpcPeeringConnectionAccepter]] = {}
    for here, there in combinations(regions, 2):
        name = f"{here.region}-to-{there.region}"
        connection = ec2.VpcPeeringConnection(
            name,
            region=here.location,
            vpc_id=here.vpc_id,
            peer_region=there.location,
            peer_vpc_id=there.vpc_id,
            auto_accept=False,
            tags={"Name": name},
            opts=own,
        )
        accepter = ec2.VpcPeeringConnectionAccepter(
            name,
            region=there.location,
            vpc_peering_connection_id=connection.id,
            auto_accept=True,
            tags={"Name": name},
            opts=own,
        )
        links[frozenset((here.region, there.region))] = (connection, accepter)
    for here, there in permutations(regions, 2):
        connection, accepter = links[frozenset((here.region, there.region))]
        for zone in here.zones:
            ec2.Route(
                route_name(here, zone.label, there),
                region=here.location,
                route_table_id=zone.private_route_table,
                destination_cidr_block=there.vpc_cidr,
                vpc_peering_connection_id=connection.id,
                opts=pulumi.ResourceOptions(parent=parent, depends_on=[accepter]),
            )


def route_name(here: AwsRegionNetwork, label: str, there: AwsRegionNetwork) -> str:
    """Logical name of the route out of a zone's private route table to another region.

    The same whatever it leads through: a change from the mesh to Transit Gateways turns each route over in place.
    """
    return f"{here.region}-private-{label}-to-{there.region}"
