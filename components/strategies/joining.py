"""Finding the cluster through an internal load balancer per region, where no node's address is known beforehand."""

from __future__ import annotations

from ..plan.balancers import join_balancer
from ..plan.defaults import SQL_PORT
from ..plan.layout import JOIN_HOST, REGION_PREFIX
from ..plan.model import Problem, RegionSettings


def join_addresses(region: RegionSettings) -> tuple[str, ...]:
    """`host:port` of the region's load balancer. Any of its addresses leads to all of the region's nodes."""
    return tuple(f"{address}:{SQL_PORT}" for address in join_balancer(region).addresses)


def without_room(path: str, region: RegionSettings) -> list[Problem]:
    """A range without a place for the load balancer that nodes join through."""
    if region.cidr.prefixlen <= REGION_PREFIX:
        return []
    return [
        Problem(
            f"{path}.cidr",
            f"{region.cidr} has no place for the load balancer that nodes join through, which takes .16.{JOIN_HOST} "
            f"of a range; give a /{REGION_PREFIX}, or take another strategy",
        )
    ]
