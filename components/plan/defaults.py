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
BACKUP = "LATEST"
"""That a database is restored from."""

GCP_NETWORK = "global"
"""One VPC: its subnets reach each other in every region, with no peering to make, to pay for or to run out of."""

GCP_RELEASE_CHANNEL = "REGULAR"
"""GKE's own default: features that RAPID has tried out, patches before STABLE has them."""

GCP_MACHINE_TYPE = "n2-standard-8"
"""8 vCPU and 32 GiB: the node's default 4 vCPU and 16 GiB, with room for Kubernetes' own agents and for growing."""

GCP_STORAGE_TYPE = "pd-ssd"
"""CockroachDB's advice for Google Cloud: persistent SSDs (or local ones, which do not outlive their machine)."""

AWS_NAT_GATEWAYS = "per-zone"
"""A zone that is lost takes no other zone's way out with it."""

AWS_INSTANCE_TYPE = "m6i.2xlarge"
"""8 vCPU and 32 GiB, as on Google Cloud; CockroachDB's advice for AWS is the m6i family."""

TRANSIT_GATEWAY_FROM = 10
"""9 regions are 36 peerings with two routes per private route table each; with 10 it is time for one gateway each."""

MIN_EKS_ZONES = 2
"""EKS wants subnets in two zones at least."""

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

MAX_DRAINING_NODES = 10
"""Nodes of a region that leave at a time: the rollout may delete the volumes of so many, and of no others."""
MAX_NODES_PER_REGION = 100
