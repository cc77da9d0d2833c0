"""`pod-ip`: where nodes find the cluster is planned, where they are is not."""

from __future__ import annotations

from typing import Any

import pytest

from components.plan import ConfigError, plan
from components.strategies import strategy
from components.strategies.base import CertificateSource

WORD = "pod-ip"


def config(*regions: dict[str, Any]) -> dict[str, Any]:
    common = {"dns": {"kind": "coredns"}, "kubeconfig": "kubeconfig"}
    listed = [
        {"name": name, "context": name, **common, **more}
        for name, more in zip("abc", (*regions, {}, {}, {}), strict=False)
    ]
    return {"strategy": WORD, "regions": listed}


def test_what_only_run_time_knows_is_null() -> None:
    settings, addresses = plan(config())
    for region in addresses.to_json()["regions"]:
        assert [node["address"] for node in region["nodes"]] == [None] * 3
        assert region["certificateNames"] is None
    identity = strategy(WORD).pod_identity(settings.regions[0])
    assert (identity.advertise_host, identity.certificate_source) == ("$(POD_IP)", CertificateSource.APPROVED)


def test_nodes_join_through_one_load_balancer_per_running_region() -> None:
    _, addresses = plan(config({}, {"nodes": 5}, {"state": "draining"}))
    assert addresses.join_addresses == ("10.1.16.27:26257", "10.2.16.27:26257", "10.3.16.27:26257")
    (join,) = addresses.regions[0].balancers_of("join")
    assert join.pod is None
    assert {(port.name, port.number) for port in join.ports} == {("grpc", 26257), ("http", 8080)}
    _, without = plan(config({}, {}, {"state": "lost"}))
    assert len(without.join_addresses) == 2


def test_node_ports_differ_from_those_of_sqls_load_balancer() -> None:
    _, addresses = plan(config())
    balancers = addresses.regions[0].balancers
    numbers = [port.node_port for each in balancers for port in each.ports]
    numbers += [each.health_check_node_port for each in balancers if each.health_check_node_port]
    assert len(set(numbers)) == len(numbers) == 6


def test_eks_has_an_address_in_every_zone() -> None:
    zones = [f"us-east-1{letter}" for letter in "abc"]
    region = {"name": "us-east-1", "platform": "eks", "zones": zones, "nodes": 4}
    _, addresses = plan({"strategy": WORD, "aws": {"authorizedCidrs": ["203.0.113.1/32"]}, "regions": [region]})
    assert addresses.join_addresses == ("10.1.240.27:26257", "10.1.240.91:26257", "10.1.240.155:26257")


@pytest.mark.parametrize(
    ("region", "message"),
    [
        ({"podsRouted": False}, "regions[0].podsRouted: false, but with strategy pod-ip every region's pods dial"),
        ({"sqlAddress": "10.1.16.27"},
         "regions[0].sqlAddress: 10.1.16.27 is that of the load balancer join, by strategy pod-ip"),
        ({"cidr": "10.1.0.0/18", "nodeCidr": "10.1.0.0/20", "podCidr": "10.1.16.0/20", "serviceCidr": "10.1.32.0/20",
          "dnsAddresses": ["10.1.48.53"], "sqlAddress": "10.1.48.26"},
         "regions[0].cidr: 10.1.0.0/18 has no place for the load balancer that nodes join through"),
    ],
)  # fmt: skip
def test_what_it_cannot_work_with_is_refused(region: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as refused:
        plan(config(region))
    assert message in str(refused.value)
