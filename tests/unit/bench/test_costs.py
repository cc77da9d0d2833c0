"""docs/costs.md says what the worked examples cost now, and every number on it follows from them."""

from dataclasses import replace
from decimal import Decimal

import pytest

from bench import costs
from components.plan import Settings, plan
from components.plan.model import NatGateways
from tests.unit.stacks.test_clouds import raw

STACKS, BOOK = costs.load()


def quantities(settings: Settings) -> dict[str, Decimal]:
    return {line.price: line.quantity for line in costs.lines(settings, BOOK["assumptions"])}


def test_the_page_is_up_to_date() -> None:
    assert costs.PAGE.read_text(encoding="utf-8") == costs.page(STACKS, BOOK), "run `python -m bench.costs`"


def test_every_price_is_used_and_has_a_source_or_says_that_it_has_none() -> None:
    for name, price in BOOK["prices"].items():
        assert price.get("memory") or (price["source"].startswith("https://") and price["date"]), name
        assert price["unit"] in ("hour", "month", "GiB", "GiB-month"), name
    used = {price for settings in STACKS.values() for price in quantities(settings)}
    assert BOOK["prices"].keys() - used == {
        "transit-gateway",
        "transit-gateway-data",
        "gcp-dns-zone",
        "aws-dns-zone",
    }, "examples are too small for these, or have another strategy"


def test_both_clouds_pay_for_their_ends_of_the_tunnels() -> None:
    both = quantities(STACKS["multicloud"])
    # Two gateways of Google Cloud, four tunnels from each to each of two VPCs; two tunnels are one connection of AWS.
    assert both["gcp-vpn-tunnel"] == 16
    assert both["aws-vpn"] == 8


def test_traffic_is_counted_once_wherever_it_goes() -> None:
    both = quantities(STACKS["multicloud"])
    left = sum(both[price] for price in ("gcp-between-regions", "gcp-internet", "aws-between-regions", "aws-internet"))
    assert left == pytest.approx(4 * BOOK["assumptions"]["toOtherRegionsGiB"])
    assert "gcp-internet" not in quantities(STACKS["gke"])


def test_a_choice_in_the_stack_file_shows() -> None:
    eks = STACKS["eks"]
    assert eks.aws is not None
    assert quantities(eks)["aws-nat"] == 9
    assert quantities(replace(eks, aws=replace(eks.aws, nat_gateways=NatGateways.ONE)))["aws-nat"] == 3
    transit = quantities(replace(eks, aws=replace(eks.aws, transit_gateway_from=3)))
    # Three regions: each gateway is attached to its VPC and to two other gateways.
    assert transit["transit-gateway"] == 9


@pytest.mark.parametrize(("stack", "price"), [("gke", "gcp-dns-zone"), ("eks", "aws-dns-zone")])
def test_a_zone_in_a_clouds_dns_is_a_regions_own(stack: str, price: str) -> None:
    assert price not in quantities(STACKS[stack])
    settings, _ = plan({**raw(stack), "strategy": "private-zone"})
    assert quantities(settings)[price] == 3


def test_a_pool_has_as_many_hosts_in_every_zone() -> None:
    gke = STACKS["gke"]
    four = replace(gke, regions=(replace(gke.regions[0], nodes=4),))
    assert quantities(four)["n2-standard-8"] == 6, "two in each of three zones"
