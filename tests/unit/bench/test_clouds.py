"""The modelled clouds: configs of any size, times, what the providers compute, what a change replaces."""

from typing import Any

import pytest

from bench import computed, durations, replaces, stack
from components.plan import plan


@pytest.mark.parametrize("platform", ["gke", "eks"])
@pytest.mark.parametrize("count", [3, 9, 27])
def test_the_configs_are_good(platform: str, count: int) -> None:
    settings, addresses = plan(stack.cloud_config(platform, count))
    assert [region.name for region in addresses.regions] == stack.names(count, platform)
    assert all(len(region.zones) == 3 for region in settings.regions)


def test_one_more_region_comes_last() -> None:
    assert stack.names(10, "eks")[:9] == stack.names(9, "eks")
    with pytest.raises(IndexError):
        stack.names(1000, "eks")


def test_the_model_knows_the_clouds_long_steps() -> None:
    def seconds(kind: str) -> float:
        return durations.seconds(f"urn:pulumi:bench::p::cockroachdb-multiregion:index:X${kind}::name")

    assert seconds("gcp:container/cluster:Cluster") == 400.0
    assert seconds("gcp:container/nodePool:NodePool") == 90.0
    assert seconds("aws:eks/cluster:Cluster") == 570.0
    assert seconds("aws:ec2transitgateway/peeringAttachment:PeeringAttachment") == 60.0
    assert seconds("aws:ec2/route:Route") == 2.0
    assert seconds("pulumi:providers:gcp") == 0.0


def test_outputs_that_the_program_reads_are_there() -> None:
    cluster = computed.outputs("aws:eks/cluster:Cluster", "east", {"vpcConfig": {"subnetIds": ["a"]}})
    assert cluster["vpcConfig"] == {"subnetIds": ["a"], "clusterSecurityGroupId": "sg-east", "vpcId": "vpc"}
    assert computed.outputs("gcp:container/cluster:Cluster", "east", {})["masterAuth"]
    service = computed.outputs("kubernetes:core/v1:Service", "dns", {"spec": {"loadBalancerIP": "10.1.16.53"}})
    assert service["status"] == {"loadBalancer": {"ingress": [{"ip": "10.1.16.53"}]}}


@pytest.mark.parametrize(
    ("kind", "old", "new", "forced"),
    [
        ("kubernetes:core/v1:ConfigMap", {"data": {"a": "1"}}, {"data": {"a": "2"}}, []),
        ("kubernetes:core/v1:ConfigMap", {"metadata": {"name": "a"}}, {"metadata": {"name": "b"}}, ["metadata"]),
        ("kubernetes:batch/v1:Job", {"spec": {"template": 1}}, {"spec": {"template": 2}}, ["spec"]),
        ("kubernetes:batch/v1:Job", {"spec": {"suspend": False}}, {"spec": {"suspend": True}}, []),
        ("gcp:compute/firewall:Firewall", {"sourceRanges": ["10.1.0.0/16"]}, {"sourceRanges": []}, []),
        ("aws:ec2/vpc:Vpc", {"cidrBlock": "10.1.128.0/17"}, {"cidrBlock": "10.2.128.0/17"}, ["cidrBlock"]),
        ("aws:ec2/noSuchThing:NoSuchThing", {"a": 1}, {"a": 2}, ["a"]),
        ("tls:index/privateKey:PrivateKey", {"algorithm": "RSA"}, {"algorithm": "ECDSA"}, ["algorithm"]),
    ],
)
def test_what_can_not_be_changed_in_place_is_replaced(
    kind: str, old: dict[str, Any], new: dict[str, Any], forced: list[str]
) -> None:
    assert replaces.forced(kind, old, new) == forced


def test_list_indices_are_left_out_of_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replaces, "fixed", lambda *_: ("rules.name",))
    old = {"rules": [{"name": "a", "size": 1}], "other": 1}
    assert replaces.forced("x", old, {"rules": [{"name": "a", "size": 2}], "other": 2}) == []
    assert replaces.forced("x", old, {"rules": [{"name": "b", "size": 1}], "other": 1}) == ["rules"]
