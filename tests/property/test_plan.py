"""What holds for the plan of every valid config."""

from copy import deepcopy
from itertools import combinations
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from components.plan import AddressPlan, plan, problems_of
from components.plan.model import RegionPlan
from tests.property.configs import configs, names, regions

RUNNING = ("active", "draining")


def _plan(config: dict[str, Any]) -> AddressPlan:
    return plan(config)[1]


def _running(addresses: AddressPlan) -> list[RegionPlan]:
    return [region for region in addresses.regions if region.state in RUNNING]


def _own(region: RegionPlan) -> dict[str, Any]:
    """Everything that is the region's own: what other regions' comings and goings must not change."""
    return {
        "ranges": (region.cidr, region.node_cidr, region.pod_cidr, region.service_cidr),
        "addresses": (region.dns_addresses, region.sql_address),
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
        for a, b in combinations((region.node_cidr, region.pod_cidr, region.service_cidr), 2):
            assert not a.overlaps(b)


@given(configs())
def test_balancer_addresses_are_unique_and_no_pods_or_services(config: dict[str, Any]) -> None:
    kept = [region for region in _plan(config).regions if region.state != "removed"]
    addresses = [address for region in kept for address in (*region.dns_addresses, region.sql_address)]
    assert len(addresses) == len(set(addresses))
    for region in kept:
        held = [str(range_) for range_ in (region.pod_cidr, region.service_cidr)]
        for address in addresses:
            assert not any(_within(address, range_) for range_ in held)


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
        assert region.sql_address in (region.certificate_names or ())


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
KEYS = ("platform", "strategy", "networkCidr", "regions", "dns", "cockroachdb", "databases", "backup", "monitoring")
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
)


@given(
    st.fixed_dictionaries({}, optional=dict.fromkeys(KEYS, json_values))
    | st.fixed_dictionaries(
        {"regions": st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(REGION_KEYS, json_values)), max_size=3)}
    )
)
def test_no_config_breaks_the_reader(config: dict[str, Any]) -> None:
    """Whatever is in a config, the answer is a list of problems, each on one line, and no exception."""
    for problem in problems_of(config):
        assert "\n" not in str(problem)
        assert problem.path
