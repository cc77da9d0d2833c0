"""What the zones in the clouds' own DNS have in common."""

import pulumi

from ...platforms.place import Place
from ..connection import Site
from .external_dns import EndpointArgs, KeeperArgs

API: EndpointArgs = {"cidr": "0.0.0.0/0", "ports": [443]}
"""Clouds' APIs have no addresses of their own."""


class CloudZone(pulumi.ComponentResource):
    """A region's zone in its cloud's own DNS, shown to all of the stack's VPCs, and who may write to it: the region's
    external-dns alone.

    A cloud's class sets `_keeper` before it calls `register_outputs`.
    """

    _keeper: KeeperArgs

    @property
    def keeper(self) -> KeeperArgs:
        """How that external-dns does so."""
        return self._keeper


def place(site: Site) -> Place:
    """Where in its cloud a region's cluster is. Raises ValueError for one that is in none."""
    found = site.cluster.place
    if found is None:
        raise ValueError(
            f"{site.region.name} is in no cloud that could keep its names (validation refuses that before)"
        )
    return found


def in_its_cloud(site: Site, opts: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
    """`opts`, with the provider of the region's cloud."""
    provider = place(site).provider
    own = pulumi.ResourceOptions(providers=[provider] if provider is not None else None)
    return pulumi.ResourceOptions.merge(opts, own)
