"""What `host-network` is told of a region's hosts, and what can be wrong in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import AddressValueError, IPv4Address

from ...plan.model import Platform, Problem, RegionSettings, Settings
from ...plan.reader import Reader
from ...plan.rules import RUNNING
from ..joining import without_room

OPTIONS = "strategyOptions"


@dataclass(frozen=True, slots=True)
class HostOptions:
    """`regions[].strategyOptions`."""

    hosts: Mapping[str, str] = field(default_factory=dict)
    """Kubernetes node -> address or DNS name of that host; empty: any host, at its own address."""
    public: bool = False
    """Whether those are addresses outside of the region's `nodeCidr`."""


def read(reader: Reader) -> HostOptions:
    """The options of one region."""
    return HostOptions(
        hosts=reader.pairs("hosts", ["dns-name"], ["string", "host-address"]),
        public=reader.take("public", "boolean", default=False),
    )


def options(region: RegionSettings) -> HostOptions:
    """What a region's entry says."""
    found = region.strategy_options
    return found if isinstance(found, HostOptions) else HostOptions()


def problems(settings: Settings) -> Iterator[Problem]:
    """What of the settings the strategy cannot work with."""
    if settings.gcp is not None and settings.gcp.autopilot:
        yield Problem("gcp.autopilot", "true, but Autopilot refuses pods in hosts' networks; leave it out")
    running = [(f"regions[{n}]", region) for n, region in enumerate(settings.regions) if region.state in RUNNING]
    for path, region in running:
        if not options(region).hosts:
            yield from without_room(path, region)
            if options(region).public:
                yield Problem(
                    f"{path}.{OPTIONS}.public",
                    "true, but without `hosts` a node advertises its host's own address; list the hosts with their "
                    "public addresses, or leave this out",
                )
        elif region.platform is not Platform.EXISTING:
            yield Problem(
                f"{path}.{OPTIONS}.hosts",
                f"names hosts, but on {region.platform} hosts come and go with other names and addresses; leave it "
                "out: nodes advertise the address of the host that they are on",
            )
        else:
            yield from _hosts(path, region)
    yield from _twice(running)
    if "affinity" in settings.cockroachdb.pod_spec and any(options(region).hosts for _, region in running):
        yield Problem(
            "cockroachdb.podSpec.affinity",
            "is given, and would take the place of what holds pods to the hosts listed; leave it out",
        )


def _hosts(path: str, region: RegionSettings) -> Iterator[Problem]:
    """One region's by themselves."""
    hosts, at = options(region).hosts, f"{path}.{OPTIONS}.hosts"
    if len(hosts) < region.nodes:
        yield Problem(
            at,
            f"lists {len(hosts)}, and nodes is {region.nodes}; a host carries one node: list more, or have fewer nodes",
        )
    taken = {str(address) for address in region.sql_addresses}
    for name, host in hosts.items():
        address = _address(host)
        if host in taken:
            yield Problem(f"{at}.{name}", f"{host} is the SQL load balancer's; give the address of the host itself")
        elif address is not None and address not in region.node_cidr and not options(region).public:
            yield Problem(
                f"{at}.{name}",
                f"{host} is outside of nodeCidr ({region.node_cidr}); give the host's address there, or say "
                "`public: true` beside `hosts`",
            )


def _twice(running: list[tuple[str, RegionSettings]]) -> Iterator[Problem]:
    """One address is one host, and one host carries one node of a stack: ports 26257 and 8080 are taken then."""
    seen: dict[str, str] = {}
    for path, region in running:
        for name, host in options(region).hosts.items():
            at = f"{path}.{OPTIONS}.hosts.{name}"
            if host in seen:
                yield Problem(at, f"{host} is given at {seen[host]} too; a host carries one node, give each its own")
            seen.setdefault(host, at)


def _address(host: str) -> IPv4Address | None:
    try:
        return IPv4Address(host)
    except AddressValueError:
        return None
