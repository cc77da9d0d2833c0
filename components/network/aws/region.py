"""One region's network on AWS: a VPC whose hosts reach the internet and are not reached from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

import pulumi
from pulumi_aws import ec2

from .names import zone_label

EVERYWHERE = "0.0.0.0/0"


class AwsZoneArgs(TypedDict):
    """The subnets of one availability zone: ranges inside the VPC's."""

    name: str
    """Such as `us-east-1a`."""
    private: str
    """Range of hosts and pods."""
    public: str
    """Range of the NAT gateway."""
    balancers: str
    """Range of load balancers, whose addresses nothing else may take."""


class AwsRegionNetworkArgs(TypedDict):
    """One region's VPC."""

    location: str
    """The AWS region."""
    vpc_cidr: str
    """Range of the VPC. No other region's may overlap it."""
    zones: list[AwsZoneArgs]
    """Availability zones; EKS wants at least two."""
    nat_gateways: str
    """`per-zone`, or `one`: cheaper, and the loss of its zone, the first, cuts all of them off from the internet."""


@dataclass(frozen=True, slots=True)
class AwsZone:
    """What stands in one availability zone: ids."""

    name: str
    label: str
    """What tells it from the region's other zones: `a`."""
    private_subnet: pulumi.Output[str]
    routed_subnet: pulumi.Output[str]
    """The same subnet, once hosts in it find their way out: what machines are made in."""
    balancer_subnet: pulumi.Output[str]
    private_route_table: pulumi.Output[str]
    """Of the private and the balancer subnet: what leads to other regions is added to it."""


class AwsRegionNetwork(pulumi.ComponentResource):
    """A VPC with private subnets for hosts and pods, small ones for load balancers, and public ones for NAT gateways.

    Hosts and pods have addresses of the VPC, as EKS gives them. Each zone has its own private route table: with a NAT
    gateway in each zone, the loss of one zone takes nothing from the others.
    """

    vpc_id: pulumi.Output[str]
    """Id of the VPC."""

    def __init__(self, name: str, args: AwsRegionNetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cockroachdb-multiregion:index:AwsRegionNetwork", name, {}, opts)
        self._region = name
        self._location = args["location"]
        self._vpc_cidr = args["vpc_cidr"]
        self._ready: list[pulumi.Resource] = []
        self._own = pulumi.ResourceOptions(parent=self)
        vpc = ec2.Vpc(
            f"{name}-vpc",
            region=self._location,
            cidr_block=self._vpc_cidr,
            enable_dns_support=True,
            enable_dns_hostnames=True,
            tags={"Name": name},
            opts=self._own,
        )
        self.vpc_id = vpc.id
        gateway = ec2.InternetGateway(
            f"{name}-internet", region=self._location, vpc_id=vpc.id, tags={"Name": name}, opts=self._own
        )
        public = self._route_table("public")
        way_in = ec2.Route(
            f"{name}-public-default",
            region=self._location,
            route_table_id=public.id,
            destination_cidr_block=EVERYWHERE,
            gateway_id=gateway.id,
            opts=self._own,
        )
        self._zones: list[AwsZone] = []
        nat: ec2.NatGateway | None = None
        for zone in args["zones"]:
            label = zone_label(self._location, zone["name"])
            if nat is None or args["nat_gateways"] == "per-zone":
                nat = self._nat_gateway(zone, label, public, way_in)
            self._zones.append(self._private_zone(zone, label, nat))
        self.register_outputs({"vpc_id": self.vpc_id})

    @property
    def region(self) -> str:
        """Name of the region, which is the component's own."""
        return self._region

    @property
    def location(self) -> str:
        """The AWS region."""
        return self._location

    @property
    def vpc_cidr(self) -> str:
        """Range of the VPC."""
        return self._vpc_cidr

    @property
    def zones(self) -> Sequence[AwsZone]:
        """What stands in each zone, in the order of the args."""
        return self._zones

    @property
    def private_subnets(self) -> list[pulumi.Output[str]]:
        """Ids of the subnets of hosts and pods, a zone each."""
        return [zone.private_subnet for zone in self._zones]

    @property
    def balancer_subnets(self) -> list[pulumi.Output[str]]:
        """Ids of the load balancers' subnets, a zone each."""
        return [zone.balancer_subnet for zone in self._zones]

    @property
    def private_route_tables(self) -> list[pulumi.Output[str]]:
        """Ids of the private route tables, a zone each."""
        return [zone.private_route_table for zone in self._zones]

    @property
    def ready(self) -> list[pulumi.Resource]:
        """What machines in the private subnets wait for: without it they find neither their images nor EKS."""
        return self._ready

    def _nat_gateway(self, zone: AwsZoneArgs, label: str, public: ec2.RouteTable, way_in: ec2.Route) -> ec2.NatGateway:
        subnet = self._subnet("public", zone["public"], zone["name"], label)
        associated = self._associate("public", label, subnet, public)
        name = f"{self._region}-nat-{label}"
        address = ec2.Eip(name, region=self._location, domain="vpc", tags={"Name": name}, opts=self._own)
        return ec2.NatGateway(
            name,
            region=self._location,
            subnet_id=subnet.id,
            allocation_id=address.id,
            connectivity_type="public",
            tags={"Name": name},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[way_in, associated]),
        )

    def _private_zone(self, zone: AwsZoneArgs, label: str, nat: ec2.NatGateway) -> AwsZone:
        private = self._subnet("private", zone["private"], zone["name"], label)
        balancers = self._subnet("balancers", zone["balancers"], zone["name"], label)
        table = self._route_table(f"private-{label}")
        way_out = ec2.Route(
            f"{self._region}-private-{label}-default",
            region=self._location,
            route_table_id=table.id,
            destination_cidr_block=EVERYWHERE,
            nat_gateway_id=nat.id,
            opts=self._own,
        )
        associated = self._associate("private", label, private, table)
        self._ready += [way_out, associated, self._associate("balancers", label, balancers, table)]
        # What the association and the route give back here they were given: known in a preview that changes neither.
        routed = pulumi.Output.all(private.id, associated.subnet_id, way_out.route_table_id).apply(lambda ids: ids[0])
        return AwsZone(zone["name"], label, private.id, routed, balancers.id, table.id)

    def _subnet(self, kind: str, cidr: str, zone: str, label: str) -> ec2.Subnet:
        name = f"{self._region}-{kind}-{label}"
        return ec2.Subnet(
            name,
            region=self._location,
            vpc_id=self.vpc_id,
            cidr_block=cidr,
            availability_zone=zone,
            map_public_ip_on_launch=False,
            tags={"Name": name},
            opts=self._own,
        )

    def _route_table(self, kind: str) -> ec2.RouteTable:
        name = f"{self._region}-{kind}"
        return ec2.RouteTable(name, region=self._location, vpc_id=self.vpc_id, tags={"Name": name}, opts=self._own)

    def _associate(self, kind: str, label: str, subnet: ec2.Subnet, table: ec2.RouteTable) -> ec2.RouteTableAssociation:
        return ec2.RouteTableAssociation(
            f"{self._region}-{kind}-{label}",
            region=self._location,
            subnet_id=subnet.id,
            route_table_id=table.id,
            opts=self._own,
        )
