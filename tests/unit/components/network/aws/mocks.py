"""What AWS gives back of each resource, known or unknown, and how the regions of these tests lie."""

from collections.abc import Callable
from ipaddress import IPv4Network
from typing import Any

from pulumi.runtime import rpc

from components.network.aws.network import AwsRegionArgs
from components.plan import layout
from tests.unit.recording import Recording, Registered, record

LOCATIONS = ("us-east-1", "us-east-2", "us-west-2")
EVERYWHERE = "0.0.0.0/0"


def cidr(number: int) -> IPv4Network:
    """A region's own range."""
    return IPv4Network(f"10.{number}.0.0/16")


def vpc_cidr(number: int) -> str:
    """Its VPC's."""
    return str(layout.eks_vpc(cidr(number)))


def region(number: int, location: str, zones: int = 3) -> AwsRegionArgs:
    """A region as the plan cuts it."""
    return {
        "name": location,
        "location": location,
        "vpc_cidr": vpc_cidr(number),
        "zones": [
            {
                "name": f"{location}{'abcdef'[index]}",
                "private": str(zone.private),
                "public": str(zone.public),
                "balancers": str(zone.balancers),
            }
            for index, zone in enumerate(layout.eks_zones(cidr(number), zones))
        ],
    }


def known(args: Any) -> dict[str, Any]:
    """What AWS says once a resource is there."""
    if args.typ == "aws:eks/cluster:Cluster":
        return {
            "name": f"{args.name}-1234567",
            "endpoint": f"https://{args.name}.eks.amazonaws.com",
            "certificateAuthority": {"data": "Q0E="},
            "vpcConfig": {**args.inputs["vpcConfig"], "clusterSecurityGroupId": f"{args.name}-group"},
        }
    if args.typ == "aws:eks/nodeGroup:NodeGroup":
        return {"resources": [{"autoscalingGroups": [{"name": f"eks-{args.name}"}]}]}
    if args.typ == "aws:ec2transitgateway/transitGateway:TransitGateway":
        return {"associationDefaultRouteTableId": f"{args.name}-table"}
    if args.typ == "aws:ec2/launchTemplate:LaunchTemplate":
        return {"latestVersion": 1}
    if args.typ == "aws:iam/role:Role":
        return {"name": f"{args.name}-1234567", "arn": f"arn:aws:iam::123456789012:role/{args.name}"}
    return {"arn": f"arn:{args.name}"}


def unknown(args: Any) -> dict[str, Any]:
    """What a first preview knows of it: the same, with nothing that only AWS says."""
    if args.typ == "aws:eks/cluster:Cluster":
        return {"vpcConfig": {**args.inputs["vpcConfig"], "clusterSecurityGroupId": rpc.UNKNOWN}}
    return {}


def made(program: Callable[[], Any], *, preview: bool = False) -> Recording:
    """What `program` declares."""
    return record(program, unknown if preview else known, preview=preview)


def of(recording: Recording, kind: str) -> dict[str, Registered]:
    """Logical name -> resource, of one kind, such as `ec2/route:Route`."""
    return {found.name: found for found in recording.resources if found.type == f"aws:{kind}"}
