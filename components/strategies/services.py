"""The Kubernetes Services of a region's database, by which its own cluster and its clients know it."""

from __future__ import annotations

from ..plan.model import RegionSettings

SERVICE = "cockroachdb"
"""The headless Service, and the StatefulSet: pods are `cockroachdb-<n>`."""
PUBLIC_SERVICE = "cockroachdb-public"
SQL_SERVICE = "cockroachdb-sql"


def namespace_zone(region: RegionSettings) -> str:
    """`us-east1.svc.cluster.local`: the namespace, which no other region has, is what tells clusters apart."""
    return f"{region.name}.svc.{region.cluster_domain}"


def pod_name(region: RegionSettings, pod: str) -> str:
    """A pod under the headless Service: it outlives the pod's IP and its host."""
    return f"{pod}.{SERVICE}.{namespace_zone(region)}"


def service_names(region: RegionSettings) -> tuple[str, ...]:
    """The pod wildcard, the Services in every form a client may use, and the SQL load balancer's addresses."""
    names = (
        name
        for service in (PUBLIC_SERVICE, SQL_SERVICE, f"*.{SERVICE}")
        for name in (service, f"{service}.{region.name}", f"{service}.{namespace_zone(region)}")
    )
    return ("localhost", "127.0.0.1", *names, *(str(address) for address in region.sql_addresses))
