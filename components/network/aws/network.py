"""The network of all AWS regions: a VPC each, and a way from every one to every other."""

from typing import TypedDict

import pulumi

from .mesh import peering_mesh
from .region import AwsRegionNetwork, AwsZoneArgs
from .transit import transit_gateways


class AwsRegionArgs(TypedDict):
    """One region's place in the network."""

    name: str
    """Name of the region."""
    location: str
    """The AWS region."""
    vpc_cidr: str
    """Range of the VPC. No other region's may overlap it."""
    zones: list[AwsZoneArgs]
    """Availability zones; EKS wants at least two."""


class AwsNetworkArgs(TypedDict):
    """All regions that can reach each other."""

    regions: list[AwsRegionArgs]
    """New ones go last: of two regions the earlier one asks for the peering."""
    nat_gateways: str
    """`per-zone` or `one`: how many each region has."""
    transit_gateway: bool
    """True: Transit Gateways join the regions; false: a peering between every two VPCs."""


class AwsNetwork(pulumi.ComponentResource):
    """A VPC per region, where every private route table leads to every other region.

    Nothing here is a cluster's, and a region's own network waits for no other's. What runs across regions waits for the
    whole component.
    """

    vpc_ids: pulumi.Output[dict[str, str]]
    """Region -> id of its VPC."""

    def __init__(self, name: str, args: AwsNetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cockroachdb-multiregion:index:AwsNetwork", name, {}, opts)
        self._regions = {
            region["name"]: AwsRegionNetwork(
                region["name"],
                {
                    "location": region["location"],
                    "vpc_cidr": region["vpc_cidr"],
                    "zones": region["zones"],
                    "nat_gateways": args["nat_gateways"],
                },
                pulumi.ResourceOptions(parent=self),
            )
            for region in args["regions"]
        }
        join = transit_gateways if args["transit_gateway"] else peering_mesh
        join(list(self._regions.values()), self)
        self.vpc_ids = pulumi.Output.all(**{region: made.vpc_id for region, made in self._regions.items()})
        self.register_outputs({"vpc_ids": self.vpc_ids})

    def region(self, name: str) -> AwsRegionNetwork:
        """The network of the region called `name`. Raises KeyError."""
        return self._regions[name]
