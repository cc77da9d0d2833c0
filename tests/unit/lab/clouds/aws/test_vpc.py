"""VPCs, subnets, gateways: the form of their ids, and what EC2 refuses."""

from __future__ import annotations

import re

import pytest

from lab.clouds.aws import tokens
from tests.unit.lab.clouds.aws.places import Place, half_made, refused, region, undeletable
from tests.unit.lab.clouds.world import World


def test_a_vpc_brings_a_security_group_and_a_route_table_that_go_with_it(aws: World) -> None:
    vpc = aws.create(tokens.VPC, "vpc", cidrBlock="10.1.128.0/17")
    assert re.fullmatch(r"vpc-[0-9a-f]{17}", vpc.id)
    assert vpc["arn"] == f"arn:aws:ec2:us-east-1:123456789012:vpc/{vpc.id}"
    state = aws.store.snapshot()["aws"]
    group = state.get(tokens.SECURITY_GROUP, vpc["defaultSecurityGroupId"])
    assert group is not None and group["name"] == "default" and group["vpcId"] == vpc.id
    assert [rule["referencedSecurityGroupId"] for rule in state.all(tokens.INGRESS_RULE)] == [group.id]
    assert [rule["cidrIpv4"] for rule in state.all(tokens.EGRESS_RULE)] == ["0.0.0.0/0"]
    table = state.get(tokens.ROUTE_TABLE, vpc["mainRouteTableId"])
    assert table is not None and table["vpcId"] == vpc.id
    assert "CannotDelete" in undeletable(aws, group)
    aws.delete(vpc)
    assert aws.store.snapshot()["aws"].all() == []


def test_the_size_and_number_of_vpcs(aws: World) -> None:
    said = refused(aws, tokens.VPC, "vpc", cidrBlock="10.0.0.0/8")
    assert said == "operation error EC2: CreateVpc, api error InvalidVpc.Range: The CIDR '10.0.0.0/8' is invalid."
    for number in range(5):
        aws.create(tokens.VPC, "vpc", cidrBlock=f"10.{number}.0.0/16")
    assert "VpcLimitExceeded" in refused(aws, tokens.VPC, "vpc", cidrBlock="10.9.0.0/16")
    aws.create(tokens.VPC, "vpc", cidrBlock="10.9.0.0/16", region="eu-west-1")
    assert refused(aws, tokens.VPC, "vpc", cidrBlock="10.9.0.0/16", region="mars-1") == "invalid AWS Region: mars-1"


def test_a_cidr_has_no_host_bits(aws: World) -> None:
    _, problems = aws.check(tokens.VPC, "vpc", cidrBlock="10.1.1.0/16")
    assert problems == [("cidrBlock", '"10.1.1.0/16" is not a valid IPv4 CIDR block; did you mean "10.1.0.0/16"?')]


@pytest.mark.parametrize(
    ("cidr", "zone", "code"),
    [
        ("10.2.0.0/20", "us-east-1a", "InvalidSubnet.Range: The CIDR '10.2.0.0/20' is invalid."),
        ("10.1.128.0/29", "us-east-1a", "InvalidSubnet.Range"),
        (
            "10.1.128.0/24",
            "us-east-1a",
            "InvalidSubnet.Conflict: The CIDR '10.1.128.0/24' conflicts with another subnet",
        ),
        ("10.1.250.0/24", "us-east-1x", "Value (us-east-1x) for parameter availabilityZone is invalid."),
        ("10.1.250.0/24", "eu-west-1a", "Value (eu-west-1a) for parameter availabilityZone is invalid."),
    ],
)
def test_where_a_subnet_can_be(place: Place, cidr: str, zone: str, code: str) -> None:
    inputs = {"vpcId": place.vpc.id, "cidrBlock": cidr, "availabilityZone": zone}
    assert code in place.refused(tokens.SUBNET, "subnet", **inputs)


def test_a_subnet_of_a_vpc_that_is_elsewhere(place: Place) -> None:
    said = refused(place.aws, tokens.SUBNET, "s", region="eu-west-1", vpcId=place.vpc.id, cidrBlock="10.1.250.0/24")
    assert said.endswith(f"api error InvalidVpcID.NotFound: The vpc ID '{place.vpc.id}' does not exist")


def test_the_ids_of_zones(place: Place) -> None:
    assert re.fullmatch(r"subnet-[0-9a-f]{17}", place.public.id)
    assert place.public["availabilityZoneId"] == "use1-az1"
    assert region(place.aws, "ap-southeast-2", 2).private[1]["availabilityZoneId"] == "apse2-az2"


def test_what_is_in_use_stays(place: Place) -> None:
    aws, vpc = place.aws, place.vpc
    assert undeletable(aws, vpc).endswith(
        f"api error DependencyViolation: The vpc '{vpc.id}' has dependencies and cannot be deleted."
    )
    assert undeletable(aws, place.public).endswith(
        f"api error DependencyViolation: The subnet '{place.public.id}' has dependencies and cannot be deleted."
    )
    assert f"Network {vpc.id} has some mapped public address(es)." in undeletable(aws, place.gateway)
    assert "has dependencies and cannot be deleted." in undeletable(aws, place.table)
    [eip] = aws.store.snapshot()["aws"].all(tokens.EIP)
    assert undeletable(aws, eip).endswith(f"InvalidIPAddress.InUse: Address {eip['publicIp']} is in use.")
    aws.delete(place.nat)
    assert not aws.now(eip)["associationId"]
    aws.delete(place.public)
    aws.delete(place.gateway)
    aws.delete(eip)


def test_a_vpc_has_one_internet_gateway(place: Place) -> None:
    said = place.refused(tokens.INTERNET_GATEWAY, "second", vpcId=place.vpc.id)
    assert said.endswith(f"Network {place.vpc.id} already has an internet gateway attached")


def test_a_nat_gateway_has_an_address_of_its_own_in_its_subnet(place: Place) -> None:
    assert re.fullmatch(r"nat-[0-9a-f]{17}", place.nat.id)
    assert place.nat["privateIp"] == "10.1.224.254"
    said = place.refused(tokens.NAT_GATEWAY, "n", subnetId=place.public.id, allocationId=place.nat["allocationId"])
    assert "Resource.AlreadyAssociated: Elastic IP address [eipalloc-" in said
    eip = place.make(tokens.EIP, "second")
    inputs = {"subnetId": place.public.id, "allocationId": eip.id}
    for address, word in {
        "10.1.224.254": "InvalidIPAddress.InUse",
        "10.1.224.3": "is in subnet's reserved address range",
        "10.1.224.255": "is in subnet's reserved address range",
        "10.1.225.9": "does not fall within the subnet's address range",
    }.items():
        assert word in place.refused(tokens.NAT_GATEWAY, "n", **inputs, privateIp=address)
    assert place.make(tokens.NAT_GATEWAY, "n", **inputs)["privateIp"] == "10.1.224.253"


def test_a_nat_gateway_fails_where_its_network_has_no_internet_gateway(aws: World) -> None:
    vpc = aws.create(tokens.VPC, "vpc", cidrBlock="10.1.0.0/16")
    subnet = aws.create(tokens.SUBNET, "subnet", vpcId=vpc.id, cidrBlock="10.1.0.0/24")
    eip = aws.create(tokens.EIP, "eip")
    said = half_made(aws, tokens.NAT_GATEWAY, "nat", subnetId=subnet.id, allocationId=eip.id)
    assert said.endswith(f"Gateway.NotAttached: Network {vpc.id} has no Internet gateway attached")
    assert aws.store.snapshot()["aws"].all(tokens.NAT_GATEWAY)[0].phase == "failed"


def test_five_elastic_ips(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        place.make(tokens.EIP, f"eip-{number}")
    assert "AddressLimitExceeded: The maximum number of addresses" in place.refused(tokens.EIP, "one-more")
    monkeypatch.setenv("LAB_CLOUD_QUOTAS", "aws.elastic-ips-per-region=6")
    place.make(tokens.EIP, "one-more")
