"""Which region of the lab a cloud's cluster is, and which addresses its machines get: pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from ipaddress import IPv4Network

from lab.clouds.fabric import Machine, Site
from lab.clouds.substrate_api import ClusterSpec, HostSpec
from lab.shell import LabError
from lab.world import CLUSTER_DOMAIN, Host, Region

FIRST_HOST = 10
"""Of a subnet, the first address that a machine gets: clouds keep the first few."""

NODE_BITS = 24
"""Prefix length of a node's pod range, as GKE and the lab's own controller manager have it."""


def name_of(key: str, planned: Sequence[str]) -> str:
    """The planned region that a cluster is for: its name begins with the region's, for the program called it so.

    A cluster that is for none is a region called like itself.
    """
    fitting = [name for name in planned if key == name or key.startswith(f"{name}-")]
    return max(fitting, key=len) if fitting else key


def region_of(spec: ClusterSpec, planned: Sequence[str], known: Sequence[Region]) -> Region:
    """The region for a new cluster, at the place that the plan has for it. Raises LabError where it is taken."""
    name = name_of(spec.key, planned)
    taken = {region.index for region in known}
    index = planned.index(name) if name in planned else next(n for n in range(len(planned), 255) if n not in taken)
    for region in known:
        if region.name == name:
            raise LabError(f"region {name} runs as cluster {region.cluster or region.context} already")
        mine, its = (IPv4Network(spec.node_cidr), IPv4Network(spec.pod_cidr)), (region.node_cidr, region.pod_cidr)
        if region.index == index or any(one.overlaps(IPv4Network(other)) for one in mine for other in its):
            raise LabError(f"cluster {spec.key} wants the place of region {region.name}, which runs")
    return Region(
        name=name,
        index=index,
        context=name,
        dns_kind="",
        cluster_domain=CLUSTER_DOMAIN,
        node_cidr=spec.node_cidr,
        lb_cidr="",
        control_cidr=spec.control_cidr or f"100.65.{index}.0/28",
        service_cidr=spec.service_cidr,
        pod_cidr=spec.pod_cidr,
        balancer_addresses=(),
        zones=spec.zones,
        hosts=(),
        platform=spec.platform,
        cluster=spec.key,
        node_local_dns=spec.node_local_dns,
        location=spec.location,
    )


def with_pool(region: Region, pool: str, specs: Sequence[HostSpec]) -> Region:
    """The region with exactly these hosts in one pool. Those that are there keep their addresses."""
    kept = {host.name: host for host in region.hosts if host.pool == pool}
    hosts = [host for host in region.hosts if host.pool != pool]
    hosts += [kept[spec.name] for spec in specs if spec.name in kept]
    for spec in specs:
        labels, tags = tuple(sorted(spec.labels.items())), spec.tags
        if spec.name in kept:
            hosts[hosts.index(kept[spec.name])] = replace(kept[spec.name], labels=labels, tags=tags)
        elif any(host.name == spec.name for host in hosts):
            raise LabError(f"{region.name}: two hosts are called {spec.name}")
        else:
            address, pods = _free(spec, hosts)
            gateway = str(IPv4Network(spec.subnet)[1])
            hosts.append(Host(spec.name, region.name, spec.zone, address, gateway, pods, pool, labels, tags))
    return replace(region, hosts=tuple(hosts))


def _free(spec: HostSpec, hosts: Sequence[Host]) -> tuple[str, str]:
    """An address and a pod range that nobody has yet. Raises LabError where there is none."""
    addresses, ranges = {host.address for host in hosts}, {host.pods for host in hosts}
    subnet, pods = IPv4Network(spec.subnet), IPv4Network(spec.pods)
    last = min(subnet.num_addresses - 2, 2 ** (32 - NODE_BITS) - 2)
    address = next((each for n in range(FIRST_HOST, last) if (each := str(subnet[n])) not in addresses), None)
    free = next((str(each) for each in _node_ranges(pods, subnet) if str(each) not in ranges), None)
    if address is None or free is None:
        raise LabError(f"{spec.name}: no {'address' if address is None else 'pod range'} is left in {spec.subnet}")
    return address, free


def _node_ranges(pods: IPv4Network, subnet: IPv4Network) -> Iterator[IPv4Network]:
    """Pod ranges for nodes; where pods and hosts share a subnet, not that with the hosts' addresses."""
    if pods.prefixlen <= NODE_BITS:
        yield from (each for each in pods.subnets(new_prefix=NODE_BITS) if subnet[FIRST_HOST] not in each)


def site_of(region: Region, without: frozenset[str]) -> Site:
    """A region as the fabric sees it; machines in `without` are off."""
    machines = tuple(
        Machine(host.name, host.address, host.pods, host.zone, host.pool, host.tags, host.name not in without)
        for host in region.hosts
    )
    return Site(region.cluster, region.platform, region.location, machines)
