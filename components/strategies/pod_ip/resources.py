"""Strategy `pod-ip`: signer and load balancer stand with the nodes, so there is no more to connect."""

from ..connection import connect_by_plan as connect_region

__all__ = ["connect_region"]
