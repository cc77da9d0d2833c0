"""The models as a set, and what they are asked without making anything."""

from __future__ import annotations

from lab.clouds.aws import tokens
from lab.clouds.kinds import KINDS
from tests.unit.lab.clouds.world import World

MODELS = [kind for token, kind in KINDS.items() if token.startswith("aws:")]


def test_every_type_has_a_model() -> None:
    words = {value for name, value in vars(tokens).items() if name.isupper()}
    assert words == {kind.token for kind in MODELS}


def test_times_are_those_that_were_seen() -> None:
    """Minutes, from published runs: control plane 8-11, node group 1.5-3, NAT 1.5-2, NLB 2.4, coredns 0.2-1."""
    seen = {
        tokens.CLUSTER: (8, 11),
        tokens.NODE_GROUP: (1.5, 3),
        tokens.NAT_GATEWAY: (1.5, 2),
        tokens.LOAD_BALANCER: (2.4, 2.4),
        tokens.ADDON: (0.2, 1),
    }
    for token, (least, most) in seen.items():
        assert least <= KINDS[token].times.create / 60 <= most


def test_functions(aws: World) -> None:
    who = aws.operations.invoke("aws:index/getCallerIdentity:getCallerIdentity", {})
    assert who["accountId"] == "123456789012"
    zones = aws.operations.invoke("aws:index/getAvailabilityZones:getAvailabilityZones", {"region": "eu-west-1"})
    assert zones["names"] == ["eu-west-1a", "eu-west-1b", "eu-west-1c"]
    assert zones["zoneIds"] == ["euw1-az1", "euw1-az2", "euw1-az3"]
    assert aws.operations.invoke("aws:index/getRegion:getRegion", {})["region"] == "us-east-1"
    assert aws.operations.invoke("aws:index/getPartition:getPartition", {})["partition"] == "aws"
