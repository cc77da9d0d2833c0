"""Which region a cluster is, and which addresses its machines get."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.clouds.places import name_of, region_of, with_pool
from lab.clouds.substrate_api import ClusterSpec, HostSpec
from lab.shell import LabError

PLAN = ["us-east1", "us-east1-b", "eu-west-1"]

EKS = ClusterSpec(
    key="eu-west-1-cluster-0a1b2c3",
    platform="eks",
    location="eu-west-1",
    version="",
    service_cidr="10.3.32.0/20",
    pod_cidr="10.3.128.0/17",
    node_cidr="10.3.128.0/17",
    control_cidr=None,
    subnets=("10.3.128.0/20", "10.3.144.0/20"),
    zones=("eu-west-1a", "eu-west-1b"),
    network="vpc-1",
)
GKE = replace(
    EKS,
    key="us-east1-cluster-0a1b2c3",
    platform="gke",
    location="us-east1",
    service_cidr="10.1.32.0/20",
    pod_cidr="10.1.128.0/17",
    node_cidr="10.1.0.0/20",
    control_cidr="10.1.17.0/28",
)


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("us-east1-cluster-0a1b2c3", "us-east1"),
        ("us-east1-b-cluster-0a1b2c3", "us-east1-b"),
        ("us-east1", "us-east1"),
        ("us-east10-cluster", "us-east10-cluster"),
    ],
)
def test_a_cluster_is_for_the_region_that_its_name_begins_with(key: str, name: str) -> None:
    assert name_of(key, PLAN) == name


def test_a_region_has_its_place_in_the_plan() -> None:
    gke = region_of(GKE, PLAN, ())
    eks = region_of(EKS, PLAN, (gke,))
    assert (gke.name, gke.index, gke.api_address, gke.cluster_dns) == ("us-east1", 0, "10.1.17.2", "10.1.32.10")
    assert (eks.name, eks.index, eks.api_address, eks.context) == ("eu-west-1", 2, "100.65.2.2", "eu-west-1")
    assert gke.is_cloud
    assert eks.dns_kind == ""


def test_two_clusters_never_have_one_place() -> None:
    gke = region_of(GKE, PLAN, ())
    with pytest.raises(LabError, match="us-east1 runs as cluster us-east1-cluster-0a1b2c3"):
        region_of(replace(GKE, key="us-east1-other"), PLAN, (gke,))
    with pytest.raises(LabError, match="wants the place of region us-east1"):
        region_of(replace(EKS, node_cidr="10.1.0.0/18"), PLAN, (gke,))


def host(name: str, zone: int = 0) -> HostSpec:
    subnet = f"10.3.{128 + 16 * zone}.0/20"
    return HostSpec(name, f"eu-west-1{'ab'[zone]}", subnet, subnet, {"eks.amazonaws.com/nodegroup": "g"})


def test_hosts_share_their_subnet_with_their_pods_on_eks() -> None:
    region = with_pool(region_of(EKS, PLAN, ()), "group-b", [host("one", 1), host("two", 1)])
    assert [(each.address, each.gateway, each.pods) for each in region.hosts] == [
        ("10.3.144.10", "10.3.144.1", "10.3.145.0/24"),
        ("10.3.144.11", "10.3.144.1", "10.3.146.0/24"),
    ]
    assert region.hosts[0].labels == (("eks.amazonaws.com/nodegroup", "g"),)


def test_pods_have_a_range_of_their_own_on_gke() -> None:
    spec = HostSpec("h", "us-east1-b", "10.1.0.0/20", "10.1.128.0/17")
    (made,) = with_pool(region_of(GKE, PLAN, ()), "pool", [spec]).hosts
    assert (made.address, made.gateway, made.pods) == ("10.1.0.10", "10.1.0.1", "10.1.128.0/24")


def test_a_pool_that_changes_leaves_the_others_and_its_own_in_place() -> None:
    region = with_pool(region_of(EKS, PLAN, ()), "a", [host("one"), host("two")])
    region = with_pool(region, "b", [host("three", 1)])
    assert with_pool(region, "b", [host("three", 1)]) == region
    fewer = with_pool(region, "a", [host("two")])
    assert {each.name: each.address for each in fewer.hosts} == {"two": "10.3.128.11", "three": "10.3.144.10"}
    again = with_pool(fewer, "a", [host("two"), host("four")])
    assert next(each for each in again.hosts if each.name == "four").address == "10.3.128.10"
    assert with_pool(again, "a", []).hosts == with_pool(region, "a", []).hosts


def test_a_subnet_is_full_at_last() -> None:
    region = region_of(EKS, PLAN, ())
    with pytest.raises(LabError, match="no pod range is left"):
        with_pool(region, "a", [host(f"h{n}") for n in range(16)])


def test_names_are_the_regions_own() -> None:
    region = with_pool(region_of(EKS, PLAN, ()), "a", [host("one")])
    with pytest.raises(LabError, match="two hosts are called one"):
        with_pool(region, "b", [host("one", 1)])
