"""The network that both clouds' records make together."""

from __future__ import annotations

from collections.abc import Sequence

from lab.clouds import fabric_aws, fabric_gcp, fabric_vpn
from lab.clouds.fabric import Fabric, Site
from lab.clouds.store import State


def fabric(gcp: State, aws: State, sites: Sequence[Site], lost: frozenset[str] = frozenset()) -> Fabric:
    """Every region's part. VPN gateways in `lost` locations are off."""
    links = fabric_vpn.links(gcp, aws, lost)
    return {
        **fabric_gcp.routers(gcp, [site for site in sites if site.platform == "gke"], links),
        **fabric_aws.routers(aws, [site for site in sites if site.platform == "eks"], links),
    }
