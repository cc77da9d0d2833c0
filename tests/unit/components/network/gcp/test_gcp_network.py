"""The network of regions on GKE: what GCP needs to route, to let in and to keep out, with known and unknown ids."""

from typing import Any

import pytest

from components.network.gcp.network import GcpNetwork, GcpNetworkArgs
from components.network.gcp.region import GcpRegionArgs
from components.network.gcp.rules import GcpPortArgs
from tests.unit.recording import Recording, Registered, record

LOCATIONS = ("us-east1", "us-central1", "us-west1")
PODS = ["10.1.128.0/17", "10.2.128.0/17", "10.3.128.0/17"]
NODES = ["10.1.0.0/20", "10.2.0.0/20", "10.3.0.0/20"]
PORTS: list[GcpPortArgs] = [
    {"protocol": "TCP", "port": 26257, "sources": PODS, "to": "pods"},
    {"protocol": "TCP", "port": 8080, "sources": PODS, "to": "pods"},
    {"protocol": "UDP", "port": 53, "sources": [*PODS, *NODES], "to": "dns"},
    {"protocol": "TCP", "port": 53, "sources": [*PODS, *NODES], "to": "dns"},
]


def region(number: int, location: str, name: str | None = None) -> GcpRegionArgs:
    return {
        "name": name or location,
        "location": location,
        "node_cidr": f"10.{number}.0.0/20",
        "pod_cidr": f"10.{number}.128.0/17",
        "service_cidr": f"10.{number}.32.0/20",
        "balancer_cidr": f"10.{number}.16.0/24",
        "balancers": [
            {"name": "dns", "addresses": [f"10.{number}.16.53"], "shared": True},
            {"name": "sql", "addresses": [f"10.{number}.16.26"], "shared": False},
        ],
    }


def network_args(mode: str = "global", **more: Any) -> GcpNetworkArgs:
    args: dict[str, Any] = {
        "regions": [region(number, location) for number, location in enumerate(LOCATIONS, start=1)],
        "mode": mode,
        "ports": PORTS,
        "peer_cidrs": [*PODS, *NODES],
        "client_cidrs": ["10.0.0.0/8"],
        "health_check_ports": [30026],
        **more,
    }
    return args  # pyright: ignore[reportReturnType]


def outputs(args: Any) -> dict[str, Any]:
    return {"name": f"{args.name}-1234567", "selfLink": f"https://gcp/{args.name}"}


def made(mode: str = "global", *, preview: bool = False, **more: Any) -> Recording:
    given = network_args(mode, **more)
    return record(lambda: GcpNetwork("gcp", given).networks, outputs if not preview else lambda _: {}, preview=preview)


def lets_in(rule: Registered) -> set[tuple[str, str]]:
    """Protocol and port, of each that a rule lets in."""
    return {(allow["protocol"], port) for allow in rule.inputs["allows"] for port in allow.get("ports", ["-"])}


@pytest.mark.parametrize("mode", ["global", "peered"])
def test_a_preview_has_the_same_graph_as_an_update(mode: str) -> None:
    assert made(mode).graph() == made(mode, preview=True).graph()


def test_a_global_vpc_routes_between_its_subnets_in_every_region() -> None:
    recording = made()
    (vpc,) = recording.of(":Network")
    assert vpc.name == "gcp"
    assert vpc.inputs == {"autoCreateSubnetworks": False, "routingMode": "GLOBAL"}
    assert not recording.of(":NetworkPeering")
    assert recording.result == dict.fromkeys(LOCATIONS, "gcp-id")
    assert {subnet.inputs["network"] for subnet in recording.of(":Subnetwork")} == {"gcp-id"}


def test_a_region_has_the_ranges_that_were_planned_for_it() -> None:
    recording = made()
    nodes = recording.named(":Subnetwork", "us-central1-nodes").inputs
    assert nodes["region"] == "us-central1"
    assert nodes["ipCidrRange"] == "10.2.0.0/20"
    assert nodes["privateIpGoogleAccess"] is True
    assert {each["rangeName"]: each["ipCidrRange"] for each in nodes["secondaryIpRanges"]} == {
        "pods": "10.2.128.0/17",
        "services": "10.2.32.0/20",
    }
    assert recording.named(":Subnetwork", "us-central1-balancers").inputs["ipCidrRange"] == "10.2.16.0/24"


def test_addresses_are_reserved_where_only_load_balancers_live_and_dns_may_share_one() -> None:
    addresses = {made_.name: made_.inputs for made_ in made().of(":Address")}
    assert len(addresses) == 2 * len(LOCATIONS)
    dns, sql = addresses["us-west1-dns-0"], addresses["us-west1-sql"]
    assert (dns["address"], dns["purpose"]) == ("10.3.16.53", "SHARED_LOADBALANCER_VIP")
    assert (sql["address"], sql["purpose"]) == ("10.3.16.26", "GCE_ENDPOINT")
    for address in (dns, sql):
        assert address["addressType"] == "INTERNAL"
        assert address["region"] == "us-west1"
        assert address["subnetwork"] == "us-west1-balancers-id"


@pytest.mark.parametrize("mode", ["global", "peered"])
def test_every_vpc_lets_in_what_the_strategy_names_from_the_ranges_that_call_it(mode: str) -> None:
    recording = made(mode)
    vpcs = ["gcp"] if mode == "global" else list(LOCATIONS)
    for vpc in vpcs:
        nodes = recording.named(":Firewall", f"{vpc}-nodes")
        assert nodes.inputs["network"] == f"{vpc}-id"
        assert lets_in(nodes) == {("tcp", "26257"), ("tcp", "8080")}
        assert nodes.inputs["sourceRanges"] == PODS
        icmp = recording.named(":Firewall", f"{vpc}-icmp")
        assert lets_in(icmp) == {("icmp", "-")}
        assert set(icmp.inputs["sourceRanges"]) == {*PODS, *NODES}
        dns = recording.named(":Firewall", f"{vpc}-dns")
        assert lets_in(dns) == {("udp", "53"), ("tcp", "53")}
        assert set(dns.inputs["sourceRanges"]) == {*PODS, *NODES}
        clients = recording.named(":Firewall", f"{vpc}-clients")
        assert lets_in(clients) == {("tcp", "26257"), ("tcp", "8080")}
        assert clients.inputs["sourceRanges"] == ["10.0.0.0/8"]
        health = recording.named(":Firewall", f"{vpc}-health-checks")
        assert lets_in(health) == {("tcp", "10256"), ("tcp", "30026")}
        assert set(health.inputs["sourceRanges"]) == {"35.191.0.0/16", "130.211.0.0/22"}
    assert len(recording.of(":Firewall")) == 5 * len(vpcs)


@pytest.mark.parametrize("mode", ["global", "peered"])
def test_dns_and_clients_come_by_the_load_balancers_of_that_vpc_alone(mode: str) -> None:
    recording = made(mode)
    balancers = {location: f"10.{number}.16.0/24" for number, location in enumerate(LOCATIONS, start=1)}
    vpcs = {"gcp": [*balancers.values()]} if mode == "global" else {vpc: [cidr] for vpc, cidr in balancers.items()}
    for vpc, cidrs in vpcs.items():
        for suffix in ("dns", "clients"):
            assert recording.named(":Firewall", f"{vpc}-{suffix}").inputs["destinationRanges"] == cidrs
        for suffix in ("nodes", "icmp", "health-checks"):
            assert "destinationRanges" not in recording.named(":Firewall", f"{vpc}-{suffix}").inputs


def test_a_port_is_open_to_its_own_callers_not_to_another_ports() -> None:
    ports: list[GcpPortArgs] = [
        {"protocol": "TCP", "port": 26257, "sources": PODS, "to": "pods"},
        {"protocol": "TCP", "port": 8080, "sources": NODES, "to": "pods"},
    ]
    recording = made(ports=ports)
    rules = [recording.named(":Firewall", name) for name in ("gcp-nodes", "gcp-nodes-2")]
    assert [(lets_in(rule), rule.inputs["sourceRanges"]) for rule in rules] == [
        ({("tcp", "26257")}, PODS),
        ({("tcp", "8080")}, NODES),
    ]


@pytest.mark.parametrize("mode", ["global", "peered"])
def test_rules_are_for_the_databases_hosts_and_nothing_is_open_to_everyone(mode: str) -> None:
    rules = made(mode).of(":Firewall")
    assert rules
    for rule in rules:
        assert rule.inputs["direction"] == "INGRESS"
        assert rule.inputs["targetTags"] == ["cockroachdb"]
        assert "0.0.0.0/0" not in rule.inputs["sourceRanges"]


@pytest.mark.parametrize(
    "more",
    [
        {"client_cidrs": ["0.0.0.0/0"]},
        {"peer_cidrs": ["0.0.0.0/0"]},
        {"ports": [{"protocol": "UDP", "port": 53, "sources": ["0.0.0.0/0"], "to": "dns"}]},
    ],
)
def test_the_whole_internet_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"open to 0\.0\.0\.0/0"):
        made(**more)


def test_nobody_to_let_in_is_no_rule_for_gcp_takes_no_sources_for_all() -> None:
    ports: list[GcpPortArgs] = [{"protocol": "TCP", "port": 26257, "sources": [], "to": "pods"}]
    rules = made(client_cidrs=[], peer_cidrs=[], ports=ports).of(":Firewall")
    assert [rule.name for rule in rules] == ["gcp-health-checks"]


@pytest.mark.parametrize("preview", [False, True])
def test_peerings_join_every_two_vpcs_both_ways_one_operation_at_a_time(preview: bool) -> None:
    recording = made("peered", preview=preview)
    peerings = {each.name: each for each in recording.of(":NetworkPeering")}
    wanted = [
        "us-east1-to-us-central1",
        "us-central1-to-us-east1",
        "us-east1-to-us-west1",
        "us-west1-to-us-east1",
        "us-central1-to-us-west1",
        "us-west1-to-us-central1",
    ]
    assert set(peerings) == set(wanted)
    vpcs = {each.name: each.urn for each in recording.of(":Network")}
    for before, name in zip([None, *wanted], wanted, strict=False):
        here, _, there = name.partition("-to-")
        ours = {peerings[before].urn} if before else set()
        assert peerings[name].dependencies == {vpcs[here], vpcs[there]} | ours
        if not preview:
            assert peerings[name].inputs["network"] == f"https://gcp/{here}"
            assert peerings[name].inputs["peerNetwork"] == f"https://gcp/{there}"


def test_a_region_more_brings_peerings_at_the_end_of_the_chain_only() -> None:
    def chain(regions: list[GcpRegionArgs]) -> dict[str, frozenset[str]]:
        return {each.name: each.dependencies for each in made("peered", regions=regions).of(":NetworkPeering")}

    regions = network_args()["regions"]
    before, after = chain(regions), chain([*regions, region(4, "europe-west1")])
    assert {name: after[name] for name in before} == before
    assert len(after) == 12


@pytest.mark.parametrize("mode", ["global", "peered"])
def test_hosts_reach_out_through_nat_which_no_address_is_given_to(mode: str) -> None:
    recording = made(mode)
    for location in LOCATIONS:
        nat = recording.named(":RouterNat", f"{location}-nat").inputs
        assert nat["region"] == location
        assert nat["router"] == f"{location}-nat-1234567"
        assert nat["natIpAllocateOption"] == "AUTO_ONLY"
        assert nat["sourceSubnetworkIpRangesToNat"] == "ALL_SUBNETWORKS_ALL_IP_RANGES"
    assert len(recording.of(":RouterNat")) == len(LOCATIONS)


def test_two_regions_in_one_location_of_a_vpc_share_its_nat() -> None:
    regions = [region(1, "us-east1", "blue"), region(2, "us-east1", "green")]
    assert [each.name for each in made(regions=regions).of(":RouterNat")] == ["us-east1-nat"]
    assert [each.name for each in made("peered", regions=regions).of(":RouterNat")] == ["blue-nat", "green-nat"]


def test_apis_are_switched_on_before_any_network_and_stay_on() -> None:
    recording = made()
    apis = recording.of("projects/service:Service")
    assert {each.inputs["service"].partition(".")[0] for each in apis} >= {"compute", "container", "iam"}
    assert all(each.inputs["disableOnDestroy"] is False for each in apis)
    (vpc,) = recording.of(":Network")
    assert vpc.dependencies >= {each.urn for each in apis}


@pytest.mark.parametrize("mode", ["global", "peered"])
def test_what_a_cluster_waits_for_is_its_own_regions(mode: str) -> None:
    waited: dict[str, list[Any]] = {}

    def program() -> None:
        network = GcpNetwork("gcp", network_args(mode))
        waited.update({name: list(network.region(name).ready) for name in LOCATIONS})

    recording = record(program, outputs)
    by_name = {(each.type.rpartition(":")[2], each.name): each for each in recording.resources}
    for name in LOCATIONS:
        ready = [by_name[type(each).__name__, each._name] for each in waited[name]]
        reached = {urn for each in ready for urn in (each.urn, *recording.reaches(each.urn))}
        others = [each for each in recording.resources if each.name.startswith(tuple({*LOCATIONS} - {name}))]
        assert others
        assert not reached & {each.urn for each in others}
        assert {each.type.rpartition(":")[2] for each in ready} == {"Service", "Firewall", "RouterNat", "Address"}


def test_a_regions_part_names_what_a_cluster_and_a_vpn_need() -> None:
    def program() -> dict[str, Any]:
        part = GcpNetwork("gcp", network_args("peered")).region("us-west1")
        return {
            "id": part.network_id,
            "link": part.network_self_link,
            "nodes": part.nodes_subnet,
            "balancers": part.balancers_subnet_name,
            "vpn": part.vpn_network,
        }

    assert record(program, outputs).result == {
        "id": "us-west1-id",
        "link": "https://gcp/us-west1",
        "nodes": "us-west1-nodes-id",
        "balancers": "us-west1-balancers-1234567",
        "vpn": "us-west1",
    }
