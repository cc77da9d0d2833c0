"""Cloud DNS for GKE: which names pods and hosts of a cluster get answers for, and the server that stands in for it.

A CoreDNS per cluster, on the control plane's side of its network, has the metadata server's address and watches the API
servers of every cluster whose names it answers for. Names are those of the cluster itself, and those in the domains
that clusters of the same VPC have for all of it: what another VPC has, it does not know.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab import kubeconfig, processes
from lab.clouds.fabric import Site, present
from lab.clouds.gcp_records import CLUSTER, name_of, network_of
from lab.clouds.store import Record, State
from lab.kubeconfig import Access
from lab.netns import complete
from lab.paths import LabPaths
from lab.processes import Daemon
from lab.shell import ip_batch
from lab.tools import bin_dir
from lab.world import METADATA_SERVER, Region, World

CLOUD_DNS = "CLOUD_DNS"
RELOAD = "reload 2s 1s"
"""CoreDNS's shortest."""
TTL = 30
"""Seconds; what Google's has is not published."""


@dataclass(frozen=True, slots=True)
class Names:
    """What is answered in one cluster, beside its own names."""

    domains: Mapping[str, str] = field(default_factory=dict[str, str])
    """Domain that a cluster has for its whole VPC -> that cluster's name in the cloud."""


def names(state: State, sites: Sequence[Site]) -> dict[str, Names]:
    """By the names of the clusters that have Cloud DNS, and run."""
    running = {site.key for site in sites}
    clusters = [record for record in present(state, CLUSTER) if name_of(record) in running and has_cloud_dns(record)]
    return {
        name_of(here): Names(
            {
                domain: name_of(there)
                for there in clusters
                if (domain := network_domain(there)) and _network(state, there) == _network(state, here)
            }
        )
        for here in clusters
    }


def has_cloud_dns(record: Record) -> bool:
    """Whether the cluster's names are answered from outside of it."""
    return bool(record["enableAutopilot"]) or _dns_config(record).get("clusterDns") == CLOUD_DNS


def network_domain(record: Record) -> str:
    """Where its headless Services' pods have names for the whole VPC; empty: nowhere."""
    return str(_dns_config(record).get("additiveVpcScopeDnsDomain") or "")


def corefile(region: Region, domains: Mapping[str, str], kubeconfig: Path) -> str:
    """`domains`: domain -> context in `kubeconfig`. The cluster's own names are asked for first, whoever has them too.

    Other Services than headless ones are answered for as well in those domains; Cloud DNS has no such records.
    """
    reverse = ("in-addr.arpa", "ip6.arpa")
    blocks = [_block(region.cluster_domain, region.context, kubeconfig, reverse)]
    blocks += [_block(domain, context, kubeconfig) for domain, context in sorted(domains.items())]
    blocks.append(_server(".", "template ANY ANY {", "    rcode NXDOMAIN", "}"))
    return "".join(blocks)


def _block(zone: str, context: str, kubeconfig: Path, more: Sequence[str] = ()) -> str:
    watch = (
        f"kubernetes {' '.join((zone, *more))} {{",
        f"    kubeconfig {kubeconfig} {context}",
        "    pods insecure",
        f"    ttl {TTL}",
        "}",
    )
    return _server(" ".join(f"{each}:53" for each in (zone, *more)), *watch)


def _server(zones: str, *lines: str) -> str:
    body = (f"bind {METADATA_SERVER}", "errors", RELOAD, *lines)
    return f"{zones} {{\n" + "".join(f"    {line}\n" for line in body) + "}\n"


def converge(
    paths: LabPaths, world: World, state: State, sites: Sequence[Site], without: Collection[str] = frozenset()
) -> None:
    """A server in every region that should have one, with the zones of now; none in the regions `without`."""
    found = names(state, sites)
    ready = {region.cluster: region for region in world.regions if _authority(paths, region).exists()}
    for region in world.regions:
        if region.cluster in found and region.cluster in ready and region.name not in without:
            domains = {domain: ready[key] for domain, key in found[region.cluster].domains.items() if key in ready}
            _serve(paths, world, region, domains)
        else:
            processes.stop(paths, daemon_name(region.name))


def daemon_name(region: str) -> str:
    """Of a region's server."""
    return f"cloud-dns-{region}"


def _serve(paths: LabPaths, world: World, region: Region, domains: Mapping[str, Region]) -> None:
    control, router = world.netns(f"{region.name}-control"), world.netns(f"{region.name}-router")
    if not (complete(paths, control) and complete(paths, router)):
        return  # whoever makes them asks again
    folder = paths.region(region.name)
    file, keys = folder / "cloud-dns.Corefile", folder / "cloud-dns.kubeconfig"
    others = {each.name: each for each in (region, *domains.values())}
    kubeconfig.write(
        keys,
        [
            Access(each.context, world.management_url(each), paths.region(each.name) / "pki", "admin")
            for each in others.values()
        ],
    )
    text = corefile(region, {domain: each.context for domain, each in domains.items()}, keys)
    if not file.exists() or file.read_text() != text:
        fresh = file.with_suffix(".new")
        fresh.write_text(text)
        fresh.replace(file)  # the server reads it anew by itself
    if processes.running(paths, daemon_name(region.name)) is None:
        ip_batch(
            [
                f"-n {control} address replace {METADATA_SERVER}/32 dev lo",
                f"-n {control} link set lo up",
                f"-n {router} route replace {METADATA_SERVER}/32 via {region.api_address}",
            ]
        )
    argv = [str(bin_dir() / "coredns"), "-conf", str(file)]
    processes.start(paths, Daemon(daemon_name(region.name), argv, control))


def _authority(paths: LabPaths, region: Region) -> Path:
    return paths.region(region.name) / "pki" / "admin.crt"


def _network(state: State, cluster: Record) -> str:
    network = network_of(state, cluster["network"])
    return network.id if network else ""


def _dns_config(record: Record) -> Mapping[str, Any]:
    return record["dnsConfig"] or {}
