"""The way between the clouds: every VPC on Amazon's side to every gateway on Google's."""

from typing import TypedDict

import pulumi
import pulumi_gcp as gcp

from .ends import VpnGatewayArgs, VpnVpcArgs, aws_end, gcp_end
from .tunnels import connect


class CloudVpnArgs(TypedDict):
    """Both clouds' ends."""

    gateways: list[VpnGatewayArgs]
    """Google's: two in different regions of one VPC, so that either may be lost, or one in each of several VPCs."""
    vpcs: list[VpnVpcArgs]
    """Amazon's: every VPC, for a VPN on one does not serve its peers."""


class CloudVpn(pulumi.ComponentResource):
    """HA VPN with four tunnels and BGP between each gateway and each VPC.

    Routes are learned, not written: a range that a gateway tells of is in the VPCs' route tables as long as a tunnel is
    up, and the VPCs' ranges are routes of the gateway's whole network. What may pass is decided elsewhere.
    """

    sessions: pulumi.Output[int]
    """How many BGP sessions there are: four for each gateway and VPC."""

    def __init__(self, name: str, args: CloudVpnArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cockroachdb-multiregion:index:CloudVpn", name, {}, opts)
        google = [gcp_end(gateway, self) for gateway in args["gateways"]]
        amazon = [aws_end(vpc, self) for vpc in args["vpcs"]]
        self._peers = [peer for here in google for there in amazon for peer in connect(here, there, self)]
        self.sessions = pulumi.Output.from_input(len(self._peers))
        self.register_outputs({"sessions": self.sessions})

    @property
    def peers(self) -> list[gcp.compute.RouterPeer]:
        """The BGP sessions: what waits for these waits for the whole VPN."""
        return list(self._peers)
