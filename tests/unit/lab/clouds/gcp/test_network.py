"""Networks, subnetworks, peerings, firewall rules and addresses."""

from __future__ import annotations

import os

import pytest

from lab.clouds.gcp.base import ADDRESS, FIREWALL, NETWORK, PEERING, SERVICE, SUBNETWORK
from lab.clouds.kinds import Refused
from lab.clouds.store import CREATING, Record
from tests.unit.lab.clouds.gcp.places import balancers, network, subnetwork
from tests.unit.lab.clouds.world import World


def test_ids_and_links(gcp: World) -> None:
    net = network(gcp)
    assert net.id == f"projects/my-project/global/networks/{net['name']}"
    assert net["selfLink"] == f"https://www.googleapis.com/compute/v1/{net.id}"
    sub = subnetwork(gcp, net)
    assert sub.id == f"projects/my-project/regions/us-east1/subnetworks/{sub['name']}"
    assert (sub["network"], sub["gatewayAddress"]) == (net["selfLink"], "10.1.0.1")


def test_an_api_that_is_off(bare: World) -> None:
    with pytest.raises(Refused, match=r"Compute Engine API has not been used .* accessNotConfigured"):
        network(bare)
    bare.create(SERVICE, "compute", service="compute.googleapis.com")
    network(bare)


def test_a_project_is_needed(bare: World) -> None:
    bare.operations.config = {}
    with pytest.raises(Refused, match="project: required field is not set"):
        network(bare)


def test_names(gcp: World) -> None:
    assert gcp.check(NETWORK, "x", name="Upper")[1][0][0] == "name"
    assert gcp.check(NETWORK, "x", name="x" * 64)[1][0][0] == "name"
    assert gcp.check(NETWORK, "Mixed", autoCreateSubnetworks=False)[1] == []


def test_quota(gcp: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_CLOUD_QUOTAS", "gcp.networks=1")
    network(gcp, "one")
    with pytest.raises(Refused, match="Quota 'NETWORKS' exceeded"):
        network(gcp, "two")


@pytest.mark.parametrize("cidr", ["10.1.0.0/24", "10.1.128.0/24", "10.0.0.0/8"])
def test_ranges_of_one_network_do_not_overlap(gcp: World, cidr: str) -> None:
    net = network(gcp)
    subnetwork(gcp, net)
    with pytest.raises(Refused, match="conflicts with"):
        gcp.create(SUBNETWORK, "other", network=net.id, region="us-west1", ipCidrRange=cidr)
    other = network(gcp, "other")
    gcp.create(SUBNETWORK, "other", network=other.id, region="us-west1", ipCidrRange=cidr)


def test_a_range_that_overlaps_with_itself(gcp: World) -> None:
    ranges = [{"rangeName": "pods", "ipCidrRange": "10.1.0.0/16"}]
    with pytest.raises(Refused, match="of itself"):
        gcp.create(
            SUBNETWORK,
            "x",
            network=network(gcp).id,
            region="us-east1",
            ipCidrRange="10.1.0.0/20",
            secondaryIpRanges=ranges,
        )


def test_host_bits_are_refused_at_check(gcp: World) -> None:
    found = gcp.check(SUBNETWORK, "x", network="n", region="us-east1", ipCidrRange="10.1.0.1/20")[1]
    assert [path for path, _ in found] == ["ipCidrRange"]


def test_a_network_in_use_stays(gcp: World) -> None:
    net = network(gcp)
    sub = balancers(gcp, net)
    with pytest.raises(Refused, match="resourceInUseByAnotherResource"):
        gcp.delete(net)
    gcp.delete(sub)
    gcp.delete(net)


def peer(gcp: World, one: Record, two: Record) -> Record:
    return gcp.create(PEERING, f"{one.name}-{two.name}", network=one["selfLink"], peerNetwork=two["selfLink"])


def test_a_peering_is_active_when_both_sides_are_there(gcp: World) -> None:
    one, two = network(gcp, "one"), network(gcp, "two")
    first = peer(gcp, one, two)
    assert first["state"] == "INACTIVE"
    second = peer(gcp, two, one)
    assert (second["state"], gcp.now(first)["state"]) == ("ACTIVE", "ACTIVE")
    with pytest.raises(Refused, match="resourceInUse"):
        gcp.delete(one)
    gcp.delete(first)
    assert gcp.now(second)["state"] == "INACTIVE"


def test_peerings_of_networks_that_overlap(gcp: World) -> None:
    one, two = network(gcp, "one"), network(gcp, "two")
    subnetwork(gcp, one)
    sub = subnetwork(gcp, two, region="us-west1")
    with pytest.raises(Refused, match="overlaps with an IP range in the peer network"):
        peer(gcp, one, two)
    gcp.delete(sub)
    peer(gcp, one, two)
    peer(gcp, two, one)
    with pytest.raises(Refused, match="conflicts with"):
        subnetwork(gcp, two, region="us-west1")


def test_one_peering_operation_at_a_time(gcp: World) -> None:
    one, two, three, four = (network(gcp, name) for name in ("one", "two", "three", "four"))
    with gcp.store.transaction() as states:
        outputs = {"network": one["selfLink"], "peerNetwork": two["selfLink"]}
        states["gcp"].put(Record(PEERING, "under-way", "x", {}, outputs, CREATING, os.getpid()))
    with pytest.raises(Refused, match="peering operation in progress on the local or peer network"):
        peer(gcp, three, two)
    peer(gcp, three, four)


def firewall(gcp: World, **inputs: object) -> list[str]:
    rule = {"network": "n", "allows": [{"protocol": "tcp", "ports": ["26257"]}], "sourceRanges": ["10.0.0.0/8"]}
    return [path for path, _ in gcp.check(FIREWALL, "x", **{**rule, **inputs})[1]]


def test_firewall_rules(gcp: World) -> None:
    assert firewall(gcp) == []
    assert firewall(gcp, allows=[{"protocol": "icmp", "ports": ["8"]}]) == ["allows[0].ports"]
    assert firewall(gcp, allows=[{"protocol": "tcp", "ports": ["x"]}]) == ["allows[0].ports[0]"]
    assert firewall(gcp, sourceRanges=["10.1.0.0/8"]) == ["sourceRanges[0]"]
    assert firewall(gcp, denies=[{"protocol": "all"}]) == ["allows"]
    assert firewall(gcp, direction="EGRESS") == ["direction"]


def test_a_rule_without_sources_is_for_all(gcp: World) -> None:
    rule = gcp.create(FIREWALL, "open", network=network(gcp).id, allows=[{"protocol": "all"}])
    assert rule["sourceRanges"] == ["0.0.0.0/0"]
    assert gcp.update(rule, sourceRanges=["10.0.0.0/8"])["sourceRanges"] == ["10.0.0.0/8"]


def address(gcp: World, subnetwork: Record, name: str = "dns", **inputs: object) -> Record:
    given = {"addressType": "INTERNAL", "subnetwork": subnetwork.id, "region": "us-east1", **inputs}
    return gcp.create(ADDRESS, name, **given)


def test_addresses(gcp: World) -> None:
    sub = balancers(gcp, network(gcp))
    found = address(gcp, sub, address="10.1.16.53", purpose="SHARED_LOADBALANCER_VIP")
    assert (found["address"], found["purpose"]) == ("10.1.16.53", "SHARED_LOADBALANCER_VIP")
    assert address(gcp, sub, "any")["address"] == "10.1.16.2"
    with pytest.raises(Refused, match="IP_IN_USE_BY_ANOTHER_RESOURCE"):
        address(gcp, sub, "again", address="10.1.16.53")
    with pytest.raises(Refused, match="IP_IN_USE_BY_ANOTHER_RESOURCE"):
        address(gcp, sub, "gateway", address="10.1.16.1")
    with pytest.raises(Refused, match="outside the IP range of the subnetwork"):
        address(gcp, sub, "outside", address="10.1.18.1")
    with pytest.raises(Refused, match="resourceInUseByAnotherResource"):
        gcp.delete(sub)


def test_an_address_of_another_region(gcp: World) -> None:
    sub = balancers(gcp, network(gcp))
    with pytest.raises(Refused, match="Subnetwork is not in region us-west1"):
        address(gcp, sub, region="us-west1")
