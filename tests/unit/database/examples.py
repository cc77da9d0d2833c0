"""Args of the components as the tests use them."""

from typing import Any

from components.database.pod_template import RegionNodes
from components.database.region_args import CockroachRegionArgs
from components.database.settings import CockroachNodeArgs

REGIONS = ("us-east1", "us-central1", "us-west1")
NODE_KEY, ROOT_KEY, VERIFIER_KEY = "NODE-PRIVATE-KEY", "ROOT-PRIVATE-KEY", "VERIFIER-PRIVATE-KEY"


def node(**changes: Any) -> CockroachNodeArgs:
    args: dict[str, Any] = {
        "image": "docker.io/cockroachdb/cockroach:v26.2.5",
        "tools_image": "docker.io/library/python:3.13.9-slim-bookworm",
        "cluster_name": "dev",
        "cpu": "2",
        "memory": "8Gi",
        "storage_size": "100Gi",
        "cache": ".25",
        "max_sql_memory": ".25",
        "max_offset": "250ms",
        "termination_grace_period_seconds": 300,
        "extra_flags": [],
        "labels": {"team": "storage"},
        **changes,
    }
    return args  # type: ignore[return-value]


def region_nodes(**changes: Any) -> RegionNodes:
    args: dict[str, Any] = {
        "region": "us-east1",
        "namespace": "us-east1",
        "nodes": 3,
        "zones": ("us-east1-a", "us-east1-b", "us-east1-c"),
        "advertise_host": "$(POD_NAME).cockroachdb.us-east1.svc.cluster.local",
        "host_network": False,
        "node": node(),
        **changes,
    }
    return RegionNodes(**args)


def host(region: str, ordinal: int) -> str:
    return f"cockroachdb-{ordinal}.cockroachdb.{region}.svc.cluster.local"


def region_args(regions: tuple[str, ...] = REGIONS, **changes: Any) -> CockroachRegionArgs:
    """Of us-east1 among `regions`."""
    args: dict[str, Any] = {
        "region": "us-east1",
        "namespace": "us-east1",
        "nodes": 3,
        "zones": ["us-east1-a", "us-east1-b", "us-east1-c"],
        "join_addresses": [f"{host(region, ordinal)}:26257" for region in regions for ordinal in range(2)],
        "members": [{"region": region, "host": host(region, ordinal)} for region in regions for ordinal in range(3)],
        "sql_address": "10.1.16.20",
        "client_cidrs": ["10.0.0.0/8"],
        "peer_cidrs": [
            f"10.{place}.{part}" for place, _ in enumerate(regions, start=1) for part in ("0.0/20", "128.0/17")
        ],
        "node": node(),
        "ca_certificate": "CA",
        "node_certificate": {"certificate": "NODE-CERTIFICATE", "private_key": NODE_KEY},
        "client_certificates": {
            "root": {"certificate": "ROOT-CERTIFICATE", "private_key": ROOT_KEY},
            "verifier": {"certificate": "VERIFIER-CERTIFICATE", "private_key": VERIFIER_KEY},
        },
        **changes,
    }
    return args  # type: ignore[return-value]
