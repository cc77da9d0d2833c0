"""The network of all regions on GKE: one VPC, or one per region with every two of them peered."""

from collections.abc import Mapping
from typing import NotRequired, TypedDict

import pulumi
import pulumi_gcp as gcp

from .peering import mesh
from .region import GcpRegionArgs, GcpRegionNetwork, addresses, nat, subnets
from .rules import NODE_TAG, Allow, GcpPortArgs, rules

APIS = ("compute", "container", "iam", "cloudresourcemanager")
"""What the program calls. They stay on when it goes: other programs of the project may use them."""

PEERED = "peered"


class GcpNetworkArgs(TypedDict):
    """The regions, how they are joined and what is let through."""

    regions: list[GcpRegionArgs]
    """Regions that have a place in the network, a lost one included; new ones go last."""
    mode: str
    """`global`: one VPC for all regions. `peered`: a VPC per region, every two of them peered."""
    ports: list[GcpPortArgs]
    """What regions call in each other."""
    peer_cidrs: list[str]
    """Pods and hosts of every region whose nodes run, on whatever platform."""
    client_cidrs: list[str]
    """Who may reach SQL and the console."""
    health_check_ports: list[int]
    """Where Services with `externalTrafficPolicy: Local` have hosts asked for their health."""
    apis: NotRequired[list[str]]
    """What else is called there, such as `dns`: switched on too. Default: nothing."""


class GcpNetwork(pulumi.ComponentResource):
    """VPCs, subnets, firewall rules, NAT and reserved addresses.

    A VPC with `routing_mode` GLOBAL routes between its subnets in all regions by itself. What a region's cluster needs
    is in `region(name)`; nothing there waits for another region, except where a VPC's one set of rules serves them all.
    """

    networks: pulumi.Output[dict[str, str]]
    """Region -> id of its VPC."""

    def __init__(self, name: str, args: GcpNetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cockroachdb-multiregion:index:GcpNetwork", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        apis = [
            gcp.projects.Service(f"{name}-{api}", service=f"{api}.googleapis.com", disable_on_destroy=False, opts=child)
            for api in (*APIS, *args.get("apis", []))
        ]
        of_region = {region["name"]: region["name"] if args["mode"] == PEERED else name for region in args["regions"]}
        vpcs = {
            vpc: gcp.compute.Network(
                vpc,
                auto_create_subnetworks=False,
                routing_mode="GLOBAL",
                opts=pulumi.ResourceOptions(parent=self, depends_on=apis),
            )
            for vpc in dict.fromkeys(of_region.values())
        }
        filters = {vpc: self._firewalls(vpc, network, args, of_region) for vpc, network in vpcs.items()}

        self._regions: dict[str, GcpRegionNetwork] = {}
        gateways: dict[str, gcp.compute.RouterNat] = {}
        for region in args["regions"]:
            vpc = of_region[region["name"]]
            network = vpcs[vpc]
            made = subnets(region, network, child)
            place = region["name"] if args["mode"] == PEERED else region["location"]
            if place not in gateways:
                gateways[place] = nat(place, region["location"], network, child)
            self._regions[region["name"]] = GcpRegionNetwork(
                vpn_network=vpc,
                network_id=network.id,
                network_self_link=network.self_link,
                nodes_subnet=made.nodes.id,
                balancers_subnet_name=made.balancers.name,
                ready=[*apis, *filters[vpc], gateways[place], *addresses(region, made, child)],
            )
        self._peerings = mesh(vpcs, self)
        self.networks = pulumi.Output.all(**{each: vpcs[vpc].id for each, vpc in of_region.items()})
        self.register_outputs({"networks": self.networks})

    def _firewalls(
        self, vpc: str, network: gcp.compute.Network, args: GcpNetworkArgs, of_region: Mapping[str, str]
    ) -> list[gcp.compute.Firewall]:
        balancers = [region["balancer_cidr"] for region in args["regions"] if of_region[region["name"]] == vpc]
        return [
            gcp.compute.Firewall(
                f"{vpc}-{rule.suffix}",
                network=network.id,
                description=rule.why,
                direction="INGRESS",
                source_ranges=list(rule.sources),
                destination_ranges=list(rule.destinations) or None,
                target_tags=[NODE_TAG],
                allows=[_allow(allow) for allow in rule.allows],
                opts=pulumi.ResourceOptions(parent=self),
            )
            for rule in rules(
                args["ports"], args["peer_cidrs"], args["client_cidrs"], balancers, args["health_check_ports"]
            )
        ]

    def region(self, name: str) -> GcpRegionNetwork:
        """What the region called `name` stands on. Raises KeyError."""
        return self._regions[name]

    @property
    def peerings(self) -> list[gcp.compute.NetworkPeering]:
        """What joins the VPCs, in the order it is made; the last one is there once all are. Empty for a global VPC."""
        return list(self._peerings)


def _allow(allow: Allow) -> gcp.compute.FirewallAllowArgsDict:
    if not allow.ports:
        return {"protocol": allow.protocol}
    return {"protocol": allow.protocol, "ports": [str(port) for port in allow.ports]}
