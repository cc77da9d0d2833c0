"""What GCP's records let cross, and what a missing one takes away."""

from __future__ import annotations

import pytest

from lab.clouds.fabric import ANY_PORT, Rule
from tests.unit.lab.clouds.fabrics import add, change, drop, gcp, link, made

FIREWALL = "gcp:compute/firewall:Firewall"
PEERING = "gcp:compute/networkPeering:NetworkPeering"
CLUSTER = "gcp:container/cluster:Cluster"
EAST = "us-east1-c"
WEST_RANGES = ("10.2.0.0/20", "10.2.128.0/17", "10.2.32.0/20", "10.2.16.0/24")


def remote(state: object, key: str = EAST) -> tuple[str, ...]:
    return made(state)[key].tables[0].remote  # pyright: ignore[reportArgumentType]


def test_one_network_routes_to_every_region() -> None:
    router = made(gcp())[EAST]
    assert router.tables[0].remote == WEST_RANGES
    assert set(router.ranges) == set(router.tables[0].sources)
    assert router.balancer_ranges == ("10.1.16.0/24",)
    assert router.reserved == {"10.1.16.53": "SHARED_LOADBALANCER_VIP"}


def test_networks_that_are_not_peered_are_apart() -> None:
    state = gcp(peered=True)
    assert remote(state) == WEST_RANGES
    drop(state, PEERING, "us-west1/to-us-east1")
    assert remote(state) == ()
    assert remote(state, "us-west1-c") == ()


def test_a_peering_that_is_not_active_carries_nothing() -> None:
    state = gcp(peered=True)
    change(state, PEERING, "us-east1/to-us-west1", state="INACTIVE")
    assert remote(state) == remote(state, "us-west1-c") == ()


def test_a_subnet_that_is_gone_has_no_route() -> None:
    state = gcp()
    drop(state, "gcp:compute/subnetwork:Subnetwork", "projects/p/regions/us-west1/subnetworks/us-west1-balancers")
    assert "10.2.16.0/24" not in remote(state)


def rules(state: object) -> tuple[Rule, ...]:
    return made(state)[EAST].filters[0].rules  # pyright: ignore[reportArgumentType]


def test_only_rules_let_in_and_gkes_own() -> None:
    found = rules(gcp())
    assert Rule(sources=("10.1.128.0/17", "10.1.0.0/20")) in found
    assert Rule(sources=("10.0.0.0/8",), protocol="tcp", ports=("26257", "8080")) in found
    assert Rule(sources=("10.0.0.0/8",), protocol="udp", ports=("53",)) in found
    assert made(gcp())[EAST].health_ports == ("10256",)


@pytest.mark.parametrize(
    "wrong",
    [{"targetTags": ["other"]}, {"disabled": True}, {"network": link("elsewhere")}, {"sourceRanges": ["10.9.0.0/16"]}],
)
def test_a_rule_that_is_not_for_these_hosts_lets_nothing_in(wrong: dict[str, object]) -> None:
    state = gcp()
    change(state, FIREWALL, "net-nodes", **wrong)
    assert Rule(sources=("10.0.0.0/8",), protocol="tcp", ports=("26257", "8080")) not in rules(state)


def test_what_denies_goes_first_at_the_same_priority() -> None:
    state = gcp()
    denied = {
        "network": link("net"),
        "denies": [{"protocol": "all"}],
        "sourceRanges": ["10.2.0.0/16"],
        "priority": 1000,
    }
    add(state, FIREWALL, "deny", **denied)
    assert rules(state)[0] == Rule(False, ("10.2.0.0/16",))
    change(state, FIREWALL, "deny", priority=1001)
    assert rules(state)[-1] == Rule(False, ("10.2.0.0/16",))


def test_tags_as_sources_are_hosts_not_pods() -> None:
    state = gcp()
    rule = {"network": link("net"), "allows": [{"protocol": "tcp", "ports": ["1-9"]}], "sourceTags": ["cockroachdb"]}
    add(state, FIREWALL, "tagged", **rule)
    assert Rule(sources=("10.1.0.10/32", "10.2.0.10/32"), protocol="tcp", ports=("1-9",)) in rules(state)


def test_health_checkers_need_a_rule() -> None:
    state = gcp()
    change(state, FIREWALL, "net-health", allows=[{"protocol": "tcp", "ports": ["80", "9000-10255"]}])
    assert made(state)[EAST].health_ports == ("80", "9000-10255")
    change(state, FIREWALL, "net-health", allows=[{"protocol": "tcp"}])
    assert made(state)[EAST].health_ports == ANY_PORT
    change(state, FIREWALL, "net-health", disabled=True)
    assert made(state)[EAST].health_ports == ()


def test_default_snat_translates_beyond_private_ranges() -> None:
    state = gcp()
    assert made(state)[EAST].snats == ()
    change(state, CLUSTER, f"projects/p/locations/us-east1/clusters/{EAST}", defaultSnatStatus=None)
    (snat,) = made(state)[EAST].snats
    assert (snat.pods, snat.address) == ("10.1.128.0/24", "10.1.0.10")
    assert "10.0.0.0/8" in snat.kept
