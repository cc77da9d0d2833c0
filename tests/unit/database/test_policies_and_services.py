"""Who may reach a region, and through what."""

from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from components.database import names, network_policy, services
from tests.unit.database.examples import region_args

ARGS = region_args()
POLICIES = [
    network_policy.default_deny_spec(),
    network_policy.database_spec(ARGS["peer_cidrs"], ARGS["client_cidrs"]),
    network_policy.egress_spec(ARGS["peer_cidrs"]),
    network_policy.probe_spec(ARGS["peer_cidrs"]),
]
DATABASE = names.selector_labels()
JOB = names.job_labels("rollout")
PROBE = {"app.kubernetes.io/name": "cockroachdb-verify"}


def allows(direction: str, labels: dict[str, str], address: str, protocol: str, port: int) -> bool:
    """Whether Kubernetes' rules let a packet through: policies that select the pod and the direction add up."""
    side, rules = ("from", "ingress") if direction == "Ingress" else ("to", "egress")
    selecting = [
        spec
        for spec in POLICIES
        if direction in spec["policyTypes"] and spec["podSelector"].get("matchLabels", {}).items() <= labels.items()
    ]
    if not selecting:
        return True

    def matches(rule: dict[str, Any]) -> bool:
        blocks, ports = rule.get(side), rule.get("ports")
        inside = not blocks or any(ip_address(address) in ip_network(b["ipBlock"]["cidr"]) for b in blocks)
        return inside and (not ports or any((p["protocol"], p["port"]) == (protocol, port) for p in ports))

    return any(matches(rule) for spec in selecting for rule in spec.get(rules, []))


@pytest.mark.parametrize("port", [26257, 8080])
@pytest.mark.parametrize("address", ["10.1.0.10", "10.1.128.7", "10.3.0.12", "10.3.200.9", "10.200.0.1"])
def test_every_region_and_every_client_reaches_the_database(address: str, port: int) -> None:
    assert allows("Ingress", DATABASE, address, "TCP", port)


@pytest.mark.parametrize(
    ("labels", "address", "port"),
    [
        (DATABASE, "10.1.128.7", 22),
        (DATABASE, "192.168.1.1", 26257),
        (JOB, "10.1.128.7", 8080),
        (JOB, "10.1.0.10", 26257),
        (PROBE, "10.1.128.7", 26257),
        (PROBE, "10.200.0.1", 8080),
        ({}, "10.1.128.7", 80),
    ],
)
def test_nothing_else_comes_in(labels: dict[str, str], address: str, port: int) -> None:
    assert not allows("Ingress", labels, address, "TCP", port)


def test_probes_of_every_region_reach_each_other() -> None:
    assert allows("Ingress", PROBE, "10.3.200.9", "TCP", 8080)
    assert allows("Egress", PROBE, "10.3.200.9", "TCP", 8080)


@pytest.mark.parametrize(
    ("address", "protocol", "port"),
    [
        ("10.2.130.3", "TCP", 26257),
        ("10.2.130.3", "TCP", 8080),
        ("10.1.32.10", "UDP", 53),
        ("10.2.16.53", "TCP", 53),
        ("10.1.17.2", "TCP", 6443),
        ("169.254.20.10", "UDP", 53),
        ("169.254.169.254", "TCP", 80),
        ("142.250.1.1", "TCP", 443),
    ],
)
@pytest.mark.parametrize("labels", [DATABASE, JOB, PROBE])
def test_nodes_jobs_and_probes_reach_what_they_need(
    labels: dict[str, str], address: str, protocol: str, port: int
) -> None:
    assert allows("Egress", labels, address, protocol, port)


@pytest.mark.parametrize(("address", "port"), [("10.2.130.3", 22), ("8.8.8.8", 26257), ("8.8.8.8", 80)])
def test_and_nothing_else(address: str, port: int) -> None:
    assert not allows("Egress", DATABASE, address, "TCP", port)


def test_names_answer_before_pods_are_ready() -> None:
    spec = services.headless_spec()
    assert spec["publishNotReadyAddresses"] is True
    assert spec["clusterIP"] == "None"


def test_the_sql_balancer_has_the_planned_address_and_known_clients() -> None:
    spec = services.sql_balancer_spec(services.SqlBalancer("10.1.16.20", ["10.0.0.0/8"], "internal"))
    assert (spec["loadBalancerIP"], spec["loadBalancerClass"]) == ("10.1.16.20", "internal")
    assert spec["loadBalancerSourceRanges"] == ["10.0.0.0/8"]


def test_an_sql_balancer_open_to_the_world_is_refused() -> None:
    with pytest.raises(ValueError, match="client CIDR"):
        services.sql_balancer_spec(services.SqlBalancer("10.1.16.20", []))
