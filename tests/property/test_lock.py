"""What a running stack uses does not move, whatever the config."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from components.plan import plan, problems_of
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
