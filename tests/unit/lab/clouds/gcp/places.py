"""What most tests of the GCP models start from: a network with a subnetwork per region."""

from __future__ import annotations

from typing import Any

from lab.clouds.gcp.base import CLUSTER, NETWORK, SUBNETWORK
from lab.clouds.store import Record
from tests.unit.lab.clouds.world import World


def network(gcp: World, name: str = "gcp") -> Record:
    return gcp.create(NETWORK, name, autoCreateSubnetworks=False, routingMode="GLOBAL")


def subnetwork(gcp: World, network: Record, number: int = 1, region: str = "us-east1") -> Record:
    """The nodes' subnetwork of the region with the range 10.NUMBER.0.0/16."""
    ranges = {"pods": f"10.{number}.128.0/17", "services": f"10.{number}.32.0/20"}
    return gcp.create(
        SUBNETWORK,
        f"{region}-nodes",
        network=network.id,
        region=region,
        ipCidrRange=f"10.{number}.0.0/20",
        secondaryIpRanges=[{"rangeName": name, "ipCidrRange": cidr} for name, cidr in ranges.items()],
    )


def balancers(gcp: World, network: Record, number: int = 1, region: str = "us-east1") -> Record:
    cidr = f"10.{number}.16.0/24"
    return gcp.create(SUBNETWORK, f"{region}-balancers", network=network.id, region=region, ipCidrRange=cidr)


def cluster_inputs(network: Record, subnetwork: Record, /, **inputs: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "location": subnetwork["region"],
        "network": network.id,
        "subnetwork": subnetwork.id,
        "networkingMode": "VPC_NATIVE",
        "ipAllocationPolicy": {"clusterSecondaryRangeName": "pods", "servicesSecondaryRangeName": "services"},
        "privateClusterConfig": {"enablePrivateNodes": True, "masterIpv4CidrBlock": "10.1.17.0/28"},
        "nodeLocations": [f"{subnetwork['region']}-{letter}" for letter in "bcd"],
        "removeDefaultNodePool": True,
        "initialNodeCount": 1,
        "deletionProtection": False,
    }
    return {**given, **inputs}


def cluster(gcp: World, network: Record, subnetwork: Record, /, **inputs: Any) -> Record:
    return gcp.create(CLUSTER, subnetwork["region"], **cluster_inputs(network, subnetwork, **inputs))
