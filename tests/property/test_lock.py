"""What a running stack uses does not move, whatever the config."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from components.plan import plan, problems_of
from components.plan.layout import hosts_per_zone
from components.plan.lock import compare, compare_records, record
from tests.property.configs import configs, names, regions


@given(configs())
def test_the_same_config_again_is_fine(config: dict[str, Any]) -> None:
    settings, addresses = plan(config)
    assert compare(addresses.to_json(), addresses) == []
    assert compare_records(record(settings, addresses), record(settings, addresses)) == []


@given(configs())
def test_a_first_run_is_fine(config: dict[str, Any]) -> None:
    settings, addresses = plan(config)
    assert compare(None, addresses) == []
    assert compare_records({}, record(settings, addresses)) == []


@given(configs(most=8), st.data())
def test_appending_a_region_is_fine(config: dict[str, Any], data: st.DataObject) -> None:
    before = plan(config)[1].to_json()
    taken = {region["name"] for region in config["regions"]}
    name = data.draw(names.filter(lambda name: name not in taken))
    config["regions"].append(data.draw(regions(name, len(config["regions"]))))
    assert compare(before, plan(config)[1]) == []


@given(
    configs(), st.data(), st.sampled_from(["cidr", "podCidr", "nodeCidr", "serviceCidr", "dnsAddresses", "sqlAddress"])
)
def test_a_moved_address_is_refused(config: dict[str, Any], data: st.DataObject, key: str) -> None:
    """Any address of any region that is not removed, wherever it goes."""
    before = plan(config)[1].to_json()
    kept = [index for index, region in enumerate(config["regions"]) if region["state"] != "removed"]
    index = data.draw(st.sampled_from(kept))
    region = config["regions"][index]
    if region["platform"] != "existing":
        key = "cidr"  # all that such a region can state
    base = region.get("cidr", f"10.{index + 1}.0.0/16").rsplit(".", 2)[0]
    if key == "cidr":
        region.pop("dnsAddresses", None)
    region[key] = {
        "cidr": "192.168.0.0/16",
        "podCidr": "198.18.0.0/16",
        "nodeCidr": f"{base}.8.0/24",
        "serviceCidr": f"{base}.40.0/24",
        "dnsAddresses": [f"{base}.16.99"],
        "sqlAddress": f"{base}.16.98",
    }[key]
    problems = compare(before, plan(config)[1])
    assert problems
    assert all(problem.path.startswith(f"regions[{index}].") for problem in problems)


@given(configs(most=3, platform="gke") | configs(most=3, platform="eks"), st.data())
def test_zones_only_grow_and_never_take_a_host_away(config: dict[str, Any], data: st.DataObject) -> None:
    """Whatever the new list of zones: where it is let pass, each zone has the hosts that it had, in its place."""
    before = plan(config)[1].to_json()
    index = data.draw(st.integers(0, len(config["regions"]) - 1))
    region = config["regions"][index]
    least, start = (1, f"{region['location']}-") if region["platform"] == "gke" else (2, region["location"])
    zones = [start + letter for letter in data.draw(st.permutations("abcdef"))]
    was = region["zones"]
    region["zones"] = data.draw(
        st.sampled_from(zones).map(lambda zone: [*was, *({zone} - set(was))][:6])
        | st.integers(least, 6).map(lambda count: zones[:count])
    )
    region["nodes"] += data.draw(st.integers(0, 3))
    problems = compare(before, plan(config)[1])
    if problems or region["state"] == "removed":
        assert all(problem.path == f"regions[{index}].zones" for problem in problems)
        return
    assert region["zones"][: len(was)] == was
    if region["state"] in ("active", "draining"):
        had = hosts_per_zone(len(before["regions"][index]["nodes"]), len(was))
        has = hosts_per_zone(region["nodes"], len(region["zones"]))
        assert all(now >= then for then, now in zip(had, has, strict=False))


@given(configs(platform="eks"), st.data())
def test_a_further_zone_moves_no_address(config: dict[str, Any], data: st.DataObject) -> None:
    """Subnets are cut by place: the first zones keep theirs."""
    before = plan(config)[1]
    index = data.draw(st.integers(0, len(config["regions"]) - 1))
    region = config["regions"][index]
    free = sorted({region["location"] + letter for letter in "abcdef"} - set(region["zones"]))
    if not free:
        return
    region["zones"] = [*region["zones"], data.draw(st.sampled_from(free))]
    after = plan(config)[1]
    was, now = before.regions[index], after.regions[index]
    assert now.dns_addresses[:-1] == was.dns_addresses
    assert now.sql_addresses[:-1] == was.sql_addresses
    others = [place for place in range(len(before.regions)) if place != index]
    assert all(before.regions[place].sql_addresses == after.regions[place].sql_addresses for place in others)


@given(configs(), st.data())
def test_a_region_left_out_is_refused(config: dict[str, Any], data: st.DataObject) -> None:
    before = plan(config)[1].to_json()
    if len(config["regions"]) < 2:
        return
    index = data.draw(st.integers(1, len(config["regions"]) - 1))
    gone = config["regions"].pop(index)
    was_last = index == len(config["regions"])
    if problems_of(config):
        return  # refused earlier: an address that was stated is outside the range that moved
    problems = compare(before, plan(config)[1])
    if gone["state"] == "removed" and was_last:
        assert problems == []
    else:
        assert any(gone["name"] in problem.message for problem in problems)
