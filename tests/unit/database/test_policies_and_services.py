"""Who may reach a region, and through what."""

from dataclasses import dataclass
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


@dataclass(frozen=True)
class Here:
    """A pod of the same cluster. Cilium takes its address for none of a block's."""

    namespace: str


def within(peer: dict[str, Any], other: str | Here) -> bool:
    if isinstance(other, str):
        return "ipBlock" in peer and ip_address(other) in ip_network(peer["ipBlock"]["cidr"])
    assert {*peer.get("podSelector", {}), *peer.get("namespaceSelector", {})} == set(), "every pod"
    return "namespaceSelector" in peer or ("podSelector" in peer and other.namespace == "us-east1")


def allows(direction: str, labels: dict[str, str], other: str | Here, protocol: str, port: int) -> bool:
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
        peers, ports = rule.get(side), rule.get("ports")
        inside = not peers or any(within(peer, other) for peer in peers)
        return inside and (not ports or any((p["protocol"], p["port"]) == (protocol, port) for p in ports))

    return any(matches(rule) for spec in selecting for rule in spec.get(rules, []))


@pytest.mark.parametrize("port", [26257, 8080])
@pytest.mark.parametrize(
    "other", ["10.1.0.10", "10.1.128.7", "10.3.0.12", "10.3.200.9", "10.200.0.1", Here("us-east1"), Here("app")]
)
def test_every_region_and_every_client_reaches_the_database(other: str | Here, port: int) -> None:
    assert allows("Ingress", DATABASE, other, "TCP", port)


@pytest.mark.parametrize(
    ("labels", "other", "port"),
    [
        (DATABASE, "10.1.128.7", 22),
        (DATABASE, "192.168.1.1", 26257),
        (JOB, "10.1.128.7", 8080),
        (JOB, "10.1.0.10", 26257),
        (PROBE, "10.1.128.7", 26257),
        (PROBE, "10.200.0.1", 8080),
        ({}, "10.1.128.7", 80),
        (DATABASE, Here("us-east1"), 22),
        (JOB, Here("us-east1"), 8080),
        (PROBE, Here("app"), 8080),
    ],
)
def test_nothing_else_comes_in(labels: dict[str, str], other: str | Here, port: int) -> None:
    assert not allows("Ingress", labels, other, "TCP", port)


@pytest.mark.parametrize("other", ["10.3.200.9", Here("us-east1")])
def test_probes_of_every_region_reach_each_other(other: str | Here) -> None:
    assert allows("Ingress", PROBE, other, "TCP", 8080)
    assert allows("Egress", PROBE, other, "TCP", 8080)


@pytest.mark.parametrize(
    ("other", "protocol", "port"),
    [
        ("10.2.130.3", "TCP", 26257),
        ("10.2.130.3", "TCP", 8080),
        ("10.1.32.10", "UDP", 53),
        ("10.2.16.53", "TCP", 53),
        ("10.1.17.2", "TCP", 6443),
        ("169.254.20.10", "UDP", 53),
        ("169.254.169.254", "TCP", 80),
        ("142.250.1.1", "TCP", 443),
        (Here("us-east1"), "TCP", 26257),
        (Here("us-east1"), "TCP", 8080),
        (Here("kube-system"), "UDP", 53),
    ],
)
@pytest.mark.parametrize("labels", [DATABASE, JOB, PROBE])
def test_nodes_jobs_and_probes_reach_what_they_need(
    labels: dict[str, str], other: str | Here, protocol: str, port: int
) -> None:
    assert allows("Egress", labels, other, protocol, port)


@pytest.mark.parametrize(
    ("other", "port"), [("10.2.130.3", 22), ("8.8.8.8", 26257), ("8.8.8.8", 80), (Here("app"), 26257)]
)
def test_and_nothing_else(other: str | Here, port: int) -> None:
    assert not allows("Egress", DATABASE, other, "TCP", port)


def test_names_answer_before_pods_are_ready() -> None:
    spec = services.headless_spec()
    assert spec["publishNotReadyAddresses"] is True
    assert spec["clusterIP"] == "None"


def test_the_sql_balancer_has_the_planned_address_and_known_clients() -> None:
    spec = services.balancer_spec(services.Balancer("10.1.16.20", ["10.0.0.0/8"], load_balancer_class="internal"))
    assert (spec["loadBalancerIP"], spec["loadBalancerClass"]) == ("10.1.16.20", "internal")
    assert spec["loadBalancerSourceRanges"] == ["10.0.0.0/8"]


def test_the_sql_balancer_shows_nodes_the_client_itself() -> None:
    """Behind a host's address nobody could tell clients apart, and Cilium's policies know that address not."""
    spec = services.balancer_spec(services.Balancer("10.1.16.20", ["10.0.0.0/8"]))
    assert spec["externalTrafficPolicy"] == "Local"
    assert "healthCheckNodePort" not in spec, "the cluster's choice, where no firewall has to know it"
    balancer = services.Balancer("10.1.16.20", ["10.0.0.0/8"], health_check_node_port=30026)
    assert services.balancer_spec(balancer)["healthCheckNodePort"] == 30026


def test_a_nodes_own_balancer_leads_to_its_pod_ready_or_not() -> None:
    """It joins, and `cockroach init` comes, before it is ready."""
    spec = services.balancer_spec(services.Balancer("10.1.16.100", ["10.0.0.0/8"], pod="cockroachdb-0"))
    assert spec["selector"]["statefulset.kubernetes.io/pod-name"] == "cockroachdb-0"
    assert names.selector_labels().items() <= spec["selector"].items()
    assert spec["publishNotReadyAddresses"] is True
    assert spec["loadBalancerIP"] == "10.1.16.100"


def test_an_sql_balancer_open_to_the_world_is_refused() -> None:
    with pytest.raises(ValueError, match="client CIDR"):
        services.balancer_spec(services.Balancer("10.1.16.20", []))


def test_nodes_dial_others_at_the_strategys_ports_and_through_its_gateways() -> None:
    spec = network_policy.egress_spec(["10.2.16.28/32"], [[26300, 26349], [9000, 9000]], ["us-east1-proxy"])
    (rule,) = (rule for rule in spec["egress"] if "ports" in rule and "to" in rule)
    assert rule["ports"] == [
        {"protocol": "TCP", "port": 26257},
        {"protocol": "TCP", "port": 8080},
        {"protocol": "TCP", "port": 26300, "endPort": 26349},
        {"protocol": "TCP", "port": 9000},
    ]
    assert {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "us-east1-proxy"}}} in rule["to"]
