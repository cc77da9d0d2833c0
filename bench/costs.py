"""What the worked examples cost a month, at list prices: `python -m bench.costs` writes docs/costs.md.

Quantities come from the stack files, prices and assumptions from bench/prices.yaml. Pure but for `main`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Any

import yaml

from components.plan import Settings
from components.plan.machines import host_type, hosts
from components.plan.model import GcpNetworkMode, NatGateways, Platform, RegionSettings
from components.strategies import strategy
from stacks.settings import from_stack_file

from .tables import table

ROOT = Path(__file__).resolve().parent.parent
PRICES = ROOT / "bench" / "prices.yaml"
PAGE = ROOT / "docs" / "costs.md"
STACKS = ("gke", "eks", "multicloud")

GATEWAYS = 2
"""Google Cloud VPN gateways in one VPC: in the first two of its regions."""
TUNNELS = 4
"""Of each gateway, to each VPC of AWS; two are one connection there."""


@dataclass(frozen=True, slots=True)
class Line:
    """`quantity` of what `price` names: hours count per thing, so 3 clusters are 3."""

    group: str
    price: str
    quantity: Decimal


def lines(settings: Settings, assumed: Mapping[str, int]) -> list[Line]:
    """Everything in a stack that has a price of its own, in groups of one cloud each."""
    gke, eks = (
        [region for region in settings.regions if region.platform is platform]
        for platform in (Platform.GKE, Platform.EKS)
    )
    found = [*_gke(settings, gke, assumed, Decimal(len(eks))), *_eks(settings, eks, assumed, Decimal(len(gke)))]
    return [Line(group, price, Decimal(quantity)) for group, price, quantity in found if quantity]


Found = Iterator[tuple[str, str, Decimal | int]]


def _gke(settings: Settings, regions: list[RegionSettings], assumed: Mapping[str, int], eks: Decimal) -> Found:
    if settings.gcp is None:
        return
    machines = _by_type(settings, regions)
    count = len(regions)
    here, there = _shares(settings, Decimal(count), eks)
    gateways = 0 if not eks else GATEWAYS if settings.gcp.network is GcpNetworkMode.GLOBAL else count
    group = "Google Cloud"
    yield group, "gke-cluster", count
    for name, number in machines.items():
        yield group, name, number
    yield group, settings.gcp.storage_type, _storage(settings, regions)
    yield group, "pd-balanced", machines.total() * assumed["gkeHostDiskGiB"]
    yield group, "gcp-nat-vm", machines.total()
    yield group, "gcp-nat-address", count
    yield group, "gcp-nat-data", count * assumed["throughNatGiB"]
    yield group, "gcp-forwarding-rules", count
    yield group, "gcp-balancer-data", count * assumed["throughSqlBalancerGiB"]
    yield group, "gcp-dns-zone", _private_zones(settings, regions)
    yield group, "gcp-between-zones", count * assumed["betweenZonesGiB"]
    yield group, "gcp-between-regions", here * assumed["toOtherRegionsGiB"]
    yield group, "gcp-internet", there * assumed["toOtherRegionsGiB"]
    yield group, "gcp-vpn-tunnel", gateways * TUNNELS * eks


def _by_type(settings: Settings, regions: list[RegionSettings]) -> Counter[str]:
    """Machine type -> hosts."""
    found: Counter[str] = Counter()
    for region in regions:
        found[host_type(settings, region)] += hosts(region)
    return found


def _eks(settings: Settings, regions: list[RegionSettings], assumed: Mapping[str, int], gke: Decimal) -> Found:
    if settings.aws is None:
        return
    machines = _by_type(settings, regions)
    count = len(regions)
    gateways = sum(1 if settings.aws.nat_gateways is NatGateways.ONE else len(region.zones) for region in regions)
    here, there = _shares(settings, Decimal(count), gke)
    between = here * assumed["toOtherRegionsGiB"]
    transit = count >= settings.aws.transit_gateway_from
    vpn = gke and (GATEWAYS if settings.gcp and settings.gcp.network is GcpNetworkMode.GLOBAL else gke)
    group = "AWS"
    yield group, "eks-cluster", count
    for name, number in machines.items():
        yield group, name, number
    yield group, "gp3", _storage(settings, regions) + machines.total() * assumed["eksHostDiskGiB"]
    yield group, "aws-nat", gateways
    yield group, "aws-address", gateways
    yield group, "aws-nat-data", count * assumed["throughNatGiB"]
    yield group, "nlb", 2 * count
    yield group, "aws-dns-zone", _private_zones(settings, regions)
    yield group, "nlcu", count * assumed["throughSqlBalancerGiB"]
    yield group, "aws-between-zones", count * assumed["betweenZonesGiB"]
    yield group, "aws-between-regions", between
    yield group, "aws-internet", there * assumed["toOtherRegionsGiB"]
    # An attachment to its own VPC and one to every other gateway.
    yield group, "transit-gateway", count * count if transit else 0
    yield group, "transit-gateway-data", between if transit else 0
    yield group, "aws-vpn", vpn * (TUNNELS // 2) * count
    yield group, "kms-key", count
    yield group, "cloudwatch-logs", count * assumed["controlPlaneLogsGiB"]


def _private_zones(settings: Settings, regions: list[RegionSettings]) -> int:
    """In the cloud's own DNS."""
    return sum(strategy(settings.strategy).private_zone(settings, region) is not None for region in regions)


def _shares(settings: Settings, mine: Decimal, others: Decimal) -> tuple[Decimal, Decimal]:
    """How many regions' traffic stays in the cloud and how much crosses to the other, each evenly to all the rest."""
    rest = Decimal(len(settings.regions) - 1)
    return (mine * (mine - 1) / rest, mine * others / rest) if rest else (Decimal(0), Decimal(0))


def _storage(settings: Settings, regions: list[RegionSettings]) -> int:
    size = settings.cockroachdb.storage.size
    if not size.endswith("Gi"):
        raise ValueError(f"storage size {size}: give it in Gi")
    return sum(region.nodes for region in regions) * int(size.removesuffix("Gi"))


def usd(line: Line, book: Mapping[str, Any]) -> Decimal:
    """A month of it. Raises KeyError where bench/prices.yaml has no such price."""
    price = book["prices"][line.price]
    hours = book["hoursPerMonth"] if price["unit"] == "hour" else 1
    return line.quantity * Decimal(str(price["usd"])) * hours


def page(stacks: Mapping[str, Settings], book: Mapping[str, Any]) -> str:
    """docs/costs.md."""
    bills = {name: lines(settings, book["assumptions"]) for name, settings in stacks.items()}
    totals = {name: sum((usd(line, book) for line in bill), Decimal(0)) for name, bill in bills.items()}
    text = [
        "# What the examples cost",
        "",
        "Made by `python -m bench.costs` from the stack files and `bench/prices.yaml`; a test holds that it is",
        f"up to date. List prices in USD, on demand, {book['hoursPerMonth']} hours a month, US regions, without taxes,",
        "discounts, commitments, support or CockroachDB's licence. No bill was ever seen: nothing here has run on a",
        "real cloud. Prices change: look at the sources before you decide.",
        "",
        *table(
            ("stack", "regions", "CockroachDB nodes", "USD a month", "a node and month"),
            [
                (
                    f"[`{name}`](../Pulumi.{name}.yaml)",
                    len(settings.regions),
                    nodes := sum(region.nodes for region in settings.regions),
                    _money(totals[name]),
                    _money(totals[name] / nodes),
                )
                for name, settings in stacks.items()
            ],
        ),
        "",
        "## What a region is taken to do in a month",
        "",
        *(f"- {words}" for words in _assumptions(book["assumptions"])),
        "",
        "Traffic is the part that is yours alone: it follows what is written, and where the replicas are. Between",
        "clouds it goes out as internet traffic, at four to six times the price of traffic inside of one.",
        "",
    ]
    for name, bill in bills.items():
        text += [f"## `{name}`", ""]
        for group, entries in groupby(bill, key=lambda line: line.group):
            text += [*_bill(group, list(entries), book), ""]
    return "\n".join([*text, *_prices(bills, book)]) + "\n"


def _bill(group: str, bill: list[Line], book: Mapping[str, Any]) -> list[str]:
    rows: list[tuple[Any, ...]] = []
    for line in bill:
        price = book["prices"][line.price]
        unit = "" if price["unit"] in ("hour", "month") else " GiB"
        check = " (from memory, check)" if price.get("memory") else ""
        rows.append(
            (f"{price['what']}{check}", f"{line.quantity.quantize(Decimal(1)):,}{unit}", _money(usd(line, book)))
        )
    rows.append(("together", "", _money(sum((usd(line, book) for line in bill), Decimal(0)))))
    return table((group, "how much", "USD a month"), rows)


def _prices(bills: Mapping[str, list[Line]], book: Mapping[str, Any]) -> list[str]:
    used = list(dict.fromkeys(line.price for bill in bills.values() for line in bill))
    rows = [
        (
            book["prices"][key]["what"],
            f"{book['prices'][key]['usd']} per {book['prices'][key]['unit']}",
            "from memory, check" if book["prices"][key].get("memory") else f"<{book['prices'][key]['source']}>",
            "" if book["prices"][key].get("memory") else book["prices"][key]["date"],
        )
        for key in used
    ]
    text = (
        "`read` is the page's own date, or the day on which a vendor's page was transcribed by someone else. Pages",
        "without a date were read as stored copies on 2026-11-25.",
    )
    return ["## The prices", "", *text, "", *table(("what", "USD", "source", "read"), rows)]


def _assumptions(assumed: Mapping[str, int]) -> Iterator[str]:
    yield f"{assumed['toOtherRegionsGiB']:,} GiB to the other regions, the same to each (replication)"
    yield f"{assumed['betweenZonesGiB']:,} GiB between its zones"
    yield f"{assumed['throughSqlBalancerGiB']:,} GiB through the SQL load balancer; DNS takes next to nothing"
    yield f"{assumed['throughNatGiB']:,} GiB through NAT: images; more where backups go that way"
    yield f"{assumed['controlPlaneLogsGiB']:,} GiB of control plane logs (EKS)"
    yield f"{assumed['gkeHostDiskGiB']:,} GiB of disk for each GKE host's system, {assumed['eksHostDiskGiB']} on EKS"


def _money(amount: Decimal) -> str:
    return f"{amount.quantize(Decimal(1)):,}"


def load() -> tuple[dict[str, Settings], dict[str, Any]]:
    """The worked examples' settings, and the prices."""
    stacks = {name: from_stack_file(ROOT / f"Pulumi.{name}.yaml")[0] for name in STACKS}
    return stacks, yaml.safe_load(PRICES.read_text())


if __name__ == "__main__":
    PAGE.write_text(page(*load()))
