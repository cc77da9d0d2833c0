"""What holds for the plan of every valid config."""

from copy import deepcopy
from ipaddress import IPv4Address, IPv4Network
from itertools import combinations
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from components.plan import AddressPlan, plan, problems_of
from components.plan.layout import cut, eks_zones, hosts_per_zone
from components.plan.model import RegionPlan
from tests.property.configs import PLATFORMS, configs, names, regions

RUNNING = ("active", "draining")


def _plan(config: dict[str, Any]) -> AddressPlan:
    return plan(config)[1]


def _running(addresses: AddressPlan) -> list[RegionPlan]:
    return [region for region in addresses.regions if region.state in RUNNING]


def _own(region: RegionPlan) -> dict[str, Any]:
    """Everything that is the region's own: what other regions' comings and goings must not change."""
    return {
        "ranges": (region.cidr, region.node_cidr, region.pod_cidr, region.service_cidr),
        "addresses": (region.dns_addresses, region.sql_addresses),
        "nodes": region.nodes,
        "zone": region.dns_zone,
        "names": region.certificate_names,
    }


@given(configs())
def test_no_range_overlaps_another(config: dict[str, Any]) -> None:
    kept = [region for region in _plan(config).regions if region.state != "removed"]
    for one, other in combinations(kept, 2):
        for a in (one.node_cidr, one.pod_cidr, one.service_cidr):
            for b in (other.node_cidr, other.pod_cidr, other.service_cidr):
                assert not a.overlaps(b)
    for region in kept:
        for a, b in combinations(_ranges(region), 2):
            assert not a.overlaps(b)


def _ranges(region: RegionPlan) -> list[IPv4Network]:
    """On EKS pods and nodes share the VPC's subnets: one range."""
    shared = [region.node_cidr] if region.platform == "eks" else [region.node_cidr, region.pod_cidr]
    return [*shared, region.service_cidr]


@given(configs())
def test_balancer_addresses_are_unique_and_no_pods_or_services(config: dict[str, Any]) -> None:
    kept = [region for region in _plan(config).regions if region.state != "removed"]
    addresses = [address for region in kept for address in (*region.dns_addresses, *region.sql_addresses)]
    assert len(addresses) == len(set(addresses))
    for region in kept:
        own = {*region.dns_addresses, *region.sql_addresses} if region.platform == "eks" else set()
        for address in addresses:
            assert not _within(address, str(region.service_cidr))
            assert address in own or not _within(address, str(region.pod_cidr))


@given(configs(platform="eks"))
def test_an_eks_regions_subnets_are_apart_inside_its_vpc_and_services_outside(config: dict[str, Any]) -> None:
    for asked, region in zip(config["regions"], _plan(config).regions, strict=True):
        vpc = region.node_cidr
        assert region.pod_cidr == vpc
        assert vpc.subnet_of(region.cidr)
        assert region.service_cidr.subnet_of(region.cidr)
        assert not region.service_cidr.overlaps(vpc)
        zones = eks_zones(region.cidr, len(asked["zones"]))
        subnets = [subnet for zone in zones for subnet in (zone.private, zone.public, zone.balancers)]
        assert len(zones) == len(region.dns_addresses) == len(region.sql_addresses) == len(asked["zones"])
        assert all(subnet.subnet_of(vpc) for subnet in subnets)
        assert not any(a.overlaps(b) for a, b in combinations(subnets, 2))
        for zone, dns, sql in zip(zones, region.dns_addresses, region.sql_addresses, strict=True):
            for address in (IPv4Address(dns), IPv4Address(sql)):
                # AWS keeps a subnet's first four addresses and its last.
                assert zone.balancers[4] <= address < zone.balancers[-1]


@given(configs(platform="gke"))
def test_a_gke_regions_ranges_are_apart_and_its_addresses_in_the_balancers_subnet(config: dict[str, Any]) -> None:
    for region in _plan(config).regions:
        parts = cut(region.cidr)
        ranges = [region.node_cidr, region.pod_cidr, region.service_cidr, parts.balancers, parts.control_plane]
        assert all(part.subnet_of(region.cidr) for part in ranges)
        assert not any(a.overlaps(b) for a, b in combinations(ranges, 2))
        for address in map(IPv4Address, (*region.dns_addresses, *region.sql_addresses)):
            # Google keeps a subnet's first two addresses and its last two.
            assert parts.balancers[2] <= address < parts.balancers[-2]


@given(st.integers(1, 100), st.integers(1, 6))
def test_hosts_are_spread_evenly_and_more_nodes_take_none_away(nodes: int, zones: int) -> None:
    hosts = hosts_per_zone(nodes, zones)
    assert sum(hosts) == nodes
    assert max(hosts) - min(hosts) <= 1
    assert all(more >= now for now, more in zip(hosts, hosts_per_zone(nodes + 1, zones), strict=True))


def _within(address: str, network: str) -> bool:
    base, _, length = network.partition("/")
    shift = 32 - int(length)
    return _number(address) >> shift == _number(base) >> shift


def _number(address: str) -> int:
    return int.from_bytes(bytes(map(int, address.split("."))), "big")


@given(configs())
def test_each_pair_is_connected_both_ways_and_nobody_asks_itself(config: dict[str, Any]) -> None:
    addresses = _plan(config)
    running = _running(addresses)
    for region in addresses.regions:
        assert region.dns_zone not in region.forwards
        assert not set(region.dns_addresses) & {ip for servers in region.forwards.values() for ip in servers}
    for one, other in combinations(running, 2):
        assert one.forwards[other.dns_zone] == other.dns_addresses
        assert other.forwards[one.dns_zone] == one.dns_addresses
    gone = {region.dns_zone for region in addresses.regions} - {region.dns_zone for region in running}
    assert not any(gone & set(region.forwards) for region in addresses.regions)
    assert all(0 < len(servers) <= 15 for region in running for servers in region.forwards.values())


@given(configs())
def test_every_node_is_named_by_its_regions_certificate(config: dict[str, Any]) -> None:
    for region in _plan(config).regions:
        for node in region.nodes:
            host, _, rest = str(node.address).partition(".")
            assert host == node.name
            assert f"*.{rest}" in (region.certificate_names or ())
            assert rest.endswith(region.dns_zone)
        assert {*region.sql_addresses} <= {*(region.certificate_names or ())}


@given(configs())
def test_join_list_has_up_to_three_nodes_of_each_running_region(config: dict[str, Any]) -> None:
    addresses = _plan(config)
    expected = [f"{node.address}:26257" for region in _running(addresses) for node in region.nodes[:3]]
    assert list(addresses.join_addresses) == expected


@given(configs(), st.data())
def test_scaling_up_from_three_changes_no_join_list(config: dict[str, Any], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(config["regions"]) - 1))
    config["regions"][index]["nodes"] = 3
    before = _plan(config).join_addresses
    config["regions"][index]["nodes"] = data.draw(st.integers(4, 30))
    assert _plan(config).join_addresses == before


@given(configs(most=8), st.data())
def test_appending_a_region_changes_no_other(config: dict[str, Any], data: st.DataObject) -> None:
    taken = {region["name"] for region in config["regions"]}
    name = data.draw(names.filter(lambda name: name not in taken))
    grown = deepcopy(config)
    grown["regions"].append(data.draw(regions(name, len(config["regions"]))))
    before, after = _plan(config), _plan(grown)
    for region in before.regions:
        assert _own(after.region(region.name)) == _own(region)
        assert dict(region.forwards).items() <= dict(after.region(region.name).forwards).items()


@given(configs(), st.data())
def test_removing_a_region_changes_no_other(config: dict[str, Any], data: st.DataObject) -> None:
    if len(config["regions"]) < 2:
        return
    index = data.draw(st.integers(1, len(config["regions"]) - 1))
    before = _plan(config)
    config["regions"][index]["state"] = "removed"
    after = _plan(config)
    gone = before.regions[index].dns_zone
    for place, region in enumerate(before.regions):
        if place != index:
            assert _own(after.regions[place]) == _own(region)
            kept = {zone: ips for zone, ips in region.forwards.items() if zone != gone}
            assert dict(after.regions[place].forwards) == kept


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["10.1.0.0/16", "v26.2.5"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
KEYS = (
    "platform",
    "strategy",
    "networkCidr",
    "regions",
    "dns",
    "cockroachdb",
    "databases",
    "backup",
    "monitoring",
    "gcp",
    "aws",
)
CLOUD_KEYS = (
    "project",
    "network",
    "natGateways",
    "quotas",
    "authorizedCidrs",
    "transitGatewayFrom",
    "adminArns",
    "addonVersions",
)
REGION_KEYS = (
    "name",
    "state",
    "nodes",
    "zones",
    "cidr",
    "nodeCidr",
    "dns",
    "dnsAddresses",
    "sqlAddress",
    "loadBalancer",
    "location",
    "instanceType",
    "machineType",
)


clouds = st.fixed_dictionaries({}, optional=dict.fromkeys(CLOUD_KEYS, json_values))
listed = st.fixed_dictionaries(
    {}, optional={**dict.fromkeys(REGION_KEYS, json_values), "platform": st.sampled_from(PLATFORMS)}
)


@given(
    st.fixed_dictionaries({}, optional=dict.fromkeys(KEYS, json_values))
    | st.fixed_dictionaries({"regions": st.lists(listed, max_size=3), "gcp": clouds, "aws": clouds})
)
def test_no_config_breaks_the_reader(config: dict[str, Any]) -> None:
    """Whatever is in a config, the answer is a list of problems, each on one line, and no exception."""
    for problem in problems_of(config):
        assert "\n" not in str(problem)
        assert problem.path
