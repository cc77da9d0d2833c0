"""One entry of `regions` -> `RegionSettings`, with addresses cut from the region's range where none are given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from types import MappingProxyType
from typing import TYPE_CHECKING

from . import defaults, layout
from .cloud_words import NOT_HERE
from .model import DnsKind, LoadBalancerSettings, Platform, RegionSettings, RegionState
from .reader import Reader
from .rules import complain, show

if TYPE_CHECKING:  # strategies import the plan
    from ..strategies.base import Strategy

DNS_KINDS: Mapping[Platform, tuple[DnsKind, ...]] = MappingProxyType(
    {
        Platform.EXISTING: tuple(DnsKind),
        Platform.GKE: (DnsKind.KUBE_DNS, DnsKind.CLOUD_DNS),
        Platform.EKS: (DnsKind.COREDNS,),
    }
)
"""What answers cluster DNS on each platform, the default first; `existing` has none, it must say."""


@dataclass(frozen=True, slots=True)
class _Share:
    """What of a region's `cidr` is for what."""

    nodes: IPv4Network
    pods: IPv4Network
    services: IPv4Network
    dns_addresses: tuple[IPv4Address, ...]
    sql_addresses: tuple[IPv4Address, ...]


def parse_region(
    reader: Reader, index: int, network: IPv4Network, default_platform: Platform, chosen: Strategy | None
) -> RegionSettings:
    """Read one region; `index` is its place in the list, which decides its default range. `chosen`: the strategy.

    What only a running region needs (a cluster to reach, the kind of its DNS) is not asked of one that is lost or
    removed.
    """
    state = reader.take("state", "string", "state", convert=RegionState, default=RegionState.ACTIVE)
    running = state in (RegionState.ACTIVE, RegionState.DRAINING)
    name = reader.take(
        "name", "string", "dns-label", "namespace", required="name the region, such as us-east1", default=""
    )
    platform = reader.take("platform", "string", "platform", convert=Platform, default=default_platform)
    if platform is not Platform.EXISTING:
        _refuse_existings_keys(reader, platform)
    cidr = reader.take("cidr", "string", "cidr", convert=IPv4Network) or layout.default_range(network, index)
    zones = reader.items("zones", "string", "label-value") or ()
    share = _share(platform, cidr or layout.PLACEHOLDER, len(zones))
    dns = reader.child("dns")
    balancer = reader.child("loadBalancer")
    managed = reader.take("dnsManaged", "boolean", default=True)
    dns_addresses = reader.items("dnsAddresses", "string", "address", convert=IPv4Address)
    sql_address = reader.take("sqlAddress", "string", "address", convert=IPv4Address)

    def needed(sentence: str) -> str | None:
        return sentence if running and platform is Platform.EXISTING else None

    def only(there: Platform, key: str, rule: str) -> str | None:
        return reader.take(key, "string", rule) if platform is there else None

    settings = RegionSettings(
        name=name,
        platform=platform,
        location=reader.take("location", "string", "label-value", default=name),
        state=state,
        nodes=reader.take("nodes", "integer", "node-count", default=defaults.NODES),
        zones=zones,
        cidr=cidr or layout.PLACEHOLDER,
        node_cidr=reader.take("nodeCidr", "string", "cidr", convert=IPv4Network, default=share.nodes),
        pod_cidr=reader.take("podCidr", "string", "cidr", convert=IPv4Network, default=share.pods),
        service_cidr=reader.take("serviceCidr", "string", "cidr", convert=IPv4Network, default=share.services),
        dns_kind=dns.take(
            "kind",
            "string",
            "dns-kind",
            convert=DnsKind,
            default=_dns_kind(platform, chosen),
            required=needed("say which server answers the cluster's DNS: coredns or kube-dns"),
        ),
        cluster_domain=dns.take("clusterDomain", "string", "dns-name", default=defaults.CLUSTER_DOMAIN),
        dns_addresses=dns_addresses if dns_addresses is not None else share.dns_addresses,
        dns_managed=managed,
        sql_addresses=share.sql_addresses if sql_address is None else (sql_address,),
        load_balancer=LoadBalancerSettings(
            load_balancer_class=balancer.take("class", "string", "label-name"),
            annotations=balancer.pairs("annotations", [], ["annotation"]),
        ),
        kubeconfig=reader.take("kubeconfig", "string", required=needed("give the path of a kubeconfig file")),
        context=reader.take("context", "string", required=needed("name the context in that kubeconfig")),
        machine_type=only(Platform.GKE, "machineType", "machine-type"),
        instance_type=only(Platform.EKS, "instanceType", "instance-type"),
        pods_routed=reader.take("podsRouted", "boolean", default=True),
        kubernetes_version=only(Platform.EKS, "kubernetesVersion", "kubernetes-version"),
        strategy_options=reader.own("strategyOptions", chosen.region_options if chosen else None),
        draining_nodes=reader.take("drainingNodes", "integer", "draining-count", default=0),
    )
    for child in (dns, balancer, reader):
        child.close()
    return settings


def _dns_kind(platform: Platform, chosen: Strategy | None) -> DnsKind:
    """What answers DNS where the config does not say; what stands on `existing` until a rule has said so."""
    if platform is Platform.EXISTING:
        return DnsKind.COREDNS
    wanted = None if chosen is None else chosen.cluster_dns(platform)
    return wanted or DNS_KINDS[platform][0]


def _refuse_existings_keys(reader: Reader, platform: Platform) -> None:
    """A platform whose clusters the program makes decides these itself: what is given would be ignored."""
    for key in NOT_HERE:
        value = reader.values.pop(key, None)
        complaint = None if value is None else complain("not-here", (platform, key))
        if complaint is not None:
            reader.log.refuse(reader.at(key), f"{show(value)} {complaint}")


def _share(platform: Platform, cidr: IPv4Network, zones: int) -> _Share:
    """A region without zones, where it should have some, stands with one until a rule has said so."""
    cut = layout.cut(cidr)
    if platform is not Platform.EKS:
        return _Share(cut.nodes, cut.pods, cut.services, (cut.dns_address,), (cut.sql_address,))
    vpc = layout.eks_vpc(cidr)
    parts = layout.eks_zones(cidr, max(zones, 1))
    return _Share(
        nodes=vpc,
        pods=vpc,
        services=cut.services,
        dns_addresses=tuple(zone.dns_address for zone in parts),
        sql_addresses=tuple(zone.sql_address for zone in parts),
    )
