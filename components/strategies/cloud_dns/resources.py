"""Strategy `cloud-dns`: the clusters are made with it (`components.platforms.gke`), so there is no more to connect."""

from ..connection import connect_by_plan as connect_region

__all__ = ["connect_region"]
