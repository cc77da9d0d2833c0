"""Whether a GKE region's pods get the names that another's nodes are found by, from Cloud DNS."""

from __future__ import annotations

from collections.abc import Iterator

from ..findings import Failure
from .site import Site

HOP = "names"


def found(source: Site, target: Site) -> Iterator[Failure]:
    """The target's cluster has the planned domain in its VPC, which is the source's, whose pods ask Cloud DNS.

    Google's documentation, «Using Cloud DNS for GKE», additive VPC scope.
    """
    zone = target.region.network_zone
    if zone is None:
        return
    for end in (source, target):
        if end.cluster.get("dnsConfig.clusterDns") != "CLOUD_DNS":
            yield Failure(
                HOP,
                f"{end.cluster.label} does not have its names answered by Cloud DNS; "
                "set dnsConfig.clusterDns to CLOUD_DNS",
                end.cluster.urn,
            )
    domain = target.cluster.get("dnsConfig.additiveVpcScopeDnsDomain")
    wanted = zone.partition(".svc.")[2]
    if domain != wanted:
        yield Failure(
            HOP,
            f"{target.cluster.label} shows its pods to its VPC in {domain or 'no domain'}, and the plan says {wanted}; "
            "set dnsConfig.additiveVpcScopeDnsDomain",
            target.cluster.urn,
        )
    if source.network.urn != target.network.urn:
        yield Failure(
            HOP,
            f"Cloud DNS answers for {target.cluster.label} in {target.network.label} alone, and {source.region.name} "
            f"is in {source.network.label}; put both in one VPC",
            target.cluster.urn,
        )
