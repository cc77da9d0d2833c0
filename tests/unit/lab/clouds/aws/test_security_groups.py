"""Security groups and their rules."""

from __future__ import annotations

import re

import pytest

from lab.clouds.aws import tokens
from tests.unit.lab.clouds.aws.places import Place, region, undeletable

SQL = {"ipProtocol": "tcp", "fromPort": 26257, "toPort": 26257}


def test_a_group_lets_nothing_in_or_out(place: Place) -> None:
    group = place.make(tokens.SECURITY_GROUP, "nlb", vpcId=place.vpc.id)
    assert re.fullmatch(r"sg-[0-9a-f]{17}", group.id)
    assert re.fullmatch(r"nlb-[0-9a-f]{7}", group["name"]) and group["description"] == "Managed by Pulumi"
    state = place.aws.store.snapshot()["aws"]
    assert not state.find(tokens.EGRESS_RULE, securityGroupId=group.id)


def test_a_rule_is_there_once(place: Place) -> None:
    group = place.make(tokens.SECURITY_GROUP, "nlb", vpcId=place.vpc.id)
    rule = place.make(tokens.INGRESS_RULE, "r", securityGroupId=group.id, cidrIpv4="10.2.0.0/16", **SQL)
    assert re.fullmatch(r"sgr-[0-9a-f]{17}", rule.id) and rule["securityGroupRuleId"] == rule.id
    said = place.refused(tokens.INGRESS_RULE, "r", securityGroupId=group.id, cidrIpv4="10.2.0.0/16", **SQL)
    assert said.endswith(
        'InvalidPermission.Duplicate: the specified rule "peer: 10.2.0.0/16, TCP, from port: 26257, to port: 26257, '
        'ALLOW" already exists'
    )
    place.make(tokens.EGRESS_RULE, "r", securityGroupId=group.id, cidrIpv4="10.2.0.0/16", **SQL)
    other = place.make(tokens.INGRESS_RULE, "o", securityGroupId=group.id, cidrIpv4="10.3.0.0/16", **SQL)
    place.aws.update(rule, description="SQL")
    with pytest.raises(Exception, match="InvalidPermission"):
        place.aws.update(other, cidrIpv4="10.2.0.0/16")


@pytest.mark.parametrize(
    ("inputs", "path"),
    [
        ({**SQL}, "cidrIpv4"),
        ({**SQL, "cidrIpv4": "10.2.0.1/16"}, "cidrIpv4"),
        ({**SQL, "cidrIpv4": "10.2.0.0/16", "referencedSecurityGroupId": "sg-1"}, "cidrIpv4"),
        ({**SQL, "ipProtocol": "-1", "cidrIpv4": "10.2.0.0/16"}, "fromPort"),
    ],
)
def test_a_rule_has_one_peer_and_ports_by_protocol(place: Place, inputs: dict[str, str], path: str) -> None:
    _, problems = place.aws.check(tokens.INGRESS_RULE, "r", securityGroupId="sg-1", **inputs)
    assert problems[0][0] == path


def test_ports_of_tcp_are_given(place: Place) -> None:
    group = place.make(tokens.SECURITY_GROUP, "nlb", vpcId=place.vpc.id)
    inputs = {"securityGroupId": group.id, "cidrIpv4": "10.2.0.0/16"}
    said = place.refused(tokens.INGRESS_RULE, "r", ipProtocol="tcp", **inputs)
    assert "Must specify both from and to ports with TCP/UDP." in said
    said = place.refused(tokens.INGRESS_RULE, "r", ipProtocol="tcp", fromPort=9, toPort=8, **inputs)
    assert "Invalid TCP/UDP port range (9:8)" in said
    place.make(tokens.INGRESS_RULE, "r", ipProtocol="icmp", fromPort=3, toPort=4, **inputs)


def test_a_group_has_sixty_rules_each_way(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    group = place.make(tokens.SECURITY_GROUP, "nlb", vpcId=place.vpc.id)
    monkeypatch.setenv("LAB_CLOUD_QUOTAS", "aws.rules-per-security-group=1")
    place.make(tokens.INGRESS_RULE, "r", securityGroupId=group.id, cidrIpv4="10.2.0.0/16", **SQL)
    said = place.refused(tokens.INGRESS_RULE, "r", securityGroupId=group.id, cidrIpv4="10.3.0.0/16", **SQL)
    assert said.endswith(
        "RulesPerSecurityGroupLimitExceeded: The maximum number of rules per security group has been reached."
    )
    place.make(tokens.EGRESS_RULE, "r", securityGroupId=group.id, cidrIpv4="10.3.0.0/16", **SQL)


def test_groups_are_named_in_their_own_network(place: Place) -> None:
    far = region(place.aws, "eu-west-1", 2)
    group = place.make(tokens.SECURITY_GROUP, "nlb", vpcId=place.vpc.id)
    other = far.make(tokens.SECURITY_GROUP, "nlb", vpcId=far.vpc.id)
    inputs = {"securityGroupId": group.id, **SQL}
    said = place.refused(tokens.INGRESS_RULE, "r", referencedSecurityGroupId=other.id, **inputs)
    assert "InvalidGroup.NotFound" in said
    vpc = place.make(tokens.VPC, "second", cidrBlock="10.9.0.0/16")
    near = place.make(tokens.SECURITY_GROUP, "near", vpcId=vpc.id)
    said = place.refused(tokens.INGRESS_RULE, "r", referencedSecurityGroupId=near.id, **inputs)
    assert said.endswith("You have specified two resources that belong to different networks.")


def test_a_group_that_is_named_elsewhere_stays(place: Place) -> None:
    group = place.make(tokens.SECURITY_GROUP, "nlb", vpcId=place.vpc.id)
    default = place.vpc["defaultSecurityGroupId"]
    rule = place.make(tokens.INGRESS_RULE, "r", securityGroupId=default, referencedSecurityGroupId=group.id, **SQL)
    said = undeletable(place.aws, group)
    assert said.endswith(f"DependencyViolation: resource {group.id} has a dependent object")
    place.aws.delete(rule)
    place.aws.delete(group)


def test_a_name_is_taken_once_per_network(place: Place) -> None:
    place.make(tokens.SECURITY_GROUP, "a", name="nlb", vpcId=place.vpc.id)
    said = place.refused(tokens.SECURITY_GROUP, "b", name="nlb", vpcId=place.vpc.id)
    assert f"The security group 'nlb' already exists for VPC '{place.vpc.id}'" in said


def test_inline_rules_are_records_too(place: Place) -> None:
    rule = {"protocol": "tcp", "fromPort": 53, "toPort": 53, "cidrBlocks": ["10.2.0.0/16", "10.3.0.0/16"], "self": True}
    group = place.make(tokens.SECURITY_GROUP, "nlb", vpcId=place.vpc.id, ingress=[rule])
    state = place.aws.store.snapshot()["aws"]
    made = state.find(tokens.INGRESS_RULE, securityGroupId=group.id)
    assert [each["cidrIpv4"] or each["referencedSecurityGroupId"] for each in made] == [
        "10.2.0.0/16",
        "10.3.0.0/16",
        group.id,
    ]
    place.aws.update(group, ingress=[{**rule, "cidrBlocks": ["10.4.0.0/16"], "self": False}])
    state = place.aws.store.snapshot()["aws"]
    assert [each["cidrIpv4"] for each in state.find(tokens.INGRESS_RULE, securityGroupId=group.id)] == ["10.4.0.0/16"]
    place.aws.delete(group)
    assert not place.aws.store.snapshot()["aws"].find(tokens.INGRESS_RULE, securityGroupId=group.id)
