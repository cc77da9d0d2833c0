"""One entry of `regions` -> `RegionSettings`, with addresses cut from the region's range where none are given."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

from . import defaults, layout
from .model import DnsKind, LoadBalancerSettings, Platform, RegionSettings, RegionState
from .reader import Reader


def parse_region(reader: Reader, index: int, network: IPv4Network, platform: Platform) -> RegionSettings:
    """Read one region; `index` is its place in the list, which decides its default range.

    What only a running region needs (a cluster to reach, the kind of its DNS) is not asked of one that is lost or
    removed.
    """
    state = reader.take("state", "string", "state", convert=RegionState, default=RegionState.ACTIVE)
    running = state in (RegionState.ACTIVE, RegionState.DRAINING)
    name = reader.take(
        "name", "string", "dns-label", "namespace", required="name the region, such as us-east1", default=""
    )
    cidr = reader.take("cidr", "string", "cidr", convert=IPv4Network) or layout.default_range(network, index)
    cut = layout.cut(cidr or layout.PLACEHOLDER)
    dns = reader.child("dns")
    balancer = reader.child("loadBalancer")
    managed = reader.take("dnsManaged", "boolean", default=True)
    addresses = reader.items("dnsAddresses", "string", "address", convert=IPv4Address)

    def needed(sentence: str) -> str | None:
        return sentence if running else None

    settings = RegionSettings(
        name=name,
        platform=reader.take(
            "platform", "string", "platform", "platform-available", convert=Platform, default=platform
        ),
        location=reader.take("location", "string", "label-value", default=name),
        state=state,
        nodes=reader.take("nodes", "integer", "node-count", default=defaults.NODES),
        zones=reader.items("zones", "string", "label-value") or (),
        cidr=cidr or layout.PLACEHOLDER,
        node_cidr=reader.take("nodeCidr", "string", "cidr", convert=IPv4Network, default=cut.nodes),
        pod_cidr=reader.take("podCidr", "string", "cidr", convert=IPv4Network, default=cut.pods),
        service_cidr=reader.take("serviceCidr", "string", "cidr", convert=IPv4Network, default=cut.services),
        dns_kind=dns.take(
            "kind",
            "string",
            "dns-kind",
            convert=DnsKind,
            default=DnsKind.COREDNS,
            required=needed("say which server answers the cluster's DNS: coredns or kube-dns"),
        ),
        cluster_domain=dns.take("clusterDomain", "string", "dns-name", default=defaults.CLUSTER_DOMAIN),
        dns_addresses=addresses if addresses is not None else (cut.dns_address,),
        dns_managed=managed,
        sql_addresses=(reader.take("sqlAddress", "string", "address", convert=IPv4Address, default=cut.sql_address),),
        load_balancer=LoadBalancerSettings(
            load_balancer_class=balancer.take("class", "string", "label-name"),
            annotations=balancer.pairs("annotations", [], ["annotation"]),
        ),
        kubeconfig=reader.take("kubeconfig", "string", required=needed("give the path of a kubeconfig file")),
        context=reader.take("context", "string", required=needed("name the context in that kubeconfig")),
    )
    for child in (dns, balancer, reader):
        child.close()
    return settings
