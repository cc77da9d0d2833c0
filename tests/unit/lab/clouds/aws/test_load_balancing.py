"""Network load balancers: fixed addresses, listeners, targets."""

from __future__ import annotations

import re
from typing import Any

import pytest

from lab.clouds.aws import tokens
from lab.clouds.kinds import Refused
from lab.clouds.store import Record
from tests.unit.lab.clouds.aws.places import Place, cluster, network_addon, node_group, region, undeletable


def mappings(place: Place, host: int = 53) -> list[dict[str, str]]:
    return [
        {"subnetId": subnet.id, "privateIpv4Address": place.address(zone, host)}
        for zone, subnet in enumerate(place.balancers)
    ]


def inputs_of(place: Place, **inputs: Any) -> dict[str, Any]:
    given: dict[str, Any] = {"loadBalancerType": "network", "internal": True, "subnetMappings": mappings(place)}
    return {**given, **inputs}


def balancer(place: Place, logical: str = "dns", /, **inputs: Any) -> Record:
    return place.make(tokens.LOAD_BALANCER, logical, **inputs_of(place, **inputs))


def targets(place: Place, logical: str = "dns", protocol: str = "TCP_UDP", **inputs: Any) -> Record:
    given = {"vpcId": place.vpc.id, "protocol": protocol, "port": 30053, "targetType": "instance"}
    return place.make(tokens.TARGET_GROUP, logical, **{**given, **inputs})


def to(target: Record) -> list[dict[str, str]]:
    return [{"type": "forward", "targetGroupArn": target["arn"]}]


def test_the_names_of_a_load_balancer(place: Place) -> None:
    made = balancer(place)
    name = made["name"]
    assert re.fullmatch(r"dns-[0-9a-f]{7}", name)
    assert re.fullmatch(
        rf"arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/net/{name}/[0-9a-f]{{16}}", made.id
    )
    assert made.id.endswith(made["arnSuffix"]) and made["vpcId"] == place.vpc.id
    assert re.fullmatch(rf"{name}-[0-9a-f]{{16}}\.elb\.us-east-1\.amazonaws\.com", made["dnsName"])
    target = targets(place)
    assert re.fullmatch(
        r"arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/dns-[0-9a-f]{7}/[0-9a-f]{16}", target.id
    )
    inputs = {"loadBalancerArn": made.id, "port": 53, "protocol": "TCP_UDP", "defaultActions": to(target)}
    listener = place.make(tokens.LISTENER, "dns", **inputs)
    assert re.fullmatch(rf"{re.escape(made.id.replace(':loadbalancer/', ':listener/'))}/[0-9a-f]{{16}}", listener.id)
    assert place.aws.now(target)["loadBalancerArns"] == [made.id]
    assert "is currently in use by a listener or a rule" in undeletable(place.aws, target)
    place.aws.delete(listener)
    assert place.aws.now(target)["loadBalancerArns"] == []


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("10.1.241.53", "does not fall within the subnet's address range"),
        ("10.1.240.3", "is in subnet's reserved address range"),
        ("10.1.240.63", "is in subnet's reserved address range"),
        ("10.1.240.26", "InvalidIPAddress.InUse: Address 10.1.240.26 is in use."),
    ],
)
def test_addresses(place: Place, address: str, said: str) -> None:
    balancer(place, "sql", subnetMappings=mappings(place, 26))
    mapping = [{"subnetId": place.balancers[0].id, "privateIpv4Address": address}]
    assert said in place.refused(tokens.LOAD_BALANCER, "dns", **inputs_of(place, subnetMappings=mapping))


def test_addresses_that_aws_chooses(place: Place) -> None:
    subnets = [subnet.id for subnet in place.balancers]
    made = place.make(tokens.LOAD_BALANCER, "dns", loadBalancerType="network", internal=True, subnets=subnets)
    assert [mapping["privateIpv4Address"] for mapping in made["subnetMappings"]] == ["10.1.240.62", "10.1.240.126"]
    assert made["subnets"] == subnets
    assert "has dependencies" in undeletable(place.aws, place.balancers[0])


def test_one_subnet_per_zone(place: Place) -> None:
    both = [{"subnetId": place.balancers[0].id}, {"subnetId": place.private[0].id}]
    said = place.refused(tokens.LOAD_BALANCER, "dns", **inputs_of(place, subnetMappings=both))
    assert said.endswith("A load balancer cannot be attached to multiple subnets in the same Availability Zone")


def test_only_internal_ones_have_private_addresses(place: Place) -> None:
    said = place.refused(tokens.LOAD_BALANCER, "dns", **inputs_of(place, internal=False))
    assert "internal load balancers only" in said
    place.aws.delete(place.nat)
    place.aws.delete(place.gateway)
    mapping = [{"subnetId": place.public.id}]
    said = place.refused(tokens.LOAD_BALANCER, "dns", **inputs_of(place, internal=False, subnetMappings=mapping))
    assert said.endswith(f"InvalidSubnet: VPC {place.vpc.id} has no internet gateway")


def test_security_groups_are_for_life(place: Place) -> None:
    group = place.make(tokens.SECURITY_GROUP, "dns", vpcId=place.vpc.id)
    bare = balancer(place)
    with pytest.raises(Refused, match="it was created without security groups"):
        place.aws.update(bare, securityGroups=[group.id])
    dressed = balancer(place, "sql", subnetMappings=mappings(place, 26), securityGroups=[group.id])
    with pytest.raises(Refused, match="At least one security group must be specified"):
        place.aws.update(dressed, securityGroups=[])
    assert "has a dependent object" in undeletable(place.aws, group)
    far = region(place.aws, "eu-west-1", 2)
    other = far.make(tokens.SECURITY_GROUP, "dns", vpcId=far.vpc.id)
    with pytest.raises(Refused, match="One or more security groups are invalid"):
        place.aws.update(dressed, securityGroups=[other.id])


def test_what_changes_in_place(place: Place) -> None:
    made = balancer(place, subnetMappings=mappings(place)[:1])
    wider = place.aws.update(made, subnetMappings=mappings(place), enableCrossZoneLoadBalancing=True)
    assert len(wider["subnets"]) == 2 and wider["enableCrossZoneLoadBalancing"] is True
    with pytest.raises(Refused, match="cannot change or remove the subnets"):
        place.aws.update(wider, subnetMappings=mappings(place)[1:])
    place.aws.update(wider, enableDeletionProtection=True)
    assert "cannot be deleted because deletion protection is enabled" in undeletable(place.aws, made)


def test_what_the_provider_replaces(place: Place) -> None:
    compare, old = place.aws.operations.compare, inputs_of(place, name="dns")
    added = compare(tokens.LOAD_BALANCER, "dns", {**old, "subnetMappings": mappings(place)[:1]}, old)
    assert added.changed == ("subnetMappings",) and added.replacing == ()
    moved = compare(tokens.LOAD_BALANCER, "dns", old, {**old, "subnetMappings": mappings(place, 54)})
    assert "subnetMappings[0].privateIpv4Address" in moved.replacing
    dressed = compare(tokens.LOAD_BALANCER, "dns", old, {**old, "securityGroups": ["sg-1"]})
    assert dressed.replacing == ("securityGroups",)
    groups = [{**old, "securityGroups": [group]} for group in ("sg-1", "sg-2")]
    other = compare(tokens.LOAD_BALANCER, "dns", *groups)
    assert other.replacing == ()


def test_a_name_of_thirty_two_characters(place: Place) -> None:
    _, problems = place.aws.check(tokens.LOAD_BALANCER, "a-region-with-quite-a-long-name", **inputs_of(place))
    assert problems[0][0] == "name"
    _, problems = place.aws.check(tokens.LOAD_BALANCER, "a", **inputs_of(place), name="internal-dns")
    assert problems[0][0] == "name"
    _, problems = place.aws.check(tokens.LOAD_BALANCER, "a", **inputs_of(place, loadBalancerType="application"))
    assert problems[0][0] == "loadBalancerType"


def test_a_port_has_one_listener(place: Place) -> None:
    made, target = balancer(place), targets(place)
    inputs = {"loadBalancerArn": made.id, "port": 53, "defaultActions": to(target)}
    place.make(tokens.LISTENER, "tcp", protocol="TCP", **inputs)
    said = place.refused(tokens.LISTENER, "udp", protocol="UDP", **inputs)
    assert said.endswith(
        f"DuplicateListener: A listener already exists on this port for this load balancer '{made.id}'"
    )


def test_protocols_of_listener_and_targets(place: Place) -> None:
    made, target = balancer(place), targets(place, protocol="TCP")
    inputs = {"loadBalancerArn": made.id, "port": 53, "defaultActions": to(target)}
    said = place.refused(tokens.LISTENER, "dns", protocol="TCP_UDP", **inputs)
    assert "IncompatibleProtocols" in said
    _, problems = place.aws.check(tokens.LISTENER, "l", protocol="HTTP", **inputs)
    assert problems[0][0] == "protocol"
    assert "TargetGroupNotFound" in place.refused(
        tokens.LISTENER,
        "l",
        protocol="TCP",
        **{**inputs, "defaultActions": [{"type": "forward", "targetGroupArn": "x"}]},
    )
    assert "LoadBalancerNotFound" in place.refused(
        tokens.LISTENER, "l", protocol="TCP", **{**inputs, "loadBalancerArn": "arn:none"}
    )


def test_targets_have_one_load_balancer(place: Place) -> None:
    target = targets(place)
    one, two = balancer(place), balancer(place, "sql", subnetMappings=mappings(place, 26))
    place.make(tokens.LISTENER, "a", loadBalancerArn=one.id, port=53, protocol="TCP_UDP", defaultActions=to(target))
    said = place.refused(
        tokens.LISTENER, "b", loadBalancerArn=two.id, port=53, protocol="TCP_UDP", defaultActions=to(target)
    )
    assert "TargetGroupAssociationLimit" in said


def test_target_groups(place: Place) -> None:
    target = targets(place)
    assert target["preserveClientIp"] == "true"
    assert targets(place, "sql", "TCP", preserveClientIp="false")["preserveClientIp"] == "false"
    said = place.refused(
        tokens.TARGET_GROUP, "t", name=target["name"], vpcId=place.vpc.id, protocol="TCP", port=1, targetType="instance"
    )
    assert "DuplicateTargetGroupName" in said
    _, problems = place.aws.check(tokens.TARGET_GROUP, "t", protocol="TCP_UDP", port=53)
    assert problems[0][0] == "vpcId"
    given = {"vpcId": "vpc-1", "protocol": "TCP_UDP", "port": 53}
    _, problems = place.aws.check(tokens.TARGET_GROUP, "t", **given, healthCheck={"protocol": "UDP"})
    assert problems == [("healthCheck.protocol", "Health check protocol UDP must be one of [HTTP, HTTPS, TCP]")]


def test_machines_are_attached_by_their_scaling_group(place: Place) -> None:
    made = cluster(place)
    network_addon(place, made)
    group = node_group(place, made)
    name = group["resources"][0]["autoscalingGroups"][0]["name"]
    target = targets(place)
    attachment = place.make(tokens.AUTOSCALING_ATTACHMENT, "a", autoscalingGroupName=name, lbTargetGroupArn=target.id)
    assert attachment.id.startswith(f"{name}-")
    said = place.refused(tokens.AUTOSCALING_ATTACHMENT, "a", autoscalingGroupName="x", lbTargetGroupArn=target.id)
    assert said.endswith("AutoScalingGroup name not found - AutoScalingGroup 'x' not found")
    said = place.refused(tokens.AUTOSCALING_ATTACHMENT, "a", autoscalingGroupName=name, lbTargetGroupArn="x")
    assert said.endswith("Provided Target Groups may not be valid. Please ensure they exist and try again.")
