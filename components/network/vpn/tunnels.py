"""The four tunnels between one gateway on Google's side and one VPC on Amazon's, and BGP in each."""

import pulumi
import pulumi_aws as aws
import pulumi_gcp as gcp

from .ends import AwsEnd, GcpEnd
from .numbers import Inside, inside

IKE = 2


def connect(google: GcpEnd, amazon: AwsEnd, parent: pulumi.Resource) -> list[gcp.compute.RouterPeer]:
    """Everything between the two: the BGP sessions, which are up once all of it is.

    Each of the gateway's two interfaces has a connection to AWS, each connection two tunnels to two of AWS's machines:
    what Google's and Amazon's SLAs ask for. AWS makes the keys.
    """
    name = f"{google.name}-to-{amazon.name}"
    ends = inside(google.place, amazon.place)
    first, second = (_connection(f"{name}-{k}", k, google, amazon, ends[2 * k : 2 * k + 2], parent) for k in (0, 1))
    outside = [first.tunnel1_address, first.tunnel2_address, second.tunnel1_address, second.tunnel2_address]
    keys = [
        first.tunnel1_preshared_key,
        first.tunnel2_preshared_key,
        second.tunnel1_preshared_key,
        second.tunnel2_preshared_key,
    ]
    peer = gcp.compute.ExternalVpnGateway(
        name,
        redundancy_type="FOUR_IPS_REDUNDANCY",
        interfaces=[{"id": k, "ip_address": address} for k, address in enumerate(outside)],
        opts=pulumi.ResourceOptions(parent=parent),
    )
    return [
        _tunnel(f"{name}-{k}", k, google, amazon, peer, key, end, parent)
        for k, (key, end) in enumerate(zip(keys, ends, strict=True))
    ]


def _connection(
    name: str, interface: int, google: GcpEnd, amazon: AwsEnd, ends: list[Inside], parent: pulumi.Resource
) -> aws.ec2.VpnConnection:
    child = pulumi.ResourceOptions(parent=parent)
    customer = aws.ec2.CustomerGateway(
        name,
        region=amazon.location,
        type="ipsec.1",
        bgp_asn=str(google.asn),
        ip_address=google.address(interface),
        # Without it AWS gives two VPCs of one of its regions the same customer gateway, and deletes it with the first.
        device_name=name,
        tags={"Name": name},
        opts=child,
    )
    return aws.ec2.VpnConnection(
        name,
        region=amazon.location,
        type="ipsec.1",
        vpn_gateway_id=amazon.gateway.id,
        customer_gateway_id=customer.id,
        static_routes_only=False,
        tunnel1_inside_cidr=str(ends[0].network),
        tunnel2_inside_cidr=str(ends[1].network),
        tunnel1_ike_versions=[f"ikev{IKE}"],
        tunnel2_ike_versions=[f"ikev{IKE}"],
        tags={"Name": name},
        opts=child,
    )


def _tunnel(
    name: str,
    index: int,
    google: GcpEnd,
    amazon: AwsEnd,
    peer: gcp.compute.ExternalVpnGateway,
    key: pulumi.Output[str],
    end: Inside,
    parent: pulumi.Resource,
) -> gcp.compute.RouterPeer:
    child = pulumi.ResourceOptions(parent=parent)
    tunnel = gcp.compute.VPNTunnel(
        name,
        region=google.location,
        vpn_gateway=google.gateway.id,
        vpn_gateway_interface=index // 2,
        peer_external_gateway=peer.id,
        peer_external_gateway_interface=index,
        shared_secret=pulumi.Output.secret(key),
        ike_version=IKE,
        router=google.router.name,
        opts=child,
    )
    interface = gcp.compute.RouterInterface(
        name,
        region=google.location,
        router=google.router.name,
        ip_range=end.gcp_interface,
        vpn_tunnel=tunnel.name,
        opts=child,
    )
    return gcp.compute.RouterPeer(
        name,
        region=google.location,
        router=google.router.name,
        interface=interface.name,
        ip_address=end.gcp,
        peer_ip_address=end.aws,
        peer_asn=amazon.asn,
        opts=child,
    )
