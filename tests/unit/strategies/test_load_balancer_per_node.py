"""`load-balancer-per-node`: an address of its own for every node, known before any pod."""

from __future__ import annotations

from typing import Any

import pytest

from components.plan import ConfigError, plan
from components.plan.lock import compare
from components.strategies import strategy

WORD = "load-balancer-per-node"


def config(*regions: dict[str, Any]) -> dict[str, Any]:
    common = {"dns": {"kind": "coredns"}, "kubeconfig": "kubeconfig"}
    names = "abc"
    listed = [
        {"name": name, "context": name, **common, **more}
        for name, more in zip(names, (*regions, {}, {}, {}), strict=False)
    ]
    return {"strategy": WORD, "regions": listed}


def test_a_node_is_its_load_balancer() -> None:
    _, addresses = plan(config())
    first = addresses.regions[0]
    own = ["10.1.16.100", "10.1.16.101", "10.1.16.102"]
    assert [node.address for node in first.nodes] == own
    assert addresses.join_addresses[:2] == ("10.1.16.100:26257", "10.1.16.101:26257")
    assert set(own) <= set(first.certificate_names or ())
    assert [(each.kind, each.pod, each.addresses) for each in first.balancers_of("node")] == [
        ("node", f"cockroachdb-{n}", (address,)) for n, address in enumerate(own)
    ]


def test_no_region_asks_anothers_names() -> None:
    _, addresses = plan(config())
    for region in addresses.regions:
        assert region.forwards == {}
        assert region.dns_addresses == ()
    assert all(port.to == "node" for port in strategy(WORD).ports())


def test_one_node_more_moves_nobody_and_changes_no_join_list() -> None:
    _, three = plan(config())
    _, four = plan(config({"nodes": 4}))
    assert four.regions[0].nodes[:3] == three.regions[0].nodes
    assert four.join_addresses == three.join_addresses


def test_node_ports_of_a_region_are_different() -> None:
    settings, _ = plan(config({"nodes": 100}))
    balancers = strategy(WORD).balancers(settings.regions[0])
    numbers = [port.node_port for each in balancers for port in each.ports]
    numbers += [each.health_check_node_port or 0 for each in balancers]
    assert len(set(numbers)) == len(numbers) == 300
    assert all(30000 <= number <= 32767 for number in numbers)


@pytest.mark.parametrize(
    ("region", "message"),
    [
        ({"cidr": "10.1.0.0/18", "nodeCidr": "10.1.0.0/20", "podCidr": "10.1.16.0/20", "serviceCidr": "10.1.32.0/20",
          "dnsAddresses": ["10.1.48.53"], "sqlAddress": "10.1.48.26"},
         "regions[0].cidr: 10.1.0.0/18 has no place for a load balancer per node"),
        ({"sqlAddress": "10.1.16.101"},
         "regions[0].sqlAddress: 10.1.16.101 is that of the load balancer node-1, by strategy load-balancer-per-node"),
    ],
)  # fmt: skip
def test_what_has_no_address_for_every_node_is_refused(region: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as refused:
        plan(config(region))
    assert message in str(refused.value)


def test_eks_gives_each_node_an_address_in_one_zone_in_turn() -> None:
    zones = [f"us-east-1{letter}" for letter in "abc"]
    region = {"name": "us-east-1", "platform": "eks", "zones": zones, "nodes": 4}
    _, addresses = plan({"strategy": WORD, "aws": {"authorizedCidrs": ["203.0.113.1/32"]}, "regions": [region]})
    own = [node.address for node in addresses.regions[0].nodes]
    assert own == ["10.1.240.28", "10.1.240.92", "10.1.240.156", "10.1.240.29"]


def test_eks_refuses_more_nodes_than_its_subnets_have_addresses_for() -> None:
    zones = ["us-east-1a", "us-east-1b"]
    region = {"name": "us-east-1", "platform": "eks", "zones": zones, "nodes": 51}
    with pytest.raises(ConfigError, match="51 nodes need a load balancer's address each, and there are 50 here"):
        plan({"strategy": WORD, "aws": {"authorizedCidrs": ["203.0.113.1/32"]}, "regions": [region]})


def test_a_running_stack_may_grow() -> None:
    _, three = plan(config())
    settings, four = plan(config({"nodes": 4}))
    assert compare(three.to_json(), four) == []
    assert settings.strategy == WORD
