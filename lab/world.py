"""What a lab consists of, as plain values derived from a stack's address plan."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

import yaml

from lab.paths import PROJECT, LabPaths, no_lab
from lab.shell import LabError

API_SERVERS = "api-servers"
"""The plan's word for what a port leads to that is an API server."""

CONFIG = "cockroachdb-multiregion"
CLUSTER_DOMAIN = "cluster.local"
API_PORT = 6443
METADATA_SERVER = "169.254.169.254"
"""Where Google's hosts and their pods ask Cloud DNS, each its own host."""
CLOUD_DNS = "cloud-dns"
"""`Region.dns_kind` of clusters whose DNS is outside of them."""
MANAGEMENT = IPv4Network("198.18.0.0/15")
"""The benchmarking range (RFC 2544): a /24 of it per lab joins the machine to its API servers."""


@dataclass(frozen=True, slots=True)
class Host:
    """One machine of a region, as a network namespace."""

    name: str
    region: str
    zone: str
    address: str
    gateway: str = ""
    """The router's address in the host's subnet. Empty: the region's only one."""
    pods: str = ""
    """Range of its pods' addresses, where a cloud decides that; else the controller manager gives it one."""
    pool: str = ""
    """Name of its node pool or node group in the cloud."""
    labels: tuple[tuple[str, str], ...] = ()
    """What the cloud has its node labelled with."""
    tags: tuple[str, ...] = ()
    """Network tags or security groups."""


@dataclass(frozen=True, slots=True)
class Region:
    """One region's networks and who lives in them. Addresses and networks are strings, ready for argv and JSON."""

    name: str
    index: int
    """Place in the stack's list, from 0: it never changes, so addresses made from it don't either."""
    context: str
    dns_kind: str
    cluster_domain: str
    node_cidr: str
    lb_cidr: str
    control_cidr: str
    service_cidr: str
    pod_cidr: str
    balancer_addresses: tuple[str, ...]
    """Where its load balancers answer other regions: all of the plan's but SQL's."""
    zones: tuple[str, ...]
    hosts: tuple[Host, ...]
    platform: str = "existing"
    """`gke` and `eks` regions are made, and unmade, by the lab's clouds: `lab up` alone starts none."""
    cluster: str = ""
    """The cluster's name in its cloud."""
    node_local_dns: bool = False
    """Whether its hosts have NodeLocal DNSCache before their cluster's DNS."""
    location: str = ""
    """The cloud's region. Empty: called like this one."""
    ports: tuple[tuple[str, str], ...] = ()
    """Transport and port, or `first-last`, of what the strategy has other regions call here."""
    pods_routed: bool = True
    """Whether other regions have a route to its pods. If not, its hosts stand in for their pods on the way out."""
    api_callers: tuple[str, ...] = ()
    """What of the other regions may call its API server: `pods`, `nodes`, both or neither."""

    @property
    def is_cloud(self) -> bool:
        """Whether a cloud made it. Its network is the cloud's: what the program created decides what crosses."""
        return self.platform != "existing"

    @property
    def router_address(self) -> str:
        return str(IPv4Network(self.node_cidr)[1])

    @property
    def control_router_address(self) -> str:
        return str(IPv4Network(self.control_cidr)[1])

    @property
    def api_address(self) -> str:
        """Where this region's own hosts and pods reach its API server."""
        return str(IPv4Network(self.control_cidr)[2])

    @property
    def has_dns_pods(self) -> bool:
        """Whether its DNS runs in the cluster."""
        return self.dns_kind not in ("", CLOUD_DNS)

    @property
    def cluster_dns(self) -> str:
        """What pods ask: the `kube-dns` Service at the tenth address, as kubeadm and GKE have it, or Cloud DNS."""
        if self.dns_kind == CLOUD_DNS:
            return METADATA_SERVER
        return str(IPv4Network(self.service_cidr)[10])

    @property
    def kubernetes_address(self) -> str:
        return str(IPv4Network(self.service_cidr)[1])

    @property
    def api_url(self) -> str:
        return f"https://{self.api_address}:{API_PORT}"


@dataclass(frozen=True, slots=True)
class Nameserver:
    """A DNS server outside of all regions."""

    address: str
    zone: str
    """What it answers for."""
    port: int
    """Where it takes updates and transfers, beside port 53."""
    key_name: str
    """Of the key that these are signed with (TSIG)."""
    key_algorithm: str


@dataclass(frozen=True, slots=True)
class World:
    """All regions of a lab, and the lab's place among the labs of this machine."""

    name: str
    lab_id: str
    index: int
    regions: tuple[Region, ...]
    nameservers: tuple[Nameserver, ...] = ()
    """The first one is the primary of their zone."""

    @property
    def bridge(self) -> str:
        """The bridge in the machine's own namespace that leads to the API servers."""
        return f"crdbmr{self.index}"

    @property
    def management(self) -> IPv4Network:
        return list(MANAGEMENT.subnets(new_prefix=24))[self.index]

    def api_management_address(self, region: Region) -> str:
        """Where the machine itself reaches a region's API server."""
        return str(self.management[10 + region.index])

    def management_url(self, region: Region) -> str:
        return f"https://{self.api_management_address(region)}:{API_PORT}"

    def netns(self, what: str) -> str:
        return f"crdbmr-{self.lab_id}-{what}"

    def region(self, name: str) -> Region:
        for region in self.regions:
            if region.name == name:
                return region
        known = ", ".join(region.name for region in self.regions) or "none"
        raise LabError(f"no region {name}; there are: {known}")

    def by_cluster(self, key: str) -> Region | None:
        """The region that a cloud knows as cluster `key`."""
        return next((region for region in self.regions if region.is_cloud and region.cluster == key), None)

    def nameserver(self, address: str) -> Nameserver:
        for server in self.nameservers:
            if server.address == address:
                return server
        known = ", ".join(server.address for server in self.nameservers) or "none"
        raise LabError(f"no name server {address}; there are: {known}")

    def host(self, name: str) -> Host:
        for region in self.regions:
            for host in region.hosts:
                if host.name == name:
                    return host
        known = ", ".join(host.name for region in self.regions for host in region.hosts) or "none"
        raise LabError(f"no host {name}; there are: {known}")

    def dump(self) -> str:
        return json.dumps(asdict(self), indent=1)


def load(text: str) -> World:
    """The world that `World.dump` wrote."""
    data = json.loads(text)
    regions = tuple(
        Region(
            **{
                **item,
                "balancer_addresses": tuple(item["balancer_addresses"]),
                "ports": tuple((protocol, numbers) for protocol, numbers in item.get("ports", ())),
                "zones": tuple(item["zones"]),
                "api_callers": tuple(item.get("api_callers", ())),
                "hosts": tuple(_host(host) for host in item["hosts"]),
            }
        )
        for item in data["regions"]
    )
    servers = tuple(Nameserver(**item) for item in data.get("nameservers", ()))
    return World(data["name"], data["lab_id"], data["index"], regions, servers)


def _host(item: Mapping[str, Any]) -> Host:
    labels = tuple((name, value) for name, value in item.get("labels", ()))
    return Host(**{**item, "labels": labels, "tags": tuple(item.get("tags", ()))})


def read_world(paths: LabPaths) -> World:
    """The world of a lab that was brought up. Raises LabError where there is none."""
    if not paths.world.exists():
        raise no_lab(paths)
    return load(paths.world.read_text())


def write_world(paths: LabPaths, world: World) -> None:
    """Whole or not at all."""
    fresh = paths.world.with_suffix(".new")
    fresh.write_text(world.dump())
    fresh.replace(paths.world)


def read_plan(stack_file: Path) -> dict[str, Any]:
    """The address plan of a stack file, as `python -m stacks.plan` prints it. Raises LabError with its problems."""
    done = subprocess.run(
        [sys.executable, "-m", "stacks.plan", str(stack_file), "--json"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode != 0:
        raise LabError(f"{stack_file}: no plan can be made of it:\n{done.stderr.strip()}")
    return json.loads(done.stdout)


def read_config(stack_file: Path) -> dict[str, Mapping[str, Any]]:
    """The `regions` entries of a stack file by name, as written."""
    document = yaml.safe_load(stack_file.read_text()) or {}
    entries = (document.get("config") or {}).get(f"{CONFIG}:regions") or []
    return {entry["name"]: entry for entry in entries if isinstance(entry, dict) and "name" in entry}


def read_nameservers(stack_file: Path) -> tuple[Nameserver, ...]:
    """The servers that a stack file has its nodes' names written to; they are nobody's, so the lab stands them up."""
    document = yaml.safe_load(stack_file.read_text()) or {}
    options = (document.get("config") or {}).get(f"{CONFIG}:strategyOptions") or {}
    asked = options.get("rfc2136") or {}
    return tuple(
        Nameserver(
            address=address,
            zone=options.get("zone", "crdb.internal"),
            port=asked.get("port", 53),
            key_name=asked["tsigKeyName"],
            key_algorithm=asked.get("tsigAlgorithm", "hmac-sha256"),
        )
        for address in asked.get("servers") or ()
    )


def derive_regions(plan: Mapping[str, Any], config: Mapping[str, Mapping[str, Any]], hosts: int) -> tuple[Region, ...]:
    """The regions that a plan has on `existing`, with `hosts` hosts each; `removed` ones have no place in a new lab.

    Regions on other platforms are not there before the program makes them.
    """
    return tuple(
        _region(index, item, config.get(item["name"], {}), hosts, plan)
        for index, item in enumerate(plan["regions"])
        if item["state"] != "removed" and item["platform"] == "existing"
    )


def _ports(plan: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Each once: ports of one number differ by what they lead to."""
    found = (
        (
            port["protocol"].lower(),
            f"{port['first']}" if port["first"] == port["last"] else f"{port['first']}-{port['last']}",
        )
        for port in plan["ports"]
        if port["to"] != API_SERVERS
    )
    return tuple(dict.fromkeys(found))


def _api_callers(plan: Mapping[str, Any]) -> tuple[str, ...]:
    found = (source for port in plan["ports"] if port["to"] == API_SERVERS for source in port["sources"])
    return tuple(dict.fromkeys(found))


def _region(
    index: int, item: Mapping[str, Any], entry: Mapping[str, Any], hosts: int, plan: Mapping[str, Any]
) -> Region:
    name = item["name"]
    block = IPv4Network(item["cidr"])
    nodes = IPv4Network(item["nodeCidr"])
    called = tuple(
        address for balancer in item["balancers"] if balancer["kind"] != "sql" for address in balancer["addresses"]
    )
    zones = tuple(item["zones"]) or tuple(f"{name}-{letter}" for letter in "abc")
    dns = entry.get("dns") or {}
    return Region(
        name=name,
        index=index,
        context=entry.get("context") or name,
        dns_kind=dns.get("kind") or "coredns",
        cluster_domain=dns.get("clusterDomain") or CLUSTER_DOMAIN,
        node_cidr=str(nodes),
        lb_cidr=str(_balancer_cidr(block, (*called, item["sqlAddress"]))),
        control_cidr=f"{block[17 * 256]}/28",
        service_cidr=item["serviceCidr"],
        pod_cidr=item["podCidr"],
        balancer_addresses=called,
        pods_routed=entry.get("podsRouted", True),
        ports=_ports(plan),
        api_callers=_api_callers(plan),
        zones=zones,
        hosts=tuple(Host(f"{name}-host-{n}", name, zones[n % len(zones)], str(nodes[10 + n])) for n in range(hosts)),
    )


def _balancer_cidr(block: IPv4Network, addresses: tuple[str, ...]) -> IPv4Network:
    """The /24 of load balancers' addresses: .16.0/24 of the region's block, or where the plan's addresses lie."""
    usual = IPv4Network(f"{block[16 * 256]}/24")
    if all(IPv4Address(address) in usual for address in addresses):
        return usual
    return IPv4Network(f"{addresses[0]}/24", strict=False)
