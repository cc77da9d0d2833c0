"""What most tests of the AWS models start from: a region's VPC with a way out, roles, a cluster."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from lab.clouds.aws import tokens
from lab.clouds.kinds import Refused
from lab.clouds.operations import HalfMade
from lab.clouds.store import Record
from tests.unit.lab.clouds.world import World

MANAGED = "arn:aws:iam::aws:policy/"


@dataclass
class Place:
    """The network of a region with two zones, as the program makes it."""

    aws: World
    location: str
    number: int
    vpc: Record
    gateway: Record
    public: Record
    nat: Record
    table: Record
    private: list[Record]
    balancers: list[Record]

    def make(self, token: str, logical: str, /, **inputs: Any) -> Record:
        return self.aws.create(token, logical, region=self.location, **inputs)

    def refused(self, token: str, logical: str, /, **inputs: Any) -> str:
        return refused(self.aws, token, logical, region=self.location, **inputs)

    def address(self, zone: int, host: int) -> str:
        """An address of the balancers' subnet in a zone."""
        return f"10.{self.number}.240.{64 * zone + host}"


def refused(aws: World, token: str, logical: str, /, **inputs: Any) -> str:
    """What AWS says; nothing may have been made."""
    before = aws.store.snapshot()["aws"].records
    with pytest.raises(Refused) as caught:
        aws.create(token, logical, **inputs)
    assert aws.store.snapshot()["aws"].records == before
    return str(caught.value)


def half_made(aws: World, token: str, logical: str, /, **inputs: Any) -> str:
    """What AWS says of something that was made and failed then."""
    with pytest.raises(HalfMade) as caught:
        aws.create(token, logical, **inputs)
    return str(caught.value)


def undeletable(aws: World, record: Record) -> str:
    with pytest.raises(Refused) as caught:
        aws.delete(record)
    return str(caught.value)


def region(aws: World, location: str = "us-east-1", number: int = 1) -> Place:
    def make(token: str, logical: str, /, **inputs: Any) -> Record:
        return aws.create(token, f"{location}-{logical}", region=location, **inputs)

    vpc = make(tokens.VPC, "vpc", cidrBlock=f"10.{number}.128.0/17", enableDnsHostnames=True)

    def subnet(logical: str, cidr: str, letter: str) -> Record:
        zone = f"{location}{letter}"
        return make(tokens.SUBNET, logical, vpcId=vpc.id, cidrBlock=cidr, availabilityZone=zone)

    private = [subnet(f"private-{letter}", f"10.{number}.{128 + 16 * n}.0/20", letter) for n, letter in enumerate("ab")]
    balancers = [subnet(f"balancers-{letter}", f"10.{number}.240.{64 * n}/26", letter) for n, letter in enumerate("ab")]
    public = subnet("public-a", f"10.{number}.224.0/24", "a")
    gateway = make(tokens.INTERNET_GATEWAY, "gateway", vpcId=vpc.id)
    outside = make(tokens.ROUTE_TABLE, "public", vpcId=vpc.id)
    make(tokens.ROUTE_TABLE_ASSOCIATION, "public", routeTableId=outside.id, subnetId=public.id)
    make(
        tokens.ROUTE,
        "public",
        routeTableId=outside.id,
        destinationCidrBlock="0.0.0.0/0",
        gatewayId=gateway.id,
    )
    address = make(tokens.EIP, "nat")
    nat = make(tokens.NAT_GATEWAY, "nat", subnetId=public.id, allocationId=address.id)
    table = make(tokens.ROUTE_TABLE, "private", vpcId=vpc.id)
    make(tokens.ROUTE, "out", routeTableId=table.id, destinationCidrBlock="0.0.0.0/0", natGatewayId=nat.id)
    for index, each in enumerate([*private, *balancers]):
        make(tokens.ROUTE_TABLE_ASSOCIATION, f"private-{index}", routeTableId=table.id, subnetId=each.id)
    return Place(aws, location, number, vpc, gateway, public, nat, table, private, balancers)


def trust(service: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": ["sts:AssumeRole", "sts:TagSession"]}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def role(aws: World, logical: str, service: str, *policies: str) -> Record:
    made = aws.create(tokens.ROLE, logical, assumeRolePolicy=trust(service))
    for policy in policies:
        aws.create(tokens.ROLE_POLICY_ATTACHMENT, f"{logical}-{policy}", role=made.id, policyArn=f"{MANAGED}{policy}")
    return made


def cluster_inputs(place: Place, /, **inputs: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "bootstrapSelfManagedAddons": False,
        "accessConfig": {"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": True},
        "vpcConfig": {
            "subnetIds": [subnet.id for subnet in place.private],
            "endpointPrivateAccess": True,
            "endpointPublicAccess": False,
        },
        "kubernetesNetworkConfig": {"serviceIpv4Cidr": f"10.{place.number}.32.0/20"},
    }
    if "roleArn" not in inputs:
        logical = f"{place.location}-cluster-{len(place.aws.store.snapshot()['aws'].records)}"
        given["roleArn"] = role(place.aws, logical, "eks.amazonaws.com", "AmazonEKSClusterPolicy")["arn"]
    return {**given, **inputs}


def cluster(place: Place, /, **inputs: Any) -> Record:
    return place.make(tokens.CLUSTER, f"{place.location}-cluster", **cluster_inputs(place, **inputs))


def addon(place: Place, made: Record, name: str, /, values: Any = None, **inputs: Any) -> Record:
    if values is not None:
        inputs["configurationValues"] = json.dumps(values)
    return place.make(tokens.ADDON, name, clusterName=made.id, addonName=name, **inputs)


def network_addon(place: Place, made: Record) -> Record:
    """The vpc-cni add-on, with a role of its own."""
    pods = role(place.aws, f"{place.location}-cni", "pods.eks.amazonaws.com", "AmazonEKS_CNI_Policy")
    values = {"env": {"AWS_VPC_K8S_CNI_EXTERNALSNAT": "true"}, "enableNetworkPolicy": "true"}
    rights = [{"roleArn": pods["arn"], "serviceAccount": "aws-node"}]
    return addon(place, made, "vpc-cni", values, podIdentityAssociations=rights)


def node_role(place: Place) -> Record:
    policies = ("AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly")
    return role(place.aws, f"{place.location}-hosts", "ec2.amazonaws.com", *policies)


def group_inputs(place: Place, made: Record, nodes: Record, /, **inputs: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "clusterName": made.id,
        "nodeRoleArn": nodes["arn"],
        "scalingConfig": {"desiredSize": 2, "minSize": 2, "maxSize": 2},
        "subnetIds": [place.private[0].id],
    }
    return {**given, **inputs}


def node_group(place: Place, made: Record, logical: str = "a", /, **inputs: Any) -> Record:
    return place.make(tokens.NODE_GROUP, logical, **group_inputs(place, made, node_role(place), **inputs))
