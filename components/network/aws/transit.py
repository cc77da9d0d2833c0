"""A Transit Gateway in every region and every two of them peered: the mesh's reach, for many regions.

VPCs keep one attachment each, whatever the number of regions; quotas are 5,000 attachments and 50 peerings per gateway.
"""

from collections.abc import Sequence
from itertools import combinations

import pulumi
from pulumi_aws import ec2, ec2transitgateway

from .mesh import route_name
from .region import AwsRegionNetwork


def transit_gateways(regions: Sequence[AwsRegionNetwork], parent: pulumi.Resource) -> None:
    """Join `regions` by a gateway each. Peered gateways tell each other nothing, so routes are static."""
    own = pulumi.ResourceOptions(parent=parent)
    gateways = {here.region: _gateway(here, own) for here in regions}
    attachments = {
        here.region: ec2transitgateway.VpcAttachment(
            f"{here.region}-transit",
            region=here.location,
            transit_gateway_id=gateways[here.region].id,
            vpc_id=here.vpc_id,
            subnet_ids=here.private_subnets,
            tags={"Name": here.region},
            opts=own,
        )
        for here in regions
    }
    for here, there in combinations(regions, 2):
        name = f"{here.region}-to-{there.region}"
        peering = ec2transitgateway.PeeringAttachment(
            name,
            region=here.location,
            transit_gateway_id=gateways[here.region].id,
            peer_region=there.location,
            peer_transit_gateway_id=gateways[there.region].id,
            tags={"Name": name},
            opts=own,
        )
        accepter = ec2transitgateway.PeeringAttachmentAccepter(
            name,
            region=there.location,
            transit_gateway_attachment_id=peering.id,
            tags={"Name": name},
            opts=own,
        )
        for source, target in ((here, there), (there, here)):
            ec2transitgateway.Route(
                f"{source.region}-to-{target.region}",
                region=source.location,
                destination_cidr_block=target.vpc_cidr,
                transit_gateway_attachment_id=peering.id,
                transit_gateway_route_table_id=gateways[source.region].association_default_route_table_id,
                opts=pulumi.ResourceOptions(parent=parent, depends_on=[accepter]),
            )
            _routes(source, target, gateways[source.region], attachments[source.region], parent)


def _gateway(here: AwsRegionNetwork, own: pulumi.ResourceOptions) -> ec2transitgateway.TransitGateway:
    return ec2transitgateway.TransitGateway(
        f"{here.region}-transit",
        region=here.location,
        description=f"{here.region} to the other regions of the database",
        auto_accept_shared_attachments="disable",
        default_route_table_association="enable",
        default_route_table_propagation="enable",
        tags={"Name": here.region},
        opts=own,
    )


def _routes(
    source: AwsRegionNetwork,
    target: AwsRegionNetwork,
    gateway: ec2transitgateway.TransitGateway,
    attachment: ec2transitgateway.VpcAttachment,
    parent: pulumi.Resource,
) -> None:
    """From the source's hosts to its gateway."""
    for zone in source.zones:
        ec2.Route(
            route_name(source, zone.label, target),
            region=source.location,
            route_table_id=zone.private_route_table,
            destination_cidr_block=target.vpc_cidr,
            transit_gateway_id=gateway.id,
            opts=pulumi.ResourceOptions(parent=parent, depends_on=[attachment]),
        )
