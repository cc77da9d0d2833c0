"""Every default of the config, and where the number comes from. `Pulumi.yaml` describes the same values to users."""

from __future__ import annotations

PLATFORM = "existing"
STRATEGY = "stub-domains"
NETWORK_CIDR = "10.0.0.0/8"

NODES = 3
"""Per region. One per zone in the usual three zones, so that a zone's loss leaves a quorum inside the region."""

CLUSTER_DOMAIN = "cluster.local"

VERSION = "v26.2.5"
"""The newest stable release the program was written against."""

IMAGE = "docker.io/cockroachdb/cockroach"
TOOLS_IMAGE = "docker.io/library/python:3.13.9-slim-bookworm"
"""Runs the program's own scripts, which use Python's standard library only."""

CLUSTER_NAME = "cockroachdb-multiregion"
"""`--cluster-name`: a node of another cluster that is dialled by mistake refuses to join."""

CPU = "4"
"""CockroachDB's production checklist: at least 4 vCPU per node."""

MEMORY = "16Gi"
"""CockroachDB's production checklist: 4 GiB of memory per vCPU."""

STORAGE_SIZE = "100Gi"

CACHE = ".25"
MAX_SQL_MEMORY = ".25"
"""A quarter of the container's limit each: CockroachDB's advice for production, instead of 256 MiB and 25 %."""

MAX_OFFSET = "250ms"
"""CockroachDB's advice for new multi-region clusters on clouds with good clocks (its own default is 500 ms)."""

TERMINATION_GRACE_PERIOD_SECONDS = 300
"""Long enough for a node to drain its leases and SQL connections before Kubernetes kills it."""

BACKUP_SCHEDULE = "@daily"

SQL_PORT = 26257
HTTP_PORT = 8080
DNS_PORT = 53

JOIN_NODES_PER_REGION = 3
"""At most this many of each region's first nodes are in the join list, so scaling up does not change it."""

MAX_UPSTREAMS = 15
"""CoreDNS's `forward` plugin takes no more."""

MIN_NODES_IN_ALL = 3
"""Ranges have three replicas by default: fewer nodes cannot hold them apart."""

MIN_REGIONS_TO_SURVIVE_ONE = 3
"""`SURVIVE REGION FAILURE` needs a quorum of regions after one is gone."""

MAX_NODES_PER_REGION = 100
