"""Strategy `coredns-federated`: where each region's credential becomes the other regions' kubeconfig."""

from typing import Any

import pulumi

from ..common import other_regions
from ..connection import Offers, Site
from . import options
from .plan import STRATEGY, server_addresses
from .reader import FederatedDnsReader
from .servers import FederatedDns, FederatedDnsArgs, RemoteClusterArgs


def offer_region(site: Site, opts: pulumi.ResourceOptions) -> pulumi.Output[dict[str, Any]]:
    """A credential of this region, its API server's address and authority; and, for itself, the servers' namespace."""
    given = options.of_region(site.region).api_server
    reader = FederatedDnsReader(
        f"{site.region.name}-federated-dns-reader",
        {"generation": options.of_stack(site.settings).credential_generation},
        opts,
    )
    return pulumi.Output.all(
        server=given if given is not None else site.cluster.api_server,
        ca_certificate=reader.ca_certificate,
        token=reader.token,
        namespace=reader.namespace,
    )


def connect_region(site: Site, offers: Offers, opts: pulumi.ResourceOptions) -> FederatedDns:
    """This strategy's resources in one region. `opts`: hold the region's provider."""
    region, here, cluster = site.region, site.here, site.cluster
    of_stack = options.of_stack(site.settings)
    args: FederatedDnsArgs = {
        "kubeconfig": cluster.kubeconfig,
        "context": cluster.context,
        "dns_kind": region.dns_kind,
        "dns_zone": here.dns_zone,
        "forwards": {zone: list(addresses) for zone, addresses in here.forwards.items()},
        "addresses": list(map(str, server_addresses(region))),
        "remotes": [
            _remote(other.name, STRATEGY.dns_zone(other), other.cluster_domain, offers[other.name])
            for other in other_regions(site.settings, region)
        ],
        "owner": site.owner,
        "generation": of_stack.credential_generation,
        "image": of_stack.image,
        "owns_dns_text": cluster.owns_dns_text,
        "lost": site.lost,
    }
    if region.name in offers:
        args["namespace"] = _part(offers[region.name], "namespace")
    return FederatedDns(f"{region.name}-federated-dns", args, opts)


def _remote(region: str, zone: str, cluster_domain: str, offer: pulumi.Output[Any]) -> RemoteClusterArgs:
    return {
        "region": region,
        "zone": zone,
        "cluster_domain": cluster_domain,
        "server": _part(offer, "server"),
        "ca_certificate": _part(offer, "ca_certificate"),
        "token": offer.apply(lambda offered: offered["token"]),
    }


def _part(offer: pulumi.Output[Any], key: str) -> pulumi.Output[str]:
    """A part of an offer that is no secret; the token in it makes the whole one."""
    return pulumi.Output.unsecret(offer.apply(lambda offered: offered[key]))
